"""`explain`: why a task is in its state and what would move it."""

from __future__ import annotations

import pytest
from clihelp import Pm, Shop, task


@pytest.mark.parametrize("name", ["T-0001", "t-0001", "T-1", "1"])
def test_a_task_is_named_as_people_name_it(name: str, worked: Shop, pm: Pm) -> None:
    said = pm("explain", name)
    assert said.code == 0
    assert said.out.splitlines() == [
        "T-0001: Editor settings",
        "state: in_review (pull 1 is open)",
        "moved by: checks on pull 1, then an approving review",
        "its file: tasks/T-0001.md says queued",
    ]


def test_as_data(worked: Shop, pm: Pm) -> None:
    data = pm("explain", "T-0002", "--json").data
    assert data["id"] == "T-0002"
    assert data["claimable"] is True
    assert data["moves"] == "the next Developer round"
    assert data["path"] == "tasks/T-0002.md"


def test_a_task_the_developer_passes_by_says_what_it_lacks(shop: Shop, pm: Pm) -> None:
    shop.tasks(task("T-0001", recipe=""), task("T-0002", depends_on="[T-0001]"))
    out = pm("explain", "T-0001").out
    assert "state: queued (it names no recipe" in out
    assert "waited for by: 1 task\n" in out
    assert pm("explain", "T-0001", "--json").data["claimable"] is False


@pytest.mark.parametrize("name", ["T-0009", "9", "nonsense", "../x"])
def test_an_unknown_task_is_said(name: str, worked: Shop, pm: Pm) -> None:
    said = pm("explain", name)
    assert (said.code, said.out) == (3, "")
    assert f"no task has the id {name}\n" in said.err
    assert "pmcodex status --all" in said.err


def test_a_file_that_can_not_be_read_is_explained(worked: Shop, pm: Pm) -> None:
    worked.write({"tasks/T-0011-x.md": "no front matter\n"})
    said = pm("explain", "T-0011")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("tasks/T-0011-x.md can't be read: ")
    data = pm("explain", "11", "--json").data
    assert (data["id"], data["path"], data["claimable"]) == ("T-0011", "tasks/T-0011-x.md", False)
    assert data["reason"].startswith("tasks/T-0011-x.md can't be read: ")
