"""A forge whose listings lag behind its writes: one comment all the same, thanks to the intent.

The forge here is the git forge behind a proxy that lists comments late and does not enforce the
marker's key, as a forge of somebody else's might. A death is an exception that nothing catches.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from sweep_fuse import FusedSession
from sweep_loop import ADA, START
from sweep_world import PROJECT, commit, make_remote

from pmcodex.config.loading import load_settings
from pmcodex.core.actions import PullDraft, Result, Role
from pmcodex.core.facts import Comment, Pull
from pmcodex.ports import PMCODEX, Person
from pmcodex.round import Report, run_round
from pmcodex.state.store import Store

HEAD = "feature/T-0001-x"


class Died(BaseException):
    """The process is gone."""


class Clock:
    """Time passes only where somebody sleeps."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


@dataclass
class Server:
    """The outside that outlives every process: when which comment was written, and the lag."""

    clock: Clock
    lag: float
    written: dict[str, float] = field(default_factory=dict)

    def shows(self, comment: Comment) -> bool:
        return self.clock.now() >= self.written.get(comment.id, 0.0) + self.lag


class LaggingForge:
    """The Forge port over another, with late listings and no key for comments."""

    def __init__(self, inner: Any, server: Server) -> None:
        self._inner = inner
        self._server = server
        self.lag = server.lag

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def pulls(self) -> tuple[Pull, ...]:
        return tuple(
            replace(pull, comments=self._shown(pull.comments or ())) for pull in self._inner.pulls()
        )

    def comments(self, number: int) -> tuple[Comment, ...]:
        return self._shown(self._inner.comments(number))

    def _shown(self, comments: tuple[Comment, ...]) -> tuple[Comment, ...]:
        return tuple(filter(self._server.shows, comments))

    def create_comment(self, number: int, body: str, *, marker: str = "") -> Comment:
        made: Comment = self._inner.create_comment(number, body)
        self._server.written[made.id] = self._server.clock.now()
        return made


class BrokenForge(LaggingForge):
    """A forge that no comment ever reaches."""

    def create_comment(self, number: int, body: str, *, marker: str = "") -> Comment:
        raise Died


class DyingStore(Store):
    """A store that never gets to write down a receipt."""

    def receipt(self, key: str, ref: str, digest: str, at: float) -> None:
        raise Died


@dataclass(frozen=True)
class LaggingSession(FusedSession):
    server: Server | None = None
    stores: type[Store] = Store
    forges: type[LaggingForge] = LaggingForge

    def forge(self, actor: Person = PMCODEX) -> Any:
        assert self.server is not None
        return self.forges(super().forge(actor), self.server)

    @cached_property
    def store(self) -> Store:
        store = self.stores(self.state)
        store.load()
        return store


@dataclass(frozen=True)
class Site:
    """One project with an open pull on a lagging forge."""

    folder: Path
    server: Server

    def session(self, **parts: Any) -> LaggingSession:
        """A new process, as good as. `parts` are the fields that are to be another."""
        loaded = load_settings({}, [self.folder], {})
        box = self.folder / "box"
        (box / "state").mkdir(parents=True, exist_ok=True)
        url, clock = str(self.folder / "remote.git"), self.server.clock
        return LaggingSession(loaded, url, ADA, box, clock, server=self.server, **parts)

    def review(self, **parts: Any) -> Report:
        return run_round(self.session(**parts).frame(), [Role.REVIEWER])

    def die_after_writing(self) -> None:
        with pytest.raises(Died):
            self.review(stores=DyingStore)
        assert self.written() == 1

    def written(self) -> int:
        """How many comments there really are."""
        (pull,) = FusedSession.forge(self.session()).pulls()
        return len(pull.comments or ())


@pytest.fixture
def site(tmp_path: Path, home: Path) -> Site:
    remote = make_remote(tmp_path / "remote.git", PROJECT)
    commit(remote, {"x.txt": "x\n"}, "Add x", HEAD)
    site = Site(tmp_path, Server(Clock(), lag=60.0))
    site.session().forge().open_pull(HEAD, PullDraft("T-0001: x", "", "main"))
    return site


def results(report: Report) -> list[Result]:
    return [outcome.result for outcome in report.outcomes]


def test_an_undisturbed_review_is_one_comment(site: Site) -> None:
    assert results(site.review()) == [Result.DONE]
    site.server.clock.time += 3600
    assert results(site.review()) == []
    assert site.written() == 1


def test_a_comment_on_its_way_is_waited_for(site: Site) -> None:
    site.die_after_writing()
    report = site.review()
    assert results(report) == [Result.LATER]
    assert report.exit_code == 5
    assert site.written() == 1


def test_once_it_shows_it_is_taken_for_what_it_is(site: Site) -> None:
    site.die_after_writing()
    site.server.clock.time += 61
    site.review()
    assert site.written() == 1
    assert results(site.review()) == []


def test_a_short_lag_is_sat_out(site: Site) -> None:
    site = replace(site, server=replace(site.server, lag=3.0))
    site.die_after_writing()
    assert results(site.review()) == [Result.UNCHANGED]
    assert site.written() == 1
    assert not site.session().store.checkpoint.intents


def test_an_intent_that_was_never_carried_out_is_in_the_end(site: Site) -> None:
    with pytest.raises(Died):
        site.review(forges=BrokenForge)
    assert results(site.review()) == [Result.LATER]
    assert site.written() == 0
    site.server.clock.time += 61
    assert results(site.review()) == [Result.DONE]
    assert site.written() == 1


def test_without_the_intent_there_would_be_two(site: Site) -> None:
    """What receipts alone would come to, and why the checkpoint is written before the effect.

    It is also all that a checkpoint deleted within the lag can cost; nothing comes on top later.
    """
    site.die_after_writing()
    (site.folder / "box" / "state" / "checkpoint.json").unlink()
    site.review()
    assert site.written() == 2
    for _ in range(3):
        site.server.clock.time += 61
        site.review()
    assert site.written() == 2


def test_a_checkpoint_deleted_later_costs_nothing(site: Site) -> None:
    site.die_after_writing()
    (site.folder / "box" / "state" / "checkpoint.json").unlink()
    site.server.clock.time += 61
    site.review()
    assert site.written() == 1
