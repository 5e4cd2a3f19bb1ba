"""`explain T-0003`: why a task is in its state, and what would move it."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from pmcodex.cli.options import Json, Repo, open_here


def register(app: typer.Typer) -> None:
    """Put the verb on the app."""
    app.command()(explain)


def explain(
    task: Annotated[str, typer.Argument(metavar="T-0001", help="The task's id, or its number.")],
    repo: Repo = None,
    json: Json = False,
) -> int:
    """Say why a task is in its state and what would move it."""
    from pmcodex.cli.status import look
    from pmcodex.errors import InvalidInput
    from pmcodex.render.board import (
        explain_json,
        say_explained,
        say_unreadable,
        unreadable_json,
    )
    from pmcodex.render.text import print_json

    seen = look(open_here(repo), "explain")
    card = seen.board.card(_whole(task))
    broken = seen.unreadable(_whole(task))
    if card is None and broken is not None:
        if json:
            print_json(unreadable_json(broken))
        else:
            say_unreadable(broken)
        return 0
    if card is None:
        raise InvalidInput(
            f"no task has the id {task}", hint="`pmcodex status --all` lists the tasks"
        )
    if json:
        print_json(explain_json(card, seen.passed))
    else:
        say_explained(card, seen.passed)
    return 0


def _whole(task: str) -> str:
    """T-0003 for t-3 and for 3; what is no id stays as it is."""
    found = re.fullmatch(r"(?:[Tt]-)?([0-9]{1,9})", task)
    return f"T-{int(found.group(1)):04d}" if found else task
