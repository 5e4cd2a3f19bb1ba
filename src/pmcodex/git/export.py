"""A commit's files in a scratch folder, and the folder's files back as a tree.

The index lies outside the folder, and a `.git` that something puts into it is never looked at.
What must never happen here: git running inside the folder by that folder's own configuration.
"""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pmcodex.git.folder import remove
from pmcodex.git.process import Ended, text

_PREFIX = "pmcodex-files-"
_LOCK = "lock"
_STALE = 6 * 3600.0
"""Seconds after which a scratch folder that nobody holds is a leftover."""


class RunGit(Protocol):
    """Git on the repository whose commits are exported."""

    def __call__(self, *args: str, env: Mapping[str, str] | None = None) -> Ended: ...


@dataclass(frozen=True, slots=True)
class ExportedFiles:
    """One commit's files below `path`."""

    git: RunGit
    path: Path
    index: Path

    def tree(self) -> str:
        """Store the files as they are now, but for ignored ones; the tree's sha."""
        _drop_repositories(self.path)
        # A user's own ignore file must not decide what a project's tree holds.
        self._run("-c", "core.excludesFile=", "add", "-A", ".")
        return self._run("write-tree")

    def _run(self, *args: str) -> str:
        where = {"GIT_INDEX_FILE": str(self.index), "GIT_WORK_TREE": str(self.path)}
        return text(self.git("-C", str(self.path), *args, env=where).out).strip()


@contextmanager
def exported(git: RunGit, commit: str) -> Iterator[ExportedFiles]:
    """The commit's files in a fresh folder, removed at the end whatever became of it."""
    _sweep(Path(tempfile.gettempdir()))
    scratch = Path(tempfile.mkdtemp(prefix=_PREFIX)).resolve()
    # Not inherited by what is run in the folder, and let go of however this process ends.
    lock = os.open(scratch / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        files = ExportedFiles(git, scratch / "files", scratch / "index")
        files.path.mkdir()
        files._run("read-tree", "--reset", "-u", commit)
        yield files
    finally:
        remove(scratch)
        os.close(lock)


def _sweep(top: Path) -> None:
    """Remove scratch folders that a killed run of ours left: old ones, and none in use."""
    oldest = time.time() - _STALE
    for place in top.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # another process may be sweeping, too
            seen = place.lstat()
            ours = stat.S_ISDIR(seen.st_mode) and seen.st_uid == os.geteuid()
            if ours and seen.st_mtime < oldest and not _in_use(place):
                remove(place)


def _in_use(scratch: Path) -> bool:
    try:
        lock = os.open(scratch / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def _drop_repositories(folder: Path) -> None:
    for root, folders, names in os.walk(folder):
        for name in [n for n in (*folders, *names) if n.casefold() == ".git"]:
            place = Path(root, name)
            if place.is_dir() and not place.is_symlink():
                remove(place)
                folders.remove(name)
            else:
                place.unlink()
