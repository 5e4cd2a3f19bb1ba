"""A session whose effects run through a fuse, which ends the process before or after one of them.

Everything a round does to the outside that lasts goes through `Git.push`, the store's files or
the journal. The proxies here stand in front of those and count; nothing of pmcodex is patched.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from pmcodex.core.facts import TaskFile
from pmcodex.core.policy import SandboxLimits
from pmcodex.git import folder as gitfolder
from pmcodex.ports import Guard, PushResult, Ran, RefUpdate, Sandbox
from pmcodex.round import Frame
from pmcodex.sandbox.process import run
from pmcodex.state.journal import Entry, Journal
from pmcodex.state.store import Checkpoint, Store
from pmcodex.wiring import Session

_Value = TypeVar("_Value")

BEFORE, REACHED, AFTER = "before", "reached", "after"
"""Where to die: REACHED is after a push reached the remote, before that is remembered here."""


class Fuse:
    """Counts effects, and kills the process at effect `at` (from 0); never where it is negative."""

    def __init__(self, at: int = -1, when: str = BEFORE) -> None:
        self.at = at
        self.when = when
        self.seen: list[str] = []

    def around(
        self, what: str, effect: Callable[[], _Value], unremember: Callable[[], None] | None = None
    ) -> _Value:
        number = len(self.seen)
        self.seen.append(what)
        if number == self.at and self.when == BEFORE:
            _die()
        result = effect()
        if number == self.at and self.when == REACHED and unremember is not None:
            unremember()
        if number == self.at:
            _die()
        return result


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class FusedGit:
    """The Git port in front of another: `push` goes through the fuse, all else straight on."""

    def __init__(self, inner: Any, fuse: Fuse) -> None:
        self._inner = inner
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def push(self, updates: Sequence[RefUpdate], guard: Guard) -> PushResult:
        refs = gitfolder.remembered(self._inner.folder) or {}

        def effect() -> PushResult:
            done: PushResult = self._inner.push(updates, guard)
            return done

        def unremember() -> None:
            gitfolder.remember(self._inner.folder, refs)

        what = "push " + " ".join(update.ref.removeprefix("refs/") for update in updates)
        return self._fuse.around(what, effect, unremember)


class FusedStore(Store):
    """A store whose writes go through the fuse; intents and receipts are told apart from saves."""

    def __init__(self, folder: Path, fuse: Fuse) -> None:
        super().__init__(folder)
        self._fuse = fuse
        self._why = "save"

    def save(self) -> bool:
        if self.checkpoint == (self._saved or Checkpoint()):  # nothing would be written
            return False
        return self._fuse.around(f"store {self._why}", super().save)

    def intend(self, key: str, run_id: str, at: float) -> None:
        self._why = "intent"
        super().intend(key, run_id, at)
        self._why = "save"

    def receipt(self, key: str, ref: str, digest: str, at: float) -> None:
        self._why = "receipt"
        super().receipt(key, ref, digest, at)
        self._why = "save"

    def keep_tasks(self, stamp: str, files: Iterable[TaskFile]) -> bool:
        write = super().keep_tasks
        return self._fuse.around("store tasks", lambda: write(stamp, files))


@dataclass(frozen=True)
class FusedJournal(Journal):
    """A journal whose lines go through the fuse."""

    fuse: Fuse = field(default_factory=Fuse)

    def write(self, entry: Entry) -> None:
        self.fuse.around("journal", lambda: Journal.write(self, entry))


class StoppedClock:
    """A clock that stands still, so that a step done again is the same to the byte."""

    def __init__(self, at: float) -> None:
        self._at = at

    def now(self) -> float:
        return self._at

    def sleep(self, seconds: float) -> None:
        """Nobody waits here."""


class OpenSandbox:
    """The Sandbox port without walls: what is swept is not what the sample project's checks do."""

    kind = "none"

    def run(self, argv: Sequence[str], folder: Path, limits: SandboxLimits, timeout: float) -> Ran:
        return run(list(argv), cwd=folder, env={"PATH": os.environ["PATH"]}, timeout=timeout)


@dataclass(frozen=True)
class FusedSession(Session):
    """One command's outside with a fuse in it. `box` is the machine's name."""

    fuse: Fuse = field(default_factory=Fuse)
    box: str = "box-a"
    run_id: str = "run"

    @property
    def machine(self) -> str:
        return self.box

    @cached_property
    def git(self) -> Any:
        return FusedGit(super().git, self.fuse)

    @cached_property
    def store(self) -> Store:
        store = FusedStore(self.state, self.fuse)
        store.load()
        return store

    @cached_property
    def journal(self) -> Journal:
        inner = super().journal
        return FusedJournal(inner.folder, inner.redactor, fuse=self.fuse)

    def sandbox(self) -> Sandbox:
        return OpenSandbox()

    def frame(self, *, dry_run: bool = False, only_pull: int = 0, idle_key: str = "") -> Frame:
        made = super().frame(dry_run=dry_run, only_pull=only_pull, idle_key=idle_key)
        return replace(made, run_id=self.run_id)
