"""Points: how a pull stands, one question at a time. Task, description, checks, branch, risk.

What must never happen here: a word of a task, a pull or a check that is not quoted, or a point
that is good because nothing was known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pmcodex.core import keys
from pmcodex.core.facts import Check, CheckState, Pull, TaskFile
from pmcodex.core.model import Task
from pmcodex.core.policy import Policy
from pmcodex.core.report import threshold_findings
from pmcodex.core.view import View
from pmcodex.reviewing.change import Remark
from pmcodex.reviewing.quoting import code, few, plain
from pmcodex.reviewing.review import Mark, Point
from pmcodex.reviewing.sections import section, sections_of

_SECTIONS = ("Linked Task", "What Changed", "Validation", "Risk")
_WORD = re.compile(r"[a-z0-9._-]+")
_TASK_ID = re.compile(r"\bT-\d{4,9}\b")


@dataclass(frozen=True, slots=True)
class Linked:
    """The task a pull says it is for: its id, and its file and values where there are any."""

    id: str = ""
    file: TaskFile | None = None
    task: Task | None = None
    by_branch: bool = False


def find_task(view: View, pull: Pull) -> Linked:
    """The task of a pull's branch, else the one its "Linked Task" section names."""
    by_branch = keys.task_of_branch(view.policy.branch_prefix, pull.head)
    task_id = by_branch or _named(pull.body)
    if not task_id:
        return Linked()
    file = next((file for file in view.snapshot.tasks if _is_of(file, task_id)), None)
    return Linked(task_id, file, file.task if file else None, bool(by_branch))


def _named(body: str) -> str:
    found = _TASK_ID.search(section(sections_of(body), _SECTIONS[0]))
    return found.group() if found else ""


def _is_of(file: TaskFile, task_id: str) -> bool:
    if file.task is not None:
        return file.task.id == task_id
    return file.finding is not None and (
        file.finding.task_id == task_id
        or re.match(rf"{task_id}(?:\D|$)", file.path.rpartition("/")[2]) is not None
    )


def task_points(view: View, pull: Pull, linked: Linked) -> tuple[Point, ...]:
    """Is there a task, does it say when it is done, and does the pull say what it did?"""
    return (_task_point(view, linked), _acceptance_point(linked), _description_point(pull))


def _task_point(view: View, linked: Linked) -> Point:
    name = "Task"
    if not linked.id:
        return Point(name, Mark.CARE, "the pull names no task")
    if linked.file is None:
        where = f"{view.policy.tasks.dir}/"
        return Point(name, Mark.CARE, f"{linked.id} has no file in {code(where)}")
    path = code(linked.file.path)
    if linked.task is None:
        fault = linked.file.finding.message if linked.file.finding else ""
        return Point(name, Mark.CARE, f"{linked.id} can't be read ({path}): {plain(fault)}")
    said = f"{linked.id} {plain(linked.task.title, 240)} ({path})"
    card = view.board.card(linked.id)
    if card is not None and card.waits_on:
        return Point(name, Mark.CARE, f"{said}, which waits on {', '.join(card.waits_on)}")
    return Point(name, Mark.GOOD, said)


def _acceptance_point(linked: Linked) -> Point:
    count = len(linked.task.acceptance) if linked.task else 0
    if not count:
        return Point("Acceptance", Mark.CARE, "no acceptance items: nothing says when it is done")
    said = f"{count} item{'s' * (count != 1)}, for the human to tick below"
    return Point("Acceptance", Mark.HUMAN, said)


def _description_point(pull: Pull) -> Point:
    said = sections_of(pull.body)
    bare = [name for name in _SECTIONS if not section(said, name)]
    if bare:
        return Point("Description", Mark.CARE, f"nothing is said under {', '.join(bare)}")
    return Point("Description", Mark.GOOD, "every section of the template is filled in")


@dataclass(frozen=True, slots=True)
class ChecksSeen:
    """The checks of a pull's head by name, those of the policy that are missing there, and by
    check name what breaks the policy's thresholds."""

    ran: tuple[Check, ...]
    missing: tuple[str, ...]
    misses: Mapping[str, tuple[str, ...]]


def checks_seen(pull: Pull, policy: Policy) -> ChecksSeen:
    """The pull's checks held against the policy. CI may call its job `CI / ruff`."""
    ran = tuple(sorted(pull.checks, key=lambda check: check.name))
    words = {word for check in ran for word in _WORD.findall(check.name.casefold())}
    misses = {check.name: tuple(threshold_findings(check, policy.thresholds)) for check in ran}
    return ChecksSeen(
        ran,
        tuple(name for name in policy.checks if name not in words),
        {name: found for name, found in misses.items() if found},
    )


def checks_point(seen: ChecksSeen) -> Point:
    """Good only where something ran and all of it is green."""
    name, total = "Checks", len(seen.ran) + len(seen.missing)
    if not total:
        return Point(name, Mark.CARE, "none ran, and the policy names none")
    red = [
        check.name
        for check in seen.ran
        if check.state is CheckState.FAILURE or seen.misses.get(check.name)
    ]
    if red:
        return Point(name, Mark.CARE, f"{len(red)} of {total} not good: {few(red)}")
    waiting = [check.name for check in seen.ran if check.state is CheckState.PENDING]
    if waiting or seen.missing:
        open_ones = [*waiting, *seen.missing]
        return Point(name, Mark.WAIT, f"{len(open_ones)} of {total} still to come")
    return Point(name, Mark.GOOD, f"all {total} green" if total > 1 else "green")


def branch_point(view: View, pull: Pull, linked: Linked) -> Point:
    """Does the branch carry its task's id, and can it go where it should?"""
    name, branch = "Branch", code(pull.head)
    if pull.mergeable is False:
        return Point(name, Mark.CARE, f"{branch} conflicts with {code(pull.base)}")
    if pull.base != view.snapshot.default_branch:
        wanted = code(view.snapshot.default_branch)
        return Point(name, Mark.CARE, f"{branch} goes to {code(pull.base)}, not to {wanted}")
    if linked.by_branch or pull.head in keys.ROLLING_BRANCHES:
        return Point(name, Mark.GOOD, branch)
    title = linked.task.title if linked.task else "title"
    wanted = keys.task_branch(view.policy.branch_prefix, linked.id or "T-0000", title)
    return Point(name, Mark.CARE, f"{branch} names no task; expected {code(wanted)}")


def risk_point(remarks: tuple[Remark, ...]) -> Point:
    """Low remarks are for information; anything above asks for care."""
    levels = [remark.level for remark in remarks]
    counts = {level: levels.count(level) for level in dict.fromkeys(levels)}
    if not counts:
        return Point("Risk", Mark.GOOD, "no rule has anything to say")
    grave = counts.keys() & {"high", "medium"}
    said = ", ".join(f"{count} {level}" for level, count in counts.items())
    return Point("Risk", Mark.CARE if grave else Mark.GOOD, f"{said}, below")
