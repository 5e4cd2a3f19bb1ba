"""Facts: what a round saw, in our words. Frozen, serialisable, forge-neutral.

Shas are 40 lower-case hex digits; an empty string means "none". Paths are POSIX, relative to the
repository's root. What must never happen here: a decision, or a type of a library.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pmcodex.core.model import Task


class CheckState(StrEnum):
    """A check's conclusion. SKIPPED counts as green, PENDING as neither green nor red."""

    SUCCESS = "success"
    FAILURE = "failure"
    PENDING = "pending"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """One check on one commit. `summary` is a line; `details` are first findings, a line each.

    `spec` is a digest of what was run, where pmcodex ran it; empty where others, CI say, did.
    """

    name: str
    state: CheckState
    summary: str = ""
    details: tuple[str, ...] = ()
    url: str = ""
    spec: str = ""


class Verdict(StrEnum):
    """What a review says."""

    APPROVED = "approved"
    CHANGES_REQUESTED = "changes_requested"
    COMMENTED = "commented"


@dataclass(frozen=True, slots=True)
class Review:
    """A review by a person. `head_sha` is the commit that was looked at."""

    author: str
    verdict: Verdict
    body: str = ""
    head_sha: str = ""


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment on a pull. `id` is the forge's own, good for editing it."""

    id: str
    author: str
    body: str


class PullState(StrEnum):
    """Where a pull is. CLOSED means closed without a merge."""

    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Pull:
    """A pull request, whatever forge it lives on.

    `head` and `base` are branch names. `merge_sha` is the commit a merge put on the base.
    `base_sha` is the tip of the base when the pull closed (empty while it is open).
    `comments` is None where they were not read. `mergeable` is None where it is not known;
    `conflicts` holds the paths that stand in the way of a merge.
    """

    number: int
    title: str
    body: str
    head: str
    head_sha: str
    base: str
    state: PullState
    author: str
    labels: tuple[str, ...] = ()
    draft: bool = False
    reviews: tuple[Review, ...] = ()
    checks: tuple[Check, ...] = ()
    comments: tuple[Comment, ...] | None = None
    mergeable: bool | None = None
    conflicts: tuple[str, ...] = ()
    merge_sha: str = ""
    base_sha: str = ""
    auto_merge: bool = False
    url: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong in the project's data, where it is, and what to do about it."""

    kind: str
    where: str
    message: str
    hint: str = ""
    task_id: str = ""


@dataclass(frozen=True, slots=True)
class TaskFile:
    """One file of the task folder on the default branch: a task, or a finding in its place."""

    path: str
    blob: str
    task: Task | None
    finding: Finding | None = None
    body: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """A task branch on the remote that has never had a pull.

    `machine` is who claimed it, `at` when (seconds since the epoch). `worked` is true when work
    follows the claim commit. `foreign` is true when somebody else committed to the branch.
    """

    task_id: str
    branch: str
    sha: str
    machine: str
    at: int
    worked: bool
    foreign: bool


@dataclass(frozen=True, slots=True)
class FileDiff:
    """One file of a pull's diff. `patch` is its unified diff, headers included."""

    path: str
    added: int
    removed: int
    patch: str
    old_path: str = ""


@dataclass(frozen=True, slots=True)
class Diff:
    """What a pull changes against the merge base with its target."""

    merge_base: str
    head_sha: str
    files: tuple[FileDiff, ...]


@dataclass(frozen=True, slots=True)
class Rolling:
    """A rolling branch of ours: its tip and what it changes against the default branch.

    `changes` maps a path to its text on the branch (None: deleted there). `foreign` is true when
    somebody else committed to it: then it is theirs, and left alone.
    """

    branch: str
    sha: str
    changes: Mapping[str, str | None]
    foreign: bool


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything one round knows. Building it is `observe`'s work, judging it is `decide`'s.

    `files` holds the texts on the default branch that roles and recipes read (absent: not there
    or not text); `paths` every file there, `links` every symbolic link. `touched_after` holds the
    numbers of closed and merged pulls whose task file was changed on the default branch later (by
    ancestry, never by clock). `unseen` holds merged pulls whose merge is not in `main` yet: look
    again. `highest_id` is the highest task number ever seen. `tried` says of a task id why the
    work on just this task file and just this `main` failed already: trying again would fail
    again. `diffs` holds only pulls that need a new look.
    """

    default_branch: str
    main: str
    machine: str
    branches: Mapping[str, str] = field(default_factory=dict)
    pulls: tuple[Pull, ...] = ()
    tasks: tuple[TaskFile, ...] = ()
    claims: tuple[Claim, ...] = ()
    rolling: Mapping[str, Rolling] = field(default_factory=dict)
    paths: frozenset[str] = frozenset()
    links: frozenset[str] = frozenset()
    files: Mapping[str, str] = field(default_factory=dict)
    diffs: Mapping[int, Diff] = field(default_factory=dict)
    pull_paths: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    touched_after: frozenset[int] = frozenset()
    unseen: frozenset[int] = frozenset()
    highest_id: int = 0
    tried: Mapping[str, str] = field(default_factory=dict)
