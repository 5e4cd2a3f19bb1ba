"""ci-setup: a GitHub Actions workflow that runs the project's tests on every pull request."""

from __future__ import annotations

import re

from pmcodex.core.actions import FileEdit
from pmcodex.core.templates import Templates
from pmcodex.project.edits import CannotApply
from pmcodex.project.files import Project
from pmcodex.project.pyproject import (
    PATH,
    extras_for_tests,
    is_installable,
    python_choice,
    read_pyproject,
)
from pmcodex.project.workflow import FOLDER, READABLE, tested_by, unread_tests

NAME: str = "ci-setup"
SUMMARY: str = "a GitHub Actions workflow that runs pytest on pull requests"
READS: tuple[str, ...] = (*READABLE, PATH)
WORDS: tuple[frozenset[str], ...] = (
    frozenset({"github", "actions"}),
    frozenset({"ci", "workflow"}),
    frozenset({"ci", "pytest"}),
    frozenset({"ci", "contains"}),
    frozenset({"ci", "runs"}),
    frozenset({"ci", "setup"}),
    frozenset({"continuous", "integration"}),
)
PLACES = (f"{FOLDER}ci.yml", f"{FOLDER}tests.yml")
PROTECTED: tuple[str, ...] = PLACES

_REQUIREMENTS = re.compile(
    r"(?:requirements(?:[-_](?:ci|dev|tests?))?|(?:dev|test)-requirements)\.txt"
)


def propose(project: Project, templates: Templates) -> tuple[FileEdit, ...] | CannotApply:
    """The workflow, in a file of its own, unless one runs tests on pull requests already."""
    if tested_by(project):
        return ()
    if unread := unread_tests(project):
        return CannotApply(f"{unread} may run the tests already, and no recipe reads it")
    free = [path for path in PLACES if path not in project.paths]
    if not free:
        return CannotApply(f"{' and '.join(PLACES)} exist and run no tests on pull requests")
    text = templates.render(
        "recipes/ci.yml", python=python_choice(project), install=_install(project)
    )
    return (FileEdit(free[0], text),)


def _install(project: Project) -> str:
    """One pip command, so that all requirements are resolved together."""
    words = ["python -m pip install pytest"]
    words += [f"-r {path}" for path in sorted(project.paths) if _REQUIREMENTS.fullmatch(path)]
    pyproject = read_pyproject(project)
    if is_installable(project, pyproject):
        extras = ",".join(extras_for_tests(pyproject))
        words.append(f'-e ".[{extras}]"' if extras else "-e .")
    return " ".join(words)
