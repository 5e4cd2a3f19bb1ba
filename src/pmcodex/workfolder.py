"""A working folder as a project, for `init --here`: read what is there, write what is not.

What must never happen here: a file overwritten, or a path followed out of the folder.
"""

from __future__ import annotations

import errno
import os
import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from pmcodex.core.actions import FileEdit
from pmcodex.errors import InvalidInput, TryLater
from pmcodex.project.files import Project
from pmcodex.recipes import reads

_SKIPPED = {".git", ".venv", "venv", "node_modules", "__pycache__", ".tox", ".nox"}


def read_project(folder: Path) -> Project:
    """The folder's paths, and the texts that recipes read. InvalidInput where there is none."""
    if not folder.is_dir():
        raise InvalidInput(f"there is no folder {folder}", hint="name one with --repo")
    top = folder.resolve()
    paths = frozenset(_paths(top))
    texts = {}
    for path in reads() & paths:
        try:
            texts[path] = (top / path).read_text(encoding="utf-8")
        except (UnicodeDecodeError, OSError):
            continue
    return Project(top.name, paths, texts)


def _paths(top: Path) -> Iterator[str]:
    """Every file of the project's own: no virtual environments, no repositories within."""
    for place, folders, names in os.walk(top):
        folders[:] = [name for name in folders if _is_own(Path(place) / name)]
        for name in names:
            yield (Path(place) / name).relative_to(top).as_posix()


def _is_own(folder: Path) -> bool:
    apart = (folder / "pyvenv.cfg", folder / ".git")
    return folder.name not in _SKIPPED and not any(mark.exists() for mark in apart)


def read_text(folder: Path, path: str) -> str | None:
    """One file's text; None where it isn't there. InvalidInput where it can't be read."""
    try:
        return (folder / path).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (UnicodeDecodeError, OSError) as error:
        raise InvalidInput(f"{path} can't be read", hint="is it a file of UTF-8 text?") from error


def write_new(folder: Path, edits: Sequence[FileEdit]) -> None:
    """Write these files where none is.

    Raises InvalidInput for a path that leads out of the folder or is taken, before anything is
    written, and TryLater where the disk is full or closed to us.
    """
    top = folder.resolve()
    for edit in edits:
        _require_free(top, edit.path)
    for edit in edits:
        target = top / edit.path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("x", encoding="utf-8", newline="") as file:
                file.write(edit.text or "")
        except OSError as error:
            raise _unwritable(edit.path, error) from error


def _require_free(top: Path, path: str) -> None:
    target = top / path
    try:
        parent = target.parent.resolve()
    except (OSError, RuntimeError) as error:  # links that go round in circles
        raise InvalidInput(f"{path} leads nowhere", hint="look at the links there") from error
    if not parent.is_relative_to(top):
        raise InvalidInput(f"{path} leads out of {top}", hint="look at the links there")
    if os.path.lexists(target):
        raise InvalidInput(f"{path} is there already", hint="move it away, or leave it at that")


def _unwritable(path: str, error: OSError) -> InvalidInput | TryLater:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return TryLater(f"{path} can't be written: {error.strerror}", hint="make room, try again")
    words = f"{path} can't be written: {error.strerror}"
    return InvalidInput(words, hint="look at what is there and whose it is")


def own_command() -> str:
    """What starts this very pmcodex from anywhere, as shell words, for a timer."""
    started = Path(sys.argv[0])
    if started.name == "__main__.py":
        return shlex.join([sys.executable, "-m", "pmcodex"])
    found = shutil.which(sys.argv[0]) or shutil.which("pmcodex")
    return shlex.quote(str(Path(found).absolute())) if found else "pmcodex"
