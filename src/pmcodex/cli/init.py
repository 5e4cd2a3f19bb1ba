"""`init`: the scaffold a project lacks, as a pull or in the working tree; and timers."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pmcodex.cli.options import DryRun, Json, Repo, open_here
from pmcodex.errors import InvalidInput

if TYPE_CHECKING:
    from pmcodex.core.actions import FileEdit


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
        Timer | None,
        typer.Option("--timer", help="Print what starts pmcodex regularly; with --here, write it."),
    ] = None,
    repo: Repo = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> int:
    """Propose the files pmcodex works with, by pull.

    Only those that this project lacks: nothing is ever overwritten.
    """
    if timer is not None:
        return _timer(timer, repo, here=here, dry_run=dry_run, json=json)
    if here:
        return _here(repo, dry_run=dry_run, json=json)
    from pmcodex.cli.rounds import Asked, play

    asked = Asked("init", ("setup",), dry_run, json, verbose=True, patient=True)
    return play(open_here(repo), asked)


def _here(repo: str | None, *, dry_run: bool, json: bool) -> int:
    from pmcodex.config.loading import read_policy
    from pmcodex.observe import POLICY_PATH
    from pmcodex.scaffold import missing
    from pmcodex.texts import load_templates
    from pmcodex.workfolder import read_project, read_text, write_new

    folder = _top(repo)
    text = read_text(folder, POLICY_PATH)
    policy = read_policy(text, POLICY_PATH) if text is not None else None
    edits = missing(read_project(folder), load_templates(), policy)
    if not dry_run:
        write_new(folder, edits)
    _tell(edits, dry_run=dry_run, json=json)
    if not edits and not json:
        typer.echo("nothing is missing", err=True)
    return 0


def _top(repo: str | None) -> Path:
    """The top of the repository that a folder is in, or the folder where it is in none.

    Raises InvalidInput for what is no folder: nothing can be written into an address.
    """
    from pmcodex.git.local import describe_repository

    folder = Path(repo or ".")
    if not folder.is_dir():
        raise InvalidInput(f"{repo} is not a folder", hint="without --here, it would be a pull")
    local = describe_repository(folder)
    return local.folder if local is not None else folder


def _timer(timer: Timer, repo: str | None, *, here: bool, dry_run: bool, json: bool) -> int:
    """Print the timer's files, or write them below this folder with --here."""
    from pmcodex.render.text import print_json
    from pmcodex.scaffold import timer_files
    from pmcodex.texts import load_templates
    from pmcodex.workfolder import own_command, write_new

    session = open_here(repo)
    # A folder of ours has its .env beside it, which the address of its remote has not.
    project = str(session.local.folder) if session.local is not None else session.url
    edits = timer_files(timer.value, own_command(), project, load_templates())
    if here:
        if not dry_run:
            write_new(_top(repo), edits)
        _tell(edits, dry_run=dry_run, json=json)
    elif json:
        print_json({"files": [{"path": edit.path, "text": edit.text} for edit in edits]})
    else:
        for edit in edits:
            typer.echo(f"# --- {edit.path}\n{edit.text}", nl=False)
    return 0


def _tell(edits: Sequence[FileEdit], *, dry_run: bool, json: bool) -> None:
    from pmcodex.render.text import print_json, say

    if json:
        print_json({"dry_run": dry_run, "files": [edit.path for edit in edits]})
        return
    for edit in edits:
        say(f"{'would write' if dry_run else 'wrote'} {edit.path}")
