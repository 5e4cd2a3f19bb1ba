"""Task files: every breach has its line and field, no bytes raise, what is written reads back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmcodex.core.facts import TaskFile
from pmcodex.core.model import Priority, Task, TaskStatus
from pmcodex.core.taskfile import LIMIT, file_name, read_task, render_task, within_states

PATH = "tasks/T-0003-ship-it.md"
GOOD = """---
id: T-0003
title: Ship it
type: ci
priority: P1
depends_on: [T-0001, T-0002]
status: queued
owner: pmcodex
estimate: 4h
acceptance:
  - pytest runs
  - the page opens
auto_policy: manual
---

# Why

Because.
"""


def read(text: str, path: str = PATH) -> TaskFile:
    return read_task(path, "b" * 40, text.encode())


def test_a_good_file_is_its_task_and_body() -> None:
    assert read(GOOD) == TaskFile(
        PATH,
        "b" * 40,
        Task(
            id="T-0003",
            title="Ship it",
            type="ci",
            priority=Priority.P1,
            depends_on=("T-0001", "T-0002"),
            status=TaskStatus.QUEUED,
            owner="pmcodex",
            estimate="4h",
            acceptance=("pytest runs", "the page opens"),
        ),
        None,
        "# Why\n\nBecause.\n",
    )


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace("\n", "\r\n"),
        "\ufeff" + GOOD,
        GOOD.replace("[T-0001, T-0002]", "\n- 'T-0001' # first\n- \"T-0002\""),
        GOOD.replace("title: Ship it", "title: >-\n  Ship\n  it"),
        GOOD.replace("owner: pmcodex", "owner: !!str pmcodex"),
        GOOD.replace("auto_policy: manual\n", "auto_policy:\n"),
        GOOD.replace("id: T-0003", "# what it is\n\n'id': T-0003"),
    ],
    ids=["crlf", "bom", "block", "folded", "str", "empty", "comment"],
)
def test_the_same_task_in_other_dress(text: str) -> None:
    assert read(text).task == read(GOOD).task


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("P1", "urgent", 5, "priority: 'urgent' is not one of P0, P1, P2, P3"),
        ("P1", "1", 5, "priority: '1' is not one of P0, P1, P2, P3"),
        ("Ship it", "2024", 3, "title: '2024' reads as a number, not as text"),
        ("Ship it", "2024-02-31", 3, "title: '2024-02-31' reads as a date, not as text"),
        ("Ship it", "yes", 3, "title: 'yes' reads as true or false, not as text"),
        ("Ship it", "[a]", 3, "title: is not text but a list"),
        ("Ship it", "!!int x", 3, "title: 'x' reads as a number, not as text"),
        ("Ship it", "", 3, "title: is empty"),
        ("Ship it", "x" * 121, 3, "title: is longer than 120 characters"),
        ("Ship it", '"a\\nb"', 3, "title: 'a\\nb' is not one line"),
        (
            "Ship it",
            "Ship: it",
            3,
            "title: not valid YAML: mapping values are not allowed in this context",
        ),
        ("pytest runs", "pytest: runs", 11, "acceptance: item 1 is not text but `field: value`"),
        ("the page opens", "", 12, "acceptance: item 2 is empty"),
        ("the page opens", "7", 12, "acceptance: item 2 '7' reads as a number, not as text"),
        ("owner:", "onwer:", 8, "onwer: there is no such field"),
        ("owner:", "title:", 8, "title: is there twice"),
        ("owner:", "? [a]\n:", 8, "?: there is no such field"),
        ("4h", "9h", 9, "estimate: 9h is more than one day (8h)"),
        ("4h", "1.5d", 9, "estimate: 1.5d is more than one day (8h)"),
        ("4h", "3 weeks", 9, "estimate: '3 weeks' is not hours or days such as 2h or 0.5d"),
        ("[T-0001, T-0002]", "T-0001", 6, "depends_on: is not a list"),
        ("T-0002]", "T2]", 6, "depends_on: item 2 'T2' is not a task id such as T-0001"),
        ("id: T-0003", "id: T-٠٠٠٣", 2, "id: 'T-٠٠٠٣' is not a task id such as T-0001"),
        ("id: T-0003\n", "", 1, "id: is missing"),
        ("manual\n---", "manual", 1, "the front matter is never closed"),
        ("---\nid", "id", 1, "there is no front matter"),
        ("title", "\x07title", 3, "not valid YAML: there is a control character in it"),
        ("P1", "urgent\ntpye: x", 6, "tpye: there is no such field"),
        ("status: queued", "status: *x", 7, "status: not valid YAML: found undefined alias"),
    ],
)
def test_each_breach_names_its_line_and_field(old: str, new: str, line: int, message: str) -> None:
    assert old in GOOD
    broken = read(GOOD.replace(old, new, 1))
    assert broken.task is None
    assert broken.finding is not None
    assert (broken.finding.where, broken.finding.message) == (f"{PATH}:{line}", message)
    assert (broken.finding.kind, broken.finding.task_id) == ("task-file", "T-0003")


@pytest.mark.parametrize(
    ("old", "new", "hint"),
    [
        ("owner:", "onwer:", "did you mean owner?"),
        ("queued", "Done", "did you mean done?"),
        ("Ship it", "2024", 'put it in quotes: "2024"'),
        ("Ship it", "Ship: it", "a value with a colon in it needs quotes"),
        ("4h", "2d", "split the task"),
    ],
)
def test_the_hint_names_the_fix(old: str, new: str, hint: str) -> None:
    finding = read(GOOD.replace(old, new, 1)).finding
    assert finding is not None
    assert finding.hint == hint


def test_the_first_of_several_is_named_with_the_number_of_the_rest() -> None:
    finding = read(GOOD.replace("P1", "urgent").replace("queued", "open")).finding
    assert finding is not None
    assert finding.message == "priority: 'urgent' is not one of P0, P1, P2, P3 (and 1 more)"


def test_lines_count_from_the_file_not_from_the_yaml() -> None:
    finding = read("\n\n" + GOOD.replace("P1", "urgent")).finding
    assert finding is not None
    assert finding.where == f"{PATH}:7"


def test_a_file_with_another_name_is_a_task_and_a_finding() -> None:
    file = read(GOOD, "tasks/T-0004-ship-it.md")
    assert file.task is not None
    assert file.finding is not None
    assert (file.finding.kind, file.finding.hint) == ("task-name", "name it T-0003-ship-it.md")
    assert read(GOOD, "tasks/T-0003.md").finding is None
    assert read(GOOD, "tasks/T-00031.md").finding is not None


def test_what_is_not_text_or_too_large_is_a_finding() -> None:
    latin = read_task(PATH, "", GOOD.replace("Ship it", "Spaß").encode("latin-1"))
    assert latin.finding is not None
    assert latin.finding.where == f"{PATH}:3"
    assert latin.finding.message == "the file is not UTF-8 text"
    huge = read_task(PATH, "", GOOD.encode() + b"x" * LIMIT)
    assert huge.finding is not None
    assert huge.finding.message == "the file is larger than 256 KiB"
    assert read_task(PATH, "", GOOD.encode().ljust(LIMIT)).task is not None


_BOMB = "a: &a [x,x]\n" + "".join(
    f"{c}: &{c} [*{p},*{p}]\n" for p, c in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "front",
    [
        "[" * 200_000,
        "- " * 100_000,
        "? " * 100_000,
        "{a: " * 50_000,
        "\n".join(" " * n + "-" for n in range(500)),
        "\n".join(" " * n + "a:" for n in range(500)),
        "\u2028" + "- " * 50_000,
        _BOMB,
        "acceptance: &a [*a]",
        "acceptance: [&a x" + ", *a" * 9 + "]",
        "<<: &m {id: T-0003}\ntitle: x",
        "!!python/object/apply:os.system [id]",
        "%YAML 9.9\n---\na: b",
        "a: b\n--- \nc: d",
        "...",
        "=: =",
        "title: " + "9" * 5000 + "\nid: T-0003",
        "estimate: " + "9" * 5000 + "h\nid: T-0003\ntitle: x",
    ],
    ids=lambda front: front[:12],
)
def test_hostile_yaml_is_a_finding(front: str) -> None:
    file = read(f"---\n{front}\n---\n")
    assert file.task is None
    assert file.finding is not None
    assert file.finding.message


def test_a_few_aliases_are_fine_and_many_are_not() -> None:
    shared = "acceptance: [&a x{}]\nauto_policy"
    few, many = (GOOD.replace("auto_policy", shared.format(", *a" * n)) for n in (8, 9))
    clean = "acceptance:\n  - pytest runs\n  - the page opens\n"
    few_file, many_file = read(few.replace(clean, "")), read(many.replace(clean, ""))
    assert few_file.task is not None
    assert few_file.task.acceptance == ("x",) * 9
    assert many_file.finding is not None
    assert many_file.finding.message == "there are more than 8 YAML aliases"


_NOISE = st.sampled_from(
    [
        *"[]{}:-?*&!|>%@`'\"#,\n\r\t \\",
        "---",
        "\n- ",
        "!!int ",
        "<<: ",
        "é",
        "\x85",
        "\ufeff",
        "\x00",
    ]
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(_NOISE, st.sampled_from(GOOD.split("\n"))), max_size=30), st.binary())
def test_no_bytes_raise(pieces: list[str], tail: bytes) -> None:
    noise = "".join(pieces).encode()
    cut = GOOD.encode()
    for data in (noise, b"---\n" + noise + b"\n---\n", cut[:40] + noise + cut[40:], noise + tail):
        file = read_task(PATH, "", data)
        assert (file.task is None) <= (file.finding is not None)


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
_ONE_LINE = _TEXT.map(lambda text: text.replace("\r", " ").replace("\n", " ").strip())
_FULL_LINE = _ONE_LINE.filter(bool)
_TASKS = st.builds(
    Task,
    id=st.integers(1, 10**9 - 1).map(lambda n: f"T-{n:04d}"),
    title=_FULL_LINE,
    type=st.sampled_from(["feature", "bug", "docs"]),
    priority=st.sampled_from(Priority),
    depends_on=st.lists(st.sampled_from(["T-0001", "T-0022"]), max_size=3).map(tuple),
    status=st.sampled_from(TaskStatus),
    owner=st.one_of(_TEXT, st.sampled_from(["null", "~", "no", "1_000", "0x1F", "1:30", "# x"])),
    estimate=st.sampled_from(["1d", "0.5d", "8h", "0.25h"]),
    acceptance=st.lists(_FULL_LINE, max_size=4).map(tuple),
    auto_policy=st.sampled_from(["manual", "merge_when_ready"]),
    touches=st.lists(_TEXT, max_size=2).map(tuple),
    recipe=st.lists(_TEXT, max_size=2).map(tuple),
    command=_TEXT,
    prd=_TEXT,
)


@settings(max_examples=100, deadline=None)
@given(_TASKS, st.sampled_from(["", "# Body\n\n---\n\ntext\n", "```diff\n-a\n \n+b\n```\n"]))
def test_what_is_written_reads_back(task: Task, body: str) -> None:
    file = read_task(f"tasks/{file_name(task)}", "", render_task(task, body).encode())
    assert (file.finding, file.task, file.body) == (None, task, body)


def test_a_new_file_has_the_fields_in_order_and_no_unset_options() -> None:
    task = Task(id="T-0001", title="Fix: the build", acceptance=("a, b", "yes"))
    assert render_task(task, "Body") == (
        "---\nid: T-0001\ntitle: 'Fix: the build'\ntype: feature\npriority: P2\ndepends_on: []\n"
        "status: queued\nowner: ''\nestimate: 1d\nacceptance:\n  - a, b\n  - 'yes'\n"
        "auto_policy: manual\n---\n\nBody\n"
    )
    assert file_name(task) == "T-0001-fix-the-build.md"
    assert "\nprd: M1-00000000\n---\n" in render_task(
        task.model_copy(update={"prd": "M1-00000000"}), ""
    )


def test_a_state_that_the_policy_does_not_have_is_a_finding() -> None:
    task = Task(id="T-0001", title="One", status=TaskStatus.READY)
    file = TaskFile("tasks/T-0001-one.md", "b", task)
    assert within_states(file, tuple(TaskStatus)) is file
    found = within_states(file, (TaskStatus.QUEUED, TaskStatus.DONE))
    assert found.task is None
    assert found.finding is not None
    assert "ready_for_integration is not one of tasks.states" in found.finding.message
