"""The Reviewer: one honest comment, written again only when there is something new to say."""

from __future__ import annotations

import difflib
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from pmcodex.core import keys
from pmcodex.core.actions import PostReview
from pmcodex.core.board import build_board
from pmcodex.core.diffs import read_diff
from pmcodex.core.facts import (
    Check,
    CheckState,
    Comment,
    Finding,
    Pull,
    PullState,
    Snapshot,
    TaskFile,
)
from pmcodex.core.model import Task
from pmcodex.core.policy import Policy
from pmcodex.core.templates import Templates
from pmcodex.core.view import View
from pmcodex.roles.reviewer import RUBRIC_VERSION, decide, precondition

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "data" / "review"
TEMPLATES = Templates({"review.md": (ROOT / "templates" / "review.md").read_text("utf-8")})
BASE, HEAD = "b" * 40, "c" * 40

TASK = Task(
    id="T-0001",
    title="Add a parser",
    acceptance=("`parse()` reads a line", "A test shows the empty line"),
)
BODY = """\
## Linked Task
T-0001

## What Changed
A parser.

## Validation
`pytest` ran.

## Risk
Low.
"""
GREEN = (
    Check("pytest", CheckState.SUCCESS, "12 passed in 0.30s"),
    Check("ruff", CheckState.SUCCESS, "ruff: no findings"),
)
POLICY = Policy.model_validate({"checks": {"pytest": "pytest -q", "ruff": "ruff check"}})
CODE = {
    "src/parser.py": (None, "def parse(line):\n    return line\n"),
    "tests/test_parser.py": (None, "def test_parse():\n    assert parse('') == ''\n"),
}


def diff_text(files: dict[str, tuple[str | None, str | None]]) -> str:
    """What git would print for files given as (old text, new text)."""
    text = ""
    for path, (old, new) in files.items():
        text += f"diff --git a/{path} b/{path}\n"
        text += "new file mode 100644\n" * (old is None) + "deleted file mode 100644\n" * (not new)
        text += "".join(
            difflib.unified_diff(
                (old or "").splitlines(keepends=True),
                (new or "").splitlines(keepends=True),
                "/dev/null" if old is None else f"a/{path}",
                "/dev/null" if new is None else f"b/{path}",
            )
        )
    return text


def pull(**more) -> Pull:
    facts = {
        "number": 7,
        "title": "T-0001: Add a parser",
        "body": BODY,
        "head": "feature/T-0001-add-a-parser",
        "head_sha": HEAD,
        "base": "main",
        "state": PullState.OPEN,
        "author": "pmcodex",
        "checks": GREEN,
        "comments": (),
    }
    return Pull(**(facts | more))


def view(
    one: Pull,
    files: dict[str, tuple[str | None, str | None]] | str = "",
    *,
    task: Task | None = TASK,
    policy: Policy = POLICY,
    texts: dict[str, str] | None = None,
    **more,
) -> View:
    text = files if isinstance(files, str) and files else diff_text(files or CODE)
    tasks = (TaskFile(f"tasks/{task.id}-x.md", "f" * 40, task),) if task else ()
    snapshot = Snapshot(
        default_branch="main",
        main="a" * 40,
        machine="here",
        pulls=(one,),
        tasks=tasks,
        files=texts or {},
        diffs={one.number: read_diff(text, BASE, one.head_sha)},
    )
    board = build_board(snapshot, policy.branch_prefix)
    return View(snapshot, board, policy, TEMPLATES, 0.0, "pmcodex", **more)


def review(*args, **more) -> PostReview:
    (action,) = decide(view(*args, **more)).actions
    assert isinstance(action, PostReview)
    return action


def verdict(action: PostReview) -> str:
    return action.body.splitlines()[1]


# --- verdicts ------------------------------------------------------------------------------


def test_a_green_pull_with_its_task_looks_ready():
    action = review(pull())
    assert verdict(action) == "**Looks ready for a human**"
    assert action.key == "comment:7:review"
    assert action.task_id == "T-0001"
    assert action.reason == "pull 7: looks ready for a human"


def test_the_marker_is_the_first_line_and_carries_the_digest():
    action = review(pull())
    assert action.body.splitlines()[0] == keys.marker("review", action.digest)
    assert keys.read_marker(action.body, "review") == action.digest


def test_checks_that_have_not_ended_are_waited_for():
    running = (Check("pytest", CheckState.PENDING), GREEN[1])
    assert verdict(review(pull(checks=running))) == "**Waiting for checks**"
    assert verdict(review(pull(checks=GREEN[:1]))) == "**Waiting for checks**"
    assert verdict(review(pull(checks=()))) == "**Waiting for checks**"


def test_a_job_of_ci_answers_for_the_check_it_names():
    named = (
        Check("CI / pytest (3.11)", CheckState.SUCCESS),
        Check("lint: ruff", CheckState.SUCCESS),
    )
    assert verdict(review(pull(checks=named))) == "**Looks ready for a human**"


def test_no_check_at_all_is_not_ready():
    assert "1 of 6" in verdict(review(pull(checks=()), policy=Policy()))


@pytest.mark.parametrize(
    ("one", "more", "words"),
    [
        (
            pull(checks=(Check("pytest", CheckState.FAILURE), GREEN[1])),
            {},
            "1 of 2 not good: `pytest`",
        ),
        (pull(body="## Linked Task\nT-0001\n"), {}, "under What Changed, Validation, Risk"),
        (pull(body=BODY.replace("Low.", "<!-- how risky? -->")), {}, "nothing is said under Risk"),
        (pull(head="fix-it"), {}, "`fix-it` names no task; expected `feature/T-0001-add-a-parser`"),
        (pull(mergeable=False), {}, "conflicts with `main`"),
        (pull(base="dev"), {}, "goes to `dev`, not to `main`"),
        (pull(), {"task": None}, "T-0001 has no file in `tasks/`"),
        (pull(), {"files": {"infra/a.tf": (None, "x\n")}}, "1 high, below"),
    ],
)
def test_one_thing_that_is_not_well_asks_for_attention(one, more, words):
    action = review(one, **more)
    assert re.fullmatch(r"\*\*Needs attention: \d of 6\*\*", verdict(action))
    assert words in action.body


def test_a_pull_that_names_no_task_says_so():
    action = review(pull(head="fix", body=""))
    assert "the pull names no task" in action.body
    assert "expected `feature/T-0000-title`" in action.body


def test_a_task_that_waits_is_named_with_what_it_waits_on():
    action = review(pull(), task=TASK.model_copy(update={"depends_on": ("T-0009",)}))
    assert "which waits on T-0009" in action.body


def test_a_broken_task_file_is_shown_with_its_fault():
    seen = view(pull())
    fault = Finding("invalid", "tasks/T-0001-x.md:3", "line 3: no such <field>", task_id="T-0001")
    broken = TaskFile("tasks/T-0001-x.md", "f" * 40, None, fault)
    (action,) = decide(replace(seen, snapshot=replace(seen.snapshot, tasks=(broken,)))).actions
    assert "can't be read (`tasks/T-0001-x.md`): line 3: no such &lt;field&gt;" in action.body


def test_drafts_and_the_ready_label_are_said():
    action = review(pull(draft=True, labels=(keys.READY_LABEL, "blue")))
    assert verdict(action) == "**Looks ready for a human · draft · ready_for_integration**"


def test_thresholds_of_the_policy_are_held():
    policy = POLICY.model_copy(
        update={"thresholds": POLICY.thresholds.model_copy(update={"ruff": 0})}
    )
    findings = Check(
        "ruff", CheckState.SUCCESS, "ruff: 2 findings", ("src/a.py:1: F401", "src/b.py:2: E5")
    )
    action = review(pull(checks=(GREEN[0], findings)), policy=policy)
    assert "1 of 2 not good: `ruff`" in action.body
    assert "passed, but misses a threshold" in action.body


def test_first_findings_of_a_red_check_keep_file_and_line():
    details = tuple(f"src/a.py:{number}: wrong" for number in range(1, 10))
    action = review(
        pull(checks=(Check("pytest", CheckState.FAILURE, "9 failed", details), GREEN[1]))
    )
    assert "- `pytest`: src/a.py:1: wrong\n" in action.body
    assert "src/a.py:6" not in action.body


def test_no_box_is_ever_ticked():
    task = TASK.model_copy(update={"acceptance": ("[x] done already", "- [x] this too")})
    action = review(pull(), task=task)
    assert action.body.count("- [ ] ") == 2
    assert "[x]" not in action.body.replace("\\[x\\]", "")


# --- rolling pulls -------------------------------------------------------------------------

NEW_TASK = "---\nid: T-0005\ntitle: 'Speak <b>French</b>'\nstatus: queued\n---\n"


def rolling(branch: str, files, **more) -> PostReview:
    return review(pull(head=branch, body="Tasks.", **{"checks": (), **more}), files)


def test_a_tasks_pull_lists_its_tasks_and_needs_no_checks():
    action = rolling(keys.TASKS_BRANCH, {"tasks/T-0005-french.md": (None, NEW_TASK)})
    assert verdict(action) == "**Looks ready for a human**"
    assert "- `tasks/T-0005-french.md`: Speak &lt;b&gt;French&lt;/b&gt;" in action.body
    assert "Acceptance" not in action.body
    assert action.task_id == ""


TWICE = "---\nid: T-0001\nstatus: done\nstatus: done\n---\n"
FLIP = ("---\nid: T-0001\nstatus: in_review\n---\n", "---\nid: T-0001\nstatus: done\n---\n")


@pytest.mark.parametrize(
    ("branch", "files", "good"),
    [
        (keys.BOOKKEEPING_BRANCH, {"tasks/T-0001-x.md": FLIP}, True),
        (keys.BOOKKEEPING_BRANCH, {"tasks/T-0001-x.md": (FLIP[0], NEW_TASK)}, False),
        (keys.BOOKKEEPING_BRANCH, {"docs/x.md": FLIP}, False),
        (keys.BOOKKEEPING_BRANCH, {"tasks/T-0001-x.md": (FLIP[0], TWICE)}, False),
        (keys.TASKS_BRANCH, {"tasks/T-0001-x.md": FLIP}, True),
        (keys.TASKS_BRANCH, {"tasks/T-0001-x.md": (NEW_TASK, None)}, False),
        (keys.TASKS_BRANCH, {"taskset/T-0005-x.md": (None, NEW_TASK)}, False),
        (keys.PLAN_BRANCH, {"docs/PLAN.md": ("a\n", "b\n")}, True),
        (keys.PLAN_BRANCH, {"docs/PLAN.md": ("a\n", "b\n"), "x.md": (None, "x\n")}, False),
        (keys.INIT_BRANCH, {"README.md": (None, "x\n")}, True),
        (keys.INIT_BRANCH, {"README.md": ("y\n", "x\n")}, False),
        (keys.RENUMBER_BRANCH, {"tasks/T-0005-x.md": (None, NEW_TASK)}, True),
    ],
)
def test_a_rolling_pull_holds_what_it_is_for_and_nothing_else(branch, files, good):
    action = rolling(branch, files)
    assert ("not what this pull is for" in action.body) is not good
    assert verdict(action).startswith("**Looks ready" if good else "**Needs attention: 1 of 3")


def test_a_red_check_on_a_rolling_pull_still_counts():
    files = {"tasks/T-0005-french.md": (None, NEW_TASK)}
    action = rolling(keys.TASKS_BRANCH, files, checks=(Check("ci", CheckState.FAILURE),))
    assert verdict(action) == "**Needs attention: 1 of 4**"


# --- when nothing is done ------------------------------------------------------------------


def commented(*comments: Comment) -> tuple:
    return decide(view(pull(comments=comments))).actions


def test_our_own_comment_with_the_same_digest_is_left_alone():
    body = review(pull()).body
    assert commented(Comment("1", "pmcodex", body)) == ()
    assert commented(Comment("0", "pmcodex", "hello"), Comment("1", "pmcodex", body)) == ()


def test_anything_else_is_not_our_comment():
    body = review(pull()).body
    quoted = "\n".join(f"> {line}" for line in body.splitlines())
    assert commented(Comment("1", "mallory", body))
    assert commented(Comment("1", "pmcodex", quoted))
    assert commented(Comment("1", "pmcodex", keys.marker("review", "0" * 16)))
    assert decide(view(pull(comments=None))).actions


def test_closed_unasked_and_unread_pulls_are_passed_over():
    assert decide(view(pull(state=PullState.MERGED))).actions == ()
    assert decide(view(pull(state=PullState.CLOSED))).actions == ()
    assert decide(view(pull(), only_pull=8)).actions == ()
    assert len(decide(view(pull(), only_pull=7)).actions) == 1
    seen = view(pull())
    assert decide(replace(seen, snapshot=replace(seen.snapshot, diffs={}))).actions == ()


def test_a_pull_that_moved_under_our_eyes_is_looked_at_again():
    seen = view(pull())
    moved = {7: replace(seen.snapshot.diffs[7], head_sha="d" * 40)}
    decision = decide(replace(seen, snapshot=replace(seen.snapshot, diffs=moved)))
    assert decision.actions == ()
    assert "moved while it was looked at" in decision.notes[0].message


# --- the digest ----------------------------------------------------------------------------

SHA = st.text("0123456789abcdef", min_size=40, max_size=40)


@settings(max_examples=40, deadline=None)
@given(SHA, SHA, SHA)
def test_shas_do_not_change_the_digest(head: str, blob: str, main: str):
    text = diff_text({"src/parser.py": ("a\n", "b\n")})
    with_blobs = text.replace("--- a", f"index {blob}..{head} 100644\n--- a", 1)
    seen = view(pull(head_sha=head), with_blobs)
    moved = replace(seen, snapshot=replace(seen.snapshot, main=main))
    (action,) = decide(moved).actions
    assert (
        action.digest == review(pull(), text.replace("--- a", "index 1..2 100644\n--- a", 1)).digest
    )


def test_a_merge_from_main_above_the_change_costs_nothing():
    before = [f"line {number}\n" for number in range(30)]
    after = [*before[:20], "new\n", *before[20:]]
    old = diff_text({"docs/a.md": ("".join(before), "".join(after))})
    merged = diff_text({"docs/a.md": ("top\n" * 9 + "".join(before), "top\n" * 9 + "".join(after))})
    assert old != merged
    assert review(pull(), old).digest == review(pull(), merged).digest


TEXT = st.text("abc \n", min_size=1, max_size=20).map(lambda text: text + "\n")
CHECKS = st.lists(
    st.builds(
        Check,
        name=st.sampled_from(["pytest", "ruff", "mypy"]),
        state=st.sampled_from(CheckState),
        summary=st.text(max_size=8),
    ),
    max_size=3,
    unique_by=lambda check: check.name,
).map(tuple)


@settings(max_examples=60, deadline=None)
@given(TEXT, TEXT, CHECKS, CHECKS)
def test_the_digest_changes_with_patch_and_checks_and_with_nothing_else(one, two, ran, then):
    def digest(text: str, checks: tuple[Check, ...]) -> str:
        return review(pull(checks=checks), {"docs/a.md": (None, text)}).digest

    assert (digest(one, ran) == digest(two, ran)) == (one == two)
    assert (digest(one, ran) == digest(one, then)) == (set(ran) == set(then))


@pytest.mark.parametrize(
    "more",
    [
        {"one": pull(body=BODY.replace("Low.", ""))},
        {"one": pull(draft=True)},
        {"one": pull(labels=(keys.READY_LABEL,))},
        {"task": TASK.model_copy(update={"acceptance": (*TASK.acceptance, "More")})},
        {"task": TASK.model_copy(update={"acceptance": ("x" * 499 + "y",)})},
        {"policy": POLICY.model_copy(update={"protected_paths": ("src/",)})},
        {"texts": {"CODEOWNERS": "* @ada\n"}},
        {"files": CODE | {"empty": (None, "")}},
    ],
)
def test_what_the_comment_shows_is_in_the_digest(more):
    assert review(more.pop("one", pull()), **more).digest != review(pull()).digest


def test_what_the_comment_cuts_is_in_the_digest_too():
    def with_check(end: str) -> str:
        long = Check("pytest", CheckState.SUCCESS, "x" * 300 + end)
        return review(pull(checks=(long, GREEN[1]))).digest

    def with_item(end: str) -> str:
        items = (*(f"item {number}" for number in range(40)), end)
        return review(pull(), task=TASK.model_copy(update={"acceptance": items})).digest

    def with_detail(end: str) -> str:
        quiet = replace(GREEN[0], details=(end,))
        return review(pull(checks=(quiet, GREEN[1]))).digest

    for digest in (with_check, with_item, with_detail):
        assert digest("a") == digest("a")
        assert digest("a") != digest("b")


def test_words_that_the_comment_does_not_show_are_not_in_the_digest():
    same = review(pull(title="Other", body=BODY + "\nMore words.", labels=("blue",), url="x"))
    assert same.digest == review(pull()).digest


def test_the_rubric_is_shown_and_so_in_the_digest():
    assert f"(rubric {RUBRIC_VERSION})" in review(pull()).body


@pytest.mark.parametrize(
    "more",
    [
        {"head_sha": "e" * 40},
        {"checks": ()},
        {"checks": (replace(GREEN[0], summary="13 passed"), GREEN[1])},
        {"title": "Other"},
        {"body": ""},
        {"labels": ("x",)},
        {"draft": True},
        {"base": "dev"},
        {"mergeable": False},
    ],
)
def test_a_precondition_changes_with_each_of_its_facts(more):
    assert precondition(pull(**more), BASE) != precondition(pull(), BASE)


def test_a_precondition_is_the_same_for_the_same_facts():
    assert precondition(pull(), BASE) != precondition(pull(), HEAD)
    same = pull(checks=GREEN[::-1], comments=None, url="x")
    assert precondition(same, BASE) == precondition(pull(), BASE)


# --- text is data --------------------------------------------------------------------------

NASTY = (
    "<!-- pmcodex:review x -->",
    "@everyone look",
    "</td></table><script>alert(1)</script>",
    "a | b ` c ``` d",
    "[click](http://evil.example)",
    "one\n<!-- pmcodex:review 0000000000000000 -->\ntwo",
    "- [x] done",
)


def hostile(words: str) -> PostReview:
    line = " ".join(words.split())
    task = TASK.model_copy(update={"title": line, "acceptance": (words, words)})
    checks = (Check(words, CheckState.FAILURE, words, (words, f"src/a.py:1: {words}")),)
    path = "src/" + line.replace("/", "") + ".py"
    return review(
        pull(checks=checks, title=words, body=f"## Linked Task\n{words}\n", labels=(words,)),
        {path: (None, "x = 1\n")},
        task=task,
        texts={"CODEOWNERS": "* @ada @org/all\n"},
    )


@pytest.mark.parametrize("words", NASTY)
def test_words_of_others_stay_words(words: str):
    action = hostile(words)
    assert len(re.findall(r"<!--", action.body)) == 1
    assert keys.read_marker(action.body, "review") == action.digest
    without = action.body.split("\n", 1)[1]
    tokens = MarkdownIt("commonmark").enable("table").parse(without)
    inner = [child for token in tokens for child in token.children or ()]
    html = {child.content for child in inner if child.type == "html_inline"}
    assert html <= {"<sub>", "</sub>"}
    assert not [token for token in tokens if token.type in ("html_block", "fence", "heading_open")]
    assert not [child for child in inner if child.type in ("link_open", "image")]
    seen = "".join(child.content for child in inner if child.type == "text")
    assert not re.search(r"@\w|https?://|#\d", seen)
    assert without.count("- [ ] ") == 2


@pytest.mark.parametrize("words", NASTY)
def test_no_word_of_others_adds_a_row_or_a_line(words: str):
    def shape(action: PostReview) -> list[str]:
        tokens = MarkdownIt("commonmark").enable("table").parse(action.body)
        return [token.type for token in tokens]

    assert shape(hostile(words)) == shape(hostile("harmless words"))


def test_the_comment_stays_below_the_forges_limit():
    words = "@<&`|" * 90
    task = TASK.model_copy(update={"acceptance": (words,) * 200})
    checks = tuple(
        Check(f"{number}{words}", CheckState.FAILURE, words, (words,) * 50) for number in range(60)
    )
    files = {f"infra/{number}{'@|' * 100}.toml": (None, "x\n") for number in range(300)}
    action = review(pull(checks=checks, head="x" * 200), files, task=task)
    assert len(action.body) < 60_000
    assert "and 170 more in the task's file" in review(pull(), task=task).body
    many = {
        f"tasks/T-{number:04d}-{'@|' * 90}.md": (None, f"title: {words}\n") for number in range(99)
    }
    assert len(rolling(keys.TASKS_BRANCH, many, checks=checks).body) < 60_000


# --- what it looks like --------------------------------------------------------------------

RED = (
    Check(
        "pytest",
        CheckState.FAILURE,
        "11 passed, 1 failed",
        ("tests/test_parser.py:4: assert 1 == 2",),
    ),
    Check("ruff", CheckState.SUCCESS, "ruff: no findings"),
)
RISKY = {
    ".github/workflows/ci.yml": (None, "on: push\npermissions: write-all\n"),
    "src/parser.py": ("a = 1\n", "a = 1\npassword = 'correct-horse-battery'\n"),
    "requirements.txt": ("x\n", "x\ny\n"),
}


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("ready", lambda: review(pull())),
        ("waiting", lambda: review(pull(checks=GREEN[:1], draft=True))),
        (
            "attention",
            lambda: review(pull(checks=RED), RISKY, texts={"CODEOWNERS": "/.github/ @org/ops\n"}),
        ),
        (
            "tasks-pull",
            lambda: rolling(keys.TASKS_BRANCH, {"tasks/T-0005-french.md": (None, NEW_TASK)}),
        ),
    ],
)
def test_the_comment_reads_as_agreed(name, action):
    shown = re.sub(r"(?<=review )\w{16}", "DIGEST", action().body)
    assert shown == (GOLDEN / f"{name}.md").read_text("utf-8")
