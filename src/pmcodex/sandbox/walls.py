"""Sandbox: where project code runs, so that it can do no harm.

Held by "bubblewrap" and "namespaces" alike: no network but a loopback of its own; an environment
of seven names; a file system by allow-list (`allowlist`), read-only but for the folder given and
private, size-limited /tmp, home and /dev/shm; processes, signals and IPC of its own; no privileges
and no way to new ones; and when the call returns, nothing of it is alive.

Limits: time; per process memory (private writable bytes), CPU seconds, size of a file, core dumps
off; over all processes their number, and what they hold in memory, looked at ten times a second.
Not held: the total size of the writable folder (only that of a single file), and memory that is
not mapped while it is looked at (SysV segments, memfd) or grows faster than the look. Where
root has no second user id to give, the number of processes is not bounded either, and a fork bomb
ends with the time limit. What must never happen here: a fall back to less than was asked for.
"""

from __future__ import annotations

import json
import math
import os
import pwd
import random
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal

from pmcodex.core.policy import SandboxLimits
from pmcodex.errors import Refused
from pmcodex.ports import Ran, Sandbox
from pmcodex.sandbox import jail, process
from pmcodex.sandbox.allowlist import HOME, Mount, Verb, View, view

_MB = 1 << 20
_TRUSTED = "/usr/bin:/bin:/usr/local/bin:/usr/sbin:/sbin:/run/current-system/sw/bin"
_INTERPRETER = os.path.realpath(sys.executable)
_PROBE_SECONDS = 10.0
_JAIL = "/.sandbox-jail.py"
_SHARED_ROOM = 4
"""Address space over private memory: runtimes reserve far more than they use."""


@dataclass(frozen=True, slots=True)
class Walls:
    """A sandbox with walls. `own_user`: root gives the check a user id that nobody else has."""

    kind: Literal["bubblewrap", "namespaces"]
    own_user: bool
    tool_path: str = ""
    hidden: tuple[Path, ...] = ()

    def run(self, argv: Sequence[str], folder: Path, limits: SandboxLimits, timeout: float) -> Ran:
        """Run `argv` in `folder`, shown at its own path; see `ports.Sandbox`.

        A check that a signal ended, or one whose shell says so (128 and more), has that signal's
        negative code. Raises Refused or InvalidInput where the folder or `readable` won't do.
        """
        folder = folder.resolve()
        seen = view(folder, tool_path=self.tool_path, hidden=self.hidden, readable=limits.readable)
        uid = _spare_uid() if self.own_user else None
        crowd = 0 if self.own_user or _counts_apart() else _crowd()
        spec = _spec(folder, limits, timeout, crowd)
        spec |= {"kind": self.kind, "uid": uid, "env": _environment(seen.path, HOME, "/tmp")}  # noqa: S108
        with _lent(folder, uid):
            if self.kind == "bubblewrap":
                start = _bubblewrap(seen, limits, own_user=self.own_user)
                return _guarded([*start, *_inside(_JAIL, spec), *argv], spec, timeout)
            steps = [[str(m.verb), m.path, m.source] for m in seen.mounts]
            spec |= {"mounts": steps, "size": limits.file_mb * _MB}
            start = _unshare(own_user=self.own_user)
            return _guarded([*start, *_inside(jail.__file__, spec), *argv], spec, timeout)


@dataclass(frozen=True, slots=True)
class NoSandbox:
    """No walls at all: refuses, or where that was accepted, keeps to limits and cleans up."""

    allowed: bool
    tool_path: str = ""
    kind: Literal["none"] = "none"

    def require_allowed(self) -> None:
        """Raise Refused, saying what to install, unless the settings accept the risk."""
        if not self.allowed:
            raise Refused(
                "There is no sandbox on this machine, so no project code was run.",
                hint="Install bubblewrap (apt install bubblewrap) or set "
                "PMCODEX_ALLOW_UNSANDBOXED=true to accept the risk.",
            )

    def run(self, argv: Sequence[str], folder: Path, limits: SandboxLimits, timeout: float) -> Ran:
        """Run `argv` with a clean environment, limits and an end for all it started; no walls."""
        self.require_allowed()
        with tempfile.TemporaryDirectory(prefix="pmcodex-home-") as home:
            dirs = [d for d in self.tool_path.split(":") if d.startswith("/")]
            path = ":".join([*dirs, str(Path(sys.executable).parent), "/usr/bin", "/bin"])
            if not shutil.which("python", path=path):
                path += f":{home}"
                Path(home, "python").symlink_to(_INTERPRETER)
            spec = _spec(folder.resolve(), limits, timeout, _crowd())
            spec |= {"kind": "none", "uid": None, "env": _environment(path, home, home)}
            return _guarded([*_inside(jail.__file__, spec), *argv], spec, timeout)


def find_sandbox(*, allow_none: bool, tool_path: str, hidden: Sequence[Path]) -> Sandbox:
    """The best sandbox that really holds on this machine, found by trying (once per process).

    `tool_path` is the PATH that checks look up their tools on, as far as it may be seen; `hidden`
    are paths that stay out of sight even where something around them is readable. Where there is
    none, the sandbox of kind "none" refuses to run anything unless `allow_none`.
    """
    for walls in candidates():
        if holds(walls):
            return replace(walls, tool_path=tool_path, hidden=tuple(hidden))
    return NoSandbox(allow_none, tool_path)


def candidates() -> tuple[Walls, ...]:
    """Every kind of walls to try, the firmest first."""
    users = (True, False) if os.geteuid() == 0 and _id_ranges() else (False,)
    return tuple(Walls(k, u) for u in users for k in ("bubblewrap", "namespaces"))


# --- what is started -----------------------------------------------------------------------


def _guarded(program: list[str], spec: dict[str, object], timeout: float) -> Ran:
    watch = {"parent": os.getpid(), "memory": spec["memory"]}
    argv = [*_python(), jail.__file__, "guard", json.dumps(watch), *program]
    ran = process.run(argv, cwd=Path("/"), env={"PATH": _TRUSTED}, timeout=timeout)
    return replace(ran, code=128 - ran.code) if 128 < ran.code <= 192 else ran


def _inside(script: str, spec: dict[str, object]) -> list[str]:
    return [*_python(), script, "inside", json.dumps(spec)]


def _bubblewrap(seen: View, limits: SandboxLimits, *, own_user: bool) -> list[str]:
    bwrap = shutil.which("bwrap", path=_TRUSTED) or "bwrap"
    argv = [bwrap, "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts",
            "--unshare-cgroup-try", "--die-with-parent", "--new-session", "--cap-drop", "ALL",
            "--proc", "/proc", "--dev", "/dev", "--ro-bind", jail.__file__, _JAIL]  # fmt: skip
    if own_user:
        argv += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        argv += ["--unshare-user", *(["--disable-userns"] if _disables_namespaces(bwrap) else [])]
    made = {m.path for m in seen.mounts}
    for mount in seen.mounts:
        for above in reversed(Path(mount.path).parents[:-1]):
            if str(above) not in made:  # made by bubblewrap itself, only root could pass it
                made.add(str(above))
                argv += ["--perms", "0755", "--dir", str(above)]
        argv += _as_option(mount, limits.file_mb * _MB)
    return [*argv, "--remount-ro", "/dev", "--remount-ro", "/", "--"]


def _as_option(mount: Mount, size: int) -> list[str]:
    path, source = mount.path, mount.source
    match mount.verb:
        case Verb.READ:
            return ["--ro-bind", source, path]
        case Verb.WRITE:
            return ["--bind", source, path]
        case Verb.LINK:
            return ["--symlink", source, path]
        case Verb.SCRATCH:
            return ["--perms", "1777", "--size", str(size), "--tmpfs", path]
        case Verb.HIDE if Path(path).is_dir():
            empty = ["--perms", "0555", "--size", "4096", "--tmpfs", path]
            return [*empty, "--remount-ro", path]
        case Verb.HIDE:
            return ["--ro-bind", "/dev/null", path]


@cache
def _disables_namespaces(bwrap: str) -> bool:
    """Whether this bubblewrap can forbid user namespaces inside (0.8 and later)."""
    words = process.run([bwrap, "--help"], cwd=Path("/"), env={}, timeout=_PROBE_SECONDS)
    return "--disable-userns" in words.output


def _unshare(*, own_user: bool) -> list[str]:
    unshare = shutil.which("unshare", path=_TRUSTED) or "unshare"
    argv = [unshare, "--mount", "--pid", "--fork", "--kill-child=KILL", "--net", "--ipc", "--uts"]
    if Path("/proc/self/ns/cgroup").exists():
        argv.append("--cgroup")
    return argv if own_user else [*argv, "--user", "--map-current-user", "--keep-caps"]


def _python() -> list[str]:
    return [_INTERPRETER, "-I", "-S", "-B"]


def _environment(path: str, home: str, tmp: str) -> dict[str, str]:
    return {
        "PATH": path,
        "HOME": home,
        "TMPDIR": tmp,
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "CI": "true",
    }


def _spec(folder: Path, limits: SandboxLimits, timeout: float, crowd: int) -> dict[str, object]:
    """What `jail.inside` is told, but for kind, environment, mounts and user.

    `crowd` is how many processes count for the limit that aren't the check's.
    """
    memory = limits.memory_mb * _MB
    return {
        "folder": str(folder),
        "memory": memory,
        "limits": {
            "RLIMIT_DATA": memory,
            "RLIMIT_AS": memory * _SHARED_ROOM,
            "RLIMIT_NPROC": limits.processes + crowd,
            "RLIMIT_FSIZE": limits.file_mb * _MB,
            "RLIMIT_CPU": math.ceil(timeout) * (os.cpu_count() or 1) + 1,
            "RLIMIT_CORE": 0,
        },
    }


# --- whether it holds ----------------------------------------------------------------------

_PROBE = """
import os, sys
canary, *outside = sys.argv[1:]
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
namespaces = [os.readlink(f"/proc/self/ns/{name}") for name in ("net", "pid", "mnt", "ipc", "uts")]
read_only = [os.statvfs(p).f_flag & os.ST_RDONLY for p in ("/", "/usr", "/dev", sys.prefix)]
held = {
    "outside": not os.path.exists(canary),
    "read-only": all(read_only),
    "namespaces": not set(namespaces) & set(outside),
    "processes": os.getpid() < 100,
    "capabilities": not any(int(status[c], 16) for c in ("CapEff", "CapPrm", "CapAmb")),
    "privileges": status["NoNewPrivs"].strip() == "1",
    "environment": set(os.environ) <= {
        "PATH", "HOME", "TMPDIR", "LANG", "PYTHONDONTWRITEBYTECODE", "CI", "LC_CTYPE"},
}
for place in (".", os.environ["HOME"], "/tmp", "/dev/shm"):
    with open(place + "/written", "w") as file:
        file.write("x")
print(*(["holds"] if all(held.values()) else [name for name in held if not held[name]]))
"""


@cache
def holds(walls: Walls) -> bool:
    """Whether these walls stand on this machine, found by running something that leans on them."""
    if sys.platform != "linux":
        return False
    outside = [
        str(Path("/proc/self/ns", n).readlink()) for n in ("net", "pid", "mnt", "ipc", "uts")
    ]
    with tempfile.TemporaryDirectory(prefix="pmcodex-probe-") as top:
        folder, canary = Path(top, "folder"), Path(top, "canary")
        folder.mkdir()
        canary.write_text("not to be seen")
        argv = [_INTERPRETER, "-I", "-S", "-c", _PROBE, str(canary.resolve()), *outside]
        ran = walls.run(argv, folder, SandboxLimits(), _PROBE_SECONDS)
        return (ran.code, ran.output) == (0, "holds\n") and (folder / "written").is_file()


def _counts_apart() -> bool:
    """Whether processes are counted per user namespace, as Linux does since 5.14."""
    major, minor = (int(n) for n in re.findall(r"\d+", os.uname().release)[:2])
    return (major, minor) >= (5, 14)


def _crowd() -> int:
    """How many threads run for our user by now: elsewhere the limit counts those too."""
    found = 0
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it may end while we look
            if entry.stat().st_uid == os.geteuid():
                found += sum(1 for _ in (entry / "task").iterdir())
    return found


# --- another user, for root ----------------------------------------------------------------


def _id_ranges() -> list[range]:
    """The user ids we could take, low ones left out: those may be somebody's."""
    try:
        texts = [Path(f"/proc/self/{kind}_map").read_text() for kind in ("uid", "gid")]
    except OSError:
        return []
    maps = [[[int(n) for n in line.split()] for line in text.splitlines()] for text in texts]
    if [m[::2] for m in maps[0]] != [m[::2] for m in maps[1]]:
        return []
    ranges = (range(max(start, 30_000), min(start + count, 1 << 31)) for start, _, count in maps[0])
    return [r for r in ranges if len(r) > 1000]


def _spare_uid() -> int:
    """A user id that has no name and, drawn from many, no other process."""
    ids = max(_id_ranges(), key=len)
    while True:
        uid = random.SystemRandom().choice(ids[len(ids) // 2 :])
        try:
            pwd.getpwuid(uid)
        except KeyError:
            return uid


@contextmanager
def _lent(folder: Path, uid: int | None) -> Iterator[None]:
    """Give a folder and all in it to a user, and back to the folder's owner afterwards."""
    if uid is None:
        yield
        return
    owner = folder.stat()
    _give(folder, uid, uid)
    try:
        yield
    finally:
        _give(folder, owner.st_uid, owner.st_gid)


def _give(folder: Path, uid: int, gid: int) -> None:
    os.chown(folder, uid, gid)
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            os.chown(Path(place, name), uid, gid, follow_symlinks=False)
