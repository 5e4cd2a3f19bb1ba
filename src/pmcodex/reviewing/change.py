"""Change and Remark: what a risk rule sees of a pull, and what it has to say.

What must never happen here: a remark that repeats a secret, or text that is already Markdown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pmcodex.core.facts import Diff, Pull
from pmcodex.core.model import Task
from pmcodex.core.policy import Policy

Level = Literal["high", "medium", "low"]
LEVELS: tuple[Level, ...] = ("high", "medium", "low")


@dataclass(frozen=True, slots=True)
class Remark:
    """One reason for care, in plain text. `where` is a path or `path:line`, if there is one."""

    rule: str
    level: Level
    message: str
    where: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One pull as the rules see it.

    `codeowners` is that file's text on the default branch, `paths` every path there, `files`
    the texts of some of them. `task_path` is where the task's own file is (empty: not known).
    """

    pull: Pull
    diff: Diff
    policy: Policy
    task: Task | None = None
    task_path: str = ""
    codeowners: str = ""
    paths: frozenset[str] = frozenset()
    files: Mapping[str, str] = field(default_factory=dict)


def spot(path: str, line: int) -> str:
    """`src/a.py:12`, or the path alone where the line isn't known."""
    return f"{path}:{line}" if line else path
