"""Task files: a task's pull that says what becomes of other tasks, or more of its own than it may.

Only pulls of a task's branch are looked at: changing tasks is what other pulls of ours, and
people's own, are there for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pmcodex.core.diffs import is_deleted, is_new, names_of
from pmcodex.core.facts import FileDiff
from pmcodex.core.keys import task_of_branch
from pmcodex.core.model import Task, TaskStatus
from pmcodex.reviewing.change import Change, Remark

NAME = "task-files"
WHY = "Front matter steers what is worked and merged; a task's pull may only claim its own task."

_FIELD = re.compile(rf"""({"|".join(Task.model_fields)})\s*:\s*["']?([\w-]*)""")
_HUNK = re.compile(r"@@ -(\d+)")


def look(change: Change) -> tuple[Remark, ...]:
    """Remarks for other tasks' front matter, and for a status that is no claim of its own."""
    policy = change.policy
    if not task_of_branch(policy.branch_prefix, change.pull.head):
        return ()
    folder = policy.tasks.dir.rstrip("/") + "/"
    allowed = {TaskStatus.IN_REVIEW.value}
    if policy.bookkeeping == "in_pull":
        allowed.add(TaskStatus.DONE.value)
    said: list[Remark] = []
    for file in change.diff.files:
        if any(path.startswith(folder) and path.endswith(".md") for path in names_of(file)):
            own = change.task_path in names_of(file)
            said += _own(file, allowed) if own else _others(file)
    return tuple(said)


def _own(file: FileDiff, allowed: set[str]) -> Iterator[Remark]:
    if is_deleted(file):
        yield Remark(NAME, "high", "the task's own file is deleted", file.path)
        return
    for sign, field, value in _front(file.patch):
        if field == "status" and sign == "+" and value not in allowed:
            yield Remark(NAME, "high", f"sets its own status to {value or 'nothing'}", file.path)
    fields = {field for _, field, _ in _front(file.patch)} - {"status"}
    if fields:
        message = f"changes what its own task says: {', '.join(sorted(fields))}"
        yield Remark(NAME, "medium", message, file.path)


def _others(file: FileDiff) -> Iterator[Remark]:
    if is_deleted(file) or file.old_path:
        yield Remark(NAME, "high", "another task's file is gone from its place", file.path)
    elif is_new(file):
        for sign, field, value in _front(file.patch):
            if sign == "+" and field == "status" and value != TaskStatus.QUEUED:
                message = f"a new task starts as {value or 'nothing'}"
                yield Remark(NAME, "high", message, file.path)
    elif fields := {field for _, field, _ in _front(file.patch)}:
        message = f"changes another task's front matter: {', '.join(sorted(fields))}"
        yield Remark(NAME, "high", message, file.path)


def _front(patch: str) -> Iterator[tuple[str, str, str]]:
    """Sign, field and first word of each changed line of front matter, as far as a diff shows.

    A hunk from the middle of a file doesn't say whether it is in the front matter: there, lines
    under a task's field count until a line of dashes.
    """
    field, ended, at_top = "", True, False
    for line in patch.splitlines():
        if hunk := _HUNK.match(line):
            field, ended, at_top = "", False, int(hunk[1]) <= 1
            continue
        sign, text = line[:1], line[1:]
        if ended or sign not in ("+", "-", " "):
            continue
        if text.rstrip() == "---":
            ended, at_top = not at_top, at_top and sign == "-"
            continue
        at_top = False
        found = _FIELD.match(text)
        if found:
            field = found[1]
        elif text.strip() and not text.startswith((" ", "-", "#")):
            field = ""
        if field and sign != " ":
            yield sign, field, found[2] if found else ""
