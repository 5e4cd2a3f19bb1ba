"""Hands: by recipe, by diff or by command, and never past what policy allows."""

from __future__ import annotations

import pytest
from builders import World, a_policy, a_task, written

from pmcodex.editing.hands import NO_HANDS, Work, has_hands, project_of, work_for
from pmcodex.project.edits import CannotApply

DIFF = "```diff\n--- a/x.txt\n+++ b/x.txt\n@@ -1 +1 @@\n-old\n+new\n```\n"


def world_of(task, body: str = "", **more) -> World:
    return World(main={"x.txt": "old\n", **written(task, body=body)}, **more)


def worked(world: World) -> Work | CannotApply:
    view = world.view()
    (card,) = view.board.cards
    return work_for(view, card)


def reason(world: World) -> str:
    found = worked(world)
    assert isinstance(found, CannotApply)
    return found.reason


@pytest.mark.parametrize(
    ("task", "body", "expected"),
    [
        (a_task(), "", False),
        (a_task(), "```python\nx\n```\n", False),
        (a_task(), "see the diff\n", False),
        (a_task(), DIFF, True),
        (a_task(), DIFF + DIFF, False),
        (a_task(recipe=("editorconfig",)), "", True),
        (a_task(command="format"), "", True),
    ],
)
def test_what_counts_as_hands(task, body: str, expected: bool) -> None:
    (card,) = world_of(task, body).view().board.cards
    assert has_hands(card) is expected


def test_the_recipe_comes_first_then_the_diff_then_the_command() -> None:
    policy = a_policy(commands={"format": "ruff format"})
    every = a_task(recipe=("editorconfig",), command="format")
    found = worked(world_of(every, DIFF, policy=policy))
    assert isinstance(found, Work)
    assert found.how == "the recipe editorconfig"
    found = worked(world_of(a_task(command="format"), DIFF, policy=policy))
    assert isinstance(found, Work)
    assert (found.how, found.command) == ("the diff in its task file", "")
    found = worked(world_of(a_task(command="format"), policy=policy))
    assert found == Work("the command format", command="format")


def test_no_hands_at_all() -> None:
    assert reason(world_of(a_task())) == NO_HANDS


def test_an_unknown_recipe_says_what_was_meant() -> None:
    assert "editorconfig" in reason(world_of(a_task(recipe=("editorconfg",))))


def test_a_recipe_may_write_the_protected_paths_it_is_reviewed_for() -> None:
    found = worked(world_of(a_task(recipe=("ci-setup", "smoke-test"))))
    assert isinstance(found, Work)
    assert ".github/workflows/ci.yml" in [edit.path for edit in found.edits]


def test_a_recipe_may_not_write_what_the_policy_protects_beyond_that() -> None:
    policy = a_policy(protected_paths=["tests/"])
    assert reason(world_of(a_task(recipe=("smoke-test",)), policy=policy)) == (
        "tests/test_smoke.py is protected"
    )


def test_a_recipe_beyond_the_limits_is_refused() -> None:
    task = a_task(recipe=("ci-setup", "smoke-test"))
    few = a_policy(limits={"files": 1})
    assert "would change 2 files, and limits.files is 1" in reason(world_of(task, policy=few))
    short = a_policy(limits={"lines": 3})
    assert "limits.lines is 3" in reason(world_of(task, policy=short))


def test_lines_are_counted_as_changed_and_not_as_written() -> None:
    task = a_task(recipe=("ci-setup", "lint-setup"))
    config = "".join(f'a{n} = "{n}"\n' for n in range(200))
    world = world_of(task, policy=a_policy(limits={"lines": 100}))
    world.main["pyproject.toml"] = f'[project]\nname = "x"\nversion = "1"\n[tool.x]\n{config}'
    world.main["src/x.py"] = "x = 1\n"
    found = worked(world)
    assert isinstance(found, Work)
    assert "pyproject.toml" in [edit.path for edit in found.edits]


def test_a_diff_beyond_the_limits_is_refused() -> None:
    policy = a_policy(limits={"lines": 1})
    assert "limits.lines is 1" in reason(world_of(a_task(), DIFF, policy=policy))


def test_a_command_must_be_the_policys() -> None:
    assert "is not in .llm-team.yml" in reason(world_of(a_task(command="format")))


def test_the_project_is_the_default_branch() -> None:
    view = world_of(a_task()).view()
    project = project_of(view)
    assert (project.name, project.default_branch) == ("sample", "main")
    assert project.files["x.txt"] == "old\n"
