"""`pull list|show|approve|merge|close|reopen|comment|label`: the person's side of the forge."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from pmcodex.cli.options import PATIENCE, Json, Repo, open_here

if TYPE_CHECKING:
    from pmcodex.core.facts import Pull
    from pmcodex.ports import Forge, Git

app = typer.Typer(
    help="Look at pulls, approve, merge, close or comment on them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Number = Annotated[int, typer.Argument(metavar="N", min=1, help="The pull's number.")]


@app.command("list")
def list_(
    all_: Annotated[bool, typer.Option("--all", help="Closed and merged ones too.")] = False,
    repo: Repo = None,
    json: Json = False,
) -> int:
    """List pulls."""
    from pmcodex.render import print_json, pull_json, say_pulls

    with _forge(repo, "list") as (forge, _git):
        pulls = [pull for pull in forge.pulls() if all_ or pull.state.value == "open"]
    if json:
        print_json([pull_json(pull) for pull in pulls])
    else:
        say_pulls(pulls)
    return 0


@app.command()
def show(
    number: Number,
    diff: Annotated[bool, typer.Option("--diff", help="The diff as well.")] = False,
    repo: Repo = None,
    json: Json = False,
) -> int:
    """Show one pull: its words, checks, reviews and comments."""
    from pmcodex.core.facts import PullState
    from pmcodex.render import as_data, print_json, say_pull

    with _forge(repo, "show") as (forge, git):
        pull = _find(forge, number)
        refs = git.refs()
        text = ""
        if diff and pull.state is PullState.OPEN:
            base = git.merge_base(refs[f"refs/heads/{pull.base}"], pull.head_sha)
            text = git.diff(base, pull.head_sha)
        elif diff and pull.merge_sha:
            text = git.diff(pull.base_sha, pull.merge_sha)
    if json:
        print_json({**as_data(pull), **({"diff": text} if diff else {})})
    else:
        say_pull(pull, text)
    return 0


@app.command()
def approve(
    number: Number,
    message: Annotated[str, typer.Option("--message", "-m", help="Words of the review.")] = "",
    repo: Repo = None,
) -> int:
    """Approve a pull, in your name."""
    from pmcodex.core.facts import Verdict

    with _forge(repo, "approve") as (forge, _git):
        _find(forge, number)
        forge.review(number, Verdict.APPROVED, message)
    typer.echo(f"pull {number} is approved by {forge.me()}")
    return 0


@app.command()
def merge(
    number: Number,
    head: Annotated[
        str, typer.Option("--head", metavar="SHA", help="Only if the head is still this commit.")
    ] = "",
    anyway: Annotated[bool, typer.Option("--anyway", help="Even if checks are not green.")] = False,
    repo: Repo = None,
) -> int:
    """Squash-merge a pull into its base. Refused while a check is red or still missing."""
    from pmcodex.core.facts import PullState
    from pmcodex.errors import Refused
    from pmcodex.ports import MergeEnd

    with _forge(repo, "merge") as (forge, _git):
        pull = _find(forge, number)
        if pull.state is PullState.OPEN and not anyway:
            _require_no_red(pull)
        merged = forge.merge(
            number,
            expected_head=_whole(head, pull.head_sha),
            message=f"{pull.title} (#{number})",
        )
    if merged.ended is not MergeEnd.MERGED:
        raise Refused(f"pull {number} was not merged: {merged.detail}", hint=_HINTS[merged.ended])
    typer.echo(f"pull {number} is merged into {pull.base} as {merged.sha[:10]}")
    return 0


@app.command()
def close(number: Number, repo: Repo = None) -> int:
    """Close a pull without merging it. Its task becomes blocked until its file is changed."""
    with _forge(repo, "close") as (forge, _git):
        _find(forge, number)
        forge.close_pull(number)
    typer.echo(f"pull {number} is closed")
    return 0


@app.command()
def reopen(number: Number, repo: Repo = None) -> int:
    """Open a closed pull again."""
    with _forge(repo, "reopen") as (forge, _git):
        _find(forge, number)
        forge.reopen_pull(number)
    typer.echo(f"pull {number} is open again")
    return 0


@app.command()
def comment(
    number: Number,
    text: Annotated[str, typer.Argument(help="What to say.")],
    repo: Repo = None,
) -> int:
    """Comment on a pull, in your name."""
    with _forge(repo, "comment") as (forge, _git):
        _find(forge, number)
        forge.create_comment(number, text)
    typer.echo(f"commented on pull {number}")
    return 0


@app.command()
def label(
    number: Number,
    name: Annotated[str, typer.Argument(help="For example ready_for_integration.")],
    repo: Repo = None,
) -> int:
    """Put a label on a pull."""
    with _forge(repo, "label") as (forge, _git):
        _find(forge, number)
        forge.add_label(number, name)
    typer.echo(f"pull {number} carries {name}")
    return 0


_HINTS = {
    "stale": "look at it again with `pmcodex pull show`, then merge",
    "conflict": "close it and set its task back to queued, or merge the base into its branch",
    "refused": "see what it says above, then merge again",
}


@contextmanager
def _forge(repo: str | None, verb: str) -> Iterator[tuple[Forge, Git]]:
    """The project's forge, acting as the person at the keyboard."""
    session = open_here(repo)
    with session.locked(f"pmcodex pull {verb}", PATIENCE):
        yield session.forge(session.person), session.git


def _find(forge: Forge, number: int) -> Pull:
    from pmcodex.errors import InvalidInput

    for pull in forge.pulls():
        if pull.number == number:
            return pull
    raise InvalidInput(f"there is no pull {number}", hint="`pmcodex pull list --all` shows them")


def _require_no_red(pull: Pull) -> None:
    from pmcodex.core.facts import CheckState
    from pmcodex.errors import Refused

    bad = [
        check for check in pull.checks if check.state in (CheckState.FAILURE, CheckState.PENDING)
    ]
    if bad:
        words = "; ".join(f"{check.name} is {check.state.value}" for check in bad)
        raise Refused(
            f"pull {pull.number} is not green: {words}",
            hint="mend it and run `pmcodex check`, or merge it with --anyway",
        )


def _whole(given: str, head_sha: str) -> str:
    """The sha to expect: what was given, in full where it is the head's beginning."""
    return head_sha if not given or (len(given) >= 7 and head_sha.startswith(given)) else given
