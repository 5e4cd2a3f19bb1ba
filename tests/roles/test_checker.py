"""The Checker: each check of the policy once per head of an open pull."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders import World, a_policy, a_pull, closed, merged

from pmcodex.core.actions import RunCheck
from pmcodex.core.facts import Check, CheckState
from pmcodex.roles.checker import decide

POLICY = a_policy(checks={"pytest": "pytest -q", "ruff": "ruff check"})


def asked(world: World, only_pull: int = 0) -> list[tuple[int, str]]:
    actions = decide(world.view(only_pull=only_pull)).actions
    assert all(isinstance(action, RunCheck) for action in actions)
    return [(action.pull, action.name) for action in actions if isinstance(action, RunCheck)]


def test_every_check_runs_on_every_open_pull() -> None:
    pulls = [a_pull(1), merged(2), closed(3), a_pull(4, "pmcodex/init")]
    world = World(pulls=pulls, policy=POLICY)
    assert asked(world) == [(1, "pytest"), (1, "ruff"), (4, "pytest"), (4, "ruff")]
    assert asked(world, only_pull=4) == [(4, "pytest"), (4, "ruff")]


def test_it_names_the_head_it_is_about() -> None:
    world = World(pulls=[a_pull(1)], policy=POLICY)
    action = decide(world.view()).actions[0]
    assert isinstance(action, RunCheck)
    assert action.head_sha == world.pulls[0].head_sha
    assert action.key == f"status:{action.head_sha}:pytest"


@pytest.mark.parametrize(
    ("state", "again"),
    [
        (CheckState.SUCCESS, False),
        (CheckState.FAILURE, False),
        (CheckState.SKIPPED, False),
        (CheckState.PENDING, True),
    ],
)
def test_an_outcome_is_not_asked_for_twice(state: CheckState, again: bool) -> None:
    world = World(pulls=[a_pull(1, checks=(Check("pytest", state),))], policy=POLICY)
    assert ((1, "pytest") in asked(world)) is again
    assert (1, "ruff") in asked(world)


def test_a_pull_without_a_head_has_nothing_to_check() -> None:
    assert asked(World(pulls=[a_pull(1, head_sha="")], policy=POLICY)) == []


def test_a_policy_without_checks_says_how_to_name_one() -> None:
    decision = decide(World(pulls=[a_pull(1)]).view())
    assert decision.actions == ()
    assert "checks:" in decision.notes[0].hint


def test_pulls_of_task_files_and_statuses_are_checked_only_when_named() -> None:
    for branch in ("pmcodex/tasks", "pmcodex/bookkeeping", "pmcodex/plan"):
        world = World(pulls=[a_pull(1, branch)], policy=a_policy(checks={"pytest": "pytest"}))
        assert decide(world.view()).actions == ()
        assert len(decide(world.view(only_pull=1)).actions) == 1


def test_what_is_wanted_anew_runs_whatever_is_recorded() -> None:
    done = tuple(Check(name, CheckState.FAILURE) for name in POLICY.checks)
    world = World(pulls=[a_pull(1, checks=done), closed(2)], policy=POLICY)
    assert decide(world.view()).actions == ()
    actions = decide(replace(world.view(), again=True)).actions
    assert [action.reason for action in actions] == [
        "pytest is wanted anew on feature/T-0001-step-1",
        "ruff is wanted anew on feature/T-0001-step-1",
    ]
