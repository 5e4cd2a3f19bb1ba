"""Recipes: deterministic edits that do a task without a model. One module each, same shape.

Adding a recipe is one new file and one line below. What must never happen here: an effect, or an
edit where nothing is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Protocol

from pmcodex.core.actions import FileEdit
from pmcodex.core.suggest import did_you_mean
from pmcodex.core.templates import Templates
from pmcodex.project.edits import CannotApply, edited, merged
from pmcodex.project.files import Project
from pmcodex.recipes import (
    changelog,
    ci_setup,
    codeowners,
    editorconfig,
    license,
    lint_setup,
    pr_template,
    pre_commit,
    smoke_test,
)

__all__ = ["RECIPES", "CannotApply", "Recipe", "propose_all", "reads", "suggest"]


class Recipe(Protocol):
    """What each module here answers.

    READS: exact paths whose texts it looks at. WORDS: when all words of one set occur in an
    acceptance item, the recipe is suggested. PROTECTED: the protected paths that it may touch,
    being reviewed code of ours.
    """

    NAME: str
    SUMMARY: str
    READS: tuple[str, ...]
    WORDS: tuple[frozenset[str], ...]
    PROTECTED: tuple[str, ...]

    def propose(self, project: Project, templates: Templates) -> tuple[FileEdit, ...] | CannotApply:
        """The edits that bring what is missing: none where nothing is."""
        ...


_ALL: tuple[Recipe, ...] = (
    ci_setup,
    smoke_test,
    lint_setup,
    codeowners,
    pr_template,
    license,
    editorconfig,
    pre_commit,
    changelog,
)

RECIPES: Mapping[str, Recipe] = MappingProxyType({recipe.NAME: recipe for recipe in _ALL})
"""Every recipe by name, in an order in which they can follow each other."""


def reads() -> frozenset[str]:
    """Every path whose text some recipe looks at."""
    return frozenset(path for recipe in _ALL for path in recipe.READS)


def suggest(words: str) -> tuple[str, ...]:
    """Names of the recipes that an acceptance item's words bring to mind, in `RECIPES`' order."""
    present = frozenset(re.findall(r"[a-z0-9]+", words.lower()))
    return tuple(recipe.NAME for recipe in _ALL if any(each <= present for each in recipe.WORDS))


def propose_all(
    names: Iterable[str], project: Project, templates: Templates
) -> tuple[FileEdit, ...] | CannotApply:
    """The edits of several recipes, each seeing those before it; all of them or none."""
    edits: list[FileEdit] = []
    for name in names:
        if name not in RECIPES:
            return CannotApply(f"no recipe is called {name!r}. {did_you_mean(name, RECIPES)}")
        proposed = RECIPES[name].propose(edited(project, edits), templates)
        if isinstance(proposed, CannotApply):
            return CannotApply(f"{name}: {proposed.reason}")
        edits += proposed
    return merged(edits)
