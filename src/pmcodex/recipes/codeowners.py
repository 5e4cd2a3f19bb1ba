"""codeowners: who must review the paths that matter most, if the project names somebody."""

from __future__ import annotations

from pmcodex.core.actions import FileEdit
from pmcodex.core.owners import PLACES
from pmcodex.core.templates import Templates
from pmcodex.project.edits import CannotApply
from pmcodex.project.files import Project
from pmcodex.project.pyproject import PATH, authors, read_pyproject

NAME: str = "codeowners"
SUMMARY: str = "CODEOWNERS for protected paths, owned by pyproject.toml's maintainers"
READS: tuple[str, ...] = (*PLACES, PATH)
WORDS: tuple[frozenset[str], ...] = (frozenset({"codeowners"}), frozenset({"code", "owners"}))
PROTECTED: tuple[str, ...] = PLACES


def propose(project: Project, templates: Templates) -> tuple[FileEdit, ...] | CannotApply:
    """Rules for known owners; a file that has any rule is somebody's decision and stays."""
    there = next((place for place in PLACES if place in project.paths), "")
    before = project.files.get(there, "")
    if there and (there not in project.files or _has_rules(before)):
        return ()
    owners = [email for _, email in authors(read_pyproject(project)) if email]
    if not owners:
        return CannotApply(f"nobody is named as owner: {PATH} has no author with an email address")
    rules = templates.render("recipes/CODEOWNERS", owners=" ".join(owners))
    gap = "\n" if before.endswith("\n") or not before else "\n\n"
    text = before + gap + rules if before.strip() else rules
    return (FileEdit(there or "CODEOWNERS", text),)


def _has_rules(text: str) -> bool:
    lines = (line.strip() for line in text.splitlines())
    return any(line and not line.startswith("#") for line in lines)
