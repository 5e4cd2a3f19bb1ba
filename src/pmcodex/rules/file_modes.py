"""File modes: what a diff's lines don't show, and what changes how git treats other files."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from pmcodex.core.diffs import names_of
from pmcodex.core.facts import FileDiff
from pmcodex.reviewing.change import Change, Remark

NAME = "file-modes"
WHY = "What a file is to git and to the system is easily overlooked in a diff."

_MODE = re.compile(r"^(old|new|new file) mode (\d{6})$", re.MULTILINE)
_KINDS = {
    "100755": "is new and executable",
    "120000": "is a symbolic link",
    "160000": "is another repository",
}
_FOR_GIT = frozenset({".gitattributes", ".gitmodules"})


def look(change: Change) -> tuple[Remark, ...]:
    """A remark per file that is new and no plain one, whose mode changed, or that git obeys."""
    said = []
    for file in change.diff.files:
        if message := _mode(file):
            said.append(Remark(NAME, "medium", message, file.path))
        if any(PurePosixPath(path).name in _FOR_GIT for path in names_of(file)):
            message = "changes how git treats other files"
            said.append(Remark(NAME, "medium", message, file.path))
    return tuple(said)


def _mode(file: FileDiff) -> str:
    modes = dict(_MODE.findall(file.patch.partition("\n@@ ")[0]))
    if "old" in modes and "new" in modes:
        return f"changes its mode from {modes['old']} to {modes['new']}"
    return _KINDS.get(modes.get("new file", ""), "")
