"""Render: values into text for people and data for programs. The one renderer.

Data goes to stdout, the rest to stderr; colour only on a terminal and never with NO_COLOR. What
must never happen here: a look at git, a forge or a file.
"""

from __future__ import annotations

import dataclasses
import json as _json
import re
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any

import typer

from pmcodex.core.actions import Action, Note, Outcome, Result, describe

if TYPE_CHECKING:
    from pmcodex.core.board import Board, Card
    from pmcodex.core.facts import Finding, Pull, Snapshot
    from pmcodex.round import Report
    from pmcodex.state.journal import Entry

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_TROUBLE = (Result.REFUSED, Result.FAILED, Result.LATER)


def plain(text: str) -> str:
    """The text without control characters: a pull's title can't drive the terminal."""
    return _CONTROL.sub("", text)


def print_json(value: object) -> None:
    """One JSON document on stdout."""
    from pydantic_core import to_json

    typer.echo(to_json(value, indent=2))


def as_data(value: object) -> Any:
    """Frozen values as JSON can hold them: enums by value, mappings and sequences through."""
    if isinstance(value, Enum):
        return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: as_data(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): as_data(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [as_data(item) for item in value]
    return value


# --- rounds --------------------------------------------------------------------------------


def action_json(action: Action) -> dict[str, Any]:
    """An action as data: its kind, its words, and all it carries."""
    return {
        "kind": type(action).__name__,
        "key": action.key,
        "says": describe(action),
        **as_data(action),
    }


def report_json(report: Report) -> dict[str, Any]:
    """A round as data: `run_id`, `actions`, `outcomes`, `notes`, `dry_run`."""
    return {
        "run_id": report.run_id,
        "dry_run": report.dry_run,
        "actions": [action_json(action) for action in report.actions],
        "outcomes": [as_data(outcome) for outcome in report.outcomes],
        "notes": [as_data(note) for note in report.notes],
    }


def say_outcome(action: Action, outcome: Outcome) -> None:
    """One line as soon as an action has ended; trouble goes to stderr."""
    if outcome.result is Result.UNCHANGED or outcome.result is Result.LOST:
        return
    mark = "" if outcome.result is Result.DONE else f"{outcome.result.value}: "
    line = f"{action.role.value}: {mark}{outcome.detail}"
    typer.echo(plain(line), err=outcome.result in _TROUBLE)
    if outcome.result is Result.DONE:
        typer.echo(plain(f"  because {action.reason}"))


def say_rest(report: Report, *, verbose: bool) -> None:
    """What is left to say at a round's end: the plan of a dry run, and notes if wanted."""
    if report.dry_run:
        for action in report.actions:
            typer.echo(plain(f"would {describe(action)}"))
            typer.echo(plain(f"  because {action.reason}"))
    if not verbose:
        return
    if not report.actions:
        typer.echo("nothing to do", err=True)
    for note in report.notes:
        say_note(note)


def say_note(note: Note) -> None:
    """A role's note on stderr: what about, what is the matter, what to do."""
    hint = f" ({note.hint})" if note.hint else ""
    typer.echo(plain(f"note: {note.about}: {note.message}{hint}"), err=True)


# --- the board -----------------------------------------------------------------------------


def task_json(card: Card) -> dict[str, Any]:
    """One task of `status --json`."""
    return {
        "id": card.task.id,
        "title": card.task.title,
        "state": card.standing.state.value,
        "file_status": card.task.status.value,
        "waits_on": list(card.waits_on),
        "pull": card.standing.pull or None,
        "reason": card.standing.reason,
        "claimable": card.standing.claimable,
        "priority": card.task.priority.value,
    }


def pull_json(pull: Pull) -> dict[str, Any]:
    """One pull of `status --json` and `pull list --json`."""
    return {
        "number": pull.number,
        "title": pull.title,
        "state": pull.state.value,
        "head": pull.head,
        "head_sha": pull.head_sha,
        "base": pull.base,
        "author": pull.author,
        "labels": list(pull.labels),
        "draft": pull.draft,
        "checks": [as_data(check) for check in pull.checks],
        "reviews": [as_data(review) for review in pull.reviews],
    }


def table(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]], title: str = "") -> None:
    """A table on stdout, as wide as it must be where nobody looks."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(soft_wrap=False, highlight=False)
    if not console.is_terminal:
        console = Console(width=160, highlight=False)
    grid = Table(
        box=None, pad_edge=False, title=Text(title) if title else None, title_justify="left"
    )
    for column in columns:
        grid.add_column(column, overflow="fold")
    for row in rows:
        grid.add_row(*(Text(plain(cell)) for cell in row))
    console.print(grid)


def say_status(
    board: Board, snapshot: Snapshot, asks: tuple[str, ...], notes: tuple[Note, ...]
) -> None:
    """The board for a person."""
    if board.cards:
        table(("task", "state", "why", "title"), [_row(card) for card in board.cards])
    else:
        typer.echo("no tasks yet; `pmcodex taskmaster` proposes the first")
    pulls = [pull for pull in snapshot.pulls if pull.state.value == "open"]
    if pulls:
        typer.echo("")
        say_pulls(pulls)
    if notes:
        typer.echo("\nnot taken by the Developer:")
        for note in notes:
            typer.echo(plain(f"  {note.about}: {note.message}"))
    if asks:
        typer.echo("\nneeds you:")
        for ask in asks:
            typer.echo(plain(f"  {ask}"))


def say_pulls(pulls: Sequence[Pull]) -> None:
    """Pulls as a table, or a word that there are none."""
    if not pulls:
        typer.echo("no open pulls", err=True)
        return
    columns = ("pull", "state", "checks", "head", "title")
    table(columns, [_pull_row(pull) for pull in pulls])


def _row(card: Card) -> tuple[str, ...]:
    state = card.standing.state.value
    if card.standing.becomes:
        state += f" (file: {card.task.status.value})"
    return card.task.id, state, card.standing.reason, card.task.title


def _pull_row(pull: Pull) -> tuple[str, ...]:
    return str(pull.number), pull.state.value, checks_words(pull), pull.head, pull.title


def checks_words(pull: Pull) -> str:
    """A pull's checks in a few words: "2 green, 1 failure", or "none"."""
    counts: dict[str, int] = {}
    for check in pull.checks:
        word = "green" if check.state.value in ("success", "skipped") else check.state.value
        counts[word] = counts.get(word, 0) + 1
    return ", ".join(f"{count} {word}" for word, count in sorted(counts.items())) or "none"


def say_pull(pull: Pull, diff: str) -> None:
    """One pull for a person."""
    lines = [
        f"pull {pull.number}: {pull.title}",
        f"{pull.state.value}, {pull.head} ({pull.head_sha[:10]}) into {pull.base}",
        f"author: {pull.author}",
        f"checks: {checks_words(pull)}; labels: {', '.join(pull.labels) or 'none'}",
    ]
    lines += [f"  {check.name}: {check.state.value}: {check.summary}" for check in pull.checks]
    lines += ["", pull.body.rstrip()]
    lines += [f"\nreview by {r.author}: {r.verdict.value} {r.body}" for r in pull.reviews]
    lines += [f"\ncomment by {c.author}:\n{c.body.rstrip()}" for c in pull.comments or ()]
    if diff:
        lines += ["", diff.rstrip()]
    for line in "\n".join(lines).splitlines():
        if not line.startswith("<!-- pmcodex:"):
            typer.echo(plain(line))


def explain_json(card: Card, notes: Sequence[Note]) -> dict[str, Any]:
    """`explain --json`: a task's standing, and why the Developer passes it by, if it does."""
    return {
        **task_json(card),
        "path": card.file.path,
        "row": card.standing.row,
        "moves": card.standing.moves,
        "dependents": card.dependents,
        "acceptance": list(card.task.acceptance),
        "not_claimable": [note.message for note in notes],
    }


def say_explained(card: Card, notes: Sequence[Note]) -> None:
    """A task's standing in a few sentences."""
    standing = card.standing
    typer.echo(plain(f"{card.task.id}: {card.task.title}"))
    typer.echo(f"state: {standing.state.value} (row of the table: {standing.row})")
    typer.echo(plain(f"why: {standing.reason}"))
    for note in notes:
        typer.echo(plain(f"but the Developer passes it by: {note.message} ({note.hint})"))
    typer.echo(plain(f"moved by: {standing.moves}"))
    typer.echo(f"file: {card.file.path} says {card.task.status.value}")
    if card.dependents:
        typer.echo(f"{card.dependents} tasks depend on it")


Rows = Sequence[tuple[str, str, str]]


def say_examined(settings: Rows, policy: Rows, facts: Rows, findings: Sequence[Finding]) -> None:
    """What `doctor` saw, for a person."""
    table(("project", "", ""), facts)
    typer.echo("")
    table(("setting", "value", "from"), settings)
    typer.echo("")
    table(("policy", "value", "from"), policy)
    typer.echo("")
    for finding in findings:
        typer.echo(plain(f"finding: {finding.where}: {finding.message}"))
        if finding.hint:
            typer.echo(plain(f"  hint: {finding.hint}"))
    if not findings:
        typer.echo("nothing is wrong")


def say_entry(entry: Entry, *, json: bool) -> None:
    """One line of the journal."""
    if json:
        typer.echo(_json.dumps(as_data(entry), ensure_ascii=False))
        return
    about = " ".join(word for word in (entry.task, f"#{entry.pull}" if entry.pull else "") if word)
    typer.echo(
        plain(f"{entry.time} {entry.run_id} {entry.role} {entry.outcome} {about} {entry.detail}")
    )


def milestones_json(report: Report | None) -> dict[str, Any]:
    """`{"milestones": [...]}` of the PRD that a round saw."""
    from pmcodex.prd.reader import read_prd

    seen = report.seen if report is not None else None
    text = seen.snapshot.files.get(seen.policy.prd, "") if seen is not None else ""
    return {
        "milestones": [
            {
                "id": milestone.id,
                "title": milestone.title,
                "acceptance": [item.text for item in milestone.acceptance],
                "hints": list(milestone.hints),
            }
            for milestone in read_prd(text).milestones
        ]
    }
