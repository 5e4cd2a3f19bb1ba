"""The Registrar: an id of its own for every file, and never one that was used."""

from __future__ import annotations

from builders import World, a_task, path_of, written

from pmcodex.core.actions import Propose
from pmcodex.core.keys import RENUMBER_BRANCH
from pmcodex.core.taskfile import read_task
from pmcodex.roles.registrar import decide


def twins(*titles: str, **more) -> World:
    """Task files that all have the id T-0001."""
    return World(main=written(*(a_task(1, title) for title in titles)), **more)


def test_the_first_file_keeps_the_id() -> None:
    world = twins("Alpha", "Beta", "Gamma")
    action = world.accept(decide(world.view()))
    assert isinstance(action, Propose)
    edits = {edit.path: edit.text for plan in action.commits for edit in plan.edits}
    assert {path for path, text in edits.items() if text is None} == {
        "tasks/T-0001-beta.md",
        "tasks/T-0001-gamma.md",
    }
    added = {path: text for path, text in edits.items() if text is not None}
    assert list(added) == ["tasks/T-0002-beta.md", "tasks/T-0003-gamma.md"]
    for path, text in added.items():
        task = read_task(path, "", text.encode()).task
        assert task is not None
        assert path_of(task) == path


def test_ids_are_above_everything_ever_seen() -> None:
    world = twins("Alpha", "Beta", highest=41)
    world.accept(decide(world.view()))
    assert "tasks/T-0042-beta.md" in world.rolling[RENUMBER_BRANCH].changes


def test_it_proposes_once_though_its_own_branch_holds_the_ids_by_then() -> None:
    world = twins("Alpha", "Beta", "Gamma")
    world.accept(decide(world.view()))
    assert decide(world.view()).actions == ()


def test_an_id_that_main_took_meanwhile_is_given_up() -> None:
    world = twins("Alpha", "Beta")
    world.accept(decide(world.view()))
    world.main |= written(a_task(2, "By hand"))
    world.accept(decide(world.view()))
    assert "tasks/T-0003-beta.md" in world.rolling[RENUMBER_BRANCH].changes


def test_a_further_twin_joins_and_the_others_keep_their_new_ids() -> None:
    world = twins("Alpha", "Gamma")
    world.accept(decide(world.view()))
    world.main |= written(a_task(1, "Beta"))
    world.accept(decide(world.view()))
    added = {p for p, text in world.rolling[RENUMBER_BRANCH].changes.items() if text is not None}
    assert added == {"tasks/T-0002-gamma.md", "tasks/T-0003-beta.md"}


def test_without_twins_it_says_so() -> None:
    decision = decide(World(main=written(a_task(1), a_task(2))).view())
    assert decision.actions == ()
    assert decision.notes[0].message == "no two files have one id"


def test_a_pull_that_nobody_needs_any_more_is_told() -> None:
    world = twins("Alpha", "Beta")
    world.accept(decide(world.view()))
    del world.main["tasks/T-0001-beta.md"]
    assert "pmcodex pull close 1" in decide(world.view()).notes[-1].hint


def test_a_file_whose_name_says_nothing_stays_where_it_is() -> None:
    world = twins("Alpha")
    world.main["tasks/zeta.md"] = world.main["tasks/T-0001-alpha.md"]
    world.accept(decide(world.view()))
    assert "id: T-0002" in str(world.rolling[RENUMBER_BRANCH].changes["tasks/zeta.md"])


def test_an_id_that_yaml_ties_to_others_is_told_and_holds_up_nobody() -> None:
    world = twins("Alpha", "Beta", "Gamma")
    path = "tasks/T-0001-beta.md"
    tied = world.main[path].replace("id: T-0001", "id: &i T-0001")
    world.main[path] = tied.replace("title: Beta", "title: *i")
    decision = decide(world.view())
    assert [note.about for note in decision.notes] == [path]
    world.accept(decision)
    assert set(world.rolling[RENUMBER_BRANCH].changes) == {
        "tasks/T-0001-gamma.md",
        "tasks/T-0002-gamma.md",
    }
