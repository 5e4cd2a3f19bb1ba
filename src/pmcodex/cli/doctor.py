"""`doctor`: each setting and where it came from, what is wrong, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from pmcodex.cli.options import PATIENCE, DryRun, Json, Repo, open_here

if TYPE_CHECKING:
    from pmcodex.core.facts import Finding
    from pmcodex.observe import Seen
    from pmcodex.wiring import Session


def register(app: typer.Typer) -> None:
    """Put the verb on the app."""
    app.command()(doctor)


@dataclass(frozen=True, slots=True)
class Examined:
    """What the doctor saw: settings, policy and facts as rows of three, and findings."""

    settings: tuple[tuple[str, str, str], ...]
    policy: tuple[tuple[str, str, str], ...]
    facts: tuple[tuple[str, str, str], ...]
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
    """Show every setting and its origin, and what is wrong with the project."""
    from pmcodex.render import as_data, print_json, say_examined

    session = open_here(repo)
    if renumber:
        from pmcodex.cli.rounds import end_round, one_round
        from pmcodex.core.actions import Role

        report = one_round(session, (Role.REGISTRAR,), dry_run=dry_run, quiet=json)
        return end_round(report, json=json, verbose=True)
    examined = _examine(session)
    if json:
        print_json(as_data(examined))
    else:
        say_examined(examined.settings, examined.policy, examined.facts, examined.findings)
    return 3 if exit_code and examined.findings else 0


def _examine(session: Session) -> Examined:
    from pmcodex.config.loading import policy_rows
    from pmcodex.observe import POLICY_PATH, observe

    with session.locked("pmcodex doctor", PATIENCE):
        forge = session.forge()
        seen = observe(session.sources(forge), ())
        entry = [e for e in session.git.tree(seen.snapshot.main) if e.path == POLICY_PATH]
        text = session.git.read([entry[0].oid])[entry[0].oid].decode() if entry else None
        session.store.save()
    findings = (
        *session.loaded.findings,
        *session.store.findings,
        *forge.findings(),
        *seen.board.findings,
        *_unused(session),
    )
    return Examined(
        session.loaded.rows(), policy_rows(seen.policy, text), _facts(session, seen), findings
    )


def _facts(session: Session, seen: Seen) -> tuple[tuple[str, str, str], ...]:
    from pmcodex.errors import Refused

    try:
        sandbox = session.sandbox().kind
    except Refused as error:
        sandbox = error.sentence
    return (
        ("project", session.url, ""),
        ("forge", "git", "refs/pmcodex/forge of the project's remote"),
        ("default branch", seen.snapshot.default_branch, seen.snapshot.main[:10]),
        ("you", session.person.name, "who `pull approve` and `pull merge` are recorded as"),
        ("this machine", session.machine, "who claims"),
        ("state folder", str(session.folder), ""),
        ("sandbox", sandbox, "where project code runs"),
    )


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
