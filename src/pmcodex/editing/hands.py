"""Hands: what the Developer can do a task with, and what comes of it. No model needed.

A task is worked by its recipes, by the unified diff in its body, or by a command of the policy.
What must never happen here: a task's own words choosing a path that policy protects.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import unified_diff

from pmcodex.core.actions import FileEdit
from pmcodex.core.board import Card
from pmcodex.core.paths import is_protected
from pmcodex.core.view import View
from pmcodex.editing.patch import CannotApply, apply_diff, diff_in
from pmcodex.project.files import Project
from pmcodex.recipes import RECIPES, propose_all

NO_HANDS = "it names no recipe and no command and carries no diff"


@dataclass(frozen=True, slots=True)
class Work:
    """How a task will be done: edits, or the name of a command. `how` says it in words."""

    how: str
    edits: tuple[FileEdit, ...] = ()
    command: str = ""


def project_of(view: View) -> Project:
    """The default branch as recipes see it: a link is there, and what it leads to is not."""
    snapshot = view.snapshot
    taken = snapshot.paths | snapshot.links
    return Project(view.project, taken, snapshot.files, snapshot.default_branch)


def has_hands(card: Card) -> bool:
    """Whether the task names any way of doing it, without looking whether that works."""
    return bool(card.task.recipe or card.task.command or diff_in(card.file.body))


def work_for(view: View, card: Card) -> Work | CannotApply:
    """The work that does the task, or why there is none."""
    task = card.task
    if task.recipe:
        return _by_recipe(view, task.recipe)
    diff = diff_in(card.file.body)
    if diff is not None:
        edits = apply_diff(diff, view.snapshot.files, view.policy)
        return edits if isinstance(edits, CannotApply) else Work("the diff in its task file", edits)
    if task.command:
        if task.command not in view.policy.commands:
            return CannotApply(f"command {task.command!r} is not in .llm-team.yml")
        return Work(f"the command {task.command}", command=task.command)
    return CannotApply(NO_HANDS)


def _by_recipe(view: View, names: tuple[str, ...]) -> Work | CannotApply:
    edits = propose_all(names, project_of(view), view.templates)
    if isinstance(edits, CannotApply):
        return edits
    if not edits:
        return CannotApply(f"nothing is missing: {', '.join(names)} would change no file")
    allowed = {path for name in names for path in RECIPES[name].PROTECTED}
    for edit in edits:
        if is_protected(edit.path, view.policy.protected_paths) and not is_protected(
            edit.path, tuple(allowed)
        ):
            return CannotApply(f"{edit.path} is protected")
    excess = beyond_limits(view, edits)
    if excess:
        return CannotApply(f"{', '.join(names)} {excess}")
    return Work(f"the recipe {', '.join(names)}", edits)


def beyond_limits(view: View, edits: tuple[FileEdit, ...]) -> str:
    """How the edits are more than one pull may hold; empty: they are not."""
    limits = view.policy.limits
    if len(edits) > limits.files:
        return f"would change {len(edits)} files, and limits.files is {limits.files}"
    lines = sum(_changed_lines(view.snapshot.files.get(edit.path, ""), edit) for edit in edits)
    return f"would change {lines} lines, and limits.lines is {limits.lines}" * (
        lines > limits.lines
    )


def _changed_lines(before: str, edit: FileEdit) -> int:
    """How many lines an edit adds and removes."""
    pairs = unified_diff(before.splitlines(), (edit.text or "").splitlines(), n=0, lineterm="")
    return sum(line[0] in "+-" for line in list(pairs)[2:])
