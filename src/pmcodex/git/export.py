"""A commit's files in a scratch folder, and the folder's files back as a tree.

The index lies outside the folder, and a `.git` that something puts into it is never looked at.
What must never happen here: git running inside the folder by that folder's own configuration.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pmcodex.git.folder import remove
from pmcodex.git.process import Ended, text


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
    scratch = Path(tempfile.mkdtemp(prefix="pmcodex-")).resolve()
    try:
        files = ExportedFiles(git, scratch / "files", scratch / "index")
        files.path.mkdir()
        files._run("read-tree", "--reset", "-u", commit)
        yield files
    finally:
        remove(scratch)


def _drop_repositories(folder: Path) -> None:
    for root, folders, names in os.walk(folder):
        for name in [n for n in (*folders, *names) if n.casefold() == ".git"]:
            place = Path(root, name)
            if place.is_dir() and not place.is_symlink():
                remove(place)
                folders.remove(name)
            else:
                place.unlink()
