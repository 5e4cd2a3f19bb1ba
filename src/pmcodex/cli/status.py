"""`status`: what needs a person, the open pulls, and the tasks with why they are where they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from pmcodex.cli.options import Json, Repo, beside, open_here

if TYPE_CHECKING:
    from pmcodex.render.board import Overview
    from pmcodex.wiring import Session


def register(app: typer.Typer) -> None:
    """Put the verb on the app."""
    app.command()(status)


def status(
    every: Annotated[bool, typer.Option("--all", help="Every task, pull and ask.")] = False,
    repo: Repo = None,
    json: Json = False,
) -> int:
    """Show what needs you, the open pulls and the tasks."""
    from pmcodex.render.board import say_status, status_json
    from pmcodex.render.text import print_json

    seen = look(open_here(repo), "status")
    if json:
        print_json(status_json(seen))
    else:
        say_status(seen, every=every)
    return 0


def look(session: Session, verb: str) -> Overview:
    """The board as it is now, with what every role that proposes or works would say of it."""
    from dataclasses import replace

    from pmcodex.core.actions import Role
    from pmcodex.core.board import needs_human
    from pmcodex.decide import decide
    from pmcodex.observe import observe
    from pmcodex.render.board import overview
    from pmcodex.round import view_of

    roles = (Role.DEVELOPER, Role.INTEGRATOR, Role.PLANNER, Role.TASKMASTER)
    # Read apart from the session's own store, which is not to be read before its lock is held.
    troubles = tuple(replace(session).store.checkpoint.troubles)
    with beside(session, verb) as session:
        frame = session.frame()
        seen = observe(frame.sources, roles)
        session.store.save()
    view = view_of(frame, seen)
    said = {role: decide(role, view) for role in roles}
    return overview(
        seen.board,
        seen.snapshot,
        (*needs_human(seen.board, seen.snapshot), *troubles),
        [note for decision in said.values() for note in decision.notes],
        seeds=bool(said[Role.TASKMASTER].actions) and not seen.policy.dry_run,
    )
