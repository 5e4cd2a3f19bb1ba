"""Rolling pulls: what the pull of a rolling branch may hold, and what it brings.

Such pulls add tasks, flip statuses or bring a plan; nobody expects a task's checks of them.
What must never happen here: a rolling pull called good with a stranger's file in it.
"""

from __future__ import annotations

import re

from pmcodex.core import keys
from pmcodex.core.diffs import added_lines, is_new, removed_lines
from pmcodex.core.facts import Diff, FileDiff
from pmcodex.core.policy import Policy
from pmcodex.reviewing.quoting import few
from pmcodex.reviewing.review import Entry, Mark, Point

_STATUS_LINE = re.compile(r"^status:\s*\S+(?:\s+#.*)?\s*$")
_TITLE_LINE = re.compile(r"^title:\s*(.+)$")


def files_point(branch: str, diff: Diff, policy: Policy) -> Point:
    """Does the pull of a rolling branch hold what it is for, and nothing else?"""
    odd = [file.path for file in diff.files if not _belongs(policy, branch, file)]
    if odd:
        return Point("Files", Mark.CARE, f"not what this pull is for: {few(odd)}")
    fresh = sum(map(is_new, diff.files))
    said = f"adds {fresh}, changes {len(diff.files) - fresh}; no task's checks are expected"
    return Point("Files", Mark.GOOD, said)


def _belongs(policy: Policy, branch: str, file: FileDiff) -> bool:
    in_tasks = file.path.startswith(f"{policy.tasks.dir.rstrip('/')}/")
    match branch:
        case keys.TASKS_BRANCH:
            return in_tasks and (is_new(file) or _is_flip(file))
        case keys.BOOKKEEPING_BRANCH:
            return in_tasks and _is_flip(file)
        case keys.PLAN_BRANCH:
            return file.path == policy.plan
        case keys.INIT_BRANCH:
            return is_new(file)
        case _:
            return in_tasks


def _is_flip(file: FileDiff) -> bool:
    lines = [line for _, line in (*added_lines(file), *removed_lines(file))]
    one_each = file.added == file.removed == 1 and not file.old_path
    return one_each and all(_STATUS_LINE.match(line) for line in lines)


def entries(diff: Diff) -> tuple[Entry, ...]:
    """Every file of the pull with a few words on it."""
    return tuple(Entry(file.path, _gist(file)) for file in diff.files)


def _gist(file: FileDiff) -> str:
    """A new task's title, a flipped status, or how many lines."""
    added = [line for _, line in added_lines(file)]
    if is_new(file):
        titles = (found.group(1) for line in added if (found := _TITLE_LINE.match(line)))
        return next(titles, f"{file.added} line{'s' * (file.added != 1)}").strip("\"' ")
    if _is_flip(file):
        return added[0]
    return f"{file.added} added, {file.removed} removed"
