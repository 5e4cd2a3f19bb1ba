"""`init`: the scaffold a project lacks, as a pull or in the working tree; and timers."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pmcodex.cli.options import DryRun, Json, Repo, open_here


class Timer(StrEnum):
    """What can start pmcodex regularly."""

    SYSTEMD = "systemd"
    CRON = "cron"
    ACTIONS = "github-actions"


def register(app: typer.Typer) -> None:
    """Put the verb on the app."""
    app.command()(init)


def init(
    here: Annotated[
        bool, typer.Option("--here", help="Write into the working tree instead of a pull.")
    ] = False,
    timer: Annotated[
        Timer | None, typer.Option("--timer", help="Print what starts pmcodex regularly.")
    ] = None,
    repo: Repo = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> int:
    """Propose the files that pmcodex works with and this project lacks. Never overwrites."""
    if timer is not None:
        return _timer(timer, repo, here=here)
    if here:
        return _here(Path(repo or "."), dry_run=dry_run, json=json)
    from pmcodex.cli.rounds import end_round, one_round
    from pmcodex.core.actions import Role

    report = one_round(open_here(repo), (Role.SETUP,), dry_run=dry_run, quiet=json)
    return end_round(report, json=json, verbose=True)


def _here(folder: Path, *, dry_run: bool, json: bool) -> int:
    from pmcodex.render import print_json
    from pmcodex.scaffold import missing
    from pmcodex.texts import load_templates
    from pmcodex.workfolder import read_project, write_new

    edits = missing(read_project(folder), load_templates())
    if not dry_run:
        write_new(folder, edits)
    if json:
        print_json({"dry_run": dry_run, "files": [edit.path for edit in edits]})
        return 0
    for edit in edits:
        typer.echo(f"{'would write' if dry_run else 'wrote'} {edit.path}")
    if not edits:
        typer.echo("nothing is missing", err=True)
    return 0


def _timer(timer: Timer, repo: str | None, *, here: bool) -> int:
    """Print the timer's files, or write them below this folder with --here."""
    from pmcodex.scaffold import timer_files
    from pmcodex.texts import load_templates
    from pmcodex.workfolder import own_command, write_new

    url = repo or open_here(None).url
    edits = timer_files(timer.value, own_command(), url, load_templates())
    if here:
        write_new(Path(), edits)
    for edit in edits:
        typer.echo(f"wrote {edit.path}" if here else f"# --- {edit.path}\n{edit.text}")
    return 0
