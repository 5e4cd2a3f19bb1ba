"""Taskmaster: seeds an empty project and turns uncovered PRD items into small tasks.

New tasks come by one rolling pull, at most `limits.new_tasks` waiting in it. Ids are given out
here alone. What must never happen here: a second task for an item, or an id used twice.
"""

from __future__ import annotations

from collections.abc import Sequence

from pmcodex.core import keys
from pmcodex.core.actions import CommitPlan, Decision, FileEdit, Note, Role
from pmcodex.core.coverage import Coverage, coverage
from pmcodex.core.facts import PullState
from pmcodex.core.flips import added_tasks, flips_on
from pmcodex.core.model import AcceptanceItem, Milestone, Priority, Task
from pmcodex.core.prd import read_prd
from pmcodex.core.proposal import Proposal, judge
from pmcodex.core.taskfile import file_name, read_task, render_task
from pmcodex.core.view import View
from pmcodex.editing.hands import project_of
from pmcodex.recipes import RECIPES, CannotApply, propose_all, suggest

SEED = ("ci-setup", "smoke-test")
TITLE_LIMIT = 80


def decide(view: View) -> Decision:
    """Propose the seed task, or tasks for PRD items that no task covers."""
    waiting = _waiting(view)
    room = view.policy.limits.new_tasks - len(waiting)
    fresh: list[tuple[Task, str]] = []
    notes: list[Note] = []
    next_id = 1 + max(
        [view.snapshot.highest_id, *(keys.number(task.id) for task, _ in waiting)], default=0
    )
    waiting, next_id = _renumbered(view, waiting, next_id)
    if not view.snapshot.tasks and (waiting or _wants_seed(view)):
        fresh = [] if waiting else [_seed(view, keys.task_id(next_id))]
    else:
        fresh, notes = _from_prd(view, [task for task, _ in waiting], next_id, room)
    if not waiting and not fresh:
        return Decision(notes=tuple(notes))
    decision = judge(view, _proposal(view, waiting, fresh))
    return Decision(decision.actions, (*notes, *decision.notes))


def _waiting(view: View) -> list[tuple[Task, str]]:
    """The tasks that wait in the open tasks pull, with their texts."""
    found = []
    for edit in added_tasks(view):
        assert edit.text is not None
        task = read_task(edit.path, "", edit.text.encode()).task
        if task is not None:
            found.append((task, edit.text))
    return found


def _renumbered(
    view: View, waiting: list[tuple[Task, str]], next_id: int
) -> tuple[list[tuple[Task, str]], int]:
    """Give a waiting task a new id where the default branch took its id meanwhile."""
    taken = {file.task.id for file in view.snapshot.tasks if file.task is not None}
    kept: list[tuple[Task, str]] = []
    for task, text in waiting:
        if task.id in taken:
            moved = task.model_copy(update={"id": keys.task_id(next_id)})
            kept.append((moved, text.replace(task.id, moved.id)))
            next_id += 1
        else:
            kept.append((task, text))
    return kept, next_id


def _wants_seed(view: View) -> bool:
    edits = propose_all(SEED, project_of(view), view.templates)
    return not isinstance(edits, CannotApply) and bool(edits)


def _seed(view: View, task_id: str) -> tuple[Task, str]:
    task = Task(
        id=task_id,
        title="CI setup",
        type="ci",
        priority=Priority.P0,
        estimate="2h",
        acceptance=(
            "A pull request runs the project's tests in CI",
            "A smoke test passes",
        ),
        recipe=SEED,
    )
    body = view.templates.render(
        "task-body.md", why="Every later pull leans on a green check, so this comes first."
    )
    return task, render_task(task, body)


def _from_prd(
    view: View, waiting: Sequence[Task], next_id: int, room: int
) -> tuple[list[tuple[Task, str]], list[Note]]:
    """New tasks for uncovered items, and what to tell about the others."""
    text = view.snapshot.files.get(view.policy.prd)
    if text is None:
        hint = "`pmcodex init` writes one to start from"
        return [], [Note(Role.TASKMASTER, view.policy.prd, f"there is no {view.policy.prd}", hint)]
    prd = read_prd(text)
    known = [file.task for file in view.snapshot.tasks if file.task is not None]
    cover = coverage(prd, [*known, *waiting])
    notes = _changed(view, cover)
    declined = _declined(view)
    wanted = [(m, item) for m, item in cover.uncovered if item.key not in declined]
    skipped = len(cover.uncovered) - len(wanted)
    if skipped:
        notes.append(
            Note(
                Role.TASKMASTER,
                view.policy.prd,
                f"{skipped} items are not proposed again: their tasks pull was closed",
                "reopen that pull, or change the item's words",
            )
        )
    ranks = {milestone.id: rank for rank, milestone in enumerate(prd.milestones)}
    gate = _gate(view)
    fresh = [
        _task(view, keys.task_id(next_id + place), milestone, item, ranks[milestone.id], gate)
        for place, (milestone, item) in enumerate(wanted[: max(0, room)])
    ]
    return fresh, notes


def _changed(view: View, cover: Coverage) -> list[Note]:
    notes = [
        Note(
            Role.TASKMASTER,
            change.task_id,
            f"its PRD item now reads: {change.item.text}",
            f"bring the task's acceptance in step and set its prd to {change.item.key}",
        )
        for change in cover.changed
    ]
    notes += [
        Note(Role.TASKMASTER, task_id, f"its item is no longer in {view.policy.prd}", "")
        for task_id in cover.gone
    ]
    return notes


def _declined(view: View) -> frozenset[str]:
    """Keys of items that a closed tasks pull had proposed: a person said no."""
    found: set[str] = set()
    for pull in view.snapshot.pulls:
        if pull.head == keys.TASKS_BRANCH and pull.state is PullState.CLOSED:
            found.update((keys.read_marker(pull.body, "items") or "").split(","))
    return frozenset(found - {""})


def _gate(view: View) -> tuple[str, ...]:
    """The CI task, while it isn't done: later tasks wait for it."""
    return tuple(
        card.task.id
        for card in view.board.cards
        if "ci-setup" in card.task.recipe and card.standing.state.value != "done"
    )[:1]


def _task(
    view: View,
    task_id: str,
    milestone: Milestone,
    item: AcceptanceItem,
    rank: int,
    gate: tuple[str, ...],
) -> tuple[Task, str]:
    recipes = tuple(name for name in suggest(item.text) if name in RECIPES)
    task = Task(
        id=task_id,
        title=_title(item.text),
        type="ci" if recipes else "feature",
        priority=(Priority.P1, Priority.P2, Priority.P3)[min(rank, 2)],
        depends_on=gate,
        acceptance=(item.text[:500],),
        recipe=recipes,
        prd=item.key,
    )
    why = (
        f"It covers an acceptance item of {milestone.id} ({milestone.title}) in {view.policy.prd}."
    )
    return task, render_task(task, view.templates.render("task-body.md", why=why))


def _title(words: str) -> str:
    """The item's words as a title: one line, cut at a word."""
    line = " ".join(words.split()).rstrip(".;:")
    if len(line) <= TITLE_LIMIT:
        return line
    return line[: TITLE_LIMIT - 3].rsplit(" ", 1)[0].rstrip(",;:") + "..."


def _proposal(
    view: View, waiting: Sequence[tuple[Task, str]], fresh: Sequence[tuple[Task, str]]
) -> Proposal:
    tasks = [*waiting, *fresh]
    folder = view.policy.tasks.dir.rstrip("/")
    commits = tuple(
        CommitPlan(
            f"{task.id}: add task\n\n{task.title}",
            (FileEdit(f"{folder}/{file_name(task)}", text),),
        )
        for task, text in tasks
    )
    ids = [task.id for task, _ in tasks]
    span = ids[0] if len(ids) == 1 else f"{ids[0]} to {ids[-1]}"
    body = view.templates.render(
        "tasks-pull.md",
        tasks="\n".join(f"- **{task.id}** {task.title}" for task, _ in tasks),
        folder=folder,
    )
    items = ",".join(task.prd for task, _ in tasks if task.prd)
    markers = [keys.marker("ids", ",".join(ids))] + ([keys.marker("items", items)] if items else [])
    return Proposal(
        Role.TASKMASTER,
        keys.TASKS_BRANCH,
        (*commits, *flips_on(view, keys.TASKS_BRANCH)),
        f"Tasks: {span}",
        body.rstrip() + "\n\n" + "\n".join(markers),
        _reason(view, fresh),
    )


def _reason(view: View, fresh: Sequence[tuple[Task, str]]) -> str:
    if not fresh:
        return "the tasks pull is to be brought up to date"
    if not fresh[0][0].prd:
        return "the project has no task yet, and its first is to set up CI"
    return f"{len(fresh)} items of {view.policy.prd} have no task yet"
