"""The board: all tasks with their effective states, findings, and what to do next.

Built from a snapshot in time linear in tasks, dependencies and pulls. What must never happen
here: one broken task file in the way of another task.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pmcodex.core import graph, keys
from pmcodex.core.facts import Finding, Pull, PullState, Snapshot, TaskFile
from pmcodex.core.model import Task
from pmcodex.core.stage import (
    MEND_A_CLASH,
    Standing,
    State,
    TaskFacts,
    clash,
    is_done,
    standing,
)


@dataclass(frozen=True, slots=True)
class Card:
    """One task on the board. `waits_on` are the unmet ids, `dependents` counts who names it."""

    file: TaskFile
    task: Task
    standing: Standing
    waits_on: tuple[str, ...] = ()
    dependents: int = 0


@dataclass(frozen=True, slots=True)
class Board:
    """Cards by id order, findings, and the claimable cards in the order to take them."""

    cards: tuple[Card, ...]
    findings: tuple[Finding, ...]
    queue: tuple[Card, ...]
    _by_id: Mapping[str, Card] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # A frozen value may still look things up fast: this follows from `cards` alone.
        object.__setattr__(self, "_by_id", {card.task.id: card for card in self.cards})

    def card(self, task_id: str) -> Card | None:
        """The card of a task, or None."""
        return self._by_id.get(task_id)


def build_board(snapshot: Snapshot, branch_prefix: str) -> Board:
    """The board of a snapshot."""
    files, findings = _unique(snapshot.tasks)
    tasks = {task.id: task for task in (file.task for file in files) if task is not None}
    needs = {task.id: task.depends_on for task in tasks.values()}
    faults, graph_findings = _faults(needs, {file.task.id: file for file in files if file.task})
    duplicated = {finding.task_id for finding in findings if finding.kind == "duplicate-id"}
    faults |= {task_id: f"more than one file has the id {task_id}" for task_id in duplicated}
    base = _facts(snapshot, branch_prefix, tasks)
    done = {task_id for task_id, facts in base.items() if is_done(facts)}
    counts = graph.dependents(needs)
    cards = []
    for file in files:
        assert file.task is not None
        task = file.task
        unmet = tuple(dep for dep in dict.fromkeys(task.depends_on) if dep not in done)
        facts = base[task.id]
        facts = TaskFacts(
            task,
            facts.pulls,
            facts.claim,
            facts.touched_after,
            facts.unseen,
            unmet,
            faults.get(task.id, ""),
        )
        cards.append(Card(file, task, standing(facts), unmet, counts[task.id]))
    cards.sort(key=lambda card: keys.number(card.task.id))
    queue = sorted((card for card in cards if card.standing.claimable), key=_urgency)
    return Board(tuple(cards), (*findings, *graph_findings), tuple(queue))


def _urgency(card: Card) -> tuple[str, int, int]:
    return card.task.priority, -card.dependents, keys.number(card.task.id)


def _unique(files: Iterable[TaskFile]) -> tuple[list[TaskFile], list[Finding]]:
    """The first file of every id, and findings for broken files and further ones."""
    by_id: dict[str, TaskFile] = {}
    findings: list[Finding] = []
    for file in sorted(files, key=lambda file: file.path):
        if file.finding is not None:
            findings.append(file.finding)
        if file.task is None:
            continue
        first = by_id.setdefault(file.task.id, file)
        if first is not file:
            findings.append(
                Finding(
                    "duplicate-id",
                    file.path,
                    f"{file.task.id} is also the id of {first.path}",
                    "`pmcodex doctor --renumber` proposes a new id by pull",
                    file.task.id,
                )
            )
    return list(by_id.values()), findings


def _faults(
    needs: graph.Graph, files: dict[str, TaskFile]
) -> tuple[dict[str, str], tuple[Finding, ...]]:
    """What is wrong with tasks' places in the graph, by task and as findings."""
    faults: dict[str, str] = {}
    findings: list[Finding] = []
    for task_id, deps in graph.unknown(needs).items():
        faults[task_id] = f"depends on {', '.join(deps)}, which no task has as its id"
        findings.append(
            Finding(
                "unknown-dependency",
                files[task_id].path,
                faults[task_id],
                "correct depends_on",
                task_id,
            )
        )
    for path in graph.cycles(needs):
        words = " -> ".join(path)
        for task_id in path[:-1]:
            faults[task_id] = f"in a dependency cycle: {words}"
        findings.append(
            Finding(
                "cycle",
                files[path[0]].path,
                f"dependency cycle: {words}",
                "take one of these out of a depends_on",
                path[0],
            )
        )
    return faults, tuple(findings)


def _facts(snapshot: Snapshot, prefix: str, tasks: dict[str, Task]) -> dict[str, TaskFacts]:
    pulls: defaultdict[str, list[Pull]] = defaultdict(list)
    for pull in sorted(snapshot.pulls, key=lambda pull: pull.number):
        pulls[keys.task_of_branch(prefix, pull.head)].append(pull)
    claims = {claim.task_id: claim for claim in snapshot.claims}
    return {
        task_id: TaskFacts(
            task,
            tuple(pulls[task_id]) if task_id in pulls else (),
            claims.get(task_id),
            snapshot.touched_after,
            snapshot.unseen,
        )
        for task_id, task in tasks.items()
    }


def open_pulls_of_tasks(snapshot: Snapshot, branch_prefix: str) -> tuple[Pull, ...]:
    """The open pulls whose branch carries a task's id."""
    return tuple(
        pull
        for pull in snapshot.pulls
        if pull.state is PullState.OPEN and keys.task_of_branch(branch_prefix, pull.head)
    )


def needs_human(board: Board, snapshot: Snapshot) -> tuple[str, ...]:
    """What waits for a person, a line each, the most useful first."""
    ready = {card.standing.pull for card in board.cards if card.standing.state is State.READY}
    lines = [
        _ask(pull, pull.number in ready) for pull in snapshot.pulls if pull.state is PullState.OPEN
    ]
    lines += [
        f"{card.task.id}: {card.standing.reason}; moved by {card.standing.moves}"
        for card in board.cards
        if card.standing.state is State.BLOCKED
        or card.standing.row == "the file says more than the facts"
    ]
    lines += [_line(each.where, each.message, each.hint) for each in board.findings]
    return tuple(lines)


def _line(where: str, message: str, hint: str) -> str:
    return f"{where}: {message}" + (f" ({hint})" if hint else "")


def _ask(pull: Pull, ready: bool) -> str:
    if ready:
        return f"pull {pull.number} is ready: pmcodex pull merge {pull.number}"
    if pull.mergeable is False:
        return f"pull {pull.number} {clash(pull)}; moved by {MEND_A_CLASH} ({pull.title})"
    return f"pull {pull.number} waits for review: pmcodex pull show {pull.number} ({pull.title})"
