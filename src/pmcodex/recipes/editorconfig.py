"""editorconfig: the few settings that every editor can agree on."""

from __future__ import annotations

from pmcodex.core.actions import FileEdit
from pmcodex.core.templates import Templates
from pmcodex.project.edits import CannotApply
from pmcodex.project.files import Project

NAME: str = "editorconfig"
SUMMARY: str = ".editorconfig: UTF-8, final newlines, indentation"
READS: tuple[str, ...] = ()
WORDS: tuple[frozenset[str], ...] = (frozenset({"editorconfig"}), frozenset({"editor", "config"}))
PROTECTED: tuple[str, ...] = ()

PATH = ".editorconfig"


def propose(project: Project, templates: Templates) -> tuple[FileEdit, ...] | CannotApply:
    """The file, where there is none."""
    if PATH in project.paths:
        return ()
    return (FileEdit(PATH, templates.text("recipes/editorconfig")),)
