"""Binary files: changes that nobody can read in a pull."""

from __future__ import annotations

from pathlib import PurePosixPath

from pmcodex.core.diffs import is_binary, is_deleted
from pmcodex.reviewing.change import Change, Level, Remark

NAME = "binary-files"
WHY = "A binary file can't be read in a review."

_SEEN_AT_ONCE = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp", ".ico", ".bmp"})


def look(change: Change) -> tuple[Remark, ...]:
    """A remark per binary file that the change brings or alters; pictures weigh little."""
    return tuple(
        Remark(NAME, _level(file.path), "is binary", file.path)
        for file in change.diff.files
        if is_binary(file) and not is_deleted(file)
    )


def _level(path: str) -> Level:
    return "low" if PurePosixPath(path).suffix.lower() in _SEEN_AT_ONCE else "medium"
