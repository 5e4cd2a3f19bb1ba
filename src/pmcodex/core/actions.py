"""Actions: the closed union of everything a round may want done. Data only.

Each says its natural key (doing it twice is doing it once), its reason and who wants it.
What must never happen here: an effect. `apply` is the only place with those.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pmcodex.core.counting import counted


class Role(StrEnum):
    """Who wants an action done, in the order in which a round asks them.

    Setup and Registrar are asked by a verb of their own alone (`init`, `doctor --renumber`).
    """

    INTEGRATOR = "integrator"
    PLANNER = "planner"
    TASKMASTER = "taskmaster"
    DEVELOPER = "developer"
    CHECKER = "checker"
    REVIEWER = "reviewer"
    SETUP = "setup"
    REGISTRAR = "registrar"


TEAM = tuple(role for role in Role if role not in (Role.SETUP, Role.REGISTRAR))
"""The roles of a round of all roles."""


@dataclass(frozen=True, slots=True)
class FileEdit:
    """One file's new text (UTF-8), or None to delete it."""

    path: str
    text: str | None
    executable: bool = False


@dataclass(frozen=True, slots=True)
class CommitPlan:
    """One commit to make: its message's subject and body, and its edits."""

    message: str
    edits: tuple[FileEdit, ...]


@dataclass(frozen=True, slots=True)
class PullDraft:
    """A pull to open or bring up to date; its head is the action's branch."""

    title: str
    body: str
    base: str
    labels: tuple[str, ...] = ()
    draft: bool = False


@dataclass(frozen=True, slots=True)
class WorkTask:
    """Claim a task's branch (or resume a claim), put the work on it, open its pull.

    `expected` is the branch's sha on the remote; empty: it must not exist. `commits` go on top of
    `base` (a new claim) or of `expected` (a resumed one). With `command`, that command of the
    policy runs in the sandbox on top of those, its changes become one more commit, and `closing`
    comes last. All of it is made before anything is pushed: a claim carries its work.
    """

    task_id: str
    branch: str
    base: str
    expected: str
    commits: tuple[CommitPlan, ...]
    pull: PullDraft
    reason: str
    command: str = ""
    closing: tuple[CommitPlan, ...] = ()
    role: Role = Role.DEVELOPER

    @property
    def key(self) -> str:
        return f"branch:{self.branch}"


@dataclass(frozen=True, slots=True)
class Propose:
    """Make a rolling branch hold exactly these commits on top of `base`, with one open pull.

    No commits: the branch holds them already and only its pull is missing.
    """

    branch: str
    base: str
    expected: str
    commits: tuple[CommitPlan, ...]
    pull: PullDraft
    reason: str
    role: Role
    task_id: str = ""

    @property
    def key(self) -> str:
        return f"branch:{self.branch}"


@dataclass(frozen=True, slots=True)
class PostReview:
    """Keep our one review comment on a pull: create it, or edit it in place."""

    pull: int
    marker: str
    digest: str
    body: str
    reason: str
    role: Role = Role.REVIEWER
    task_id: str = ""

    @property
    def key(self) -> str:
        return f"comment:{self.pull}:{self.marker}"


@dataclass(frozen=True, slots=True)
class RequestMerge:
    """Ask the forge to merge a pull, guarded by the head sha that was looked at."""

    pull: int
    head_sha: str
    title: str
    reason: str
    role: Role = Role.INTEGRATOR
    task_id: str = ""

    @property
    def key(self) -> str:
        return f"merge:{self.pull}:{self.head_sha}"


@dataclass(frozen=True, slots=True)
class RunCheck:
    """Run one check of the policy on a commit in the sandbox and record how it ended."""

    pull: int
    head_sha: str
    name: str
    reason: str
    role: Role = Role.CHECKER
    task_id: str = ""

    @property
    def key(self) -> str:
        return f"status:{self.head_sha}:{self.name}"


Action = WorkTask | Propose | PostReview | RequestMerge | RunCheck


class Result(StrEnum):
    """How an action ended. LOST: somebody else was first; look again. LATER: not now."""

    DONE = "done"
    UNCHANGED = "unchanged"
    LOST = "lost"
    REFUSED = "refused"
    FAILED = "failed"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one action: a line of detail, and the pull it concerns (0: none).

    `invalid`: what refused it is configuration or data, not the forge or a guard.
    """

    key: str
    result: Result
    detail: str
    pull: int = 0
    task_id: str = ""
    seconds: float = 0.0
    invalid: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """Something a role wants said that asks for no effect: why a task can't be worked, say."""

    role: Role
    about: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """A role's answer to a snapshot."""

    actions: tuple[Action, ...] = ()
    notes: tuple[Note, ...] = ()


def describe(action: Action) -> str:
    """The action as one line for a person."""
    match action:
        case WorkTask(task_id=task, branch=branch, expected=""):
            return f"claim {task} on {branch} and open its pull"
        case WorkTask(task_id=task, branch=branch):
            return f"resume {task} on {branch} and open its pull"
        case Propose(branch=branch, commits=commits):
            return f"propose {counted(len(commits), 'commit')} on {branch}"
        case PostReview(pull=pull):
            return f"keep the review comment on pull {pull}"
        case RequestMerge(pull=pull, head_sha=sha):
            return f"ask the forge to merge pull {pull} at {sha[:10]}"
        case RunCheck(pull=pull, name=name):
            return f"run check {name} on pull {pull}"
