"""Proposals: made once, finished when half done, declined for good, never over a person's work."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders import ME, World
from hypothesis import given
from hypothesis import strategies as st

from pmcodex.core.actions import CommitPlan, Decision, FileEdit, Propose, Role
from pmcodex.core.keys import PLAN_BRANCH, read_marker
from pmcodex.core.proposal import Proposal, content_digest, content_of, judge, outdated


def proposal(
    *edits: tuple[str, str | None], body: str = "Words.\n", title: str = "Plan"
) -> Proposal:
    commits = tuple(CommitPlan(f"Change {path}", (FileEdit(path, text),)) for path, text in edits)
    return Proposal(Role.PLANNER, PLAN_BRANCH, commits, title, body, "because")


ONE = proposal(("a.md", "one"))
OTHER = proposal(("a.md", "other"))


def proposed(*which: Proposal) -> World:
    world = World()
    for each in which or (ONE,):
        world.accept(judge(world.view(), each))
    return world


def action_of(world: World, what: Proposal) -> Propose:
    (action,) = judge(world.view(), what).actions
    assert isinstance(action, Propose)
    return action


def test_a_first_proposal_creates_branch_and_pull() -> None:
    action = action_of(World(), ONE)
    assert (action.expected, action.commits, action.role) == ("", ONE.commits, Role.PLANNER)
    assert action.pull.base == "main"
    assert read_marker(action.pull.body, "content") == content_digest({"a.md": "one"})


def test_nothing_to_propose_is_nothing_to_do() -> None:
    assert judge(World().view(), proposal()) == Decision()


def test_the_same_again_is_nothing_to_do() -> None:
    assert judge(proposed().view(), ONE) == Decision()


def test_other_content_rebuilds_the_branch_from_main() -> None:
    world = proposed()
    action = action_of(world, OTHER)
    assert action.expected == world.rolling[PLAN_BRANCH].sha
    assert action.commits == OTHER.commits
    assert action.base == world.view().snapshot.main


def test_a_branch_without_its_pull_only_gets_the_pull() -> None:
    world = proposed()
    world.pulls.clear()
    assert action_of(world, ONE).commits == ()


def test_a_pull_left_behind_by_a_killed_run_is_brought_up_to_date() -> None:
    world = proposed()
    stale = world.pulls[0]
    world.accept(judge(world.view(), OTHER))
    world.pulls[0] = replace(stale, head_sha=world.pulls[0].head_sha)
    action = action_of(world, OTHER)
    assert action.commits == ()
    world.accept(judge(world.view(), OTHER))
    assert judge(world.view(), OTHER) == Decision()


def test_a_pull_that_a_person_opened_for_the_branch_keeps_its_words() -> None:
    world = proposed()
    world.pulls[0] = replace(world.pulls[0], author="ada", body="Mine.")
    assert judge(world.view(), ONE) == Decision()


def test_a_persons_words_on_our_pull_stay_while_nothing_changes() -> None:
    world = proposed()
    world.pulls[0] = replace(world.pulls[0], title="T", body=f"Mine.\n{world.pulls[0].body}")
    assert judge(world.view(), ONE) == Decision()


@pytest.mark.parametrize("keep_branch", [True, False])
def test_what_was_declined_is_not_proposed_again(keep_branch: bool) -> None:
    world = proposed()
    world.close(PLAN_BRANCH, keep_branch=keep_branch)
    decision = judge(world.view(), ONE)
    assert decision.actions == ()
    way = "pmcodex pull reopen 1" if keep_branch else "pmcodex plan --again"
    assert way in decision.notes[0].hint


def test_what_was_declined_is_proposed_once_more_where_a_person_asks() -> None:
    world = proposed(ONE)
    world.close(PLAN_BRANCH)
    world.accept(judge(world.view(), OTHER))
    world.close(PLAN_BRANCH)
    assert "pmcodex plan --again" in judge(world.view(), ONE).notes[0].hint
    (action,) = judge(replace(world.view(), again=True), ONE).actions
    assert isinstance(action, Propose)
    assert action.commits == ONE.commits


def test_other_content_than_what_was_declined_is_proposed() -> None:
    world = proposed()
    world.close(PLAN_BRANCH)
    assert action_of(world, OTHER).commits == OTHER.commits
    world.accept(judge(world.view(), OTHER))
    world.close(PLAN_BRANCH)
    assert judge(world.view(), ONE).actions == ()


def test_a_reopened_pull_is_no_longer_declined() -> None:
    world = proposed()
    world.close(PLAN_BRANCH)
    world.accept(judge(world.view(), OTHER))
    assert action_of(world, ONE).commits == ONE.commits


def test_a_merged_pull_is_not_a_declined_one() -> None:
    world = proposed()
    world.merge(PLAN_BRANCH, {})
    assert judge(world.view(), ONE).actions


def test_a_strangers_closed_pull_declines_nothing() -> None:
    world = proposed()
    world.close(PLAN_BRANCH, keep_branch=False)
    world.pulls[0] = replace(world.pulls[0], author="mallory")
    assert ME != "mallory"
    assert judge(world.view(), ONE).actions


def test_a_persons_commits_are_left_alone() -> None:
    world = proposed()
    world.roll(PLAN_BRANCH, {"a.md": "theirs"}, foreign=True)
    decision = judge(world.view(), OTHER)
    assert decision.actions == ()
    assert "somebody else committed" in decision.notes[0].message
    world.pulls.clear()
    assert judge(world.view(), OTHER).actions == ()


def test_a_persons_commits_that_change_nothing_are_no_news() -> None:
    world = proposed()
    world.roll(PLAN_BRANCH, {"a.md": "one"}, foreign=True)
    assert judge(world.view(), ONE) == Decision()


def test_a_persons_branch_with_just_this_content_gets_its_pull() -> None:
    world = World()
    world.roll(PLAN_BRANCH, {"a.md": "one"}, foreign=True)
    assert action_of(world, ONE).commits == ()


def test_a_pull_that_is_not_asked_for_is_told() -> None:
    world = proposed()
    (note,) = outdated(world.view(), Role.PLANNER, PLAN_BRANCH)
    assert note.hint == "close it with `pmcodex pull close 1`"
    assert outdated(World().view(), Role.PLANNER, PLAN_BRANCH) == ()


def test_the_last_word_on_a_path_counts() -> None:
    twice = proposal(("a.md", "one"), ("a.md", "two"), ("b.md", None))
    assert content_of(twice.commits) == {"a.md": "two", "b.md": None}


contents = st.dictionaries(st.sampled_from("abc"), st.none() | st.text("-+ab", max_size=3))


@given(contents, contents)
def test_digests_tell_contents_apart(one, other) -> None:
    assert (content_digest(one) == content_digest(other)) == (one == other)
    assert content_digest(one) == content_digest(dict(reversed(one.items())))
