"""Changes: a change that is there already is the same value; branches tell what people did."""

from __future__ import annotations

import pytest

from pmcodex.core.facts import Check, CheckState, PullState, Verdict
from pmcodex.forges import changes
from pmcodex.forges.documents import ChecksRecord, PullRecord, ReviewRecord
from pmcodex.ports import Commit

OLD, HEAD, NEWER, MAIN, MERGE = (digit * 40 for digit in "01234")
PULL = PullRecord(number=1, title="t", head="f", base="main", head_sha=HEAD, base_sha=OLD)
REFS = {"refs/heads/main": MAIN, "refs/heads/f": HEAD}


def test_every_change_made_twice_is_the_same_value() -> None:
    review = ReviewRecord(author="Ada", verdict=Verdict.APPROVED, head_sha=HEAD, at=1)
    commented = changes.commented(PULL, "Ada", "hello", 1)
    for record, change in (
        (PULL, lambda one: changes.edited(one, "new", "words")),
        (PULL, lambda one: changes.labelled(one, "x")),
        (PULL, lambda one: changes.closed(one, 5)),
        (PULL, lambda one: changes.reviewed(one, review.model_copy(update={"at": id(one)}))),
        (commented, lambda one: changes.recommented(one, "1", "bye", 5)),
    ):
        once = change(record)
        assert once != record
        assert change(once) is once


def test_a_check_said_again_is_the_same_value_whoever_says_it() -> None:
    none = ChecksRecord(sha=HEAD)
    once = changes.checked(none, Check("ruff", CheckState.SUCCESS), "Bot", 1)
    assert once != none
    assert changes.checked(once, Check("ruff", CheckState.SUCCESS), "Ada", 2) is once
    assert changes.checked(once, Check("ruff", CheckState.FAILURE), "Ada", 2) != once


def test_a_verdict_replaces_all_of_its_author_and_a_remark_only_remarks() -> None:
    def said(*verdicts: Verdict) -> list[Verdict]:
        record = PULL
        for at, verdict in enumerate(verdicts):
            review = ReviewRecord(author="Ada", verdict=verdict, body=str(at), at=at)
            record = changes.reviewed(record, review)
        return [review.verdict for review in record.reviews]

    yes, no, remark = Verdict.APPROVED, Verdict.CHANGES_REQUESTED, Verdict.COMMENTED
    assert said(yes, no) == [no]
    assert said(remark, remark, yes) == [yes]
    assert said(yes, remark, remark) == [yes, remark]


@pytest.mark.parametrize(
    ("refs", "landed", "state", "sha"),
    [
        pytest.param(REFS, {}, PullState.OPEN, "", id="open"),
        pytest.param({"refs/heads/main": MAIN}, {}, PullState.CLOSED, "", id="branch gone"),
        pytest.param({"refs/heads/f": HEAD}, {}, PullState.CLOSED, "", id="base gone"),
        pytest.param(REFS, {HEAD: MERGE}, PullState.MERGED, MERGE, id="merged by hand"),
        pytest.param(
            {"refs/heads/main": MAIN}, {HEAD: MERGE}, PullState.MERGED, MERGE, id="and deleted"
        ),
        pytest.param(
            REFS | {"refs/heads/f": MAIN}, {MAIN: MAIN}, PullState.OPEN, "", id="thrown back"
        ),
        pytest.param(
            REFS | {"refs/heads/f": NEWER}, {HEAD: MERGE}, PullState.OPEN, "", id="more to come"
        ),
    ],
)
def test_branches_tell_what_people_did(
    refs: dict[str, str], landed: dict[str, str], state: PullState, sha: str
) -> None:
    seen = changes.settled(PULL, refs, landed, 9)
    assert (seen.state, seen.merge_sha) == (state, sha)
    if state is PullState.CLOSED:
        assert (seen.base_sha, seen.head_sha) == (OLD, HEAD)


def test_a_touch_takes_todays_tips_and_keeps_the_openings() -> None:
    new = changes.touched(changes.touched(PULL, {"refs/heads/main": OLD}, 1), REFS, 2)
    assert (new.head_sha, new.base_sha, new.opened_on, new.changed_at) == (HEAD, MAIN, OLD, 2)
    assert changes.touched(changes.closed(PULL, 1), REFS, 2).base_sha == OLD


def test_an_ended_pull_never_changes_with_its_branches() -> None:
    ended = changes.closed(PULL, 1)
    assert changes.settled(ended, {}, {HEAD: MERGE}, 2) is ended


def test_what_a_merge_brought_is_told_by_the_merge() -> None:
    def commit(sha: str, *parents: str) -> Commit:
        return Commit(sha, parents, "a", "a@b", 0, "m")

    got = changes.arrivals([commit(HEAD, OLD), commit(NEWER, OLD), commit(MERGE, NEWER, HEAD)])
    assert got == {HEAD: MERGE, NEWER: NEWER, MERGE: MERGE}
