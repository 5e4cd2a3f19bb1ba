"""What every forge promises, whatever it is made of. See `ports.Forge`.

`site` is a project on each forge under contract; nothing below knows which one it is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from forge_sites import GitSite, OwnRemote, Site

from pmcodex.core.actions import PullDraft
from pmcodex.core.facts import Check, CheckState, Pull, PullState, Verdict
from pmcodex.errors import InvalidInput, Refused
from pmcodex.ports import Forge, MergeEnd

HEAD = "feature/T-0001-one"
DRAFT = PullDraft(title="T-0001: one", body="What and why.\n", base="main", labels=("pmcodex",))


def _bare(request: pytest.FixtureRequest) -> Site:
    remote = request.getfixturevalue("remote")
    return GitSite(remote, str(remote), request.getfixturevalue("tmp_path"))


def _own(request: pytest.FixtureRequest) -> Site:
    project = request.getfixturevalue("project")
    return OwnRemote(project, str(project), request.getfixturevalue("tmp_path"))


def _file_url(request: pytest.FixtureRequest) -> Site:
    remote = request.getfixturevalue("remote")
    return GitSite(remote, Path(remote).as_uri(), request.getfixturevalue("tmp_path"))


SITES: dict[str, Callable[[pytest.FixtureRequest], Site]] = {"git": _bare, "git-own-remote": _own}
PLACES = SITES | {"git-file-url": _file_url}


@pytest.fixture(params=SITES)
def site(request: pytest.FixtureRequest) -> Site:
    return SITES[request.param](request)


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest) -> Site:
    return PLACES[request.param](request)


def only(forge: Forge) -> Pull:
    (pull,) = forge.pulls()
    return pull


def started(site: Site, head: str = HEAD, path: str = "one.txt") -> tuple[Forge, Pull]:
    site.commit(head, path, "one\n")
    forge = site.forge()
    return forge, forge.open_pull(head, DRAFT)


# --- pulls -----------------------------------------------------------------------------------


def test_a_forge_nobody_used_has_no_pulls(site: Site) -> None:
    assert site.forge().pulls() == ()


def test_a_pull_is_what_its_draft_and_its_branch_say(site: Site) -> None:
    forge, pull = started(site)
    assert pull.state is PullState.OPEN
    assert (pull.title, pull.body.strip()) == (DRAFT.title, DRAFT.body.strip())
    assert (pull.head, pull.base) == (HEAD, "main")
    assert pull.head_sha == site.tip(HEAD)
    assert pull.author == forge.me()
    assert pull.labels == ("pmcodex",)
    assert (pull.draft, pull.merge_sha, pull.base_sha) == (False, "", "")
    assert only(site.forge("Ada")).number == pull.number


def test_a_draft_is_a_draft(site: Site) -> None:
    site.commit(HEAD, "one.txt", "one\n")
    site.forge().open_pull(HEAD, PullDraft("Later", "", "main", draft=True))
    assert only(site.forge()).draft


def test_opening_twice_returns_the_open_pull_unchanged(site: Site) -> None:
    forge, first = started(site)
    again = site.forge("Ada").open_pull(HEAD, PullDraft("Another title", "x", "main"))
    assert (again.number, again.title, again.author) == (first.number, first.title, first.author)
    assert len(forge.pulls()) == 1


def test_a_closed_pull_makes_room_for_the_next_with_a_higher_number(site: Site) -> None:
    forge, first = started(site)
    forge.close_pull(first.number)
    second = forge.open_pull(HEAD, DRAFT)
    assert second.number > first.number
    assert [pull.state for pull in forge.pulls()] == [PullState.CLOSED, PullState.OPEN]


def test_a_pull_without_commits_of_its_own_is_refused(site: Site) -> None:
    site.commit(HEAD, "one.txt", "one\n")
    forge = site.forge()
    with pytest.raises(Refused):
        forge.open_pull("main", PullDraft("Nothing", "", HEAD))
    with pytest.raises(Refused):
        forge.open_pull("main", PullDraft("Nothing", "", "main"))
    assert forge.pulls() == ()


@pytest.mark.parametrize(("head", "base"), [("feature/T-0009-no", "main"), (HEAD, "nowhere")])
def test_a_pull_of_or_into_a_missing_branch_is_refused(site: Site, head: str, base: str) -> None:
    site.commit(HEAD, "one.txt", "one\n")
    with pytest.raises(Refused) as refused:
        site.forge().open_pull(head, PullDraft("Nothing", "", base))
    assert refused.value.sentence


def test_an_open_pull_follows_its_branch(site: Site) -> None:
    forge, _ = started(site)
    newer = site.commit(HEAD, "two.txt", "two\n")
    assert only(forge).head_sha == newer


def test_title_and_body_are_edited_in_place(site: Site) -> None:
    forge, pull = started(site)
    forge.edit_pull(pull.number, title="Better", body="Words — ünïcode\n")
    seen = only(site.forge())
    assert (seen.number, seen.title, seen.body.strip()) == (
        pull.number,
        "Better",
        "Words — ünïcode",
    )


def test_closing_remembers_where_the_base_was(site: Site) -> None:
    forge, pull = started(site)
    tip = site.commit("main", "other.txt", "other\n")
    forge.close_pull(pull.number)
    site.commit("main", "later.txt", "later\n")
    forge.close_pull(pull.number)
    seen = only(site.forge())
    assert (seen.state, seen.base_sha, seen.merge_sha) == (PullState.CLOSED, tip, "")


def test_a_deleted_branch_closes_its_pull_for_good(site: Site) -> None:
    forge, pull = started(site)
    site.delete(HEAD)
    seen = only(forge)
    assert (seen.state, seen.head_sha) == (PullState.CLOSED, pull.head_sha)
    assert seen.base_sha == site.tip("main")
    site.commit("main", "later.txt", "later\n")
    assert only(site.forge()).base_sha == seen.base_sha
    site.commit(HEAD, "again.txt", "again\n")
    second = forge.open_pull(HEAD, DRAFT)
    assert second.number >= pull.number
    assert sum(one.state is PullState.OPEN for one in forge.pulls()) == 1


def test_a_pull_that_is_not_there_is_named(site: Site) -> None:
    forge = site.forge()
    for ask in (
        lambda: forge.comments(7),
        lambda: forge.edit_pull(7, title="a", body="b"),
        lambda: forge.close_pull(7),
        lambda: forge.create_comment(7, "hello"),
        lambda: forge.add_label(7, "x"),
        lambda: forge.review(7, Verdict.APPROVED, ""),
        lambda: forge.merge(7, expected_head="0" * 40, message="m"),
    ):
        with pytest.raises(InvalidInput) as missing:
            ask()
        assert "7" in missing.value.sentence
        assert "pmcodex pull list" in missing.value.hint


# --- comments, labels, reviews, checks -------------------------------------------------------


def test_comments_keep_their_order_and_are_edited_in_place(site: Site) -> None:
    forge, pull = started(site)
    first = forge.create_comment(pull.number, "first")
    site.forge("Ada").create_comment(pull.number, "second")
    forge.edit_comment(pull.number, first.id, "first, better")
    seen = site.forge().comments(pull.number)
    assert [(one.author, one.body) for one in seen] == [
        ("Bot", "first, better"),
        ("Ada", "second"),
    ]
    assert seen[0].id == first.id


def test_a_comment_that_is_not_there_is_named(site: Site) -> None:
    forge, pull = started(site)
    with pytest.raises(InvalidInput, match="42"):
        forge.edit_comment(pull.number, "42", "x")


def test_a_label_twice_is_a_label_once(site: Site) -> None:
    forge, pull = started(site)
    for _ in range(2):
        forge.add_label(pull.number, "ready_for_integration")
    assert set(only(forge).labels) == {"pmcodex", "ready_for_integration"}


def test_nobody_reviews_their_own_pull(site: Site) -> None:
    forge, pull = started(site)
    with pytest.raises(Refused, match="own pull"):
        forge.review(pull.number, Verdict.APPROVED, "fine")
    assert only(forge).reviews == ()


def test_the_latest_review_of_each_person_counts(site: Site) -> None:
    _, pull = started(site)
    ada, bea = site.forge("Ada"), site.forge("Bea")
    ada.review(pull.number, Verdict.CHANGES_REQUESTED, "no")
    bea.review(pull.number, Verdict.APPROVED, "yes")
    newer = site.commit(HEAD, "two.txt", "two\n")
    for _ in range(2):
        ada.review(pull.number, Verdict.APPROVED, "now yes")
    reviews = only(ada).reviews
    assert [(one.author, one.verdict) for one in reviews] == [
        ("Bea", Verdict.APPROVED),
        ("Ada", Verdict.APPROVED),
    ]
    assert [one.head_sha for one in reviews] == [pull.head_sha, newer]


def test_a_remark_takes_no_approval_back(site: Site) -> None:
    _, pull = started(site)
    ada = site.forge("Ada")
    ada.review(pull.number, Verdict.APPROVED, "yes")
    ada.review(pull.number, Verdict.COMMENTED, "a typo, never mind")
    assert Verdict.APPROVED in [one.verdict for one in only(ada).reviews]


def test_checks_belong_to_a_commit_and_the_last_word_wins(site: Site) -> None:
    forge, pull = started(site)
    forge.set_check(pull.head_sha, Check("pytest", CheckState.PENDING))
    forge.set_check(pull.head_sha, Check("ruff", CheckState.SUCCESS, "no findings"))
    forge.set_check(pull.head_sha, Check("pytest", CheckState.FAILURE, "1 failed"))
    seen = only(site.forge()).checks
    assert {(one.name, one.state, one.summary) for one in seen} == {
        ("pytest", CheckState.FAILURE, "1 failed"),
        ("ruff", CheckState.SUCCESS, "no findings"),
    }
    site.commit(HEAD, "two.txt", "two\n")
    assert only(forge).checks == ()


# --- merging ---------------------------------------------------------------------------------


def test_a_merge_is_one_commit_on_the_base(place: Site) -> None:
    before = place.tip("main")
    forge, _ = started(place)
    place.commit(HEAD, "two.txt", "two\n")
    pull = only(forge)
    done = forge.merge(pull.number, expected_head=pull.head_sha, message="One (#1)\n\nBody")
    assert done.ended is MergeEnd.MERGED
    assert done.sha == place.tip("main") != before
    assert (place.text("main", "one.txt"), place.text("main", "two.txt")) == ("one", "two")
    seen = only(place.forge())
    assert (seen.state, seen.merge_sha) == (PullState.MERGED, done.sha)
    assert seen.head_sha == pull.head_sha
    assert seen.base_sha


def test_merging_twice_is_merging_once(site: Site) -> None:
    forge, pull = started(site)
    first = forge.merge(pull.number, expected_head=pull.head_sha, message="One")
    again = site.forge().merge(pull.number, expected_head=pull.head_sha, message="One")
    assert (again.ended, again.sha) == (MergeEnd.MERGED, first.sha)
    assert site.tip("main") == first.sha


def test_a_head_that_moved_is_not_merged(site: Site) -> None:
    forge, pull = started(site)
    before = site.tip("main")
    site.commit(HEAD, "two.txt", "two\n")
    end = forge.merge(pull.number, expected_head=pull.head_sha, message="One")
    assert end.ended is MergeEnd.STALE
    assert end.detail
    assert (site.tip("main"), only(forge).state) == (before, PullState.OPEN)


def test_a_conflict_is_not_merged(site: Site) -> None:
    forge, pull = started(site, path="README.md")
    mine = site.commit("main", "README.md", "another\n")
    end = forge.merge(pull.number, expected_head=pull.head_sha, message="One")
    assert end.ended is MergeEnd.CONFLICT
    assert end.detail
    assert (site.tip("main"), only(forge).state) == (mine, PullState.OPEN)


def test_a_closed_pull_or_a_draft_is_not_merged(site: Site) -> None:
    forge, pull = started(site)
    forge.close_pull(pull.number)
    end = forge.merge(pull.number, expected_head=pull.head_sha, message="One")
    assert (end.ended, bool(end.detail)) == (MergeEnd.REFUSED, True)
    draft = forge.open_pull(HEAD, PullDraft("Later", "", "main", draft=True))
    end = forge.merge(draft.number, expected_head=draft.head_sha, message="One")
    assert (end.ended, bool(end.detail)) == (MergeEnd.REFUSED, True)
    with pytest.raises(AssertionError):
        site.text("main", "one.txt")


def test_a_merge_goes_onto_the_base_of_today(site: Site) -> None:
    forge, pull = started(site)
    forge.pulls()
    human = site.commit("main", "human.txt", "by hand\n")
    done = forge.merge(pull.number, expected_head=pull.head_sha, message="One")
    assert done.ended is MergeEnd.MERGED
    assert (site.text("main", "human.txt"), site.text("main", "one.txt")) == ("by hand", "one")
    assert human != site.tip("main") == done.sha


# --- several at once -------------------------------------------------------------------------


def test_two_clients_that_open_the_same_head_share_one_pull(site: Site) -> None:
    site.commit(HEAD, "one.txt", "one\n")
    numbers: list[int] = []
    forges = [site.forge(), site.forge()]
    together(*(lambda one=one: numbers.append(one.open_pull(HEAD, DRAFT).number) for one in forges))
    assert len(set(numbers)) == 1
    assert len(site.forge().pulls()) == 1


def test_clients_at_once_lose_nothing(site: Site) -> None:
    forge, pull = started(site)
    clients = {name: site.forge(name) for name in ("Ada", "Bea", "Cy")}

    def work(name: str, client: Forge) -> None:
        client.create_comment(pull.number, f"{name} was here")
        client.add_label(pull.number, name)
        client.set_check(pull.head_sha, Check(name, CheckState.SUCCESS))
        client.review(pull.number, Verdict.APPROVED, "")

    together(*(lambda name=name: work(name, clients[name]) for name in clients))
    seen = only(forge)
    assert {comment.body for comment in seen.comments or ()} == {f"{n} was here" for n in clients}
    assert {review.author for review in seen.reviews} == set(clients)
    assert {check.name for check in seen.checks} == set(clients)
    assert set(seen.labels) == {"pmcodex", *clients}
    assert len({comment.id for comment in forge.comments(pull.number)}) == 3


def together(*works: Callable[[], None]) -> None:
    """Run all at once; a fault in one is a fault here."""
    faults: list[BaseException] = []

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []


def test_a_closed_pull_opens_again_and_a_merged_one_does_not(site: Site) -> None:
    forge, pull = started(site)
    forge.close_pull(pull.number)
    forge.reopen_pull(pull.number)
    assert (only(forge).state, only(forge).base_sha) == (PullState.OPEN, "")
    forge.reopen_pull(pull.number)
    forge.merge(pull.number, expected_head=pull.head_sha, message="m")
    with pytest.raises(Refused):
        forge.reopen_pull(pull.number)


def test_a_pull_whose_branch_has_another_or_is_gone_stays_closed(site: Site) -> None:
    forge, pull = started(site)
    forge.close_pull(pull.number)
    second = forge.open_pull(HEAD, DRAFT)
    with pytest.raises(Refused):
        forge.reopen_pull(pull.number)
    forge.close_pull(second.number)
    site.delete(HEAD)
    with pytest.raises(Refused):
        forge.reopen_pull(pull.number)
    assert [one.state for one in forge.pulls()] == [PullState.CLOSED, PullState.CLOSED]


def test_a_marked_comment_is_made_once_by_two_clients(site: Site) -> None:
    forge, pull = started(site)
    mark = "<!-- pmcodex:review {} -->"
    first = forge.create_comment(pull.number, mark.format("a"), marker="review")
    second = site.forge().create_comment(pull.number, mark.format("b"), marker="review")
    assert second.id == first.id
    assert [one.body for one in forge.comments(pull.number)] == [mark.format("b")]
    forge.create_comment(pull.number, "> " + mark.format("a"))
    assert len(forge.comments(pull.number)) == 2


def test_a_requested_merge_holds_for_the_head_it_was_asked_for(site: Site) -> None:
    forge, pull = started(site)
    with pytest.raises(Refused):
        forge.request_merge(pull.number, expected_head="0" * 40)
    forge.request_merge(pull.number, expected_head=pull.head_sha)
    forge.request_merge(pull.number, expected_head=pull.head_sha)
    assert only(forge).auto_merge
    site.commit(HEAD, "more.txt", "more\n")
    assert not only(site.forge()).auto_merge
