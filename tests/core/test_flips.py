"""Flips: the status lines that facts ask for, and the one branch they go to."""

from __future__ import annotations

import pytest
from builders import World, a_pull, a_task, closed, merged, path_of, written

from pmcodex.core.flips import (
    added_tasks,
    flips_branch,
    flips_on,
    pending_flips,
    stuck_flips,
    with_status,
)
from pmcodex.core.keys import BOOKKEEPING_BRANCH, TASKS_BRANCH
from pmcodex.core.model import TaskStatus

TWO = written(a_task(2), a_task(1))


def behind(**more) -> World:
    pulls = [merged(1, "feature/T-0001-a"), closed(2, "feature/T-0002-b")]
    return World(main=dict(TWO), **({"pulls": pulls} | more))


def test_one_commit_per_task_in_order() -> None:
    plans = pending_flips(behind().view())
    assert [plan.message.splitlines()[0] for plan in plans] == [
        "T-0001: mark task done",
        "T-0002: mark task blocked",
    ]
    assert "Pull 2 was closed" in plans[1].message


def test_a_file_that_says_so_already_is_left() -> None:
    main = written(a_task(1, status="done"), a_task(2, status="blocked"))
    world = behind()
    world.main = main
    assert pending_flips(world.view()) == ()


def test_only_what_was_read_counts() -> None:
    view = behind().view(without=[path_of(a_task(1))])
    assert [plan.message.partition(":")[0] for plan in pending_flips(view)] == ["T-0002"]
    assert stuck_flips(view) == ()


@pytest.mark.parametrize(
    ("heads", "expected"),
    [
        ([], BOOKKEEPING_BRANCH),
        ([TASKS_BRANCH], TASKS_BRANCH),
        ([BOOKKEEPING_BRANCH], BOOKKEEPING_BRANCH),
        ([TASKS_BRANCH, BOOKKEEPING_BRANCH], BOOKKEEPING_BRANCH),
    ],
)
def test_where_flips_go(heads: list[str], expected: str) -> None:
    world = behind()
    world.pulls += [a_pull(n, head) for n, head in enumerate(heads, 3)]
    view = world.view()
    assert flips_branch(view) == expected
    assert len(flips_on(view, expected)) == 2
    other = BOOKKEEPING_BRANCH if expected == TASKS_BRANCH else TASKS_BRANCH
    assert flips_on(view, other) == ()


def test_a_closed_tasks_pull_carries_nothing() -> None:
    world = behind()
    world.pulls.append(a_pull(3, TASKS_BRANCH))
    world.roll(TASKS_BRANCH, written(a_task(3)))
    world.close(TASKS_BRANCH)
    assert flips_branch(world.view()) == BOOKKEEPING_BRANCH
    assert added_tasks(world.view()) == ()


def test_added_tasks_are_the_new_files_of_the_open_pull() -> None:
    world = behind(rolling={})
    world.pulls.append(a_pull(3, TASKS_BRANCH))
    new = written(a_task(3))
    world.roll(TASKS_BRANCH, {**new, path_of(a_task(1)): "changed", "tasks/gone.md": None})
    assert {edit.path: edit.text for edit in added_tasks(world.view())} == new


def test_tasks_that_were_pushed_and_have_no_pull_yet_count() -> None:
    world = behind(pulls=[closed(3, TASKS_BRANCH)])
    world.roll(TASKS_BRANCH, written(a_task(3)))
    assert len(added_tasks(world.view())) == 1


def test_a_status_is_one_line() -> None:
    text = "---\r\nid: T-0001\r\nstatus: 'queued' # now\r\n---\r\nBody\r\n"
    assert with_status(text, TaskStatus.DONE) == text.replace("queued", "done")
    assert with_status("no front matter", TaskStatus.DONE) is None
    assert with_status("---\nstatus: &s queued\ntitle: *s\n---\n", TaskStatus.DONE) is None
