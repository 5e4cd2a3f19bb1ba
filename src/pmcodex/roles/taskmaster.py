"""Taskmaster: seeds an empty project and turns uncovered PRD items into small tasks.

New tasks come by one rolling pull, at most `limits.new_tasks` waiting in it. Ids are given out
here alone. What must never happen here: a second task for an item, or an id used twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count

from pmcodex.core import keys
from pmcodex.core.actions import CommitPlan, Decision, FileEdit, Note, Role
from pmcodex.core.counting import counted
from pmcodex.core.facts import PullState
from pmcodex.core.flips import added_tasks, flips_on
from pmcodex.core.frontmatter import replace_in_list, set_value
from pmcodex.core.model import AcceptanceItem, Milestone, Priority, Task
from pmcodex.core.proposal import Proposal, judge
from pmcodex.core.stage import State
from pmcodex.core.taskfile import file_name, read_task, render_task
from pmcodex.core.view import View
from pmcodex.editing.hands import project_of
from pmcodex.prd.coverage import Coverage, coverage
from pmcodex.prd.reader import read_prd
from pmcodex.recipes import RECIPES, CannotApply, propose_all, suggest

SEED = ("ci-setup", "smoke-test")
SEED_ITEM = "seed"
"""What stands for the seed task among the items that a tasks pull names."""

TITLE_LIMIT = 80

Written = tuple[Task, str]
"""A task and the text of its file."""


def decide(view: View) -> Decision:
    """Propose the seed task, or tasks for PRD items that no task covers."""
    waiting = _renumbered(view, _waiting(view))
    fresh, notes = _fresh(view, [task for task, _ in waiting])
    if not waiting and not fresh:
        return Decision(notes=tuple(notes))
    decision = judge(view, _proposal(view, waiting, fresh))
    return Decision(decision.actions, (*notes, *decision.notes))


def _on_main(view: View) -> tuple[Task, ...]:
    return tuple(file.task for file in view.snapshot.tasks if file.task is not None)


def _waiting(view: View) -> list[Written]:
    """The tasks that wait in the open tasks pull, but for items that have a task by now."""
    covered = {task.prd for task in _on_main(view) if task.prd}
    found = []
    for edit in added_tasks(view):
        assert edit.text is not None
        task = read_task(edit.path, "", edit.text.encode()).task
        if task is not None and task.prd not in covered:
            found.append((task, edit.text))
    return found


def _next_id(view: View, waiting: Sequence[Task]) -> int:
    return 1 + max([view.snapshot.highest_id, *(keys.number(task.id) for task in waiting)])


def _renumbered(view: View, waiting: list[Written]) -> list[Written]:
    """Give waiting tasks new ids where the default branch took theirs meanwhile.

    What waits for such a task follows it. A branch that is somebody else's is not read so closely.
    """
    rolling = view.snapshot.rolling.get(keys.TASKS_BRANCH)
    taken = {task.id for task in _on_main(view)} & {task.id for task, _ in waiting}
    if not taken or rolling is None or rolling.foreign:
        return waiting
    free = count(_next_id(view, [task for task, _ in waiting]))
    moved = {task.id: keys.task_id(next(free)) for task, _ in waiting if task.id in taken}
    return [_moved(task, text, moved) for task, text in waiting]


def _moved(task: Task, text: str, moved: Mapping[str, str]) -> Written:
    for old in task.depends_on:
        text = replace_in_list(text, "depends_on", old, moved.get(old, old))
    if task.id in moved:
        text = set_value(text, "id", moved[task.id])
    depends_on = tuple(moved.get(old, old) for old in task.depends_on)
    new = {"id": moved.get(task.id, task.id), "depends_on": depends_on}
    return task.model_copy(update=new), text


def _fresh(view: View, waiting: Sequence[Task]) -> tuple[list[Written], list[Note]]:
    """New tasks, and what to tell: the seed of an empty project, else what the PRD asks for."""
    recipe = _seed_recipe(view)
    if view.snapshot.tasks or not recipe or SEED_ITEM in _settled(view):
        return _from_prd(view, waiting)
    seed = _seed(view, keys.task_id(_next_id(view, waiting)), recipe)
    return ([] if any(map(_is_seed, waiting)) else [seed]), []


def _seed_recipe(view: View) -> tuple[str, ...]:
    """The recipes of the seed task; none where CI is there, or can't be set up by us."""
    if not _lacks_ci(view):
        return ()
    both = propose_all(SEED, project_of(view), view.templates)
    return SEED[:1] if isinstance(both, CannotApply) else SEED


def _lacks_ci(view: View) -> bool:
    edits = propose_all(SEED[:1], project_of(view), view.templates)
    return not isinstance(edits, CannotApply) and bool(edits)


def _is_seed(task: Task) -> bool:
    return SEED[0] in task.recipe and not task.prd


def _seed(view: View, task_id: str, recipe: tuple[str, ...]) -> Written:
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
        recipe=recipe,
    )
    body = view.templates.render(
        "task-body.md", why="Every later pull leans on a green check, so this comes first."
    )
    return task, render_task(task, body)


def _from_prd(view: View, waiting: Sequence[Task]) -> tuple[list[Written], list[Note]]:
    """New tasks for uncovered items, as many as there is room for, and what to tell."""
    text = view.snapshot.files.get(view.policy.prd)
    if text is None:
        hint = "`pmcodex init` writes one to start from"
        return [], [Note(Role.TASKMASTER, view.policy.prd, f"there is no {view.policy.prd}", hint)]
    prd = read_prd(text)
    cover = coverage(prd, [*_on_main(view), *waiting])
    notes = _changed(view, cover)
    settled = _settled(view)
    wanted = [(m, item) for m, item in cover.uncovered if item.key not in settled]
    skipped = len(cover.uncovered) - len(wanted)
    if skipped:
        notes.append(_skipped(view, skipped))
    ranks = {milestone.id: rank for rank, milestone in enumerate(prd.milestones)}
    gate = _gate(view)
    room = max(0, view.policy.limits.new_tasks - len(waiting))
    fresh = [
        _task(view, keys.task_id(number), milestone, item, ranks[milestone.id], gate)
        for number, (milestone, item) in enumerate(wanted[:room], _next_id(view, waiting))
    ]
    return fresh, notes


def _skipped(view: View, count: int) -> Note:
    return Note(
        Role.TASKMASTER,
        view.policy.prd,
        f"{counted(count, 'item')} without a task, as a person decided when the tasks "
        "pull was closed or merged, or the task deleted",
        "`pmcodex taskmaster --again` proposes them once more",
    )


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


def _settled(view: View) -> frozenset[str]:
    """Keys of what tasks pulls that ended had proposed: a person has decided on those.

    None, where a person asks for them again.
    """
    found: set[str] = set()
    if view.again:
        return frozenset()
    for pull in view.snapshot.pulls:
        if pull.head == keys.TASKS_BRANCH and pull.state is not PullState.OPEN:
            found.update((keys.read_marker(pull.body, "items") or "").split(","))
    return frozenset(found - {""})


def _gate(view: View) -> tuple[str, ...]:
    """The CI task, while CI is missing and nobody said no to it: later tasks wait for it."""
    if not _lacks_ci(view):
        return ()
    return tuple(
        card.task.id
        for card in view.board.cards
        if SEED[0] in card.task.recipe and card.standing.state not in (State.DONE, State.BLOCKED)
    )[:1]


def _task(
    view: View,
    task_id: str,
    milestone: Milestone,
    item: AcceptanceItem,
    rank: int,
    gate: tuple[str, ...],
) -> Written:
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
    line = " ".join(words.split())
    line = line.rstrip(".;:") or line
    if len(line) <= TITLE_LIMIT:
        return line
    return line[: TITLE_LIMIT - 3].rsplit(" ", 1)[0].rstrip(",;:") + "..."


def _proposal(view: View, waiting: Sequence[Written], fresh: Sequence[Written]) -> Proposal:
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
    body = view.templates.render(
        "tasks-pull.md",
        tasks="\n".join(f"- **{task.id}** {task.title}" for task, _ in tasks),
        folder=folder,
    )
    items = ",".join(key for task, _ in tasks if (key := _item_of(task)))
    markers = [keys.marker("ids", ",".join(ids))] + ([keys.marker("items", items)] if items else [])
    return Proposal(
        Role.TASKMASTER,
        keys.TASKS_BRANCH,
        (*commits, *flips_on(view, keys.TASKS_BRANCH)),
        f"Tasks: {_span(ids)}",
        body.rstrip() + "\n\n" + "\n".join(markers),
        _reason(view, fresh),
    )


def _span(ids: Sequence[str]) -> str:
    """Ids in order as a title names them."""
    if len(ids) <= 2:
        return " and ".join(ids)
    return f"{ids[0]} to {ids[-1]}"


def _item_of(task: Task) -> str:
    return task.prd or (SEED_ITEM if _is_seed(task) else "")


def _reason(view: View, fresh: Sequence[Written]) -> str:
    if not fresh:
        return "the tasks pull is to be brought up to date"
    if not fresh[0][0].prd:
        return "the project has no task yet, and its first is to set up CI"
    have = "has" if len(fresh) == 1 else "have"
    return f"{counted(len(fresh), 'item')} of {view.policy.prd} {have} no task yet"
