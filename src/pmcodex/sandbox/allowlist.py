"""Allow-list: what of this machine a check may see, as mounts in the order they are made.

Reads the file system and decides; mounts nothing. A path is seen because it is named here, never
because nobody thought of it. What must never happen here: a home, a state folder or a key in sight
because a tool lies beside it; deeper paths win over shallower ones, hiding wins over showing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pmcodex.errors import InvalidInput, Refused

HOME = "/sandbox-home"
"""Where a check's home is: empty, writable, gone afterwards."""

SCRATCH = ("/tmp", HOME, "/dev/shm")  # noqa: S108 - mount points of private file systems
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/opt")
_STORES = ("/nix/store", "/gnu/store")
_ETC = (
    "alternatives", "ca-certificates", "crypto-policies", "debian_version", "fonts", "group",
    "hosts", "java", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "locale.alias",
    "mime.types", "nsswitch.conf", "os-release", "passwd", "pki/ca-trust", "pki/tls/certs",
    "protocols", "python3", "services", "ssl/certs", "ssl/openssl.cnf", "terminfo", "timezone",
)  # fmt: skip
_SECRETS = (
    ".ssh", ".gnupg", ".aws", ".azure", ".config/gh", ".config/gcloud", ".docker", ".kube",
    ".netrc", ".pypirc", ".npmrc", ".git-credentials", ".local/share/keyrings", ".local/state",
    ".cargo/credentials.toml", ".password-store", ".vault-token",
)  # fmt: skip
_OURS = ("/proc", "/dev", "/sys", "/run")
_WHOLE = ("pyvenv.cfg", "conda-meta", "Cellar")


class Verb(StrEnum):
    """What a mount does with its path."""

    READ = "read"
    WRITE = "write"
    HIDE = "hide"
    SCRATCH = "scratch"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Mount:
    """One step: `source` is the real path that is shown, or where a link points."""

    verb: Verb
    path: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """What a check sees: the mounts, shallow before deep, and its PATH."""

    mounts: tuple[Mount, ...]
    path: str


def view(folder: Path, *, tool_path: str, hidden: Sequence[Path], readable: Sequence[str]) -> View:
    """What a check in `folder` (absolute, no symlinks in it) may see.

    Raises InvalidInput where a `readable` folder can't be shown, Refused where `folder` would make
    more than itself writable.
    """
    _refuse_wide(folder)
    wanted = [*tool_path.split(":"), str(Path(sys.executable).parent), "/usr/bin", "/bin"]
    dirs = [d for d in dict.fromkeys(wanted) if _is_tool_dir(d)]
    shown = {p for p in _system() if Path(p).exists()}
    shown |= {sys.prefix, sys.base_prefix, *_checked(readable)}
    for one in dirs:
        shown |= set(_around(one, frozenset()))
    shown |= {os.path.realpath(p) for p in shown}
    links = [p for p in _SYSTEM if Path(p).is_symlink()]
    mounts = {p: Mount(Verb.READ, p, os.path.realpath(p)) for p in shown if p not in links}
    for path in (str(p.resolve()) for p in (*hidden, *(Path.home() / s for s in _SECRETS))):
        mounts.pop(path, None)
        if Path(path).exists() and _is_seen(path, mounts.values()):
            mounts[path] = Mount(Verb.HIDE, path)
    mounts |= {p: Mount(Verb.SCRATCH, p) for p in SCRATCH}
    mounts[str(folder)] = Mount(Verb.WRITE, str(folder), str(folder))
    mounts |= {p: Mount(Verb.LINK, p, str(Path(p).readlink())) for p in links}
    dirs = [d for d in dirs if _is_seen(os.path.realpath(d), mounts.values())]
    if not _finds_python(dirs, mounts.values()):
        dirs.append(f"{HOME}/.local/bin")
        link = f"{dirs[-1]}/python"
        mounts[link] = Mount(Verb.LINK, link, os.path.realpath(sys.executable))
    order = sorted(mounts.values(), key=lambda m: (len(Path(m.path).parts), m.path))
    return View(tuple(order), ":".join(dirs))


def _refuse_wide(folder: Path) -> None:
    for kept in (*_SYSTEM, *SCRATCH, "/etc", *_OURS, str(Path.home().resolve()), sys.prefix):
        if Path(kept).is_relative_to(folder):
            raise Refused(
                f"{folder} holds {kept}, so a check may not have it as its writable folder.",
                hint="Run checks in a worktree of their own.",
            )


def _system() -> Iterator[str]:
    yield from _SYSTEM
    yield from _STORES
    yield from (f"/etc/{name}" for name in _ETC)


def _checked(readable: Sequence[str]) -> Iterator[str]:
    for name in readable:
        path = os.path.normpath(name)
        ours = any(Path(path).is_relative_to(p) for p in _OURS)
        if not name.startswith("/") or ".." in Path(name).parts or _is_wide(path) or ours:
            raise InvalidInput(
                f"sandbox.readable names {name}, which can't be shown to a check.",
                hint="Name absolute folders below / that hold no secrets, without '..'.",
            )
        if Path(path).exists():
            yield path


def _is_tool_dir(name: str) -> bool:
    """Whether an entry of a PATH is a folder of its own: a relative one would be the project's."""
    inside = any(Path(name).is_relative_to(p) for p in _OURS)
    return name.startswith("/") and not inside and not _is_wide(name) and _is_dir(name)


def _is_wide(name: str) -> bool:
    """Whether a folder holds the home, or is one that every check has of its own."""
    return name in ("/", *SCRATCH) or Path.home().resolve().is_relative_to(Path(name).resolve())


def _is_dir(name: str) -> bool:
    try:
        return Path(name).is_dir()
    except OSError:
        return False


def _around(directory: str, known: frozenset[str]) -> Iterator[str]:
    """A folder of tools with what those need beside it: libraries, a venv, an interpreter.

    Of a folder like ~/.local only `bin` and `lib` are taken: its `share` may hold keys.
    """
    if directory in known or _is_below_system(os.path.realpath(directory)):
        return
    yield directory
    beside = Path(directory).parent
    if any((beside / mark).exists() for mark in _WHOLE) or _is_pyenv(beside):
        yield str(beside)
    elif (beside / "lib").is_dir() and beside != Path("/"):
        yield str(beside / "lib")
    for target in _linked(directory):
        if (target.parent / "pyvenv.cfg").exists() or any(target.parent.glob("lib/python3*")):
            yield from _around(str(target), known | {directory})


def _linked(directory: str) -> Iterator[Path]:
    """The `bin` folders that links in a folder of tools lead to, as pipx, uv and venv make them."""
    try:
        with os.scandir(directory) as entries:
            links = [os.path.realpath(e.path) for e in entries if e.is_symlink()]
    except OSError:
        return
    yield from {Path(p).parent for p in links if Path(p).parent.name == "bin"}


def _is_pyenv(folder: Path) -> bool:
    return (folder / "shims").is_dir() and (folder / "versions").is_dir()


def _is_below_system(path: str) -> bool:
    return any(Path(path).is_relative_to(p) for p in (*_SYSTEM, *_STORES))


def _is_seen(path: str, mounts: Iterable[Mount]) -> bool:
    """Whether the deepest mount at or above a path shows it."""
    over = [m for m in mounts if Path(path).is_relative_to(m.path)]
    if not over:
        return False
    return max(over, key=lambda m: len(Path(m.path).parts)).verb in (Verb.READ, Verb.WRITE)


def _finds_python(path: Sequence[str], mounts: Iterable[Mount]) -> bool:
    return any(
        os.access(found := f"{directory}/python", os.X_OK)
        and _is_seen(os.path.realpath(found), mounts)
        for directory in path
    )
