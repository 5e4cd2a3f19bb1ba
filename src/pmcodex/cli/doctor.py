"""`doctor`: each setting and where it came from, what is wrong, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from pmcodex.cli import trouble as said
from pmcodex.cli.options import DryRun, Json, Repo, beside, open_here
from pmcodex.errors import PmcodexError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pmcodex.core.facts import Finding
    from pmcodex.ports import Entry
    from pmcodex.wiring import Session

Rows = tuple[tuple[str, str, str], ...]


def register(app: typer.Typer) -> None:
    """Put the verb on the app."""
    app.command()(doctor)


@dataclass(frozen=True, slots=True)
class Examined:
    """What the doctor saw: settings, policy and project as rows of three, and findings."""

    settings: Rows
    policy: Rows
    project: Rows
    findings: tuple[Finding, ...]


def doctor(
    renumber: Annotated[
        bool, typer.Option("--renumber", help="Propose new ids for duplicate ones, by pull.")
    ] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Leave with 3 if there are findings.")
    ] = False,
    repo: Repo = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> int:
    """Show settings, where each comes from, and what is wrong.

    It goes as far as it can: a project that can't be read is said at the end.
    """
    session = open_here(repo)
    if renumber:
        from pmcodex.cli.rounds import Asked, play

        return play(
            session, Asked("doctor", ("registrar",), dry_run, json, verbose=True, patient=True)
        )
    from pmcodex.render.records import say_examined
    from pmcodex.render.text import print_json

    examined, fault = _examine(session)
    if json:
        print_json(examined)
    else:
        sections = (
            ("project", examined.project),
            ("settings", examined.settings),
            ("policy", examined.policy),
        )
        say_examined(sections, examined.findings)
    if fault is not None:
        return said.tell(fault, json=False)
    return 3 if exit_code and examined.findings else 0


def _examine(session: Session) -> tuple[Examined, PmcodexError | None]:
    """What can be seen, and what kept us from seeing the rest."""
    from pmcodex.core.facts import Finding

    sandbox = session.sandbox().kind
    findings = (
        *session.loaded.findings,
        *_unused(session),
        *_unsafe(session, sandbox),
        *_exposed(session),
    )
    project = _surroundings(session, sandbox)
    try:
        policy, more, found = _look(session)
    except PmcodexError as error:
        error = said.redactor().clean_error(error)
        told = Finding("unreadable", "project", error.sentence, error.hint)
        return Examined(session.loaded.rows(), (), project, (*findings, told)), error
    return Examined(session.loaded.rows(), policy, (*project, *more), (*findings, *found)), None


def _look(session: Session) -> tuple[Rows, Rows, tuple[Finding, ...]]:
    """The policy, facts of the project, and what is wrong with it."""
    from pmcodex.config.loading import policy_rows
    from pmcodex.observe import POLICY_PATH, observe

    with beside(session, "doctor") as session:
        forge = session.forge()
        seen = observe(session.sources(forge), ())
        tree = session.git.tree(seen.snapshot.main)
        entry = [e for e in tree if e.path == POLICY_PATH and e.mode.startswith("100")]
        text = session.git.read([entry[0].oid])[entry[0].oid].decode() if entry else None
        session.store.save()
    main = (("default branch", seen.snapshot.default_branch, seen.snapshot.main[:10]),)
    findings = (
        *session.store.findings,
        *forge.findings(),
        *seen.board.findings,
        *_unread(tree, POLICY_PATH, seen.policy.tasks.dir),
    )
    return policy_rows(seen.policy, text), main, findings


def _unread(tree: Iterable[Entry], policy: str, tasks: str) -> Iterator[Finding]:
    """What has the name of a policy or a task, and is no plain file: nothing of it is read."""
    from pmcodex.core.facts import Finding

    folder = f"{tasks.rstrip('/')}/"
    hint = "commit a plain file in its place"
    for entry in tree:
        if entry.path.startswith(f"{policy}/"):
            message = "it is a folder, so every setting of the policy is at its default"
            yield Finding("unread", policy, message, hint)
            return
        name = entry.path.removeprefix(folder)
        if entry.mode.startswith("100") or name.startswith(("_", "README")):
            continue
        kind = "a symbolic link" if entry.mode == "120000" else "no plain file"
        if entry.path == policy:
            message = f"it is {kind}, so every setting of the policy is at its default"
            yield Finding("unread", policy, message, hint)
        elif entry.path.startswith(folder) and entry.path.endswith(".md"):
            yield Finding("unread", entry.path, f"it is {kind}, so no task is read there", hint)


def _surroundings(session: Session, sandbox: str) -> Rows:
    return (
        ("address", session.url, ""),
        ("forge", "git", "refs/pmcodex/forge of that repository"),
        ("you", session.person.name, "approve and merge in this name"),
        ("this machine", session.machine, "claims tasks in this name"),
        ("state folder", str(session.folder), ""),
        ("sandbox", sandbox, "where project code runs"),
    )


def _unsafe(session: Session, sandbox: str) -> tuple[Finding, ...]:
    """Project code that can't be run, or that runs without walls."""
    from pmcodex.core.facts import Finding

    if sandbox != "none":
        return ()
    if session.loaded.settings.allow_unsandboxed:
        message, hint = "project code runs without walls", "take PMCODEX_ALLOW_UNSANDBOXED away"
    else:
        message, hint = "no check and no command can run", "for example: apt install bubblewrap"
    return (Finding("sandbox", "this machine", f"it has no sandbox: {message}", hint),)


def _exposed(session: Session) -> tuple[Finding, ...]:
    """A .env that the next `git add --all` would publish, or that is in git already."""
    from pmcodex.core.facts import Finding
    from pmcodex.git.local import why_committable

    if session.local is None or not (session.local.folder / ".env").is_file():
        return ()
    why = why_committable(session.local.folder, ".env")
    hint = "put a line `.env` into .gitignore"
    if "tracked" in why:
        hint = "run `git rm --cached .env`, " + hint + ", and revoke what secrets it held"
    return (Finding("exposed", ".env", f"it may hold secrets, and {why}", hint),) if why else ()


def _unused(session: Session) -> tuple[Finding, ...]:
    """Settings that are set and that this version has no use for."""
    from pmcodex.core.facts import Finding

    return tuple(
        Finding(
            "unused-setting",
            name,
            "is set, but this version works without it: "
            + (
                "the forge is the embedded one"
                if name.startswith("GH_")
                else "no role asks a model"
            ),
            "leave it or take it out",
        )
        for name, origin in session.loaded.origins.items()
        if origin != "default" and name.startswith(("GH_", "LLM_", "OLLAMA_"))
    )
