"""Task, milestone and acceptance item: what a project's own files say, validated.

Pure values. What must never happen here: reading a file, or knowing where a value came from.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints


class TaskStatus(StrEnum):
    """The states a task file may name. Effective states are computed in `core.stage`."""

    QUEUED = "queued"
    IN_REVIEW = "in_review"
    READY = "ready_for_integration"
    DONE = "done"
    BLOCKED = "blocked"


class Priority(StrEnum):
    """P0 is the most urgent; the order of the names is the order of work."""

    P0 = "P0"
    P1 = "P1"
    P2 = "P2"
    P3 = "P3"


TaskId = Annotated[str, StringConstraints(pattern=r"^T-[0-9]{4,9}$")]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Estimate = Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)?[hd]$")]

OURS = "pmcodex"
"""The `owner` of a task that pmcodex may work; an empty owner means the same."""


class Task(BaseModel):
    """The front matter of one task file, `tasks/T-*.md`.

    The first ten fields are the PRD's; the rest are optional and say how the task can be worked
    without a model (`recipe`, `command`), what it will touch, and which PRD item it covers (`prd`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    id: TaskId = Field(description="T-0001, unique in the project, never used twice")
    title: Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"^[^\r\n]+$")]
    type: Literal["feature", "bug", "chore", "docs", "test", "ci", "refactor"] = "feature"
    priority: Priority = Priority.P2
    depends_on: tuple[TaskId, ...] = ()
    status: TaskStatus = TaskStatus.QUEUED
    owner: str = Field("", description="empty or pmcodex: may be worked by pmcodex; else a person")
    estimate: Estimate = Field("1d", description="hours or days: 2h, 0.5d, at most one day")
    acceptance: tuple[Line, ...] = ()
    auto_policy: Literal["manual", "merge_when_ready"] = "manual"
    touches: tuple[str, ...] = Field((), description="globs of the paths the task will change")
    recipe: tuple[str, ...] = Field((), description="deterministic edits that do the task")
    command: str = Field("", description="name of a command of .llm-team.yml that does the task")
    prd: str = Field("", description="key of the PRD acceptance item this task covers")


class AcceptanceItem(BaseModel):
    """One acceptance item of a PRD; its `key` is the milestone id and a digest of its words."""

    model_config = ConfigDict(frozen=True)

    key: str
    text: str
    line: int = Field(description="1-based line in the PRD")


class Milestone(BaseModel):
    """One milestone of a PRD with its acceptance items, and hints (scope lines, sub-items)."""

    model_config = ConfigDict(frozen=True)

    id: str
    title: str
    acceptance: tuple[AcceptanceItem, ...] = ()
    hints: tuple[str, ...] = ()
    line: int = 1
