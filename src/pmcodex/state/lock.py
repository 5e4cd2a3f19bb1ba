"""The project lock: one round at a time on one machine, and a loser that can say who holds it.

The system lets go of it when its holder dies, however that comes about. What must never happen
here: trusting the holder's note for anything but a sentence.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from pmcodex.core.redaction import Redactor
from pmcodex.errors import InvalidInput, PmcodexError
from pmcodex.state import durable


class Held(PmcodexError):
    """Somebody else runs on this project right now: nothing is wrong, so the exit code is 0."""

    exit_code = 0


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock. `since` is in seconds since the epoch."""

    pid: int
    host: str
    since: float
    command: str

    def __str__(self) -> str:
        since = datetime.fromtimestamp(self.since, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        return f"process {self.pid} on {self.host}, since {since}: {self.command}"


@contextmanager
def project_lock(folder: Path, command: str, *, now: float, wait: float = 0.0) -> Iterator[None]:
    """Hold the lock of a state folder; `wait` for it at most that many seconds.

    `command` and `now` are what others are told. Raises Held where somebody else has it.
    """
    from filelock import FileLock, Timeout

    note = folder / "lock.json"
    lock = FileLock(folder / "lock", timeout=wait, mode=0o600, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        raise _held(read_holder(folder)) from None
    except OSError as error:
        raise durable.unwritable(folder / "lock", error) from error
    except NotImplementedError as error:
        raise InvalidInput(
            f"{folder} is on a file system without locks",
            hint="Set WORKDIR_ROOT to a folder on a local disk.",
        ) from error
    try:
        holder = Holder(os.getpid(), platform.node(), now, Redactor().clean(command))
        with suppress(OSError):  # the lock is what counts; who holds it is a courtesy
            note.write_text(json.dumps(asdict(holder)), encoding="utf-8")
        yield
    finally:
        with suppress(OSError):
            note.unlink()
        lock.release()


def read_holder(folder: Path) -> Holder | None:
    """What the lock's holder wrote about itself; None where it is unreadable or from a dead one."""
    try:
        raw = json.loads((folder / "lock.json").read_bytes())
        holder = Holder(int(raw["pid"]), str(raw["host"]), float(raw["since"]), str(raw["command"]))
    except (OSError, ValueError, TypeError, KeyError):
        return None
    if holder.host == platform.node() and not durable.alive(holder.pid):
        return None
    return holder


def _held(holder: Holder | None) -> Held:
    who = str(holder) if holder else "another process"
    return Held(
        f"this project is busy ({who})",
        hint="It ends by itself; PMCODEX_LOCK_WAIT=60 would wait for it up to a minute.",
    )
