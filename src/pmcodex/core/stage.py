"""Effective state of a task, as a table of rows: the first row that fits decides.

The state is computed from facts at every look and never stored. "After" is ancestry, never a
clock. What must never happen here: a look at anything but the facts of this one task.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from pmcodex.core.facts import CheckState, Claim, Pull, PullState, Verdict
from pmcodex.core.keys import READY_LABEL
from pmcodex.core.model import OURS, Task, TaskStatus


class State(StrEnum):
    """Where a task really is."""

    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    IN_REVIEW = "in_review"
    READY = "ready_for_integration"
    DONE = "done"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """What is known of one task. `pulls` are its own, by number, the newest last.

    `unmet` holds the ids it waits for that are not done, `fault` what is wrong with the task's
    place in the graph (a cycle, an unknown or duplicate id), if anything.
    """

    task: Task
    pulls: tuple[Pull, ...] = ()
    claim: Claim | None = None
    touched_after: frozenset[int] = frozenset()
    unseen: frozenset[int] = frozenset()
    unmet: tuple[str, ...] = ()
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """A task's effective state, why, and what would move it.

    `becomes` is the status that bookkeeping still has to write into the file, if any.
    `claimable` is true only for a queued task that waits for nothing.
    """

    state: State
    reason: str
    moves: str
    pull: int = 0
    becomes: TaskStatus | None = None
    claimable: bool = False
    row: str = ""


def approved(pull: Pull) -> bool:
    """Whether the last words on the pull hold an approval and no request for changes."""
    last: dict[str, Verdict] = {}
    for review in pull.reviews:
        if review.verdict is not Verdict.COMMENTED:
            last[review.author] = review.verdict
    return Verdict.APPROVED in last.values() and Verdict.CHANGES_REQUESTED not in last.values()


def green(pull: Pull) -> bool:
    """Whether checks ran on the pull's head and none of them is red or still running."""
    return bool(pull.checks) and all(
        check.state in (CheckState.SUCCESS, CheckState.SKIPPED) for check in pull.checks
    )


MEND_A_CLASH = "merging the base into its branch, or closing it and setting its task to queued"


def clash(pull: Pull) -> str:
    """What a pull that can't be merged conflicts with, and where."""
    few = ", ".join(pull.conflicts[:3])
    more = f" and {len(pull.conflicts) - 3} more" if len(pull.conflicts) > 3 else ""
    return f"conflicts with {pull.base}{'; ' * bool(few)}{few}{more}"


def _file_decides(facts: TaskFacts) -> Standing | None:
    if facts.task.status is TaskStatus.DONE:
        return Standing(
            State.DONE, "the task file says done", "set its status to queued to redo it"
        )
    if facts.task.status is TaskStatus.BLOCKED:
        return Standing(
            State.BLOCKED, "the task file says blocked", "set its status to queued to try again"
        )
    return None


def _merged(facts: TaskFacts) -> Standing | None:
    pull = _newest(facts, PullState.MERGED)
    if pull is None or _requeued(facts, pull):
        return None
    seen = pull.number not in facts.unseen
    return Standing(
        State.DONE,
        f"pull {pull.number} was merged; the task file does not say so yet",
        "the Integrator's bookkeeping pull" if seen else "the merge reaching the default branch",
        pull=pull.number,
        becomes=TaskStatus.DONE if seen else None,
    )


def _ready(facts: TaskFacts) -> Standing | None:
    pull = _newest(facts, PullState.OPEN)
    if pull is None or pull.draft or pull.mergeable is False:
        return None
    if READY_LABEL in pull.labels:
        why = f"pull {pull.number} carries the label {READY_LABEL}"
    elif approved(pull) and green(pull):
        why = f"pull {pull.number} is approved and its checks are green"
    else:
        return None
    return Standing(State.READY, why, f"merging pull {pull.number}", pull=pull.number)


def _open(facts: TaskFacts) -> Standing | None:
    pull = _newest(facts, PullState.OPEN)
    if pull is None:
        return None
    if pull.mergeable is False:
        return Standing(
            State.IN_REVIEW, f"pull {pull.number} {clash(pull)}", MEND_A_CLASH, pull=pull.number
        )
    return Standing(
        State.IN_REVIEW, f"pull {pull.number} is open", _what_a_pull_lacks(pull), pull=pull.number
    )


def _what_a_pull_lacks(pull: Pull) -> str:
    if any(check.state is CheckState.FAILURE for check in pull.checks):
        return f"green checks on pull {pull.number}"
    if not pull.checks:
        return f"checks on pull {pull.number}, then an approving review"
    if not approved(pull):
        return f"an approving review of pull {pull.number}"
    return f"the checks of pull {pull.number} ending"


def _claimed(facts: TaskFacts) -> Standing | None:
    claim = facts.claim
    if claim is None:
        return None
    if claim.foreign:
        return Standing(
            State.IN_PROGRESS,
            f"somebody works on {claim.branch}, which has no pull yet",
            "a pull for that branch, or its deletion",
        )
    return Standing(
        State.IN_PROGRESS,
        f"{claim.machine or 'a machine'} claimed it on {claim.branch}; no pull yet",
        "the next Developer round of that machine, or of any once the claim has expired",
    )


def _rejected(facts: TaskFacts) -> Standing | None:
    pull = facts.pulls[-1] if facts.pulls else None
    if pull is None or pull.state is not PullState.CLOSED or pull.number in facts.touched_after:
        return None
    return Standing(
        State.BLOCKED,
        f"pull {pull.number} was closed without a merge",
        "a change to its task file (say what should be different, status queued) for a new attempt",
        pull=pull.number,
        becomes=TaskStatus.BLOCKED,
    )


def _faulty(facts: TaskFacts) -> Standing | None:
    if not facts.fault:
        return None
    return Standing(State.QUEUED, facts.fault, "mending the task files that are named")


def _waiting(facts: TaskFacts) -> Standing | None:
    if not facts.unmet:
        return None
    ids = ", ".join(facts.unmet)
    return Standing(State.QUEUED, f"waits for {ids}", f"{ids} being done")


def _astray(facts: TaskFacts) -> Standing | None:
    status = facts.task.status
    if status is TaskStatus.QUEUED:
        return None
    return Standing(
        State(status.value),
        f"the task file says {status.value}, but there is no pull and no branch for it",
        "setting its status to queued",
    )


def _someone_elses(facts: TaskFacts) -> Standing | None:
    if facts.task.owner in ("", OURS):
        return None
    return Standing(
        State.QUEUED, f"{facts.task.owner} owns it", f"{facts.task.owner}, or owner: {OURS}"
    )


def _claimable(facts: TaskFacts) -> Standing | None:
    return Standing(State.QUEUED, "can be claimed", "the next Developer round", claimable=True)


ROWS: tuple[tuple[str, Callable[[TaskFacts], Standing | None]], ...] = (
    ("the file says done or blocked", _file_decides),
    ("a merged pull, not set back to queued since", _merged),
    ("an open pull, labelled ready or approved and green", _ready),
    ("an open pull", _open),
    ("a claimed branch without a pull", _claimed),
    ("a pull closed unmerged, the file not changed since", _rejected),
    ("the file says more than the facts", _astray),
    ("a fault in the task graph", _faulty),
    ("a dependency is not done", _waiting),
    ("somebody else owns it", _someone_elses),
    ("none of these", _claimable),
)


def standing(facts: TaskFacts) -> Standing:
    """The task's effective state: the first row of `ROWS` that fits."""
    for name, row in ROWS:
        found = row(facts)
        if found is not None:
            return Standing(
                found.state,
                found.reason,
                found.moves,
                found.pull,
                found.becomes,
                found.claimable,
                name,
            )
    raise AssertionError("the last row always fits")


def is_done(facts: TaskFacts) -> bool:
    """Whether the task is done, whatever it depends on: the first two rows tell."""
    found = _file_decides(facts) or _merged(facts)
    return found is not None and found.state is State.DONE


def _newest(facts: TaskFacts, state: PullState) -> Pull | None:
    return next((pull for pull in reversed(facts.pulls) if pull.state is state), None)


def _requeued(facts: TaskFacts, pull: Pull) -> bool:
    return facts.task.status is TaskStatus.QUEUED and pull.number in facts.touched_after
