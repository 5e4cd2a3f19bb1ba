"""Processes: the one room that starts programs (git's own go through `git`).

A program is a list of arguments, a folder, a whole environment and a time limit; what comes back
is a value. What must never happen here: a shell, an inherited environment, a wait without end, or
a process of the group that outlives the call.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import IO

from pmcodex.errors import InvalidInput
from pmcodex.ports import Ran

GRACE = 1.0
"""Seconds between asking a group to end and killing it."""

_TICK = 0.05
_NAP = 0.002
_CHUNK = 65536


def run(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout: float,
    limit_bytes: int = 1_000_000,
    stdin: str = "",
) -> Ran:
    """Run a program to its end, or to `timeout` seconds, and kill what is left of its group.

    `env` is the whole environment; the program is looked up on its PATH. Both streams are merged
    and read as UTF-8, bad bytes replaced; of more than `limit_bytes` the head and the tail are
    kept. A program that isn't there ends with code 127, one that can't be started with 126.
    Raises InvalidInput where `cwd` is not a folder.
    """
    began = time.monotonic()
    if not cwd.is_dir():
        raise InvalidInput(f"{cwd} is not a folder, so nothing can run in it.")
    if not argv or any("\0" in word for word in argv):
        return Ran(126, "the command is empty or holds a NUL byte", 0.0)
    try:
        process = subprocess.Popen(
            list(argv),
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            bufsize=0,
        )
    except FileNotFoundError:
        return Ran(127, f"{argv[0]}: not found", time.monotonic() - began)
    except OSError as fault:
        return Ran(126, f"{argv[0]}: {fault.strerror}", time.monotonic() - began)
    capture = _Capture(limit_bytes)
    with selectors.DefaultSelector() as streams:
        _open(streams, process, capture, stdin.encode())
        try:
            timed_out = _follow(process, streams, began + timeout)
        finally:
            _end(process, streams)
    return Ran(
        code=process.returncode,
        output=capture.text(),
        seconds=time.monotonic() - began,
        timed_out=timed_out,
        truncated=capture.dropped > 0,
    )


class _Capture:
    """Output of any length in bounded memory: its head, its tail, and how much fell between."""

    def __init__(self, limit: int) -> None:
        self._room = max(2, limit) // 2
        self._head = bytearray()
        self._tail = bytearray()
        self.dropped = 0

    def add(self, data: bytes) -> None:
        taken = self._room - len(self._head)
        self._head += data[:taken]
        self._tail += data[taken:]
        excess = len(self._tail) - self._room
        if excess > 0:
            del self._tail[:excess]
            self.dropped += excess

    def text(self) -> str:
        if not self.dropped:
            return (self._head + self._tail).decode("utf-8", "replace")
        head, tail = (part.decode("utf-8", "replace") for part in (self._head, self._tail))
        return f"{head}\n[... {self.dropped} bytes left out ...]\n{tail}"


def _open(
    streams: selectors.BaseSelector,
    process: subprocess.Popen[bytes],
    capture: _Capture,
    text: bytes,
) -> None:
    """Watch both ends of the talk; each stream carries what to do when it is ready."""
    if process.stdout is not None:
        os.set_blocking(process.stdout.fileno(), False)
        streams.register(
            process.stdout, selectors.EVENT_READ, partial(_read, process.stdout, capture)
        )
    if process.stdin is not None:
        os.set_blocking(process.stdin.fileno(), False)
        feed = partial(_write, process.stdin, bytearray(text))
        streams.register(process.stdin, selectors.EVENT_WRITE, feed)


def _read(stream: IO[bytes], capture: _Capture) -> bool:
    """Take what is there; False at the end of the stream."""
    try:
        data = os.read(stream.fileno(), _CHUNK)
    except BlockingIOError:
        return True
    capture.add(data)
    return bool(data)


def _write(stream: IO[bytes], waiting: bytearray) -> bool:
    """Give what the pipe takes; False once nothing is left or nobody reads."""
    try:
        del waiting[: os.write(stream.fileno(), waiting[:_CHUNK])]
    except BlockingIOError:
        return True
    except BrokenPipeError:
        waiting.clear()
    if not waiting:
        stream.close()
    return bool(waiting)


def _pump(streams: selectors.BaseSelector, wait: float) -> bool:
    """Serve the streams that are ready within `wait` seconds; False where none was."""
    if not streams.get_map():
        time.sleep(min(wait, _NAP))
        return False
    ready = streams.select(wait)
    for key, _ in ready:
        if not key.data():
            streams.unregister(key.fileobj)
    return bool(ready)


def _follow(
    process: subprocess.Popen[bytes], streams: selectors.BaseSelector, deadline: float
) -> bool:
    """Serve the streams until the program is gone; True where time ran out first.

    The end of the program counts, not the end of its output: a grandchild may hold that open.
    """
    while not _has_ended(process):
        left = deadline - time.monotonic()
        if left <= 0:
            return True
        _pump(streams, min(_TICK, left))
    return False


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether the program is gone. Not reaped yet, where the platform allows: as long as its id
    is taken, a signal to its group can't reach a stranger."""
    if not hasattr(os, "waitid"):
        return process.poll() is not None
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _end(process: subprocess.Popen[bytes], streams: selectors.BaseSelector) -> None:
    """End the whole group, politely where the program still runs, and read its last words."""
    try:
        if not _has_ended(process):
            _signal(process.pid, signal.SIGTERM)
            _follow(process, streams, time.monotonic() + GRACE)
    finally:
        _signal(process.pid, signal.SIGKILL)
        process.wait()
        # what left the group may hold the pipe and write for ever: take what is there by now
        enough = time.monotonic() + _TICK
        while streams.get_map() and _pump(streams, 0.0) and time.monotonic() < enough:
            continue
        for stream in (process.stdout, process.stdin):
            if stream is not None:
                stream.close()


def _signal(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return  # nobody left, or nobody that is ours to signal
