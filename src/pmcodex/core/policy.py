"""Policy: the project's `.llm-team.yml`, typed and closed. Defaults are safe.

It is read from the default branch alone, so that only what people merged can change it.
What must never happen here: a secret, a machine's path, or reading the file (see `config`).
"""

from __future__ import annotations

import re
import shlex
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
)

from pmcodex.core.model import TaskStatus


def _inside(path: str) -> str:
    if ".." in path.split("/"):
        raise ValueError("it must stay inside the repository")
    return path


# pydantic's own regex engine has no look-around, and Python's lets `$` match before a newline.
Folder = Annotated[
    str,
    StringConstraints(pattern=r"^[^/\x00\r\n\\][^\x00\r\n\\]*$"),
    AfterValidator(_inside),
]


_SHELL = frozenset(("|", "||", "|&", "&", "&&", ";", ">", ">>", "<", "<<", "2>&1", "2>"))
_QUOTED = re.compile(r"""'[^']*'|"(?:[^"\\]|\\.)*"|\\.""")


def _for_a_shell(line: str) -> str:
    """The first part of a command line that only a shell would make something of, or nothing."""
    bare = _QUOTED.sub(lambda quoted: "_" * len(quoted[0]), line)
    words = (word for word in bare.split() if word in _SHELL or word.endswith(";"))
    # Between double quotes a shell would still run these two; between single ones it would not.
    kept = _QUOTED.sub(lambda q: re.sub(r"\\.", "", q[0]) if q[0][0] == '"' else "", line)
    runs = (sign for sign in ("$(", "`") if sign in kept)
    return next(words, next(runs, ""))


class _Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Tasks(_Closed):
    """Where task files live and which states they may name."""

    dir: Folder = "tasks"
    states: tuple[TaskStatus, ...] = tuple(TaskStatus)


class Limits(_Closed):
    """What one pull, one round and one project may hold at most. Counts."""

    files: int = Field(20, ge=1, description="files changed in one pull")
    lines: int = Field(600, ge=1, description="lines added and removed in one pull")
    open_pulls: int = Field(3, ge=1, description="Developer pulls open at once")
    new_tasks: int = Field(5, ge=1, le=5, description="new tasks waiting in the tasks pull")


class CheckSpec(_Closed):
    """One check of the project: `run` is split like a shell would, but no shell ever sees it."""

    run: str = Field(min_length=1)
    timeout: int = Field(600, ge=1, le=7200, description="seconds")

    @field_validator("run")
    @classmethod
    def _readable(cls, value: str) -> str:
        try:
            words = shlex.split(value)
        except ValueError as error:
            raise ValueError(f"{value!r} can't be read as words: {error}") from None
        if not words:
            raise ValueError("it names no program")
        if meant := _for_a_shell(value):
            raise ValueError(
                f"{meant} means nothing here, since no shell runs it; put the line into a script"
                " or split it into two checks"
            )
        return value


class Thresholds(_Closed):
    """Numbers that a check's outcome is held against in a review. None: not held."""

    coverage: float | None = Field(None, ge=0, le=100, description="percent, at least")
    ruff: int | None = Field(None, ge=0, description="findings, at most")
    mypy: int | None = Field(None, ge=0, description="errors, at most")


class SandboxLimits(_Closed):
    """What project code may use while a check or a command runs."""

    memory_mb: int = Field(2048, ge=64)
    processes: int = Field(256, ge=8)
    file_mb: int = Field(512, ge=1)
    readable: tuple[str, ...] = Field((), description="more absolute folders that checks may read")


class Merge(_Closed):
    """What the Integrator may ask the forge to merge. All off by default."""

    bookkeeping: bool = Field(False, description="bookkeeping pulls of nothing but status lines")
    tasks: bool = Field(False, description="tasks pulls that only add files in the task folder")
    ready: bool = Field(False, description="approved, green pulls of tasks with merge_when_ready")


class Policy(_Closed):
    """Everything a project decides about its team. Unknown keys are errors."""

    version: Literal[1] = 1
    dry_run: bool = Field(False, description="true: every round only says what it would do")
    prd: Folder = "docs/PRD.md"
    plan: Folder = "docs/PLAN.md"
    tasks: Tasks = Tasks()
    branch_prefix: Annotated[
        str, StringConstraints(pattern=r"^[A-Za-z0-9._][A-Za-z0-9._/-]*/$")
    ] = "feature/"
    merge_strategy: Literal["squash"] = "squash"
    protected_paths: tuple[str, ...] = (
        ".github/",
        "infra/",
        "secrets/",
        "CODEOWNERS",
        ".llm-team.yml",
    )
    bookkeeping: Literal["pull", "in_pull"] = "pull"
    claim_expiry_hours: float = Field(24, gt=0)
    limits: Limits = Limits()
    checks: dict[str, CheckSpec] = Field(default_factory=dict)
    thresholds: Thresholds = Thresholds()
    commands: dict[str, CheckSpec] = Field(default_factory=dict)
    rules: dict[str, bool] = Field(
        default_factory=dict, description="risk rules switched on or off"
    )
    merge: Merge = Merge()
    sandbox: SandboxLimits = SandboxLimits()
    conventions: str = Field("", max_length=2000, description="house rules, for prompts")

    @field_validator("checks", "commands", mode="before")
    @classmethod
    def _short_form(cls, value: object) -> object:
        """Allow `pytest: python -m pytest -q` beside the long form."""
        if not isinstance(value, dict):
            return value
        return {k: {"run": v} if isinstance(v, str) else v for k, v in value.items()}

    @field_validator("checks", "commands")
    @classmethod
    def _names(cls, value: dict[str, CheckSpec]) -> dict[str, CheckSpec]:
        for name in value:
            if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,39}", name):
                raise ValueError(
                    f"{name!r} is not a name of small letters, digits, dots and dashes"
                )
        return value
