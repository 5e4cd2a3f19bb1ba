"""The effective-state table of the design, row by row."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pmcodex.core.facts import (
    Check,
    CheckState,
    Claim,
    Pull,
    PullState,
    Review,
    Verdict,
)
from pmcodex.core.model import Task, TaskStatus
from pmcodex.core.stage import State, TaskFacts, standing

GREEN = (Check("pytest", CheckState.SUCCESS),)
RED = (Check("pytest", CheckState.FAILURE),)
YES = (Review("ada", Verdict.APPROVED),)
NO = (Review("bob", Verdict.CHANGES_REQUESTED),)
CLAIM = Claim("T-0001", "feature/T-0001-x", "c" * 40, "host", 0, worked=False, foreign=False)


def task(status: str = "queued", owner: str = "") -> Task:
    return Task(id="T-0001", title="x", status=TaskStatus(status), owner=owner)


def pull(number: int = 1, state: PullState = PullState.OPEN) -> Pull:
    return Pull(number, "x", "", "feature/T-0001-x", "a" * 40, "main", state, "pmcodex")


OPEN = pull()
MERGED = pull(state=PullState.MERGED)
CLOSED = pull(state=PullState.CLOSED)


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        (TaskFacts(task("done"), (OPEN,)), State.DONE),
        (TaskFacts(task("blocked"), (MERGED,)), State.BLOCKED),
        (TaskFacts(task("in_review"), (MERGED,)), State.DONE),
        (TaskFacts(task("in_review"), (MERGED,), touched_after=frozenset({1})), State.DONE),
        (TaskFacts(task("queued"), (MERGED,)), State.DONE),
        (TaskFacts(task("queued"), (MERGED,), touched_after=frozenset({1})), State.QUEUED),
        (TaskFacts(task(), (replace(OPEN, labels=("ready_for_integration",)),)), State.READY),
        (TaskFacts(task(), (replace(OPEN, reviews=YES, checks=GREEN),)), State.READY),
        (TaskFacts(task(), (replace(OPEN, reviews=YES, checks=RED),)), State.IN_REVIEW),
        (TaskFacts(task(), (replace(OPEN, reviews=YES),)), State.IN_REVIEW),
        (TaskFacts(task(), (replace(OPEN, reviews=YES + NO, checks=GREEN),)), State.IN_REVIEW),
        (
            TaskFacts(task(), (replace(OPEN, draft=True, reviews=YES, checks=GREEN),)),
            State.IN_REVIEW,
        ),
        (TaskFacts(task(), (OPEN,)), State.IN_REVIEW),
        (TaskFacts(task(), claim=CLAIM), State.IN_PROGRESS),
        (TaskFacts(task(), (CLOSED,)), State.BLOCKED),
        (TaskFacts(task(), (CLOSED,), touched_after=frozenset({1})), State.QUEUED),
        (TaskFacts(task(), (CLOSED, pull(2))), State.IN_REVIEW),
        (TaskFacts(task(), unmet=("T-0009",)), State.QUEUED),
        (TaskFacts(task("in_review")), State.IN_REVIEW),
        (TaskFacts(task()), State.QUEUED),
    ],
)
def test_the_first_row_that_fits_decides(facts: TaskFacts, state: State) -> None:
    assert standing(facts).state is state


@pytest.mark.parametrize(
    ("facts", "claimable"),
    [
        (TaskFacts(task()), True),
        (TaskFacts(task(owner="pmcodex")), True),
        (TaskFacts(task(owner="ada")), False),
        (TaskFacts(task(), unmet=("T-0009",)), False),
        (TaskFacts(task(), fault="in a dependency cycle"), False),
        (TaskFacts(task(), (CLOSED,), touched_after=frozenset({1})), True),
        (TaskFacts(task("queued"), (MERGED,), touched_after=frozenset({1})), True),
        (TaskFacts(task(), (OPEN,)), False),
        (TaskFacts(task(), claim=CLAIM), False),
    ],
)
def test_only_a_free_task_is_claimable(facts: TaskFacts, claimable: bool) -> None:
    assert standing(facts).claimable is claimable


def test_a_merge_leaves_bookkeeping_to_be_done() -> None:
    assert standing(TaskFacts(task("in_review"), (MERGED,))).becomes is TaskStatus.DONE


def test_a_merge_that_main_does_not_show_yet_waits() -> None:
    facts = TaskFacts(task("in_review"), (MERGED,), unseen=frozenset({1}))
    assert standing(facts).state is State.DONE
    assert standing(facts).becomes is None


def test_a_rejection_leaves_bookkeeping_to_be_done() -> None:
    assert standing(TaskFacts(task(), (CLOSED,))).becomes is TaskStatus.BLOCKED


def test_a_later_approval_takes_back_a_request_for_changes() -> None:
    reviews = (Review("bob", Verdict.CHANGES_REQUESTED), Review("bob", Verdict.APPROVED))
    facts = TaskFacts(task(), (replace(OPEN, reviews=reviews, checks=GREEN),))
    assert standing(facts).state is State.READY


def test_every_standing_says_what_would_move_it() -> None:
    for facts in (TaskFacts(task()), TaskFacts(task(), (OPEN,)), TaskFacts(task("done"))):
        found = standing(facts)
        assert found.reason
        assert found.moves
        assert found.row
