"""Flips: the status changes that the facts imply and the task files don't say yet.

They live on the bookkeeping branch, or ride along on the tasks branch while a tasks pull is
open. Taskmaster and Integrator both need to know which, so that knowledge is here.
"""

from __future__ import annotations

from pmcodex.core.actions import CommitPlan, FileEdit
from pmcodex.core.facts import Rolling
from pmcodex.core.frontmatter import set_value
from pmcodex.core.keys import BOOKKEEPING_BRANCH, TASKS_BRANCH
from pmcodex.core.model import TaskStatus
from pmcodex.core.view import View
from pmcodex.errors import InvalidInput


def pending_flips(view: View) -> tuple[CommitPlan, ...]:
    """One commit per task whose file lags behind the facts, in id order.

    Only tasks whose text is in the snapshot count; `observe` reads those of every pending task.
    A file whose status can't be changed alone is left out: see `stuck_flips`.
    """
    plans = []
    for card in view.board.cards:
        becomes = card.standing.becomes
        text = view.snapshot.files.get(card.file.path)
        if becomes is None or text is None:
            continue
        message = f"{card.task.id}: mark task {becomes}"
        if becomes is TaskStatus.BLOCKED:
            message += f"\n\nPull {card.standing.pull} was closed without a merge."
        flipped = with_status(text, becomes)
        if flipped is not None:
            plans.append(CommitPlan(message, (FileEdit(card.file.path, flipped),)))
    return tuple(plans)


def with_status(text: str, status: TaskStatus) -> str | None:
    """The task text with this status, one value changed; None where it can't be written so."""
    try:
        return set_value(text, "status", status.value)
    except InvalidInput:
        return None


def stuck_flips(view: View) -> tuple[str, ...]:
    """Paths of the task files that lag behind and whose status only a person can change."""
    files = view.snapshot.files
    return tuple(
        path
        for card in view.board.cards
        if (path := card.file.path) in files
        and card.standing.becomes is not None
        and with_status(files[path], card.standing.becomes) is None
    )


def flips_branch(view: View) -> str:
    """Where flips go now: an open bookkeeping pull first, else an open tasks pull."""
    if view.open_pull(BOOKKEEPING_BRANCH) is None and view.open_pull(TASKS_BRANCH) is not None:
        return TASKS_BRANCH
    return BOOKKEEPING_BRANCH


def flips_on(view: View, branch: str) -> tuple[CommitPlan, ...]:
    """The pending flips if this branch is where they go, else none."""
    return pending_flips(view) if flips_branch(view) == branch else ()


def added_tasks(view: View) -> tuple[FileEdit, ...]:
    """The task files that the tasks branch adds, by path, while its pull is open or still to come.

    A run may end between its push and the pull: what it pushed keeps its ids.
    """
    rolling = view.snapshot.rolling.get(TASKS_BRANCH)
    if rolling is None or (view.open_pull(TASKS_BRANCH) is None and _had_its_pull(view, rolling)):
        return ()
    return tuple(
        FileEdit(path, text)
        for path, text in sorted(rolling.changes.items())
        if text is not None and path not in view.snapshot.paths
    )


def _had_its_pull(view: View, rolling: Rolling) -> bool:
    """Whether a pull of just this tip was closed or merged."""
    return any(
        pull.head == rolling.branch and pull.head_sha == rolling.sha for pull in view.snapshot.pulls
    )
