"""Edits to a project's files: the refusal value, and a project as it would look edited.

What must never happen here: an effect, or an exception for an expected refusal.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from pmcodex.core.actions import FileEdit
from pmcodex.project.files import Project


@dataclass(frozen=True, slots=True)
class CannotApply:
    """Why an edit was not made, in a sentence for a person. An expected outcome."""

    reason: str


def edited(project: Project, edits: Iterable[FileEdit]) -> Project:
    """The project with the edits made, so that a later edit sees earlier ones."""
    paths, files = set(project.paths), dict(project.files)
    for edit in edits:
        if edit.text is None:
            paths.discard(edit.path)
            files.pop(edit.path, None)
        else:
            paths.add(edit.path)
            files[edit.path] = edit.text
    return replace(project, paths=frozenset(paths), files=files)


def merged(edits: Iterable[FileEdit]) -> tuple[FileEdit, ...]:
    """One edit per path, the last word winning, in the order the paths were first named."""
    by_path: dict[str, FileEdit] = {}
    for edit in edits:
        by_path[edit.path] = edit
    return tuple(by_path.values())
