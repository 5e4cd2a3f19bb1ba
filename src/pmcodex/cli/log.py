"""`log`: the last actions on this machine, and `--follow` for the next ones."""

from __future__ import annotations

from typing import Annotated

import typer

from pmcodex.cli.options import Repo, open_here


def register(app: typer.Typer) -> None:
    """Put the verb on the app."""
    app.command()(log)


def log(
    last: Annotated[int, typer.Option("--last", min=0, metavar="N", help="How many actions.")] = 50,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Wait for more.")] = False,
    repo: Repo = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> int:
    """Show what was done on this machine, the newest last."""
    from pmcodex.render.records import say_entry

    session = open_here(repo)
    entries = session.journal.read_last(last)
    for entry in entries:
        say_entry(entry, json=json)
    if follow:
        for entry in session.journal.follow(session.clock.sleep):
            say_entry(entry, json=json)
    elif not entries and last and not json:
        typer.echo("nothing was done here yet", err=True)
    return 0
