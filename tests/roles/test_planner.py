"""The Planner: the plan on main follows the PRD on main, and is proposed once."""

from __future__ import annotations

import pytest
from builders import World, a_policy

from pmcodex.core.actions import Decision, Propose
from pmcodex.core.keys import PLAN_BRANCH
from pmcodex.roles.planner import decide

PRD = """\
# Product

### M1 - First steps

Scope:

- a parser

**Acceptance:**

- It parses $HOME and ${x}
- It prints

### M2 - Later

**Acceptance:**

- It counts
"""


def a_world(text: str = PRD, **more) -> World:
    return World(main={"docs/PRD.md": text}, **more)


def test_the_plan_shows_milestones_and_items() -> None:
    world = a_world()
    action = world.accept(decide(world.view()))
    assert isinstance(action, Propose)
    assert action.branch == PLAN_BRANCH
    assert action.pull.title == "Plan: 2 milestones and 3 acceptance items"
    plan = str(world.rolling[PLAN_BRANCH].changes["docs/PLAN.md"])
    assert "## M1: First steps" in plan
    assert "- It parses $HOME and ${x} (`M1-" in plan
    assert plan.index("M1: First") < plan.index("M2: Later")


def test_one_milestone_is_no_milestones() -> None:
    world = a_world("# PRD\n\n### M1 - Go\n\n**Acceptance:**\n\n- It goes\n")
    action = world.accept(decide(world.view()))
    assert action.pull.title == "Plan: 1 milestone and 1 acceptance item"


def test_it_proposes_once_and_is_done_when_merged() -> None:
    world = a_world()
    world.accept(decide(world.view()))
    assert decide(world.view()) == Decision()
    world.merge(PLAN_BRANCH)
    assert decide(world.view()) == Decision()


def test_a_changed_prd_brings_the_open_pull_up_to_date() -> None:
    world = a_world()
    world.accept(decide(world.view()))
    world.main["docs/PRD.md"] = PRD + "- It adds\n"
    world.accept(decide(world.view()))
    assert len(world.pulls) == 1
    assert world.pulls[0].title == "Plan: 2 milestones and 4 acceptance items"
    assert decide(world.view()) == Decision()


def test_a_plan_that_was_changed_by_hand_is_put_back_in_step() -> None:
    world = a_world()
    world.accept(decide(world.view()))
    world.merge(PLAN_BRANCH)
    world.main["docs/PLAN.md"] += "\nMine.\n"
    assert decide(world.view()).actions


def test_a_declined_plan_is_not_proposed_again_until_the_prd_changes() -> None:
    world = a_world()
    world.accept(decide(world.view()))
    world.close(PLAN_BRANCH, keep_branch=False)
    assert decide(world.view()).actions == ()
    world.main["docs/PRD.md"] = PRD + "- It adds\n"
    assert decide(world.view()).actions


def test_an_open_pull_that_the_prd_no_longer_asks_for_is_told() -> None:
    world = a_world()
    world.accept(decide(world.view()))
    world.main["docs/PLAN.md"] = str(world.rolling[PLAN_BRANCH].changes["docs/PLAN.md"])
    world.roll(PLAN_BRANCH, {})
    assert "pmcodex pull close 1" in decide(world.view()).notes[0].hint


@pytest.mark.parametrize(
    ("main", "words"),
    [({}, "there is no docs/PRD.md"), ({"docs/PRD.md": "# Words\n\nMore.\n"}, "no milestones")],
)
def test_what_it_says_where_there_is_nothing_to_plan(main: dict[str, str], words: str) -> None:
    decision = decide(World(main=main).view())
    assert decision.actions == ()
    assert words in decision.notes[0].message


def test_paths_follow_the_policy() -> None:
    world = World(main={"PRD.md": PRD}, policy=a_policy(prd="PRD.md", plan="PLAN.md"))
    world.accept(decide(world.view()))
    assert list(world.rolling[PLAN_BRANCH].changes) == ["PLAN.md"]
