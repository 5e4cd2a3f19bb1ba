"""Jail: the script that runs around and inside a sandbox, by a bare interpreter.

`guard` stands outside: it adopts whatever a check leaves behind, watches how much memory all of it
holds, and is gone only when everything is dead. `inside` makes the mounts where bubblewrap hasn't,
sets limits, gives up every privilege and becomes the check. What must never happen here: an import
beyond the standard library (nothing else is there), or project code before the last privilege went.
"""

# pathlib would cost every check its import; executing is what this script is for
# ruff: noqa: PTH102, PTH103, PTH110, PTH112, PTH120, PTH123, PTH208, PTH211, S606

from __future__ import annotations

import ctypes
import json
import os
import platform
import resource
import signal
import sys
from contextlib import suppress
from typing import Any, NoReturn

_PDEATHSIG, _CAPBSET_DROP, _CHILD_SUBREAPER, _NO_NEW_PRIVS, _CAP_AMBIENT = 1, 24, 36, 38, 47
_AMBIENT_CLEAR_ALL = 4
_CAPABILITY_VERSION_3 = 0x20080522
_NOSUID, _NODEV, _NOEXEC, _BIND, _REC, _PRIVATE = 2, 4, 8, 4096, 16384, 1 << 18
_ATTR_RDONLY, _ATTR_NOSUID, _ATTR_NODEV = 1, 2, 4
_MOUNT_SETATTR = 442
_KEYCTL = {"x86_64": 250, "aarch64": 219}
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_MNT_DETACH = 2
_WATCH_SECONDS = 0.1
_SETUP_FAILED = 125

_libc = ctypes.CDLL(None, use_errno=True)


def guard(spec: dict[str, Any], program: list[str]) -> int:
    """Run a program, adopt what it leaves, and return its code once nothing of it is alive."""
    _die_with(spec["parent"])
    _prctl(_CHILD_SUBREAPER, 1)
    me = os.getpid()
    child = os.fork()
    if not child:
        _die_with(me)
        _become(program, dict(os.environ))
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: _kill(child))
    signal.signal(signal.SIGALRM, lambda *_: _watch(me, child, spec["memory"]))
    signal.setitimer(signal.ITIMER_REAL, _WATCH_SECONDS, _WATCH_SECONDS)
    code = _wait_for(child)
    signal.setitimer(signal.ITIMER_REAL, 0)
    with suppress(ChildProcessError):
        while True:
            for orphan in _children(me):
                _kill(orphan)
            os.waitpid(-1, 0)
    return code


def inside(spec: dict[str, Any], argv: list[str]) -> NoReturn:
    """Shut the door behind us, then become the check."""
    kind = spec["kind"]
    try:
        if kind == "namespaces":
            _raise_loopback()
            _build(spec["mounts"], spec["size"])
        for name, most in spec["limits"].items():
            _limit(getattr(resource, name, None), most)
        _give_up(kind, spec["uid"])
        os.chdir(spec["folder"])  # as the check's user: it may be nobody else's
    except OSError as fault:
        _say(f"sandbox: {fault}")
        os._exit(_SETUP_FAILED)
    if kind == "namespaces":
        child = os.fork()  # as process 1, a check would be deaf to its own signals
        if child:
            os._exit(_wait_for(child))
        os.setsid()
    _become(argv, spec["env"])


def _become(argv: list[str], env: dict[str, str]) -> NoReturn:
    try:
        os.execvpe(argv[0], argv, env)
    except FileNotFoundError:
        _say(f"{argv[0]}: not found")
        os._exit(127)
    except OSError as fault:
        _say(f"{argv[0]}: {fault.strerror}")
        os._exit(126)


def _say(line: str) -> None:
    os.write(2, f"{line}\n".encode(errors="replace"))


def _wait_for(child: int) -> int:
    """Reap whoever ends until `child` does; its code as a shell gives it."""
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _die_with(parent: int) -> None:
    _prctl(_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before we asked to be told
        os._exit(_SETUP_FAILED)


def _prctl(what: int, *values: int) -> int:
    """A prctl where there is one; elsewhere (no Linux) only the sandbox of kind none is on offer"""
    if not hasattr(_libc, "prctl"):
        return -1
    padded = (*values, 0, 0, 0, 0)[:4]
    return int(_libc.prctl(what, *(ctypes.c_ulong(v) for v in padded)))


# --- watching ------------------------------------------------------------------------------


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children") as file:
                found += map(int, file.read().split())
    return found


def _watch(me: int, child: int, most: int) -> None:
    """End the check where all its processes together hold more than `most` bytes."""
    held, family = 0, _children(me)
    while family:
        pid = family.pop()
        family += _children(pid)
        held += _resident(pid)
    if held > most:
        _say(f"sandbox: ended, its processes together held more than {most >> 20} MB of memory")
        signal.setitimer(signal.ITIMER_REAL, 0)
        _kill(child)


def _resident(pid: int) -> int:
    """Bytes of its own that a process holds in memory; files it maps are not counted."""
    with suppress(OSError), open(f"/proc/{pid}/status") as file:
        lines = (line.split() for line in file)
        return sum(int(w[1]) << 10 for w in lines if w[0] in ("RssAnon:", "RssShmem:"))
    return 0


# --- limits and privileges -----------------------------------------------------------------


def _limit(which: int | None, most: int) -> None:
    if which is None:
        return
    hard = resource.getrlimit(which)[1]
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(which, (most, most))


def _give_up(kind: str, uid: int | None) -> None:
    """No keys, no new privileges, no capabilities, and where `uid` is given another user."""
    if keyctl := _KEYCTL.get(platform.machine()):
        _libc.syscall(keyctl, 1, None)  # a fresh session keyring: the caller's may hold keys
    if kind == "namespaces":  # bubblewrap has done these
        for capability in range(64):
            if _prctl(_CAPBSET_DROP, capability):
                break
        _prctl(_CAP_AMBIENT, _AMBIENT_CLEAR_ALL)
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    if kind != "none":
        header, none = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0), (ctypes.c_uint32 * 6)()
        _check(_libc.capset(header, none), "capabilities")
    _prctl(_NO_NEW_PRIVS, 1)
    if kind == "namespaces":
        _prctl(_PDEATHSIG, signal.SIGKILL)  # a change of user forgets what unshare had set


# --- mounts, where bubblewrap doesn't make them --------------------------------------------


def _check(result: int, what: str) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)


def _mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    words = (os.fsencode(w) for w in (source, target, kind))
    _check(_libc.mount(*words, ctypes.c_ulong(flags), data.encode() or None), target)


def _seal(target: str, attributes: int, *, recursive: bool = False) -> None:
    """Add attributes (read-only, no devices, ...) to a mount and, if asked, all below it."""
    change = (ctypes.c_uint64 * 4)(attributes, 0, 0, 0)
    flags = _AT_RECURSIVE if recursive else 0
    done = _libc.syscall(
        ctypes.c_long(_MOUNT_SETATTR), ctypes.c_int(_AT_FDCWD), os.fsencode(target),
        ctypes.c_uint(flags), ctypes.byref(change), ctypes.c_size_t(ctypes.sizeof(change)),
    )  # fmt: skip
    _check(done, target)


def _build(mounts: list[list[str]], size: int) -> None:
    """Make a root of our own out of `mounts`, move into it and let go of the old one."""
    os.umask(0o022)
    _mount("none", "/", "", _REC | _PRIVATE)
    base = "/tmp"  # noqa: S108 - any folder does, it is covered in our namespace alone
    _mount("tmpfs", base, "tmpfs", _NOSUID | _NODEV, "size=1m,mode=0755")
    os.mkdir(f"{base}/old")
    os.mkdir(f"{base}/new")
    _check(_libc.pivot_root(os.fsencode(base), os.fsencode(f"{base}/old")), base)
    os.chdir("/")
    _mount("tmpfs", "/new", "tmpfs", _NOSUID | _NODEV, "size=1m,mode=0755")
    os.mkdir("/new/proc")
    _mount("proc", "/new/proc", "proc", _NOSUID | _NODEV | _NOEXEC)
    _make_devices()
    for verb, path, source in mounts:
        _place(verb, "/new" + path, source, size)
    _seal("/new", _ATTR_RDONLY)
    _seal("/new/dev", _ATTR_RDONLY)
    os.chdir("/new")
    _check(_libc.pivot_root(b".", b"."), "/new")
    _check(_libc.umount2(b".", _MNT_DETACH), "the old root")
    os.chdir("/")


def _place(verb: str, target: str, source: str, size: int) -> None:
    old = "/old" + source
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if verb == "link":
        os.symlink(source, target)
    elif verb == "scratch":
        os.makedirs(target, exist_ok=True)
        _mount("tmpfs", target, "tmpfs", _NOSUID | _NODEV, f"size={size},mode=1777")
    elif verb == "hide" and os.path.isdir(target):
        _mount("tmpfs", target, "tmpfs", _NOSUID | _NODEV, "size=4k,mode=0555")
        _seal(target, _ATTR_RDONLY)
    elif verb == "hide":
        _mount("/old/dev/null", target, "", _BIND)
    else:
        _touch(target, folder=os.path.isdir(old))
        _mount(old, target, "", _BIND | _REC)
        kept = _ATTR_NOSUID | _ATTR_NODEV
        _seal(target, kept if verb == "write" else kept | _ATTR_RDONLY, recursive=True)


def _touch(target: str, *, folder: bool) -> None:
    """Something to mount on."""
    if folder:
        os.makedirs(target, exist_ok=True)
    elif not os.path.lexists(target):
        os.close(os.open(target, os.O_CREAT | os.O_EXCL, 0o644))


def _make_devices() -> None:
    os.mkdir("/new/dev")
    _mount("tmpfs", "/new/dev", "tmpfs", _NOSUID, "size=1m,mode=0755")
    for name in ("null", "zero", "full", "random", "urandom", "tty"):
        if not os.path.exists(f"/old/dev/{name}"):
            continue
        _touch(f"/new/dev/{name}", folder=False)
        _mount(f"/old/dev/{name}", f"/new/dev/{name}", "", _BIND)
    for name, number in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
        os.symlink(f"/proc/self/fd{number}", f"/new/dev/{name}")
    os.mkdir("/new/dev/pts")
    options = "newinstance,ptmxmode=0666,mode=0620"
    _mount("devpts", "/new/dev/pts", "devpts", _NOSUID | _NOEXEC, options)
    os.symlink("pts/ptmx", "/new/dev/ptmx")


def _raise_loopback() -> None:
    """Bring up the network of one that a fresh namespace has, for tests that serve themselves."""
    import fcntl
    import socket
    import struct

    up_and_running, set_flags = 0x41, 0x8914
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, set_flags, struct.pack("16sh", b"lo", up_and_running))


if __name__ == "__main__":
    task = guard if sys.argv[1] == "guard" else inside
    sys.exit(task(json.loads(sys.argv[2]), sys.argv[3:]))
