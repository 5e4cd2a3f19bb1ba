"""Project: what deterministic edits may look at, the default branch's paths and some texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Project:
    """A project's files as a recipe sees them.

    `paths` holds every path on the default branch, `files` the UTF-8 texts of those that any
    recipe's `reads` names. `name` is the repository's name.
    """

    name: str
    paths: frozenset[str]
    files: Mapping[str, str]
    default_branch: str = "main"
