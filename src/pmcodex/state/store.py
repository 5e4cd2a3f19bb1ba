"""The checkpoint: what can't be asked of git or the forge again, and caches of what can.

It holds intents and receipts for effects whose key the forge does not enforce (comments), caches,
and what was last seen. Deleting it must be harmless, and so must two machines having one each.
What must never happen here: a fact that anything but the next round's cost depends on.
"""

from __future__ import annotations

import gc
import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pmcodex.core.keys import slug
from pmcodex.errors import InvalidInput
from pmcodex.state import durable
from pmcodex.state.durable import private_folder
from pmcodex.state.lock import Held, project_lock

if TYPE_CHECKING:
    from pydantic import TypeAdapter

    from pmcodex.core.facts import Finding, TaskFile

__all__ = [
    "Checkpoint",
    "Failure",
    "Held",
    "Intent",
    "Receipt",
    "Store",
    "project_lock",
    "state_folder",
]

SCHEMA_VERSION = 1
GRACE = 3600.0
"""Seconds for which a receipt outlives its pull, since a listing may lag behind a write."""

_SET_ASIDE = 5
_FAILURES = 500
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Intent:
    """An effect that was about to be made: by which run, and when (seconds since the epoch)."""

    run_id: str
    at: float


@dataclass(frozen=True, slots=True)
class Receipt:
    """An effect that was made: what the forge calls it, a digest of what it said, and when."""

    ref: str
    digest: str
    at: float


@dataclass(frozen=True, slots=True)
class Failure:
    """Work on a task that failed, under the facts that `key` is made of."""

    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Everything the checkpoint file holds.

    `pull_paths` maps a head sha to the paths its pull changes, `conflicts` a base and a head sha
    ("base:head") to the paths in which they conflict, `reviewed` a pull's number to the
    key of what a review was last written for, `failures` a task's id to how work on it last
    failed. `highest_id` is the highest task number in the history up to the commit `highest_at`.
    `troubles` maps what the last rounds said of trouble ("role: ...") to when a person was told.
    `idle` is a digest of facts that asked for nothing, good until `idle_until` (seconds since the
    epoch).
    """

    schema_version: int = SCHEMA_VERSION
    intents: Mapping[str, Intent] = field(default_factory=dict)
    receipts: Mapping[str, Receipt] = field(default_factory=dict)
    pull_paths: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    reviewed: Mapping[str, str] = field(default_factory=dict)
    conflicts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    failures: Mapping[str, Failure] = field(default_factory=dict)
    highest_id: int = 0
    highest_at: str = ""
    troubles: Mapping[str, float] = field(default_factory=dict)
    idle: str = ""
    idle_until: float = 0.0


class Store:
    """The checkpoint of one state folder, and the cache of parsed tasks beside it.

    The tasks are in a file of their own (`tasks.json`): an idle round never reads it, and a receipt
    costs a kilobyte of writing, not ten megabytes. `findings` says what was wrong with the files.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.findings: tuple[Finding, ...] = ()
        self.checkpoint = Checkpoint()
        self._saved: Checkpoint | None = None
        self._tasks: tuple[str, Mapping[tuple[str, str], TaskFile]] | None = None

    @property
    def path(self) -> Path:
        return self.folder / "checkpoint.json"

    @property
    def tasks_path(self) -> Path:
        return self.folder / "tasks.json"

    def load(self) -> Checkpoint:
        """Read the file. A broken or foreign one is set aside, and an empty one takes its place."""
        durable.sweep(self.path)
        found = self._read(self.path, _checkpoints())
        if found is not None and found.schema_version != SCHEMA_VERSION:
            self._set_aside(self.path, f"it has schema {found.schema_version}")
            found = None
        self._saved = found
        self.checkpoint = found or Checkpoint()
        return self.checkpoint

    def save(self) -> bool:
        """Write the file if anything in it changed; True: it was written.

        Raises TryLater on a full disk, InvalidInput where writing is not allowed; the old file
        stays.
        """
        if self.checkpoint == (self._saved or Checkpoint()):
            return False
        durable.replace(self.path, _checkpoints().dump_json(self.checkpoint, indent=1) + b"\n")
        self._saved = self.checkpoint
        return True

    def put(self, checkpoint: Checkpoint) -> None:
        """Take a new checkpoint; it is on disk after the next `save`."""
        self.checkpoint = checkpoint

    def intent(self, key: str) -> Intent | None:
        """The intent without a receipt of an effect, if there is one."""
        return self.checkpoint.intents.get(key)

    def intend(self, key: str, run_id: str, at: float) -> None:
        """Write down that an effect is about to be made. On disk when this returns."""
        intents = {**self.checkpoint.intents, key: Intent(run_id, at)}
        self.put(replace(self.checkpoint, intents=intents))
        self.save()

    def receipt(self, key: str, ref: str, digest: str, at: float) -> None:
        """Write down that an effect was made; its intent is settled. On disk when this returns."""
        receipts = {**self.checkpoint.receipts, key: Receipt(ref, digest, at)}
        intents = _without(self.checkpoint.intents, lambda known: known == key)
        self.put(replace(self.checkpoint, receipts=receipts, intents=intents))
        self.save()

    def forget(self, key: str) -> None:
        """Drop an intent and a receipt, of an effect that turned out not to be there."""
        intents = _without(self.checkpoint.intents, lambda known: known == key)
        receipts = _without(self.checkpoint.receipts, lambda known: known == key)
        self.put(replace(self.checkpoint, receipts=receipts, intents=intents))

    def remember_failure(self, task_id: str, key: str, reason: str) -> None:
        """Remember that work on a task failed, so that the same facts aren't tried for ever."""
        others = _without(self.checkpoint.failures, lambda known: known == task_id)
        failures = {**dict(list(others.items())[1 - _FAILURES :]), task_id: Failure(key, reason)}
        self.put(replace(self.checkpoint, failures=failures))

    def prune(self, *, heads: Collection[str], pulls: Collection[int], now: float) -> None:
        """Keep only what concerns these head shas and open pulls.

        Intents and receipts of other pulls go once they are older than `GRACE`.
        """
        old, point = now - GRACE, self.checkpoint
        numbers = {str(pull) for pull in pulls}

        def gone(key: str, at: float) -> bool:
            pull = _pull_of(key)
            return bool(pull) and pull not in numbers and at < old

        self.put(
            replace(
                point,
                intents={k: v for k, v in point.intents.items() if not gone(k, v.at)},
                receipts={k: v for k, v in point.receipts.items() if not gone(k, v.at)},
                pull_paths=_without(point.pull_paths, lambda head: head not in heads),
                conflicts=_without(
                    point.conflicts, lambda pair: pair.partition(":")[2] not in heads
                ),
                reviewed=_without(point.reviewed, lambda pull: pull not in numbers),
            )
        )

    def tasks(self, stamp: str) -> Mapping[tuple[str, str], TaskFile]:
        """The cached task files by (path, blob id).

        `stamp` names the way they were parsed (our version, the policy); a cache with another one
        counts as empty.
        """
        if self._tasks is None:
            durable.sweep(self.tasks_path)
            with _no_collection():
                found = self._read(self.tasks_path, _task_caches())
            was, files = found or ("", ())
            self._tasks = was, {(file.path, file.blob): file for file in files}
        was, known = self._tasks
        return known if was == stamp else {}

    def keep_tasks(self, stamp: str, files: Iterable[TaskFile]) -> bool:
        """Make the cache hold exactly these task files; True: it had to be written."""
        fresh = {(file.path, file.blob): file for file in files}
        known = self.tasks(stamp)
        if fresh.keys() == known.keys() and (self._tasks or ("", {}))[0] == stamp:
            return False
        content = stamp, tuple(fresh.values())
        durable.replace(self.tasks_path, _task_caches().dump_json(content))
        self._tasks = stamp, fresh
        return True

    def _read(self, path: Path, kind: TypeAdapter[_Value]) -> _Value | None:
        """A file's value; None where there is none, or where it was broken and is set aside."""
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InvalidInput(
                f"{path} can't be read: {error.strerror}",
                hint="It is a cache of pmcodex's own: mend its permissions, or remove it.",
            ) from error
        try:
            return kind.validate_json(data)
        except ValueError as error:  # pydantic's error for bad JSON and for a bad shape
            self._set_aside(path, f"it is broken ({_first_words(error)})")
            return None

    def _set_aside(self, path: Path, why: str) -> None:
        from pmcodex.core.facts import Finding

        aside = sorted(path.parent.glob(f"{path.name}.corrupt-*"), key=_aside_number)
        name = f"{path.name}.corrupt-{_aside_number(aside[-1]) + 1 if aside else 1}"
        try:
            path.replace(path.with_name(name))
        except OSError as error:
            raise durable.unwritable(path, error) from error
        for old in aside[: 1 - _SET_ASIDE]:
            with suppress(OSError):
                old.unlink()
        self.findings += (
            Finding(
                kind="checkpoint",
                where=str(path),
                message=f"{why}; it was set aside as {name} and is built anew",
                hint="Nothing is lost. If it comes back, look at the disk.",
            ),
        )


def state_folder(root: Path | None, url: str) -> Path:
    """The folder of one project's mirror and state, made if need be, open to its owner alone.

    Below `root` (`WORKDIR_ROOT`), else below the platform's folder for a user's state. Its name
    comes from the remote's address, without a user or password in it.
    """
    if root is None:
        from platformdirs import user_state_path

        root = user_state_path("pmcodex", appauthor=False)
    if not root.exists():
        private_folder(root)
    address = re.sub(r"(?<=://)[^/]*@", "", url).rstrip("/").removesuffix(".git")
    name = slug(" ".join(re.split(r"[/:\\]+", address)[-2:]))
    folder = root / f"{name}-{hashlib.sha256(address.encode()).hexdigest()[:8]}"
    private_folder(private_folder(folder) / "state")
    return folder


def _pull_of(key: str) -> str:
    found = re.match(r"comment:(\d+):", key)
    return found.group(1) if found else ""


def _without(known: Mapping[str, _Value], drop: Callable[[str], bool]) -> dict[str, _Value]:
    return {key: value for key, value in known.items() if not drop(key)}


def _aside_number(path: Path) -> int:
    digits = path.name.rpartition("-")[2]
    return int(digits) if digits.isdigit() else 0


def _first_words(error: ValueError) -> str:
    from pydantic import ValidationError

    if not isinstance(error, ValidationError):
        return "not text"
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return str(first["msg"])[:120]


@cache
def _checkpoints() -> TypeAdapter[Checkpoint]:
    from pydantic import TypeAdapter

    return TypeAdapter(Checkpoint)


@cache
def _task_caches() -> TypeAdapter[tuple[str, tuple[TaskFile, ...]]]:
    from pydantic import TypeAdapter

    from pmcodex.core.facts import TaskFile

    return TypeAdapter(tuple[str, tuple[TaskFile, ...]])


@contextmanager
def _no_collection() -> Iterator[None]:
    """Pause the cycle collector: 10,000 new values, none garbage, would triple the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
