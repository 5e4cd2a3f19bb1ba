"""The Integrator: bookkeeping by one pull, and merges only where the policy asks for them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders import (
    GREEN,
    RED,
    World,
    a_policy,
    a_pull,
    a_task,
    approved,
    closed,
    merged,
    path_of,
    written,
)

from pmcodex.core.actions import Decision, Propose, RequestMerge
from pmcodex.core.facts import Check, CheckState, Pull, Review, Verdict
from pmcodex.core.keys import BOOKKEEPING_BRANCH, TASKS_BRANCH, read_marker
from pmcodex.roles.integrator import decide

ONE = a_task(1, status="in_review")
TWO = a_task(2)
PATH = path_of(ONE)


def a_world(**more) -> World:
    """T-0001 was merged, T-0002 rejected."""
    pulls = [merged(1, "feature/T-0001-step-1"), closed(2, "feature/T-0002-step-2")]
    return World(main=written(ONE, TWO), **({"pulls": pulls} | more))


def merges(world: World) -> list[int]:
    actions = decide(world.view()).actions
    assert all(isinstance(action, RequestMerge) for action in actions), actions
    return [action.pull for action in actions if isinstance(action, RequestMerge)]


# --- bookkeeping ----------------------------------------------------------------------------------


def test_merged_and_rejected_tasks_are_written_down_by_one_pull() -> None:
    (action,) = decide(a_world().view()).actions
    assert isinstance(action, Propose)
    assert action.branch == BOOKKEEPING_BRANCH
    assert [one.message.splitlines()[0] for one in action.commits] == [
        "T-0001: mark task done",
        "T-0002: mark task blocked",
    ]
    assert action.pull.title == "Bookkeeping: T-0001, T-0002"
    assert "Pull 2 was closed" in action.pull.body


def test_a_flip_changes_one_line() -> None:
    (action,) = decide(a_world().view()).actions
    (edit,) = action.commits[0].edits
    old, new = written(ONE)[PATH].splitlines(), (edit.text or "").splitlines()
    assert [(a, b) for a, b in zip(old, new, strict=True) if a != b] == [
        ("status: in_review", "status: done")
    ]


def test_nothing_to_write_is_nothing_to_do() -> None:
    assert decide(World(main=written(ONE, TWO)).view()) == Decision()


def test_bookkeeping_is_proposed_once() -> None:
    world = a_world()
    world.accept(decide(world.view()))
    assert decide(world.view()) == Decision()


def test_it_is_not_rebuilt_when_only_main_moved() -> None:
    world = a_world()
    world.accept(decide(world.view()))
    world.main["README.md"] = "# More\n"
    assert decide(world.view()) == Decision()


def test_it_is_rebuilt_when_main_changed_a_file_it_flips() -> None:
    world = a_world()
    world.accept(decide(world.view()))
    world.main[PATH] += "\nMore words.\n"
    action = world.accept(decide(world.view()))
    assert isinstance(action, Propose)
    assert "More words." in (action.commits[0].edits[0].text or "")
    assert len(world.pulls) == 3


def test_further_flips_join_the_open_pull() -> None:
    world = a_world()
    world.accept(decide(world.view()))
    world.main |= written(a_task(3))
    world.pulls.append(merged(4, "feature/T-0003-step-3"))
    action = world.accept(decide(world.view()))
    assert isinstance(action, Propose)
    assert len(action.commits) == 3
    assert decide(world.view()) == Decision()


@pytest.mark.parametrize("keep_branch", [True, False])
def test_declined_bookkeeping_is_not_proposed_again(keep_branch: bool) -> None:
    world = a_world()
    world.accept(decide(world.view()))
    world.close(BOOKKEEPING_BRANCH, keep_branch=keep_branch)
    decision = decide(world.view())
    assert decision.actions == ()
    (note,) = decision.notes
    assert "was closed" in note.message
    assert ("pull reopen 3" if keep_branch else "integrate --again") in note.hint


def test_a_branch_with_a_persons_commits_is_left_alone() -> None:
    world = a_world()
    world.accept(decide(world.view()))
    world.roll(BOOKKEEPING_BRANCH, {PATH: "theirs"}, foreign=True)
    decision = decide(world.view())
    assert decision.actions == ()
    assert "somebody else committed" in decision.notes[0].message


def test_merged_bookkeeping_leaves_nothing_to_do() -> None:
    world = a_world()
    world.accept(decide(world.view()))
    world.merge(BOOKKEEPING_BRANCH)
    assert decide(world.view()) == Decision()


def test_a_merge_that_main_does_not_show_yet_waits() -> None:
    assert decide(a_world(pulls=[merged(1)], unseen={1}).view()) == Decision()


def test_a_pull_that_a_requeue_made_untrue_is_told() -> None:
    world = a_world(pulls=[closed(1)])
    world.main[PATH] = world.main[PATH].replace("in_review", "queued")
    world.accept(decide(world.view()))
    world.touched = {1}
    decision = decide(world.view())
    assert decision.actions == ()
    assert "pmcodex pull close 2" in decision.notes[0].hint


def test_a_feature_branch_that_carried_its_own_status_needs_no_flip() -> None:
    world = a_world(policy=a_policy(bookkeeping="in_pull"), pulls=[merged(1)])
    world.main = written(a_task(1, status="done"))
    assert decide(world.view()) == Decision()


def test_a_status_that_yaml_ties_to_others_is_told_and_holds_up_nobody() -> None:
    world = a_world()
    tied = world.main[PATH].replace("status: in_review", "status: &s queued")
    world.main[PATH] = "".join(
        "owner: *s\n" if line.startswith("owner:") else line for line in tied.splitlines(True)
    )
    decision = decide(world.view())
    (action,) = decision.actions
    assert [one.message.splitlines()[0] for one in action.commits] == ["T-0002: mark task blocked"]
    assert [note.about for note in decision.notes] == [PATH]


def test_the_pull_says_what_became_claimable() -> None:
    world = a_world(pulls=[merged(1)])
    world.main |= written(a_task(2, depends_on=("T-0001",)))
    (action,) = decide(world.view()).actions
    assert "Claimable now: T-0002." in action.pull.body


def test_many_tasks_make_a_short_title() -> None:
    tasks = [a_task(n) for n in range(1, 10)]
    pulls = [merged(n, f"feature/T-{n:04d}-step-{n}") for n in range(1, 10)]
    (action,) = decide(World(main=written(*tasks), pulls=pulls).view()).actions
    assert action.pull.title == "Bookkeeping: T-0001, T-0002, T-0003, T-0004 and 5 more"


# --- riding along ---------------------------------------------------------------------------------


def with_tasks_pull() -> World:
    world = a_world()
    world.pulls.append(a_pull(3, TASKS_BRANCH, title="Tasks: T-0003", body="Words.\n"))
    world.roll(TASKS_BRANCH, written(a_task(3)))
    return world


def test_flips_ride_along_in_an_open_tasks_pull() -> None:
    world = with_tasks_pull()
    action = world.accept(decide(world.view()))
    assert isinstance(action, Propose)
    assert action.branch == TASKS_BRANCH
    assert action.pull.title == "Tasks: T-0003"
    assert action.pull.body.startswith("Words.")
    added, *flips = action.commits
    assert added.edits[0].text == written(a_task(3))[path_of(a_task(3))]
    assert len(flips) == 2
    assert decide(world.view()) == Decision()


def test_the_body_keeps_one_digest_of_the_content() -> None:
    world = with_tasks_pull()
    world.accept(decide(world.view()))
    world.main |= written(a_task(4))
    world.pulls.append(merged(4, "feature/T-0004-step-4"))
    world.accept(decide(world.view()))
    body = world.pull_of(TASKS_BRANCH).body
    assert body.count("pmcodex:content") == 1
    assert read_marker(body, "content")


def test_a_bookkeeping_pull_that_is_open_keeps_its_flips() -> None:
    world = a_world()
    world.accept(decide(world.view()))
    world.pulls.append(a_pull(4, TASKS_BRANCH))
    world.roll(TASKS_BRANCH, written(a_task(3)))
    assert decide(world.view()) == Decision()


def test_a_tasks_branch_with_a_persons_commits_is_left_alone() -> None:
    world = with_tasks_pull()
    world.roll(TASKS_BRANCH, written(a_task(3)), foreign=True)
    decision = decide(world.view())
    assert decision.actions == ()
    assert "somebody else committed" in decision.notes[0].message


# --- merges ---------------------------------------------------------------------------------------


def bookkeeping(**merge: bool) -> World:
    world = a_world(policy=a_policy(merge=merge))
    world.accept(decide(world.view()))
    return world


def test_nothing_is_merged_unasked() -> None:
    assert merges(bookkeeping()) == []


def test_bookkeeping_is_merged_where_the_policy_says_so() -> None:
    world = bookkeeping(bookkeeping=True)
    assert merges(world) == [3]
    (action,) = decide(world.view()).actions
    assert action.head_sha == world.rolling[BOOKKEEPING_BRANCH].sha


def test_bookkeeping_is_brought_up_to_date_before_it_is_merged() -> None:
    world = bookkeeping(bookkeeping=True)
    world.main[PATH] += "\nMore words.\n"
    (action,) = decide(world.view()).actions
    assert isinstance(action, Propose)


def changed(world: World, **facts) -> World:
    world.pulls[-1] = replace(world.pulls[-1], **facts)
    return world


@pytest.mark.parametrize(
    "facts",
    [
        {"checks": RED},
        {"checks": (Check("pytest", CheckState.PENDING),)},
        {"draft": True},
        {"author": "mallory"},
        {"head_sha": "f" * 40},
    ],
)
def test_what_holds_a_bookkeeping_merge_back(facts) -> None:
    assert merges(changed(bookkeeping(bookkeeping=True), **facts)) == []


def test_a_foreign_commit_holds_it_back() -> None:
    world = bookkeeping(bookkeeping=True)
    world.roll(BOOKKEEPING_BRANCH, world.rolling[BOOKKEEPING_BRANCH].changes, foreign=True)
    assert merges(world) == []


def test_a_status_that_no_fact_asks_for_is_not_merged() -> None:
    world = bookkeeping(bookkeeping=True)
    changes = dict(world.rolling[BOOKKEEPING_BRANCH].changes)
    world.main |= (other := written(a_task(5)))
    path = next(iter(other))
    world.roll(BOOKKEEPING_BRANCH, changes | {path: other[path].replace("queued", "done")})
    assert not any(isinstance(a, RequestMerge) for a in decide(world.view()).actions)


def test_a_protected_task_folder_holds_it_back() -> None:
    world = a_world(policy=a_policy(merge={"bookkeeping": True}, protected_paths=["tasks/"]))
    world.accept(decide(world.view()))
    assert merges(world) == []


def tasks_world(changes, **merge: bool) -> World:
    world = World(main=written(TWO), policy=a_policy(merge=merge), pulls=[a_pull(1, TASKS_BRANCH)])
    world.roll(TASKS_BRANCH, changes)
    return world


def test_new_tasks_are_merged_where_the_policy_says_so() -> None:
    assert merges(tasks_world(written(a_task(3)), tasks=True)) == [1]
    assert merges(tasks_world(written(a_task(3)), bookkeeping=True, ready=True)) == []


@pytest.mark.parametrize(
    "changes",
    [
        written(a_task(3)) | {"src/x.py": "x = 1\n"},
        written(a_task(3)) | {path_of(TWO): "changed"},
        written(a_task(3)) | {path_of(TWO): None},
        {"tasks/T-0003-x.md": "no task"},
        {"tasks/../src/x.py": "x"},
        {},
    ],
)
def test_a_tasks_pull_that_does_more_is_not_merged(changes) -> None:
    assert merges(tasks_world(changes, tasks=True, bookkeeping=True)) == []


@pytest.mark.parametrize("both", [True, False])
def test_flips_that_ride_along_are_merged_where_both_may_be(both: bool) -> None:
    world = with_tasks_pull()
    world.accept(decide(world.view()))
    world.policy = a_policy(merge={"tasks": True, "bookkeeping": both})
    assert merges(world) == ([3] if both else [])


def test_a_tasks_pull_is_brought_up_to_date_before_it_is_merged() -> None:
    world = with_tasks_pull()
    world.policy = a_policy(merge={"tasks": True})
    (action,) = decide(world.view()).actions
    assert isinstance(action, Propose)


READY = a_task(1, auto_policy="merge_when_ready")
OPEN = approved(a_pull(1, checks=GREEN))


def ready(pull: Pull = OPEN, paths: tuple[str, ...] = ("src/x.py",), **policy) -> World:
    fields = {"merge": {"ready": True}} | policy
    paths_of = {1: paths}
    return World(main=written(READY), pulls=[pull], pull_paths=paths_of, policy=a_policy(**fields))


def test_an_approved_green_pull_is_merged_where_task_and_policy_say_so() -> None:
    assert merges(ready()) == [1]
    assert merges(ready(merge={})) == []
    world = ready()
    world.main = written(a_task(1))
    assert merges(world) == []


@pytest.mark.parametrize(
    "pull",
    [
        replace(OPEN, checks=()),
        replace(OPEN, checks=GREEN + RED),
        replace(OPEN, checks=(*GREEN, Check("slow", CheckState.PENDING))),
        replace(OPEN, reviews=()),
        replace(OPEN, reviews=(*OPEN.reviews, Review("bob", Verdict.CHANGES_REQUESTED))),
        replace(OPEN, labels=("ready_for_integration",), reviews=()),
        replace(OPEN, draft=True),
        replace(OPEN, author="mallory"),
        approved(a_pull(1, checks=GREEN), at="e" * 40),
        approved(replace(OPEN, reviews=(Review("ada", Verdict.CHANGES_REQUESTED),)), at="e" * 40),
        replace(OPEN, head="feature/T-0009-other"),
        replace(OPEN, head="fix-things"),
    ],
)
def test_what_holds_a_ready_merge_back(pull: Pull) -> None:
    assert merges(ready(pull)) == []


@pytest.mark.parametrize(
    "path", [".github/workflows/ci.yml", ".GitHub/x", "CODEOWNERS", ".llm-team.yml", "infra/x.tf"]
)
def test_a_protected_path_holds_a_ready_merge_back(path: str) -> None:
    assert merges(ready(paths=("src/x.py", path))) == []


def test_unknown_paths_hold_a_ready_merge_back() -> None:
    world = ready()
    world.pull_paths = {}
    assert merges(world) == []


def test_a_check_of_the_policy_that_has_not_run_holds_it_back() -> None:
    checks = {"pytest": "pytest", "ruff": "ruff check"}
    assert merges(ready(checks=checks)) == []
    assert merges(ready(checks={"pytest": "pytest"})) == [1]


def test_a_requested_merge_waits_for_green_and_needs_no_policy() -> None:
    asked = replace(a_pull(3, "feature/T-0002-step-2"), auto_merge=True, author="ada")
    policy = a_policy(checks={"pytest": "python -m pytest"})
    assert merges(World(main=written(TWO), pulls=[asked], policy=policy)) == []
    red = replace(asked, checks=RED)
    assert merges(World(main=written(TWO), pulls=[red], policy=policy)) == []
    good = replace(asked, checks=GREEN)
    assert merges(World(main=written(TWO), pulls=[good], policy=policy)) == [3]
    assert merges(World(main=written(TWO), pulls=[asked])) == [3]
    unasked = replace(good, auto_merge=False)
    assert merges(World(main=written(TWO), pulls=[unasked], policy=policy)) == []
