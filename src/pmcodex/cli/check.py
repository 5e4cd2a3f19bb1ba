"""`check`: run the project's checks on open pulls in the sandbox and record them, as CI would."""

from __future__ import annotations

from dataclasses import replace

import typer

from pmcodex.cli.options import PATIENCE, DryRun, Json, PullNumber, Repo, Verbose, open_here


def register(app: typer.Typer) -> None:
    """Put the verb on the app."""
    app.command()(check)


def check(
    pr: PullNumber = None,
    exit_code: bool = typer.Option(False, "--exit-code", help="Leave with 1 if a check is red."),
    repo: Repo = None,
    dry_run: DryRun = False,
    json: Json = False,
    verbose: Verbose = False,
) -> int:
    """Run the project's checks on open pulls that lack them, and record the outcomes."""
    from pmcodex.cli.rounds import end_round
    from pmcodex.core.actions import Role
    from pmcodex.render import say_outcome
    from pmcodex.round import run_round

    session = open_here(repo)
    with session.locked("pmcodex check", PATIENCE):
        frame = session.frame(dry_run=dry_run, only_pull=pr or 0)
        report = run_round(
            frame if json else replace(frame, on_outcome=say_outcome), (Role.CHECKER,)
        )
    code = end_round(report, json=json, verbose=verbose)
    red = any(" is failure:" in outcome.detail for outcome in report.outcomes)
    return code or int(exit_code and red)
