"""A working folder as a project, for `init --here`: read what is there, write what is not.

What must never happen here: a file overwritten, or a path followed out of the folder.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from pmcodex.core.actions import FileEdit
from pmcodex.errors import InvalidInput, TryLater
from pmcodex.project.files import Project
from pmcodex.recipes import reads

_SKIPPED = {".git", ".venv", "venv", "node_modules", "__pycache__"}


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
    for place, folders, names in os.walk(top):
        folders[:] = [name for name in folders if name not in _SKIPPED]
        for name in names:
            yield (Path(place) / name).relative_to(top).as_posix()


def write_new(folder: Path, edits: Sequence[FileEdit]) -> None:
    """Write these files where none is.

    Raises InvalidInput for a path that leads out of the folder or is taken, TryLater where the
    disk is full or closed to us.
    """
    top = folder.resolve()
    for edit in edits:
        target = top / edit.path
        if not target.parent.resolve().is_relative_to(top):
            raise InvalidInput(f"{edit.path} leads out of {top}", hint="look at the links there")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("x", encoding="utf-8", newline="") as file:
                file.write(edit.text or "")
        except FileExistsError:
            raise InvalidInput(
                f"{edit.path} is there already", hint="run the command again"
            ) from None
        except OSError as error:
            raise TryLater(f"{target} can't be written: {error.strerror}") from error


def own_command() -> str:
    """The absolute path of the pmcodex command, as a timer needs it."""
    found = shutil.which("pmcodex") or shutil.which(sys.argv[0])
    return str(Path(found).absolute()) if found else "pmcodex"
