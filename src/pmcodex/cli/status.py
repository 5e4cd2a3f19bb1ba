"""`status`: the board, what waits on what, open pulls, what needs a person."""

from __future__ import annotations

import typer

from pmcodex.cli.options import PATIENCE, Json, Repo, open_here


def register(app: typer.Typer) -> None:
    """Put the verb on the app."""
    app.command()(status)


def status(repo: Repo = None, json: Json = False) -> int:
    """Show the board: every task's effective state, open pulls, and what needs you."""
    from pmcodex.core.actions import Role
    from pmcodex.core.board import needs_human
    from pmcodex.decide import decide
    from pmcodex.observe import observe
    from pmcodex.render import as_data, print_json, pull_json, say_status, task_json
    from pmcodex.round import view_of

    session = open_here(repo)
    with session.locked("pmcodex status", PATIENCE):
        frame = session.frame()
        seen = observe(frame.sources, ())
        session.store.save()
    notes = decide(Role.DEVELOPER, view_of(frame, seen)).notes
    asks = needs_human(seen.board, seen.snapshot)
    if json:
        print_json(
            {
                "tasks": [task_json(card) for card in seen.board.cards],
                "pulls": [pull_json(p) for p in seen.snapshot.pulls if p.state.value == "open"],
                "findings": [as_data(finding) for finding in seen.board.findings],
                "needs_human": list(asks),
                "not_claimable": {note.about: note.message for note in notes},
            }
        )
    else:
        say_status(seen.board, seen.snapshot, asks, notes)
    return 0
