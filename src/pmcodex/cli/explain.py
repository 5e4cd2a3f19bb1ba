"""`explain T-0003`: why a task is in its state, and what would move it."""

from __future__ import annotations

from typing import Annotated

import typer

from pmcodex.cli.options import PATIENCE, Json, Repo, open_here


def register(app: typer.Typer) -> None:
    """Put the verb on the app."""
    app.command()(explain)


def explain(
    task: Annotated[str, typer.Argument(metavar="T-0001", help="The task's id.")],
    repo: Repo = None,
    json: Json = False,
) -> int:
    """Say why a task is in its state and what would move it."""
    from pmcodex.core.actions import Role
    from pmcodex.core.suggest import did_you_mean
    from pmcodex.decide import decide
    from pmcodex.errors import InvalidInput
    from pmcodex.observe import observe
    from pmcodex.render import explain_json, print_json, say_explained
    from pmcodex.round import view_of

    session = open_here(repo)
    with session.locked("pmcodex explain", PATIENCE):
        frame = session.frame()
        seen = observe(frame.sources, ())
        session.store.save()
    card = seen.board.card(task.upper())
    if card is None:
        known = [card.task.id for card in seen.board.cards]
        hint = did_you_mean(task.upper(), known) or "`pmcodex status` lists the tasks"
        raise InvalidInput(f"no task has the id {task}", hint=hint)
    notes = [
        note
        for note in decide(Role.DEVELOPER, view_of(frame, seen)).notes
        if note.about == card.task.id
    ]
    if json:
        print_json(explain_json(card, notes))
    else:
        say_explained(card, notes)
    return 0
