"""The Taskmaster: a seed where there is nothing, a task per PRD item, each item once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders import World, a_policy, a_pull, a_task, merged, path_of, written

from pmcodex.core.actions import Decision, Propose
from pmcodex.core.keys import BOOKKEEPING_BRANCH, TASKS_BRANCH, read_marker
from pmcodex.core.taskfile import read_task
from pmcodex.prd.reader import read_prd
from pmcodex.roles.taskmaster import decide

CI = "name: ci\non: pull_request\njobs:\n  test:\n    runs-on: x\n    steps:\n      - run: pytest\n"
WITH_CI = {".github/workflows/ci.yml": CI, "tests/test_x.py": "def test_x():\n    pass\n"}


def prd(*items: str) -> str:
    return "# PRD\n\n### M1 - First\n\n**Acceptance:**\n\n" + "".join(f"- {i}\n" for i in items)


def a_world(*items: str, **more) -> World:
    """A project with CI and a PRD."""
    return World(main={**WITH_CI, "docs/PRD.md": prd(*items)}, **more)


def texts(decision: Decision) -> dict[str, str]:
    (action,) = decision.actions
    assert isinstance(action, Propose)
    return {edit.path: edit.text or "" for one in action.commits for edit in one.edits}


def tasks(decision: Decision):
    found = [read_task(path, "", text.encode()) for path, text in texts(decision).items()]
    assert all(file.finding is None for file in found), found
    return [file.task for file in found]


def titles(decision: Decision) -> list[str]:
    return [task.title for task in tasks(decision)]


# --- the seed -------------------------------------------------------------------------------------


def test_an_empty_project_gets_the_seed_and_nothing_else() -> None:
    world = World(main={"docs/PRD.md": prd("It parses", "It prints")})
    decision = decide(world.view())
    (task,) = tasks(decision)
    assert (task.id, task.recipe, task.priority) == ("T-0001", ("ci-setup", "smoke-test"), "P0")
    assert list(texts(decision)) == ["tasks/T-0001-ci-setup.md"]
    assert decision.actions[0].pull.title == "Tasks: T-0001"


def test_a_project_with_ci_gets_no_seed() -> None:
    assert titles(decide(a_world("It parses").view())) == ["It parses"]


def test_a_project_with_ci_and_no_test_gets_no_ci_task() -> None:
    world = World(main={".github/workflows/ci.yml": CI, "docs/PRD.md": prd("It parses")})
    assert titles(decide(world.view())) == ["It parses"]


def test_the_seed_is_proposed_once() -> None:
    world = World(main={"docs/PRD.md": prd("It parses")})
    world.accept(decide(world.view()))
    assert decide(world.view()) == Decision()


def test_a_seed_that_was_declined_is_not_proposed_again() -> None:
    world = World(main={"docs/PRD.md": prd("It parses")})
    world.accept(decide(world.view()))
    for keep in (True, False):
        world.close(TASKS_BRANCH, keep_branch=keep)
        assert titles(decide(world.view())) == ["It parses"]


def test_a_declined_seed_is_still_declined_once_items_were_too() -> None:
    world = World(main={"docs/PRD.md": prd("It parses")})
    for _ in range(2):
        world.accept(decide(world.view()))
        world.close(TASKS_BRANCH)
    decision = decide(world.view())
    assert decision.actions == ()
    assert len(decision.notes) == 1


def test_declined_items_come_back_where_a_person_asks() -> None:
    world = a_world("It parses", "It prints")
    world.accept(decide(world.view()))
    world.close(TASKS_BRANCH)
    decision = decide(world.view())
    assert decision.actions == ()
    assert "pmcodex taskmaster --again" in decision.notes[0].hint
    world.accept(decide(replace(world.view(), again=True)))
    assert decide(replace(world.view(), again=True)) == Decision()
    assert decide(world.view()) == Decision()
    assert len([pull for pull in world.pulls if pull.state.value == "open"]) == 1


# --- items ----------------------------------------------------------------------------------------


def test_every_item_becomes_a_task_of_its_own() -> None:
    found = tasks(decide(a_world("It parses", "It prints").view()))
    assert [task.title for task in found] == ["It parses", "It prints"]
    assert [task.id for task in found] == ["T-0001", "T-0002"]
    assert [task.acceptance for task in found] == [("It parses",), ("It prints",)]
    (milestone,) = read_prd(prd("It parses", "It prints")).milestones
    assert [task.prd for task in found] == [item.key for item in milestone.acceptance]


def test_at_most_so_many_tasks_wait() -> None:
    items = [f"It does thing {n} of {n * 7}" for n in range(9)]
    world = a_world(*items)
    world.accept(decide(world.view()))
    assert len(world.rolling[TASKS_BRANCH].changes) == 5
    assert decide(world.view()) == Decision()
    world.merge(TASKS_BRANCH)
    assert titles(decide(world.view())) == items[5:]


def test_two_ids_are_named_and_more_are_a_span() -> None:
    for count, title in ((1, "T-0001"), (2, "T-0001 and T-0002"), (3, "T-0001 to T-0003")):
        world = a_world(*(f"Thing {letter} works" for letter in "abc"[:count]))
        (action,) = decide(world.view()).actions
        assert action.pull.title == f"Tasks: {title}"
    (action,) = decide(a_world("It works").view()).actions
    assert action.reason == "1 item of docs/PRD.md has no task yet"


def test_a_smaller_limit_is_kept() -> None:
    world = a_world("It parses", "It prints", policy=a_policy(limits={"new_tasks": 1}))
    assert titles(decide(world.view())) == ["It parses"]


def test_an_item_with_a_task_is_never_proposed() -> None:
    world = a_world("It parses")
    world.accept(decide(world.view()))
    world.merge(TASKS_BRANCH)
    assert decide(world.view()) == Decision()


@pytest.mark.parametrize("status", ["done", "blocked", "in_review"])
def test_whatever_the_state_of_its_task(status: str) -> None:
    world = a_world("It parses")
    world.accept(decide(world.view()))
    world.merge(TASKS_BRANCH)
    world.main = {
        p: t.replace("status: queued", f"status: {status}") for p, t in world.main.items()
    }
    assert decide(world.view()) == Decision()


def test_an_item_whose_words_changed_is_told_and_not_doubled() -> None:
    world = a_world("The parser reads a line of text")
    world.accept(decide(world.view()))
    world.merge(TASKS_BRANCH)
    world.main["docs/PRD.md"] = prd("The parser reads one line of text")
    decision = decide(world.view())
    assert decision.actions == ()
    (note,) = decision.notes
    assert note.about == "T-0001"
    assert "reads one line" in note.message


def test_an_item_that_is_gone_is_told() -> None:
    world = a_world("It parses", "It prints")
    world.accept(decide(world.view()))
    world.merge(TASKS_BRANCH)
    world.main["docs/PRD.md"] = prd("It parses")
    decision = decide(world.view())
    assert decision.actions == ()
    assert [note.about for note in decision.notes] == ["T-0002"]


def test_items_of_a_closed_pull_are_not_proposed_again() -> None:
    world = a_world("It parses", "It prints")
    world.accept(decide(world.view()))
    world.close(TASKS_BRANCH, keep_branch=False)
    world.main["docs/PRD.md"] = prd("It parses", "It prints", "It counts words")
    decision = decide(world.view())
    assert titles(decision) == ["It counts words"]
    assert [task.id for task in tasks(decision)] == ["T-0003"]
    assert "2 items" in decision.notes[0].message


def test_an_item_dropped_from_a_merged_pull_is_not_proposed_again() -> None:
    world = a_world("It parses", "It prints")
    world.accept(decide(world.view()))
    kept = dict(list(world.rolling[TASKS_BRANCH].changes.items())[:1])
    world.merge(TASKS_BRANCH, kept)
    decision = decide(world.view())
    assert decision.actions == ()
    assert "1 item" in decision.notes[0].message


def test_a_deleted_task_is_not_proposed_again() -> None:
    world = a_world("It parses")
    world.accept(decide(world.view()))
    world.merge(TASKS_BRANCH)
    del world.main["tasks/T-0001-it-parses.md"]
    assert decide(world.view()).actions == ()


def test_without_a_prd_it_says_so() -> None:
    decision = decide(World(main=WITH_CI).view())
    assert decision.actions == ()
    assert decision.notes[0].message == "there is no docs/PRD.md"


@pytest.mark.parametrize(
    "words",
    ["...", "- [ ] ", "x" * 400, "a: b # c", 'it\'s "quoted"', "$name ${x}", "*ok*", "é ü 漢 😀"],
)
def test_any_words_make_a_readable_task(words: str) -> None:
    decision = decide(a_world(words, "It prints").view())
    assert titles(decision)[-1] == "It prints"


# --- ids ------------------------------------------------------------------------------------------


def test_ids_are_above_everything_ever_seen() -> None:
    assert tasks(decide(a_world("It parses", highest=41).view()))[0].id == "T-0042"


def test_ids_are_above_those_a_closed_pull_had() -> None:
    body = "<!-- pmcodex:ids T-0001,T-0009 -->"
    world = a_world("It parses", pulls=[merged(1, TASKS_BRANCH, body=body)])
    assert tasks(decide(world.view()))[0].id == "T-0010"


def test_the_pull_says_its_ids_and_items() -> None:
    decision = decide(a_world("It parses", "It prints").view())
    body = decision.actions[0].pull.body
    assert read_marker(body, "ids") == "T-0001,T-0002"
    items = (read_marker(body, "items") or "").split(",")
    assert items == [task.prd for task in tasks(decision)]


def test_a_task_whose_id_main_took_meanwhile_gets_a_new_one() -> None:
    world = a_world("It parses", "It prints")
    world.accept(decide(world.view()))
    world.main |= written(a_task(1, "By hand"))
    decision = decide(world.view())
    assert [(task.id, task.title) for task in tasks(decision)] == [
        ("T-0003", "It parses"),
        ("T-0002", "It prints"),
    ]
    assert set(texts(decision)) == {"tasks/T-0003-it-parses.md", "tasks/T-0002-it-prints.md"}
    assert read_marker(decision.actions[0].pull.body, "ids") == "T-0003,T-0002"


def test_what_waits_for_a_renumbered_task_follows_it() -> None:
    first = a_task(1, "First", prd="M1-x")
    second = a_task(2, "Second", depends_on=("T-0001",), acceptance=("See T-0001 and T-00011",))
    world = a_world("It parses", pulls=[a_pull(1, TASKS_BRANCH)])
    world.roll(TASKS_BRANCH, written(first, second))
    world.main |= written(a_task(1, "By hand"))
    moved, other, *_ = tasks(decide(world.view()))
    assert (moved.id, moved.title) == ("T-0003", "First")
    assert other.depends_on == ("T-0003",)
    assert other.acceptance == ("See T-0001 and T-00011",)


def test_a_waiting_task_for_an_item_main_covers_by_now_is_dropped() -> None:
    world = a_world("It parses", "It prints")
    world.accept(decide(world.view()))
    waiting = world.rolling[TASKS_BRANCH].changes["tasks/T-0001-it-parses.md"]
    world.main["tasks/T-0001-by-hand.md"] = str(waiting).replace("It parses", "By hand", 1)
    assert titles(decide(world.view())) == ["It prints"]


# --- the open pull --------------------------------------------------------------------------------


def test_new_items_join_the_open_pull() -> None:
    world = a_world("It parses")
    world.accept(decide(world.view()))
    world.main["docs/PRD.md"] = prd("It parses", "It counts words")
    decision = decide(world.view())
    assert titles(decision) == ["It parses", "It counts words"]
    assert decision.actions[0].expected == world.rolling[TASKS_BRANCH].sha
    world.accept(decision)
    assert decide(world.view()) == Decision()
    assert len(world.pulls) == 1


def test_a_branch_somebody_committed_to_is_left_alone() -> None:
    world = a_world("It parses")
    world.accept(decide(world.view()))
    edited = {p: str(t) + "\nMore.\n" for p, t in world.rolling[TASKS_BRANCH].changes.items()}
    world.roll(TASKS_BRANCH, edited, foreign=True)
    world.main["docs/PRD.md"] = prd("It parses", "It counts words")
    decision = decide(world.view())
    assert decision.actions == ()
    assert "somebody else committed" in decision.notes[0].message


def test_a_moved_main_alone_asks_for_nothing() -> None:
    world = a_world("It parses")
    world.accept(decide(world.view()))
    world.main["README.md"] = "# More\n"
    assert decide(world.view()) == Decision()


def test_flips_ride_along() -> None:
    world = a_world("It parses", "It prints")
    world.accept(decide(world.view()))
    world.merge(TASKS_BRANCH)
    world.main["docs/PRD.md"] = prd("It parses", "It prints", "It counts words")
    world.accept(decide(world.view()))
    world.pulls.append(merged(9, "feature/T-0001-it-parses"))
    decision = decide(world.view())
    found = {task.id: task.status.value for task in tasks(decision)}
    assert found == {"T-0003": "queued", "T-0001": "done"}
    world.accept(decision)
    assert decide(world.view()) == Decision()


def test_flips_stay_with_an_open_bookkeeping_pull() -> None:
    world = a_world("It parses")
    world.accept(decide(world.view()))
    world.main |= written(a_task(7))
    world.pulls += [merged(8, "feature/T-0007-step-7"), a_pull(9, BOOKKEEPING_BRANCH)]
    assert decide(world.view()) == Decision()


def test_a_push_whose_pull_was_never_brought_up_to_date_is_finished() -> None:
    world = a_world("It parses")
    world.accept(decide(world.view()))
    stale = world.pulls[0]
    world.main["docs/PRD.md"] = prd("It parses", "It counts words")
    world.accept(decide(world.view()))
    world.pulls[0] = stale
    decision = decide(world.view())
    assert decision.actions[0].commits == ()
    assert read_marker(decision.actions[0].pull.body, "ids") == "T-0001,T-0002"
    world.accept(decision)
    assert decide(world.view()) == Decision()


def test_a_push_that_never_got_its_pull_keeps_its_ids() -> None:
    world = a_world("It parses")
    world.accept(decide(world.view()))
    world.pulls.clear()
    assert decide(world.view()).actions[0].commits == ()
    world.main["docs/PRD.md"] = prd("It parses", "It counts words")
    found = [(task.id, task.title) for task in tasks(decide(world.view()))]
    assert found == [("T-0001", "It parses"), ("T-0002", "It counts words")]


# --- the gate -------------------------------------------------------------------------------------


def test_tasks_wait_for_ci_while_there_is_none() -> None:
    ci = a_task(1, "CI setup", recipe=("ci-setup",))
    world = World(main={"docs/PRD.md": prd("It parses"), **written(ci)})
    assert tasks(decide(world.view()))[0].depends_on == ("T-0001",)


def test_a_ci_task_that_has_nothing_left_to_do_holds_nobody_up() -> None:
    world = a_world("It parses")
    world.main |= written(a_task(1, "CI setup", recipe=("ci-setup",)))
    assert tasks(decide(world.view()))[0].depends_on == ()


def test_a_rejected_ci_task_holds_nobody_up() -> None:
    ci = a_task(1, "CI setup", recipe=("ci-setup",), status="blocked")
    world = World(main={"docs/PRD.md": prd("It parses"), **written(ci)})
    assert tasks(decide(world.view()))[0].depends_on == ()


def test_a_broken_task_file_keeps_nobody_from_new_tasks() -> None:
    world = a_world("It parses")
    world.main["tasks/T-0005-x.md"] = "no front matter"
    assert [task.id for task in tasks(decide(world.view()))] == ["T-0006"]


def test_paths_follow_the_policy() -> None:
    world = a_world("It parses", policy=a_policy(tasks={"dir": "docs/tasks"}))
    assert list(texts(decide(world.view()))) == ["docs/tasks/T-0001-it-parses.md"]


def test_path_of_is_what_the_taskmaster_writes() -> None:
    decision = decide(a_world("It parses").view())
    assert list(texts(decision)) == [path_of(tasks(decision)[0])]
