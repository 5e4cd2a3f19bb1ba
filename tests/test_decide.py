"""Decide: pure, the same for the same facts, and at most one action per natural key."""

from __future__ import annotations

import sys

import pytest
from builders import World, a_policy, a_pull, a_task, merged, written

from pmcodex.core.actions import TEAM, Decision, Note, Role, describe
from pmcodex.decide import decide

PRD = "# P\n\n### M1 - First\n\n**Acceptance:**\n\n- It parses\n"


def a_world() -> World:
    """Something to do for every role but the Reviewer, who needs a diff."""
    return World(
        main={"docs/PRD.md": PRD, **written(a_task(1), a_task(2, recipe=("changelog",)))},
        pulls=[merged(1), a_pull(2, "fix")],
        policy=a_policy(checks={"pytest": "pytest"}),
    )


@pytest.mark.parametrize("role", list(Role))
def test_every_role_answers_and_speaks_for_itself(role: Role) -> None:
    decision = decide(role, a_world().view())
    assert isinstance(decision, Decision)
    assert all(action.role is role for action in decision.actions)
    assert all(isinstance(note, Note) and note.role is role for note in decision.notes)
    assert all(describe(action) for action in decision.actions)


@pytest.mark.parametrize("role", list(Role))
def test_the_same_facts_give_the_same_decision(role: Role) -> None:
    assert decide(role, a_world().view()) == decide(role, a_world().view())


@pytest.mark.parametrize("role", list(Role))
def test_an_empty_project_is_no_trouble(role: Role) -> None:
    decide(role, World().view())


def test_one_action_per_natural_key() -> None:
    world = a_world()
    world.pulls.append(a_pull(3, "copy", head_sha=world.pulls[1].head_sha))
    actions = decide(Role.CHECKER, world.view()).actions
    assert [action.pull for action in actions] == [2]
    keys = [action.key for role in Role for action in decide(role, world.view()).actions]
    assert len(keys) == len(set(keys))


def test_the_team_is_everyone_but_those_asked_by_name() -> None:
    assert set(Role) - set(TEAM) == {Role.SETUP, Role.REGISTRAR}
    order = ["integrator", "planner", "taskmaster", "developer", "checker", "reviewer"]
    assert list(TEAM) == order


def test_deciding_needs_no_edge() -> None:
    import subprocess

    script = (
        "import sys, pmcodex.decide, pmcodex.roles.developer, pmcodex.roles.taskmaster\n"
        "edges = {'git', 'subprocess', 'pmcodex.git.mirror', 'pmcodex.state.store'}\n"
        "print(sorted(edges & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
