"""The journal: every action ever applied, one JSON object a line, for people and for audits.

Readers never wait for writers: a line arrives by one write, and a torn one is passed over.
What must never happen here: a secret on disk. Every text goes through the `Redactor`, which is
also what error messages go through.
"""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pmcodex.core.redaction import Redactor
from pmcodex.state import durable

if TYPE_CHECKING:
    from pmcodex.core.actions import Action, Outcome

KEEP = 5
"""How many files there are at most, the current one included."""
SIZE = 2 * 1024 * 1024
"""How many bytes a file may hold."""

_TEXT_LIMIT = 2000
_BASE32 = "0123456789abcdefghjkmnpqrstvwxyz"


def new_run_id(now: float, entropy: bytes) -> str:
    """A run's id, such as `1jdqn5w3m-7k2q`: sorts by time (milliseconds), 20 bits of chance."""
    return f"{_base32(int(now * 1000), 9)}-{_base32(int.from_bytes(entropy[:4]), 4)}"


def _base32(number: int, digits: int) -> str:
    return "".join(_BASE32[number >> 5 * place & 31] for place in reversed(range(digits)))


@dataclass(frozen=True, slots=True)
class Entry:
    """One action and how it ended. `time` is ISO 8601 in UTC, `pull` 0 where there is none."""

    time: str
    run_id: str
    role: str = ""
    task: str = ""
    pull: int = 0
    action: str = ""
    key: str = ""
    reason: str = ""
    outcome: str = ""
    detail: str = ""
    seconds: float = 0.0


def entry_of(action: Action, outcome: Outcome, *, run_id: str, at: float) -> Entry:
    """What the journal says of an applied action; `at` is in seconds since the epoch."""
    named = getattr(action, "pull", 0)
    return Entry(
        time=iso(at),
        run_id=run_id,
        role=action.role.value,
        task=action.task_id or outcome.task_id,
        pull=outcome.pull or (named if isinstance(named, int) else 0),
        action=re.sub(r"(?<!^)(?=[A-Z])", "_", type(action).__name__).lower(),
        key=action.key,
        reason=action.reason,
        outcome=outcome.result.value,
        detail=outcome.detail,
        seconds=round(outcome.seconds, 3),
    )


def iso(at: float) -> str:
    """Seconds since the epoch as `2025-01-31T12:00:00.000Z`."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


@dataclass(frozen=True, slots=True)
class Journal:
    """The journal of one project, in `folder/actions.jsonl` and older `.1` to `.4` beside it."""

    folder: Path
    redactor: Redactor = field(default_factory=Redactor)
    size: int = SIZE

    @property
    def path(self) -> Path:
        return self.folder / "actions.jsonl"

    def write(self, entry: Entry) -> None:
        """Add a line. Raises TryLater on a full disk, InvalidInput where writing is not allowed."""
        from filelock import FileLock

        line = self._line(entry)
        try:
            # The lock is for writers among themselves: two must not rotate at once.
            with FileLock(self.folder / "actions.jsonl.lock", timeout=10, mode=0o600):
                if _size(self.path) + len(line) > self.size:
                    self._rotate()
                _append(self.path, line)
        except OSError as error:
            raise durable.unwritable(self.path, error) from error

    def read_last(self, count: int) -> tuple[Entry, ...]:
        """The newest `count` entries, oldest of them first, across the rotated files."""
        found: list[Entry] = []
        for data, _ in self._files():
            if len(found) >= count:
                break
            found = [*_entries(data), *found]
        return tuple(found[-count:]) if count > 0 else ()

    def follow(self, sleep: Callable[[float], None], *, last: int = 0) -> Iterator[Entry]:
        """The newest `last` entries, then every new one as it is written, for ever.

        `sleep` is called with seconds whenever there is nothing new; stop by leaving the loop.
        """
        seen, offset = 0, 0
        backlog: int | None = last
        while True:
            fresh, seen, offset = self._since(seen, offset)
            if backlog is not None:
                fresh, backlog = fresh[-backlog:] if backlog else [], None
            yield from fresh
            if not fresh:
                sleep(0.5)

    def _since(self, seen: int, offset: int) -> tuple[list[Entry], int, int]:
        """Entries after a place (a file's inode and a byte in it), and the new place."""
        found: list[Entry] = []
        newest: tuple[int, int] | None = None
        for data, inode in self._files():
            here = offset if inode == seen and offset <= len(data) else 0
            whole = data.rfind(b"\n") + 1
            newest = newest or (inode, whole)
            found = [*_entries(data[here:whole]), *found]
            if inode == seen:
                break
        return found, *(newest or (0, 0))

    def _files(self) -> Iterator[tuple[bytes, int]]:
        """Content and inode of every file, newest first; a file renamed meanwhile comes once."""
        seen: set[int] = set()
        for path in (self.path, *(self._older(index) for index in range(1, KEEP))):
            with suppress(FileNotFoundError), path.open("rb") as file:
                inode = os.fstat(file.fileno()).st_ino
                if inode not in seen:
                    seen.add(inode)
                    yield file.read(), inode

    def _older(self, index: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{index}")

    def _rotate(self) -> None:
        for index in reversed(range(1, KEEP - 1)):
            with suppress(FileNotFoundError):
                self._older(index).replace(self._older(index + 1))
        with suppress(FileNotFoundError):
            self.path.replace(self._older(1))

    def _line(self, entry: Entry) -> bytes:
        values: Mapping[str, object] = {
            # Cleaned before it is cut: half a token has no shape to know it by.
            name: self.redactor.clean(value)[:_TEXT_LIMIT] if isinstance(value, str) else value
            for name, value in asdict(entry).items()
        }
        return json.dumps(values).encode() + b"\n"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _append(path: Path, line: bytes) -> None:
    """Add a line by one write; a line torn by a kill or a full disk is closed first."""
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(handle).st_size
        if size and os.pread(handle, 1, size - 1) != b"\n":
            line = b"\n" + line
        if os.write(handle, line) != len(line):
            os.ftruncate(handle, size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    finally:
        os.close(handle)


def _entries(data: bytes) -> list[Entry]:
    return [entry for line in data.split(b"\n") if (entry := _entry(line)) is not None]


def _entry(line: bytes) -> Entry | None:
    """The entry of a line; None where it is torn, or was never one of ours."""
    try:
        raw = json.loads(line)
    except ValueError:
        return None
    if not isinstance(raw, dict) or not {"time", "run_id"} <= raw.keys():
        return None
    known = {each.name: raw[each.name] for each in fields(Entry) if each.name in raw}
    for name, value in known.items():
        if not isinstance(value, int | float if name in ("pull", "seconds") else str):
            return None
    return Entry(**known)
