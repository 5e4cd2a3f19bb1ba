"""Setup: what the scaffold lacks, by pull, once."""

from __future__ import annotations

from builders import World, a_policy

from pmcodex.core.actions import Propose
from pmcodex.core.keys import INIT_BRANCH
from pmcodex.roles.setup import decide


def test_what_is_missing_is_proposed_once() -> None:
    world = World(main={"README.md": "# Sample\n"})
    action = world.accept(decide(world.view()))
    assert isinstance(action, Propose)
    changes = world.rolling[INIT_BRANCH].changes
    assert {"docs/PRD.md", ".llm-team.yml", "tasks/_template.md"} <= set(changes)
    assert "README.md" not in changes
    assert "- `docs/PRD.md`" in action.pull.body
    assert decide(world.view()).actions == ()


def test_once_it_is_merged_nothing_is_missing() -> None:
    world = World(main={"README.md": "# Sample\n"})
    world.accept(decide(world.view()))
    world.merge(INIT_BRANCH)
    decision = decide(world.view())
    assert decision.actions == ()
    assert decision.notes[0].message == "nothing is missing"


def test_what_is_there_is_left_alone() -> None:
    world = World(main={"docs/PRD.md": "mine", "CODEOWNERS": "* @me\n"})
    world.accept(decide(world.view()))
    assert not {"docs/PRD.md", "CODEOWNERS"} & set(world.rolling[INIT_BRANCH].changes)


def test_places_follow_the_policy() -> None:
    world = World(policy=a_policy(prd="spec/PRD.md", tasks={"dir": "work"}))
    world.accept(decide(world.view()))
    assert {"spec/PRD.md", "work/_template.md"} <= set(world.rolling[INIT_BRANCH].changes)


def test_a_declined_scaffold_is_not_proposed_again() -> None:
    world = World()
    world.accept(decide(world.view()))
    world.close(INIT_BRANCH)
    decision = decide(world.view())
    assert decision.actions == ()
    assert "was closed" in decision.notes[0].message


def test_a_pull_that_is_not_needed_any_more_is_told() -> None:
    world = World(main={"README.md": "# Sample\n"})
    world.accept(decide(world.view()))
    world.main |= {p: str(t) for p, t in world.rolling[INIT_BRANCH].changes.items()}
    assert "pmcodex pull close 1" in decide(world.view()).notes[-1].hint
