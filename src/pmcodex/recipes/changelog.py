"""changelog: a place for what users will notice, release by release."""

from __future__ import annotations

from pmcodex.core.actions import FileEdit
from pmcodex.core.templates import Templates
from pmcodex.project.edits import CannotApply
from pmcodex.project.files import Project
from pmcodex.project.sources import find

NAME: str = "changelog"
SUMMARY: str = "CHANGELOG.md with a section for what is not released yet"
READS: tuple[str, ...] = ()
WORDS: tuple[frozenset[str], ...] = (frozenset({"changelog"}), frozenset({"change", "log"}))
PROTECTED: tuple[str, ...] = ()

_THERE = r"(?:docs/)?(?:change[-_]?logs?|changes|history|news|releases?)(?:\.\w+|/.*)?"


def propose(project: Project, templates: Templates) -> tuple[FileEdit, ...] | CannotApply:
    """The file, where there is none by any of its usual names."""
    if find(project, _THERE):
        return ()
    return (FileEdit("CHANGELOG.md", templates.text("recipes/CHANGELOG.md")),)
