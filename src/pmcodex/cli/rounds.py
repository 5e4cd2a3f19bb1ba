"""The verbs of the roles: `plan`, `taskmaster`, `developer`, `review`, `integrate`, and `run`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from pmcodex.cli.options import DryRun, Json, PullNumber, Repo, Verbose, open_here

if TYPE_CHECKING:
    from pmcodex.core.actions import Role
    from pmcodex.round import Report
    from pmcodex.wiring import Session


def register(app: typer.Typer) -> None:
    """Put the verbs on the app."""
    for verb in (plan, taskmaster, developer, review, integrate, run):
        app.command()(verb)


def plan(
    repo: Repo = None, dry_run: DryRun = False, json: Json = False, verbose: Verbose = False
) -> int:
    """Planner: read the PRD, propose docs/PLAN.md by pull."""
    from pmcodex.core.actions import Role
    from pmcodex.render import milestones_json

    report = one_round(open_here(repo), (Role.PLANNER,), dry_run=dry_run, quiet=json)
    extra = milestones_json(report) if json else {}
    return end_round(report, json=json, verbose=verbose, extra=extra)


def taskmaster(
    repo: Repo = None, dry_run: DryRun = False, json: Json = False, verbose: Verbose = False
) -> int:
    """Taskmaster: turn uncovered PRD items into tasks, by one rolling pull."""
    from pmcodex.core.actions import Role

    report = one_round(open_here(repo), (Role.TASKMASTER,), dry_run=dry_run, quiet=json)
    return end_round(report, json=json, verbose=verbose)


def developer(
    repo: Repo = None, dry_run: DryRun = False, json: Json = False, verbose: Verbose = False
) -> int:
    """Developer: claim the next task that can be worked, do it, open its pull."""
    from pmcodex.core.actions import Role

    report = one_round(open_here(repo), (Role.DEVELOPER,), dry_run=dry_run, quiet=json)
    return end_round(report, json=json, verbose=verbose)


def review(
    pr: PullNumber = None,
    repo: Repo = None,
    dry_run: DryRun = False,
    json: Json = False,
    verbose: Verbose = False,
) -> int:
    """Reviewer: keep one comment per open pull; checks, acceptance, risk."""
    from pmcodex.core.actions import Role

    report = one_round(
        open_here(repo), (Role.REVIEWER,), dry_run=dry_run, quiet=json, only_pull=pr or 0
    )
    return end_round(report, json=json, verbose=verbose)


def integrate(
    poll: Annotated[
        bool,
        typer.Option(
            "--poll", help="Look at the forge now; every round does, so it may be left out."
        ),
    ] = False,
    repo: Repo = None,
    dry_run: DryRun = False,
    json: Json = False,
    verbose: Verbose = False,
) -> int:
    """Integrator: write what merged and rejected pulls mean into the task files, by pull."""
    from pmcodex.core.actions import Role

    del poll
    report = one_round(open_here(repo), (Role.INTEGRATOR,), dry_run=dry_run, quiet=json)
    return end_round(report, json=json, verbose=verbose)


def run(
    watch: Annotated[
        float,
        typer.Option("--watch", metavar="SECONDS", min=0, help="Go on, a round every so often."),
    ] = 0,
    repo: Repo = None,
    dry_run: DryRun = False,
    json: Json = False,
    verbose: Verbose = False,
) -> int:
    """One round of every role; silent when nothing happened. For cron."""
    from pmcodex.core.actions import TEAM

    session = open_here(repo)
    while True:
        report = one_round(session, TEAM, dry_run=dry_run, quiet=json, may_rest=not dry_run)
        code = end_round(report, json=json, verbose=verbose, silent=True)
        if not watch:
            return code
        session.clock.sleep(watch)


def one_round(
    session: Session,
    roles: tuple[Role, ...],
    *,
    dry_run: bool,
    quiet: bool,
    only_pull: int = 0,
    may_rest: bool = False,
) -> Report | None:
    """One round of these roles under the project's lock, told as it goes unless `quiet`.

    None, with `may_rest`: nothing moved since such a round found nothing to do.
    """
    with session.locked(" ".join(["pmcodex", *sys.argv[1:]])):
        idle_key = session.idle_key(roles) if may_rest else ""
        if idle_key and session.rests(idle_key):
            return None
        from dataclasses import replace

        from pmcodex.render import say_outcome
        from pmcodex.round import run_round

        frame = session.frame(dry_run=dry_run, only_pull=only_pull, idle_key=idle_key)
        if not quiet:
            frame = replace(frame, on_outcome=say_outcome)
        return run_round(frame, roles)


def end_round(
    report: Report | None,
    *,
    json: bool,
    verbose: bool,
    silent: bool = False,
    extra: dict[str, object] | None = None,
) -> int:
    """Say what is left to say of a round and return its exit code."""
    if report is None and not json:
        return 0
    from pmcodex.render import print_json, report_json, say_rest
    from pmcodex.round import Report

    report = report or Report("")
    if json:
        print_json({**(extra or {}), **report_json(report)})
    else:
        say_rest(report, verbose=verbose or (sys.stderr.isatty() and not silent))
    return report.exit_code
