"""Ports: what the engine asks of the outside, as few verbs as it can do with.

Each Protocol is owned by its consumer here; the edges implement them and nothing else may.
What must never happen here: a concrete edge, or a type of a library.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from pmcodex.core.actions import FileEdit, PullDraft
from pmcodex.core.facts import Check, Comment, Finding, Pull, Verdict
from pmcodex.core.policy import SandboxLimits


class Clock(Protocol):
    """Time, so that nothing else looks at it."""

    def now(self) -> float:
        """Seconds since the epoch."""
        ...

    def sleep(self, seconds: float) -> None: ...


# --- git -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entry:
    """One blob of a tree: its mode ("100644", "120000", ...), object id and path."""

    mode: str
    oid: str
    path: str


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit. `at` is the committer's time in seconds since the epoch."""

    sha: str
    parents: tuple[str, ...]
    author: str
    email: str
    at: int
    message: str


@dataclass(frozen=True, slots=True)
class Person:
    """Whose name a commit or a forge record carries."""

    name: str
    email: str


PMCODEX = Person("pmcodex", "pmcodex@localhost")


@dataclass(frozen=True, slots=True)
class RefUpdate:
    """Move a full ref of the remote from `expected` (empty: absent) to `new` (empty: delete)."""

    ref: str
    new: str
    expected: str


class Pushed(StrEnum):
    """How a push ended. LOST: a ref wasn't where it was expected. REFUSED: the remote said no."""

    DONE = "done"
    LOST = "lost"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class PushResult:
    """A push's end and, if it was refused, the remote's words."""

    ended: Pushed
    detail: str = ""


class Guard(Protocol):
    """What a push may touch. See `core.guard`."""

    def refusal(self, update: RefUpdate, *, forced: bool, ours: bool) -> str:
        """Why this update may not be pushed; empty: it may.

        `forced` says that `new` does not descend from `expected`; `ours` that the commit at
        `expected` was made by pmcodex.
        """
        ...


@dataclass(frozen=True, slots=True)
class MergedTree:
    """A three-way merge without a working tree: the tree, or the paths that conflict."""

    tree: str
    conflicts: tuple[str, ...] = ()


class Export(Protocol):
    """A commit's files in a folder of their own, without a `.git`."""

    @property
    def path(self) -> Path: ...

    def tree(self) -> str:
        """Store the folder's files as they are now and return the tree's sha."""
        ...


class Git(Protocol):
    """One project's git: a local mirror of its remote, and the one way to push."""

    url: str

    def sync(self) -> Mapping[str, str]:
        """Look at the remote, fetch what is new, return every full ref with its sha.

        "HEAD" maps to the full name of the default branch, where the remote tells. Costs one
        process when nothing moved.
        """
        ...

    def refs(self) -> Mapping[str, str]:
        """What the last `sync` or push of this object left known; syncs where there was none."""
        ...

    def tree(self, commit: str) -> tuple[Entry, ...]:
        """Every blob of a commit."""
        ...

    def read(self, blobs: Iterable[str]) -> Mapping[str, bytes]:
        """Blobs by id, in one process."""
        ...

    def commit(
        self,
        parent: str,
        edits: Sequence[FileEdit],
        message: str,
        *,
        at: int,
        author: Person = PMCODEX,
    ) -> str:
        """Make a commit on top of `parent` (empty: a root) and return its sha. No ref moves."""
        ...

    def commit_tree(
        self, tree: str, parents: Sequence[str], message: str, *, at: int, author: Person = PMCODEX
    ) -> str:
        """Make a commit of a whole tree and return its sha. No ref moves."""
        ...

    def push(self, updates: Sequence[RefUpdate], guard: Guard) -> PushResult:
        """The only way to the remote: all updates or none, each by compare-and-swap.

        Raises Refused where the guard says no, TryLater where the remote can't be reached.
        """
        ...

    def merge_tree(self, ours: str, theirs: str) -> MergedTree: ...

    def merge_base(self, one: str, other: str) -> str:
        """The best common ancestor; empty where there is none."""
        ...

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether `older` is `newer` or in its history. False where either is unknown."""
        ...

    def commits(self, tip: str, not_in: str) -> tuple[Commit, ...]:
        """The commits of `tip` that are not in `not_in`, oldest first."""
        ...

    def last_touch(self, tip: str, path: str) -> str:
        """The newest commit of `tip` that touched a path; empty: none."""
        ...

    def history_paths(self, tip: str, since: str, folder: str) -> frozenset[str]:
        """Every path below `folder` that a commit of `tip` and not of `since` touched."""
        ...

    def diff(self, base: str, head: str) -> str:
        """A unified diff between two commits, renames found, no external tool run."""
        ...

    def changed_paths(self, base: str, head: str) -> tuple[str, ...]: ...

    def export(self, commit: str) -> AbstractContextManager[Export]:
        """The commit's files in a fresh folder that is removed afterwards."""
        ...


# --- forge ---------------------------------------------------------------------------------


class MergeEnd(StrEnum):
    """How a merge ended, as on GitHub: 200, 409 stale head, 405 conflict or protection."""

    MERGED = "merged"
    STALE = "stale"
    CONFLICT = "conflict"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class MergeResult:
    """A merge's end, the commit it made, and a sentence where it made none."""

    ended: MergeEnd
    sha: str = ""
    detail: str = ""


class Forge(Protocol):
    """Where pulls live. Every verb with a natural key may be asked twice."""

    name: str
    shares_remote: bool
    """True where pulls and refs arrive by one and the same sync of the git remote."""

    lag: float
    """Seconds that a listing may lag behind a write; 0 where it never does."""

    def me(self) -> str:
        """The author name our own pulls and comments carry."""
        ...

    def pulls(self) -> tuple[Pull, ...]:
        """Every open pull, and every closed or merged one that the forge remembers, by number."""
        ...

    def findings(self) -> tuple[Finding, ...]:
        """What the forge itself holds that can't be read."""
        ...

    def comments(self, number: int) -> tuple[Comment, ...]: ...

    def open_pull(self, head: str, draft: PullDraft) -> Pull:
        """Open a pull for a branch; where one is open for that head, return it unchanged.

        Raises Refused where the branch is missing or has no commits of its own.
        """
        ...

    def edit_pull(self, number: int, *, title: str, body: str) -> None: ...

    def close_pull(self, number: int) -> None: ...

    def reopen_pull(self, number: int) -> None:
        """Open a closed pull again. Refused where its branch is gone or has another open pull."""
        ...

    def create_comment(self, number: int, body: str, *, marker: str = "") -> Comment:
        """Add a comment.

        With `marker`, a forge that can makes sure of it in the same stroke that a second comment
        of ours with that marker is never made: it edits the one that is there.
        """
        ...

    def edit_comment(self, number: int, comment_id: str, body: str) -> None: ...

    def add_label(self, number: int, label: str) -> None: ...

    def review(self, number: int, verdict: Verdict, body: str) -> None:
        """Record a person's review. Refused where that person opened the pull."""
        ...

    def set_check(self, sha: str, check: Check) -> None:
        """Record a check by (sha, name); the last word wins."""
        ...

    def request_merge(self, number: int, *, expected_head: str) -> None:
        """Ask that a pull be merged once its checks are green, if its head is still this one.

        A forge with no server of its own leaves the merge to the next Integrator round. Refused
        where the pull is not open or its head has moved.
        """
        ...

    def merge(self, number: int, *, expected_head: str, message: str) -> MergeResult:
        """Squash a pull into its base, only if its head is still `expected_head`."""
        ...


# --- sandbox -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a process: `code` is negative for a signal, `output` is both streams merged."""

    code: int
    output: str
    seconds: float
    timed_out: bool = False
    truncated: bool = False


class Sandbox(Protocol):
    """A place where project code can do no harm."""

    @property
    def kind(self) -> str:
        """One of "bubblewrap", "namespaces" and "none"."""
        ...

    def run(self, argv: Sequence[str], folder: Path, limits: SandboxLimits, timeout: float) -> Ran:
        """Run `argv` in `folder`, the only writable place; kill the whole group at the end.

        Raises Refused, saying what to install, where no sandbox can be had.
        """
        ...
