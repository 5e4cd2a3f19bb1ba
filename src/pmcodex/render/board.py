"""The board: what needs a person first, then open pulls, then tasks, the liveliest first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pmcodex.core.actions import Note
from pmcodex.core.board import Board, Card
from pmcodex.core.counting import counted
from pmcodex.core.facts import Pull
from pmcodex.core.stage import State
from pmcodex.render.pulls import pull_json, say_pulls
from pmcodex.render.text import as_data, say, table

ROWS = 10
"""How many tasks of one kind, asks and pulls `status` shows unless it is asked for all."""

Passed = Mapping[str, Note]

_LIVELIEST = (State.READY, State.IN_REVIEW, State.IN_PROGRESS, State.BLOCKED, State.QUEUED)


@dataclass(frozen=True, slots=True)
class Overview:
    """What `status` shows: the board, its open pulls and what asks for a person.

    `passed` holds what the Developer says of a claimable task that it passes by, by id.
    """

    board: Board
    pulls: tuple[Pull, ...]
    asks: tuple[str, ...]
    passed: Passed


def overview(
    board: Board, pulls: Sequence[Pull], asks: Sequence[str], notes: Sequence[Note]
) -> Overview:
    """Put the Developer's notes where they belong: to their tasks, or to what asks for a person."""
    passed = {note.about: note for note in notes if board.card(note.about) is not None}
    more = [f"{note.message}: {note.hint}" for note in notes if note.about not in passed]
    if board.queue and all(card.task.id in passed for card in board.queue):
        more.append("none of the queued tasks can be worked without you; each says why")
    return Overview(
        board,
        tuple(pull for pull in pulls if pull.state.value == "open"),
        (*asks, *more),
        passed,
    )


def status_json(seen: Overview) -> dict[str, Any]:
    """`status --json`."""
    return {
        "tasks": [task_json(card, seen.passed) for card in seen.board.cards],
        "pulls": [pull_json(pull) for pull in seen.pulls],
        "findings": [as_data(finding) for finding in seen.board.findings],
        "needs_human": list(seen.asks),
    }


def task_json(card: Card, passed: Passed) -> dict[str, Any]:
    """One task of `status --json`; `reason` says why it is in its state, or why it stays there."""
    return {
        "id": card.task.id,
        "title": card.task.title,
        "state": card.standing.state.value,
        "file_status": card.task.status.value,
        "waits_on": list(card.waits_on),
        "pull": card.standing.pull or None,
        "reason": _why(card, passed),
    }


def explain_json(card: Card, passed: Passed) -> dict[str, Any]:
    """`explain --json`: what `status --json` says of the task, its file, and what would move it."""
    return {
        **task_json(card, passed),
        "moves": _moves(card, passed),
        "claimable": card.standing.claimable and card.task.id not in passed,
        "path": card.file.path,
        "acceptance": list(card.task.acceptance),
        "dependents": card.dependents,
    }


# --- for people ----------------------------------------------------------------------------


def say_status(seen: Overview, *, every: bool) -> None:
    """The board for a person; `every`: no list is cut short."""
    limit = None if every else ROWS
    if seen.asks:
        say("needs you:")
        for ask in seen.asks[:limit]:
            say(f"  {ask}")
        _say_cut(len(seen.asks[:limit]), len(seen.asks))
        say()
    if seen.pulls:
        say("open pulls:")
        say_pulls(seen.pulls[:limit], indent=2)
        _say_cut(len(seen.pulls[:limit]), len(seen.pulls))
        say()
    _say_tasks(seen, limit)


def _say_tasks(seen: Overview, limit: int | None) -> None:
    cards = seen.board.cards
    if not cards:
        say("no tasks yet; `pmcodex taskmaster` proposes the first")
        return
    shown = [card for group in _groups(seen) for card in group[:limit]]
    say("tasks:")
    table(("task", "state", "why", "title"), [_row(card, seen) for card in shown], indent=2)
    _say_cut(len(shown), len(cards))
    counts = Counter(card.standing.state for card in cards)
    words = ", ".join(f"{counts[state]} {state.value}" for state in State if counts[state])
    say()
    say(f"{counted(len(cards), 'task')}: {words}")


def _say_cut(shown: int, there: int) -> None:
    if there > shown:
        say(f"  and {there - shown} more; --all shows them")


def _groups(seen: Overview) -> list[list[Card]]:
    """The tasks by kind, the liveliest kind first; done ones with the newest first."""
    cards = seen.board.cards
    queued = {card.task.id for card in seen.board.queue}
    groups = [
        [card for card in cards if card.standing.state is state and card.task.id not in queued]
        for state in _LIVELIEST
    ]
    taken = [card for card in seen.board.queue if card.task.id not in seen.passed]
    passed = [card for card in seen.board.queue if card.task.id in seen.passed]
    done = [card for card in reversed(cards) if card.standing.state is State.DONE]
    return [*groups[:-1], taken, passed, groups[-1], done]


def _row(card: Card, seen: Overview) -> tuple[str, ...]:
    state = card.standing.state.value
    if card.standing.becomes:
        state += f" (file: {card.task.status.value})"
    return card.task.id, state, _why(card, seen.passed), card.task.title


def say_explained(card: Card, passed: Passed) -> None:
    """Why a task is in its state and what would move it, in a few sentences."""
    standing = card.standing
    say(f"{card.task.id}: {card.task.title}")
    say(f"state: {standing.state.value} ({_why(card, passed)})")
    say(f"moved by: {_moves(card, passed)}")
    say(f"its file: {card.file.path} says {card.task.status.value}")
    if card.dependents:
        say(f"waited for by: {counted(card.dependents, 'task')}")


def _why(card: Card, passed: Passed) -> str:
    note = passed.get(card.task.id)
    return note.message if note is not None else card.standing.reason


def _moves(card: Card, passed: Passed) -> str:
    note = passed.get(card.task.id)
    return note.hint if note is not None and note.hint else card.standing.moves
