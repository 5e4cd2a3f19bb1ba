"""pre-commit: hooks that catch small mistakes before a commit; ruff's too where it is used."""

from __future__ import annotations

from pmcodex.core.actions import FileEdit
from pmcodex.core.templates import Templates
from pmcodex.project.edits import CannotApply
from pmcodex.project.files import Project
from pmcodex.project.pyproject import PATH as PYPROJECT
from pmcodex.project.pyproject import read_pyproject

NAME: str = "pre-commit"
SUMMARY: str = ".pre-commit-config.yaml with basic hooks, and ruff if the project uses it"
READS: tuple[str, ...] = (PYPROJECT,)
WORDS: tuple[frozenset[str], ...] = (frozenset({"pre", "commit"}), frozenset({"precommit"}))
PROTECTED: tuple[str, ...] = ()

PATH = ".pre-commit-config.yaml"


def propose(project: Project, templates: Templates) -> tuple[FileEdit, ...] | CannotApply:
    """The configuration, where there is none."""
    if PATH in project.paths:
        return ()
    text = templates.text("recipes/pre-commit.yaml")
    if _uses_ruff(project):
        text += templates.text("recipes/pre-commit-ruff.yaml")
    return (FileEdit(PATH, text),)


def _uses_ruff(project: Project) -> bool:
    if {"ruff.toml", ".ruff.toml"} & project.paths:
        return True
    return "ruff" in read_pyproject(project).table("tool")
