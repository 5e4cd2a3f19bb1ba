"""Law 1: pmcodex never pushes to the default branch, and never rewrites what it did not make.

A proxy in front of the one function that pushes writes down everything that any role pushes over
the whole loop; what it saw is judged by plain git. A planted breach shows that it would be seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from sweep_fuse import FusedGit, FusedSession
from sweep_loop import STEPS, Box, Run, new_world, run_step, session_of
from sweep_world import PROJECT, commit, git, make_remote

from pmcodex.apply import Edges, Setting, apply
from pmcodex.core.actions import CommitPlan, FileEdit, Propose, PullDraft, Result, Role, WorkTask
from pmcodex.core.guard import MergeGuard
from pmcodex.core.policy import Policy
from pmcodex.ports import Guard, PushResult, RefUpdate

MAIN = "refs/heads/main"
OURS = "pmcodex@localhost"


@dataclass(frozen=True)
class Seen:
    """One ref that was pushed, in which step, and whose commits that took away."""

    step: str
    ref: str
    by_merge: bool
    lost: frozenset[str]


@dataclass
class Watch:
    """What a loop pushed."""

    step: str = ""
    seen: list[Seen] = field(default_factory=list)


class WatchingGit(FusedGit):
    """The Git port, every push written down before it happens."""

    def __init__(self, inner: Any, session: WatchingSession) -> None:
        super().__init__(inner, session.fuse)
        self._watch = session.watch

    def push(self, updates: Sequence[RefUpdate], guard: Guard) -> PushResult:
        for update in updates:
            by_merge = isinstance(guard, MergeGuard)
            lost = frozenset(self._lost(update))
            self._watch.seen.append(Seen(self._watch.step, update.ref, by_merge, lost))
        return super().push(updates, guard)

    def _lost(self, update: RefUpdate) -> list[str]:
        if not update.expected:
            return []
        kept = [update.new] if update.new else []
        span = ("log", "--format=%ce", update.expected, "--not", *kept, "refs/remotes/origin/main")
        return git(self._inner.folder, *span).splitlines()


@dataclass(frozen=True)
class WatchingSession(FusedSession):
    watch = Watch()

    @cached_property
    def git(self) -> Any:
        return WatchingGit(super().git._inner, self)


def breaches(seen: Sequence[Seen]) -> list[str]:
    """What of it breaks the law: the default branch moved by a role, others' commits taken away."""
    return [
        f"{one.step}: {one.ref} {sorted(one.lost)}"
        for one in seen
        if (one.ref == MAIN and not one.by_merge) or (one.lost - {OURS} and not one.by_merge)
    ]


def test_no_role_pushes_what_it_may_not_over_the_whole_loop(tmp_path: Path, home: Path) -> None:
    class Session(WatchingSession):
        watch = Watch()

    box, world = Box(session=Session), new_world(tmp_path / "world")
    for place, step in enumerate(STEPS):
        Session.watch.step = step.name
        assert run_step(Run(world, place, box)) == 0
    seen = Session.watch.seen
    assert breaches(seen) == []
    rewritten = {one.ref for one in seen if one.lost and not one.by_merge}
    assert rewritten == {"refs/heads/pmcodex/tasks"}  # so there was something to get wrong
    merges = {one.step for one in seen if one.ref == MAIN}
    assert {step for step in merges if not step.startswith("merge ")} == {"integrator"}


# --- every role, asked to break it ---------------------------------------------------------


@pytest.fixture
def session(tmp_path: Path, home: Path) -> FusedSession:
    make_remote(tmp_path / "remote.git", PROJECT)
    return session_of(Run(tmp_path, 0))


def pushed(session: FusedSession, action: WorkTask | Propose) -> Result:
    edges = Edges(
        session.git, session.forge(), session.store, session.clock, lambda: session.sandbox()
    )
    main = session.git.sync()[MAIN]
    return apply(action, edges, Setting(Policy(), "main", main, "box-a", "run", {})).result


def on(session: FusedSession, branch: str, role: Role) -> WorkTask | Propose:
    """A role's action that puts one commit on a branch as it stands on the remote."""
    refs = session.git.sync()
    main, expected = refs[MAIN], refs.get(f"refs/heads/{branch}", "")
    plans = (CommitPlan("Break the law", (FileEdit("x.txt", "x\n"),)),)
    pull = PullDraft("x", "x", "main")
    if role is Role.DEVELOPER:
        return WorkTask("T-0001", branch, main, expected, plans, pull, "because", role=role)
    return Propose(branch, main, expected, plans, pull, "because", role)


FORBIDDEN = ("main", "release", "feature/ada", "../main", "-f", "HEAD")


@pytest.mark.parametrize("role", list(Role))
def test_a_role_that_tries_is_refused(session: FusedSession, role: Role) -> None:
    remote = Path(session.url)
    before = git(remote, "for-each-ref")
    tried = {branch: pushed(session, on(session, branch, role)) for branch in FORBIDDEN}
    assert tried == dict.fromkeys(FORBIDDEN, Result.REFUSED)
    assert git(remote, "for-each-ref") == before


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.DEVELOPER])
def test_somebody_elses_commits_on_our_branch_are_never_rewritten(
    session: FusedSession, role: Role
) -> None:
    remote = Path(session.url)
    commit(remote, {"by-hand.txt": "by hand\n"}, "By hand", "pmcodex/tasks")
    before = git(remote, "for-each-ref")
    assert pushed(session, on(session, "pmcodex/tasks", role)) is Result.REFUSED
    assert git(remote, "for-each-ref") == before


# --- planted -------------------------------------------------------------------------------


class Anything:
    """A planted guard that lets everything through."""

    def refusal(self, update: RefUpdate, *, forced: bool, ours: bool) -> str:
        return ""


class LooseGit(WatchingGit):
    def push(self, updates: Sequence[RefUpdate], guard: Guard) -> PushResult:
        return super().push(updates, Anything())


@pytest.mark.parametrize("branch", ["main", "pmcodex/tasks"])
def test_with_a_planted_guard_the_breach_is_seen(tmp_path: Path, home: Path, branch: str) -> None:
    class Session(WatchingSession):
        watch = Watch()

        @cached_property
        def git(self) -> Any:
            return LooseGit(super().git._inner, self)

    remote = make_remote(tmp_path / "remote.git", PROJECT)
    commit(remote, {"by-hand.txt": "by hand\n"}, "By hand", "pmcodex/tasks")
    session = session_of(Run(tmp_path, 0, Box(session=Session)))
    pushed(session, on(session, branch, Role.TASKMASTER))
    assert breaches(Session.watch.seen)
