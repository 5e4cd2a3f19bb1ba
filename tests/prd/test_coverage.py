"""PRD diffs: what needs a task, what has one, and what only changed its words."""

from __future__ import annotations

import time

from hypothesis import given, settings
from hypothesis import strategies as st

from pmcodex.core.model import Task
from pmcodex.prd.coverage import Changed, Coverage, coverage
from pmcodex.prd.reader import Prd, item_key, read_prd


def prd(**milestones: list[str]) -> Prd:
    parts = (
        f"### {mid}: x\n**Acceptance:**\n" + "".join(f"* {item}\n" for item in items) + "\n"
        for mid, items in milestones.items()
    )
    return read_prd("## Milestones\n" + "".join(parts))


def task(number: int, words: str, milestone: str = "M1") -> Task:
    key = item_key(milestone, words)
    return Task(id=f"T-{number:04d}", title="Do it", acceptance=(words,), prd=key)


def uncovered(result: Coverage) -> list[tuple[str, str]]:
    return [(milestone.id, item.text) for milestone, item in result.uncovered]


LOGIN, LOGOUT = "Users can log in with a password", "A cart survives the browser's end"


def test_an_item_with_a_task_is_covered_in_any_dress() -> None:
    result = coverage(prd(M1=[f"**{LOGIN}!**", LOGOUT]), [task(1, LOGIN)])
    assert result.covered == {item_key("M1", LOGIN): "T-0001"}
    assert uncovered(result) == [("M1", LOGOUT)]
    assert (result.changed, result.gone) == ((), ())


def test_two_tasks_of_one_item_count_once_and_the_lower_id_wins() -> None:
    tasks = [task(10_000, LOGIN), task(9, LOGIN), Task(id="T-0001", title="No PRD item")]
    assert coverage(prd(M1=[LOGIN]), tasks).covered == {item_key("M1", LOGIN): "T-0009"}


def test_changed_words_are_reported_and_not_duplicated() -> None:
    new = "Users can log in with a password or a key"
    result = coverage(prd(M1=[new, LOGOUT]), [task(1, LOGIN)])
    assert [(c.task_id, c.old, c.item.text) for c in result.changed] == [("T-0001", LOGIN, new)]
    assert uncovered(result) == [("M1", LOGOUT)]
    assert (result.covered, result.gone) == ({}, ())


def test_a_task_without_acceptance_is_compared_by_its_title() -> None:
    bare = Task(id="T-0001", title=LOGIN, prd="M1-00000000")
    result = coverage(prd(M1=[LOGIN + " today"]), [bare])
    assert [(c.task_id, c.old) for c in result.changed] == [("T-0001", LOGIN)]


def test_an_item_that_vanished_is_gone_and_a_new_one_uncovered() -> None:
    result = coverage(prd(M1=[LOGOUT]), [task(1, LOGIN), task(2, "Zzz")])
    assert result.gone == ("T-0001", "T-0002")
    assert uncovered(result) == [("M1", LOGOUT)]
    assert result.changed == ()


def test_the_same_milestone_comes_before_greater_likeness() -> None:
    near, same = "Users can log in with a long password", LOGIN
    result = coverage(prd(M1=[near], M2=[same]), [task(1, LOGIN)])
    assert [c.item.text for c in result.changed] == [near]
    assert uncovered(result) == [("M2", same)]


def test_a_moved_item_is_changed_not_new() -> None:
    result = coverage(prd(M1=[LOGOUT], M2=[LOGIN]), [task(1, LOGIN)])
    assert [(c.task_id, c.item.key) for c in result.changed] == [("T-0001", item_key("M2", LOGIN))]
    assert uncovered(result) == [("M1", LOGOUT)]


def test_pairs_are_one_to_one_and_the_best_go_first() -> None:
    one, two = "The page shows 10 rows", "The page shows 20 rows"
    result = coverage(prd(M1=[two + ", x"]), [task(1, one), task(2, two)])
    assert [c.task_id for c in result.changed] == ["T-0002"]
    assert result.gone == ("T-0001",)
    assert result.uncovered == ()


def test_tasks_of_one_vanished_item_share_the_new_one() -> None:
    new = LOGIN + " twice"
    result = coverage(prd(M1=[new, LOGIN + " thrice"]), [task(1, LOGIN), task(2, LOGIN)])
    assert [(c.task_id, c.item.text) for c in result.changed] == [("T-0001", new), ("T-0002", new)]
    assert uncovered(result) == [("M1", LOGIN + " thrice")]


def test_the_order_of_tasks_makes_no_difference() -> None:
    tasks = [task(n, f"The page shows {n} rows") for n in range(1, 6)]
    read = prd(M1=[f"The page shows {n}0 rows" for n in range(1, 9)])
    assert coverage(read, tasks) == coverage(read, reversed(tasks))


def test_a_rewritten_prd_of_a_thousand_items_takes_no_time() -> None:
    old = [f"The report number {n} of the {n * 7919 % 1000}th shop is sent" for n in range(1000)]
    new = [f"{words} by mail" for words in old]
    tasks = [task(n, words) for n, words in enumerate(old)]
    read = prd(M1=new)
    start = time.perf_counter()
    result = coverage(read, tasks)
    assert time.perf_counter() - start < 10
    assert len(result.changed) == 1000
    assert all(changed.item.text == changed.old + " by mail" for changed in result.changed)


_WORDS = st.lists(
    st.sampled_from(["users", "can", "log", "in", "out", "with", "a", "key", "fast", "now"]),
    min_size=1,
)


@settings(max_examples=100, deadline=None)
@given(st.lists(_WORDS.map(" ".join), max_size=8), st.lists(_WORDS.map(" ".join), max_size=8))
def test_every_item_and_every_task_ends_in_one_place(new: list[str], old: list[str]) -> None:
    read = prd(M1=new)
    tasks = [task(n, words) for n, words in enumerate(old)]
    result = coverage(read, tasks)
    keys = [item.key for milestone in read.milestones for item in milestone.acceptance]
    changed = dict.fromkeys(c.item.key for c in result.changed)
    placed = [*result.covered, *changed, *(item.key for _, item in result.uncovered)]
    assert sorted(placed) == sorted(keys)
    orphans = sorted(t.id for t in tasks if t.prd not in result.covered)
    assert sorted([*(c.task_id for c in result.changed), *result.gone]) == orphans
    again = coverage(read, [t.model_copy(update={"prd": _now(t, result.changed)}) for t in tasks])
    assert again.changed == ()
    assert again.uncovered == result.uncovered


def _now(one: Task, changed: tuple[Changed, ...]) -> str:
    return next((c.item.key for c in changed if c.task_id == one.id), one.prd)
