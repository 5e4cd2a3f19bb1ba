"""Natural keys: what is rendered is read back, and nothing else is taken for it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmcodex.core import keys

TEXT = st.text(max_size=60)


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("CI setup", "ci-setup"),
        ("  Ünïcode & Çedilla!! ", "unicode-cedilla"),
        ("漢字", "task"),
        ("...", "task"),
        ("a" * 60, "a" * 40),
        (f"{'a' * 39} b", "a" * 39),
        ("../../etc/passwd", "etc-passwd"),
        ("--upload-pack=x", "upload-pack-x"),
    ],
)
def test_slugs(title: str, expected: str) -> None:
    assert keys.slug(title) == expected


@given(st.integers(1, 999_999_999), TEXT, st.integers(1, 30), st.sampled_from(["feature/", "a/b/"]))
def test_a_branch_tells_its_task(number: int, title: str, attempt: int, prefix: str) -> None:
    task_id = keys.task_id(number)
    branch = keys.task_branch(prefix, task_id, title, attempt)
    assert keys.task_of_branch(prefix, branch) == task_id
    assert keys.number(task_id) == number
    assert set(branch.removeprefix(prefix)) <= set("abcdefghijklmnopqrstuvwxyz0123456789-T")


@pytest.mark.parametrize(
    "branch",
    [
        "main",
        "T-0001-x",
        "feature/T-001-x",
        "feature/T-0001x",
        "feature/x-T-0001",
        "feature/t-0001-x",
        "feature/T-0001\n",
        "feature/T-٠٠٠١-x",
        "feature/T-0001/x",
        "features/T-0001-x",
    ],
)
def test_other_branches_are_nobodys_task(branch: str) -> None:
    assert keys.task_of_branch("feature/", branch) == ""


def test_a_bare_id_is_a_branch_of_its_task() -> None:
    assert keys.task_of_branch("feature/", "feature/T-0001") == "T-0001"


def test_no_rolling_branch_is_a_tasks_branch() -> None:
    assert not any(keys.task_of_branch("pmcodex/", branch) for branch in keys.ROLLING_BRANCHES)


@given(st.lists(TEXT, max_size=3), st.lists(TEXT, max_size=3))
def test_digests_tell_parts_apart(one: list[str], other: list[str]) -> None:
    assert (keys.digest(*one) == keys.digest(*other)) == (one == other)


def test_digests_never_change() -> None:
    assert keys.digest("a", "b") == keys.digest("a", "b")
    assert keys.digest("ab") != keys.digest("a", "b")
    assert len(keys.digest("\ud800")) == 16


@given(TEXT, TEXT, st.text("abc123,-.:", max_size=20))
def test_a_marker_is_read_back(before: str, after: str, value: str) -> None:
    body = f"{before.replace('<!--', '')}\n{keys.marker('ids', value)}\n{after}"
    assert keys.read_marker(body, "ids") == value


def test_markers_of_other_kinds_and_quoted_ones_are_not_taken() -> None:
    body = f"> {keys.marker('ids', 'T-0001')}\n`{keys.marker('ids', 'x')}`\n{keys.marker('items')}"
    assert keys.read_marker(body, "ids") is None
    assert keys.read_marker(body, "items") == ""


def test_line_ends_of_a_web_form_do_no_harm() -> None:
    assert keys.read_marker(f"words\r\n{keys.marker('ids', 'T-0001')}\r\n", "ids") == "T-0001"
