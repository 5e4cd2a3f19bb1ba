"""`check`: run the project's checks on open pulls in the sandbox and record them, as CI would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pmcodex.cli.options import (
    DryRun,
    Json,
    PullNumber,
    Repo,
    Verbose,
    open_here,
    patiently,
)
from pmcodex.cli.rounds import Asked, play

if TYPE_CHECKING:
    from pmcodex.wiring import Session


def register(app: typer.Typer) -> None:
    """Put the verb on the app."""
    app.command()(check)


def check(
    pr: PullNumber = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Leave with 1 if a check is red.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Run them anew, whatever is recorded.")
    ] = False,
    repo: Repo = None,
    dry_run: DryRun = False,
    json: Json = False,
    verbose: Verbose = False,
) -> int:
    """Run the project's checks on open pulls.

    They run in a sandbox, and their outcomes are recorded on the pulls, as CI would do it. Which
    checks there are, .llm-team.yml on the default branch says. A check that has an outcome on a
    pull's head commit is run again only with --again, or once its line in .llm-team.yml changed.
    """
    asked = Asked(
        "check",
        ("checker",),
        dry_run,
        json,
        verbose,
        only_pull=pr or 0,
        patient=True,
        again=again,
    )
    session = open_here(repo)
    code = play(session, asked)
    return code or int(exit_code and _any_red(session, pr or 0))


def _any_red(session: Session, only: int) -> bool:
    from pmcodex.observe import observe

    with patiently(session, "check"):
        pulls = observe(session.sources(session.forge()), ()).snapshot.pulls
    return any(
        found.state.value == "failure"
        for pull in pulls
        if pull.state.value == "open" and only in (0, pull.number)
        for found in pull.checks
    )
