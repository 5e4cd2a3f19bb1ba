"""pr-template: what every pull request says: task, change, validation, risk."""

from __future__ import annotations

from pmcodex.core.actions import FileEdit
from pmcodex.core.templates import Templates
from pmcodex.project.edits import CannotApply
from pmcodex.project.files import Project
from pmcodex.project.sources import find
from pmcodex.reviewing.sections import sections_of

NAME: str = "pr-template"
SUMMARY: str = "a pull request template: Linked Task, What Changed, Validation, Risk"
_FOLDERS = (".github/", "", "docs/")
READS: tuple[str, ...] = tuple(
    f"{folder}{name}.md"
    for folder in _FOLDERS
    for name in ("PULL_REQUEST_TEMPLATE", "pull_request_template")
)
WORDS: tuple[frozenset[str], ...] = (
    frozenset({"pr", "template"}),
    frozenset({"pull", "request", "template"}),
)
PROTECTED: tuple[str, ...] = READS

PATH = ".github/PULL_REQUEST_TEMPLATE.md"
SECTIONS = ("Linked Task", "What Changed", "Validation", "Risk")
_THERE = r"(?:\.github/|docs/)?pull_request_template(?:\.\w+|/.*)"


def propose(project: Project, templates: Templates) -> tuple[FileEdit, ...] | CannotApply:
    """The template, or the sections that an existing one lacks, put at its end."""
    parts = {
        name: templates.text(f"recipes/pull-{name.lower().replace(' ', '-')}.md")
        for name in SECTIONS
    }
    there = find(project, _THERE)
    if not there:
        return (FileEdit(PATH, "\n".join(parts.values())),)
    if there not in project.files:
        return ()
    before = project.files[there]
    lacking = [text for name, text in parts.items() if not _has(before, name)]
    if not lacking:
        return ()
    newline = "\r\n" if "\r\n" in before else "\n"
    added = "\n".join(["", *lacking] if before.strip() else lacking).replace("\n", newline)
    return (FileEdit(there, before + ("" if before.endswith("\n") else newline) + added),)


def _has(text: str, name: str) -> bool:
    return any(head.startswith(name.casefold()) for head in sections_of(text))
