"""The board: what needs a person first, then open pulls, then tasks, the liveliest first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pmcodex.core.actions import Note, Role
from pmcodex.core.board import Board, Card
from pmcodex.core.counting import counted
from pmcodex.core.facts import Pull, Snapshot, TaskFile
from pmcodex.core.keys import TASKS_BRANCH, task_of_branch
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

    `passed` holds what the Developer says of a claimable task that it passes by, by id. `broken`
    are task files that can't be read. `seeds`: the Taskmaster's next round proposes something.
    """

    board: Board
    pulls: tuple[Pull, ...]
    asks: tuple[str, ...]
    passed: Passed
    broken: tuple[TaskFile, ...] = ()
    seeds: bool = True

    def unreadable(self, task_id: str) -> TaskFile | None:
        """The file that carries a task's id in its name and can't be read."""
        return next((each for each in self.broken if _id_of(each.path) == task_id), None)


def overview(
    board: Board, snapshot: Snapshot, asks: Sequence[str], notes: Sequence[Note], *, seeds: bool
) -> Overview:
    """Put the roles' notes where they belong: to their tasks, or to what asks for a person."""
    passed = {
        note.about: note
        for note in notes
        if note.role is Role.DEVELOPER and board.card(note.about) is not None
    }
    others = [note for note in notes if passed.get(note.about) is not note]
    more = list(dict.fromkeys(map(_ask, others)))
    full = any(note.about == "queue" for note in others)
    if board.queue and not full and all(card.task.id in passed for card in board.queue):
        more.append("none of the queued tasks can be worked without you; each says why")
    return Overview(
        board,
        tuple(pull for pull in snapshot.pulls if pull.state.value == "open"),
        (*asks, *more),
        passed,
        tuple(file for file in snapshot.tasks if file.task is None),
        seeds,
    )


def _ask(note: Note) -> str:
    if note.about == "queue":
        return f"{note.message}: {note.hint}"
    return f"{note.about}: {note.message}" + (f" ({note.hint})" if note.hint else "")


def _id_of(path: str) -> str:
    """The id in a task file's name; empty: none."""
    return task_of_branch("", path.rsplit("/", 1)[-1].removesuffix(".md"))


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
        say(_no_tasks(seen))
        return
    shown = [card for group in _groups(seen) for card in group[:limit]]
    say("tasks:")
    table(("task", "state", "why", "title"), [_row(card, seen) for card in shown], indent=2)
    _say_cut(len(shown), len(cards))
    counts = Counter(card.standing.state for card in cards)
    words = ", ".join(f"{counts[state]} {state.value}" for state in State if counts[state])
    say()
    lost = counted(len(seen.broken), "file") if seen.broken else ""
    say(f"{counted(len(cards), 'task')}: {words}" + (lost and f"; {lost} can't be read"))


def _no_tasks(seen: Overview) -> str:
    if seen.broken:
        return f"no task can be read: see above for {counted(len(seen.broken), 'file')}"
    pull = next((pull for pull in seen.pulls if pull.head == TASKS_BRANCH), None)
    if pull is not None:
        return f"no tasks yet; pull {pull.number} proposes the first"
    return f"no tasks yet{'; `pmcodex taskmaster` proposes the first' * seen.seeds}"


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


def unreadable_json(file: TaskFile) -> dict[str, Any]:
    """`explain --json` of a task whose file can't be read: its path, and what is wrong there."""
    return {
        "id": _id_of(file.path),
        "state": None,
        "reason": _unreadable(file),
        "moves": (file.finding and file.finding.hint) or "",
        "claimable": False,
        "path": file.path,
    }


def say_unreadable(file: TaskFile) -> None:
    """A task file that can't be read, in a sentence and what to do."""
    say(_unreadable(file))
    if file.finding and file.finding.hint:
        say(f"moved by: {file.finding.hint}")


def _unreadable(file: TaskFile) -> str:
    return f"{file.path} can't be read: {file.finding.message if file.finding else 'unknown why'}"


def _why(card: Card, passed: Passed) -> str:
    note = passed.get(card.task.id)
    return note.message if note is not None else card.standing.reason


def _moves(card: Card, passed: Passed) -> str:
    note = passed.get(card.task.id)
    return note.hint if note is not None and note.hint else card.standing.moves
