"""The command line as a user meets it: what a command left behind, and a project to try it on."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

TASK = """\
---
id: {id}
title: {title}
priority: {priority}
depends_on: {depends_on}
status: {status}
recipe: {recipe}
acceptance:
  - It is there
---
Words.
"""


class Said(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


class Pm(Protocol):
    """Run a command line in this process, in the folder the test is in."""

    def __call__(self, *argv: str) -> Said: ...


class Process(Protocol):
    """Run a command line as a process of its own."""

    def __call__(self, *argv: str, env: Mapping[str, str] = ..., stdin: str = ...) -> Said: ...


def command(*argv: str) -> list[str]:
    return [sys.executable, "-m", "pmcodex", *argv]


class Shop:
    """A repository without a remote, which is its own; the test is in its folder."""

    def __init__(self, folder: Path, git: Callable[..., str]) -> None:
        self.folder = folder
        self._git = git

    def git(self, *args: str) -> str:
        return self._git(self.folder, *args)

    def write(self, files: Mapping[str, str], message: str = "Write") -> None:
        """Commit these files to main."""
        for path, text in files.items():
            target = self.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        self.git("add", "--all")
        self.git("commit", "-q", "-m", message)

    def tasks(self, *tasks: str) -> None:
        """Commit these task texts."""
        self.write({f"tasks/{text[8:14]}.md": text for text in tasks}, "Add tasks")


def task(
    task_id: str,
    title: str = "",
    *,
    recipe: str = "editorconfig",
    status: str = "queued",
    priority: str = "P2",
    depends_on: str = "[]",
) -> str:
    """A task's text. Its recipe is one that any project can take, unless it is empty."""
    return TASK.format(
        id=task_id,
        title=title or f"Task {task_id}",
        priority=priority,
        depends_on=depends_on,
        status=status,
        recipe=f"[{recipe}]",
    )
