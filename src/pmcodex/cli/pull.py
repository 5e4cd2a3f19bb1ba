"""`pull list|show|approve|merge|close|reopen|comment|label`: the person's side of the forge."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from pmcodex.cli.options import Json, Repo, beside, open_here, show_help

if TYPE_CHECKING:
    from pmcodex.core.facts import Pull
    from pmcodex.ports import Forge, Git
    from pmcodex.wiring import Session

app = typer.Typer(
    help="Look at pulls; approve, merge, close or comment on them.", rich_markup_mode=None
)

Number = Annotated[int, typer.Argument(metavar="N", min=1, help="The pull's number.")]


@app.callback(invoke_without_command=True)
def _group(context: typer.Context) -> None:
    show_help(context)


@app.command("list")
def list_(
    every: Annotated[bool, typer.Option("--all", help="Closed and merged ones too.")] = False,
    repo: Repo = None,
    json: Json = False,
) -> int:
    """List the open pulls."""
    from pmcodex.render.pulls import pull_json, say_pulls
    from pmcodex.render.text import print_json

    with _forge(repo, "list") as (forge, _git):
        pulls = [pull for pull in forge.pulls() if every or pull.state.value == "open"]
    if json:
        print_json({"pulls": [pull_json(pull) for pull in pulls]})
    elif pulls:
        say_pulls(pulls)
    else:
        typer.echo("no pulls" if every else "no open pulls", err=True)
    return 0


@app.command()
def show(
    number: Number,
    diff: Annotated[bool, typer.Option("--diff", help="The diff as well.")] = False,
    repo: Repo = None,
    json: Json = False,
) -> int:
    """Show one pull: its words, checks, reviews and comments."""
    from pmcodex.render.pulls import say_pull
    from pmcodex.render.text import as_data, print_json

    with _forge(repo, "show") as (forge, git):
        pull = _find(forge, number)
        text = _diff(pull, git) if diff else ""
    if json:
        print_json({**as_data(pull), **({"diff": text} if diff else {})})
    else:
        say_pull(pull, text)
    return 0


@app.command()
def approve(
    number: Number,
    message: Annotated[str, typer.Option("--message", "-m", help="Words to go with it.")] = "",
    repo: Repo = None,
    json: Json = False,
) -> int:
    """Approve a pull, in your name."""
    from pmcodex.core.facts import Verdict

    with _forge(repo, "approve") as (forge, _git):
        pull = _find(forge, number)
        forge.review(number, Verdict.APPROVED, message)
    return _did(pull, f"is approved by {forge.me()}", json, by=forge.me())


@app.command()
def merge(
    number: Number,
    head: Annotated[
        str, typer.Option("--head", metavar="SHA", help="Only if the head is still this commit.")
    ] = "",
    anyway: Annotated[bool, typer.Option("--anyway", help="Even if checks are not green.")] = False,
    auto: Annotated[
        bool, typer.Option("--auto", help="Not now: by `integrate`, once its checks are green.")
    ] = False,
    repo: Repo = None,
    json: Json = False,
) -> int:
    """Squash a pull into its base. Refused while a check is red or running."""
    from pmcodex.core.facts import PullState
    from pmcodex.errors import Refused
    from pmcodex.ports import MergeEnd

    with beside(open_here(repo), "pull merge") as session:
        forge = session.forge(session.person)
        pull = _find(forge, number)
        if auto:
            forge.request_merge(number, expected_head=_whole(head, pull.head_sha))
            return _did(pull, "will be merged once it is green", json)
        if pull.state is PullState.OPEN and not anyway:
            _require_no_red(_as_checked(pull, session))
        merged = forge.merge(
            number,
            expected_head=_whole(head, pull.head_sha),
            message=f"{pull.title} (#{number})",
        )
    if merged.ended is not MergeEnd.MERGED:
        hint = _ENDED.get(pull.state, _HINTS[merged.ended]).format(number)
        raise Refused(f"pull {number} was not merged: {merged.detail}", hint=hint)
    words = f"is merged into {pull.base} as {merged.sha[:10]}"
    return _did(pull, words, json, merge_sha=merged.sha)


@app.command()
def close(number: Number, repo: Repo = None, json: Json = False) -> int:
    """Close a pull unmerged. Its task is blocked until its file changes."""
    with _forge(repo, "close") as (forge, _git):
        pull = _find(forge, number)
        forge.close_pull(number)
    return _did(pull, "is closed", json)


@app.command()
def reopen(number: Number, repo: Repo = None, json: Json = False) -> int:
    """Open a closed pull again."""
    with _forge(repo, "reopen") as (forge, _git):
        pull = _find(forge, number)
        forge.reopen_pull(number)
    return _did(pull, "is open again", json)


@app.command()
def comment(
    number: Number,
    text: Annotated[str, typer.Argument(help="What to say.")],
    repo: Repo = None,
    json: Json = False,
) -> int:
    """Comment on a pull, in your name."""
    from pmcodex.errors import UsageFault

    if not text.strip():
        raise UsageFault("a comment needs words", hint='pmcodex pull comment 3 "Looks good"')
    with _forge(repo, "comment") as (forge, _git):
        pull = _find(forge, number)
        forge.create_comment(number, text)
    return _did(pull, f"has a comment by {forge.me()}", json, by=forge.me())


@app.command()
def label(
    number: Number,
    name: Annotated[str, typer.Argument(help="For example ready_for_integration.")],
    repo: Repo = None,
    json: Json = False,
) -> int:
    """Put a label on a pull."""
    from pmcodex.errors import UsageFault

    if not name.strip() or not name.isprintable():
        raise UsageFault("a label is one line of words", hint="for example ready_for_integration")
    with _forge(repo, "label") as (forge, _git):
        pull = _find(forge, number)
        forge.add_label(number, name)
    return _did(pull, f"carries the label {name}", json, label=name)


_ENDED = {
    "closed": "`pmcodex pull reopen {}` opens it again, if that is meant",
    "merged": "nothing is left to do; `pmcodex pull show {}` shows it",
}
_HINTS = {
    "stale": "look at it again with `pmcodex pull show`, then merge",
    "conflict": "close it and set its task back to queued, or merge the base into its branch",
    "refused": "mend that, then merge again",
}


@contextmanager
def _forge(repo: str | None, verb: str) -> Iterator[tuple[Forge, Git]]:
    """The project's forge, acting as the person at the keyboard."""
    with beside(open_here(repo), f"pull {verb}") as session:
        yield session.forge(session.person), session.git


def _find(forge: Forge, number: int) -> Pull:
    from pmcodex.errors import InvalidInput

    for pull in forge.pulls():
        if pull.number == number:
            return pull
    raise InvalidInput(f"there is no pull {number}", hint="`pmcodex pull list --all` shows them")


def _did(pull: Pull, words: str, json: bool, **facts: str) -> int:
    """Say what was done to a pull."""
    from pmcodex.render.text import print_json, say

    if json:
        print_json({"pull": pull.number, "says": f"pull {pull.number} {words}", **facts})
    else:
        say(f"pull {pull.number} {words}")
    return 0


def _diff(pull: Pull, git: Git) -> str:
    """What the pull changes against where it left its base; empty where its head is gone."""
    base = pull.merge_sha or git.refs().get(f"refs/heads/{pull.base}", "")
    known = git.is_ancestor(base, base) and git.is_ancestor(pull.head_sha, pull.head_sha)
    start = git.merge_base(base, pull.head_sha) if known else ""
    return git.diff(start, pull.head_sha) if start else ""


def _as_checked(pull: Pull, session: Session) -> Pull:
    """The pull with what its checks say by today's policy.

    A policy that can't be read takes back no outcome: a pull that mends it must be mergeable.
    """
    from pmcodex.core.outcomes import in_force
    from pmcodex.errors import InvalidInput
    from pmcodex.observe import policy_today

    try:
        policy = policy_today(session.git, session.loaded.settings.default_branch)
    except InvalidInput:
        return pull
    return in_force(pull, policy)


def _require_no_red(pull: Pull) -> None:
    from pmcodex.core.facts import CheckState
    from pmcodex.errors import Refused

    words = {CheckState.FAILURE: "red", CheckState.PENDING: "still running"}
    bad = [f"{check.name} is {words[check.state]}" for check in pull.checks if check.state in words]
    if bad:
        raise Refused(
            f"pull {pull.number} is not green: {'; '.join(bad)}",
            hint=f"push a mend and run `pmcodex check`, run the same commit's checks anew with"
            f" `pmcodex check --again --pr {pull.number}`, or merge it with --anyway",
        )


def _whole(given: str, head_sha: str) -> str:
    """The sha to expect: what was given, in full where it is the head's beginning."""
    return head_sha if not given or (len(given) >= 7 and head_sha.startswith(given)) else given
