"""license: the MIT licence in the name of the project's authors. No year: it needs none."""

from __future__ import annotations

from pmcodex.core.actions import FileEdit
from pmcodex.core.templates import Templates
from pmcodex.project.edits import CannotApply
from pmcodex.project.files import Project
from pmcodex.project.pyproject import PATH, authors, declared_licenses, read_pyproject
from pmcodex.project.sources import find

NAME: str = "license"
SUMMARY: str = "LICENSE with the MIT text, held by pyproject.toml's authors"
READS: tuple[str, ...] = (PATH,)
WORDS: tuple[frozenset[str], ...] = (
    frozenset({"mit", "license"}),
    frozenset({"mit", "licence"}),
)
PROTECTED: tuple[str, ...] = ()

_THERE = r"(?:licen[cs]e|copying|unlicense)(?:[-_.].*)?|licenses/.*"


def propose(project: Project, templates: Templates) -> tuple[FileEdit, ...] | CannotApply:
    """The licence, if nobody has chosen another one and its holder is known."""
    if find(project, _THERE):
        return ()
    pyproject = read_pyproject(project)
    other = [name for name in declared_licenses(pyproject) if "mit" not in name.lower().split()]
    if other:
        return CannotApply(f"{PATH} declares {other[0]!r}, and this recipe writes MIT alone")
    holders = [name for name, _ in authors(pyproject) if name]
    if not holders:
        return CannotApply(f"the holder is unknown: {PATH} names no author")
    text = templates.render("recipes/LICENSE-MIT", holder=", ".join(holders))
    return (FileEdit("LICENSE", text),)
