"""Pure builders for the tests of roles: a project as paths and texts, pulls, and a World of both.

`World` is what a role's decisions meet in a test: main, rolling branches and pulls as plain
values, moved by hand or by `accept`. No git, no forge.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from pmcodex.core import keys
from pmcodex.core.actions import Action, Decision, Propose, WorkTask
from pmcodex.core.board import build_board
from pmcodex.core.facts import (
    Check,
    CheckState,
    Claim,
    Pull,
    PullState,
    Review,
    Rolling,
    Snapshot,
    Verdict,
)
from pmcodex.core.model import Task
from pmcodex.core.policy import Policy
from pmcodex.core.taskfile import file_name, read_task, render_task
from pmcodex.core.view import View
from pmcodex.texts import load_templates

TEMPLATES = load_templates()
ME = "pmcodex"
HERE = "here-1"
MAIN = "a" * 40
NOW = 1_700_000_000.0
GREEN = (Check("pytest", CheckState.SUCCESS),)
RED = (Check("pytest", CheckState.FAILURE),)


def sha(name: object) -> str:
    """A sha of its own for anything with a name."""
    return keys.digest(str(name)).rjust(40, "0")


def a_task(number: int = 1, title: str = "", **fields: object) -> Task:
    """A task by number; other fields as they are in a file."""
    values = {"id": f"T-{number:04d}", "title": title or f"Step {number}", **fields}
    return Task.model_validate(values)


def written(*tasks: Task, body: str = "") -> dict[str, str]:
    """The files of tasks, by path."""
    return {path_of(task): render_task(task, body) for task in tasks}


def path_of(task: Task) -> str:
    return f"tasks/{file_name(task)}"


def a_policy(**fields: object) -> Policy:
    """A policy as `.llm-team.yml` would say it."""
    return Policy.model_validate(fields)


def a_pull(number: int = 1, head: str = "feature/T-0001-step-1", **fields: object) -> Pull:
    """An open pull of ours, unless `fields` say otherwise."""
    facts: dict[str, object] = {
        "number": number,
        "title": f"pull {number}",
        "body": "",
        "head": head,
        "head_sha": sha(f"head of {number}"),
        "base": "main",
        "state": PullState.OPEN,
        "author": ME,
        "comments": (),
    }
    return Pull(**(facts | fields))  # type: ignore[arg-type]


def merged(number: int = 1, head: str = "feature/T-0001-step-1", **fields: object) -> Pull:
    return a_pull(number, head, state=PullState.MERGED, merge_sha=sha(f"m{number}"), **fields)


def closed(number: int = 1, head: str = "feature/T-0001-step-1", **fields: object) -> Pull:
    return a_pull(number, head, state=PullState.CLOSED, base_sha=MAIN, **fields)


def approved(pull: Pull, *, at: str = "", by: str = "ada") -> Pull:
    """The pull with an approving review of its head, or of the commit `at`."""
    review = Review(by, Verdict.APPROVED, head_sha=at or pull.head_sha)
    return replace(pull, reviews=(*pull.reviews, review))


def a_claim(number: int = 1, **fields: object) -> Claim:
    """A claim of this machine, made now, with nothing on it but the claim."""
    facts: dict[str, object] = {
        "task_id": f"T-{number:04d}",
        "branch": f"feature/T-{number:04d}-step-{number}",
        "sha": sha(f"claim {number}"),
        "machine": HERE,
        "at": int(NOW),
        "worked": False,
        "foreign": False,
    }
    return Claim(**(facts | fields))  # type: ignore[arg-type]


@dataclass
class World:
    """A project in memory. `main` maps paths to texts; tasks are read from it."""

    main: dict[str, str] = field(default_factory=dict)
    pulls: list[Pull] = field(default_factory=list)
    rolling: dict[str, Rolling] = field(default_factory=dict)
    claims: list[Claim] = field(default_factory=list)
    branches: dict[str, str] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)
    touched: set[int] = field(default_factory=set)
    unseen: set[int] = field(default_factory=set)
    tried: dict[str, str] = field(default_factory=dict)
    pull_paths: dict[int, tuple[str, ...]] = field(default_factory=dict)
    highest: int = 0
    now: float = NOW
    me: str = ME

    def view(self, *, only_pull: int = 0, without: Collection[str] = ()) -> View:
        """What a role is given. `without` names paths whose texts were not read."""
        snapshot = Snapshot(
            default_branch="main",
            main=MAIN,
            machine=HERE,
            branches=self._branches(),
            pulls=tuple(self.pulls),
            tasks=tuple(
                read_task(path, sha(text), text.encode())
                for path, text in self.main.items()
                if path.startswith("tasks/")
            ),
            claims=tuple(self.claims),
            rolling=dict(self.rolling),
            paths=frozenset(self.main),
            files={path: text for path, text in self.main.items() if path not in without},
            pull_paths=self.pull_paths,
            touched_after=frozenset(self.touched),
            unseen=frozenset(self.unseen),
            highest_id=self._highest(),
            tried=self.tried,
        )
        board = build_board(snapshot, self.policy.branch_prefix)
        return View(snapshot, board, self.policy, TEMPLATES, self.now, self.me, "sample", only_pull)

    def _branches(self) -> dict[str, str]:
        heads = {p.head: p.head_sha for p in self.pulls if p.state is PullState.OPEN}
        claimed = {claim.branch: claim.sha for claim in self.claims}
        rolling = {branch: one.sha for branch, one in self.rolling.items()}
        return {"main": MAIN} | self.branches | heads | claimed | rolling

    def _highest(self) -> int:
        """As `observe` has it: files, the tasks branch, and what tasks pulls said of their ids."""
        names = [*self.main, *self._branches(), *(pull.head for pull in self.pulls)]
        names += [path for one in self.rolling.values() for path in one.changes]
        for pull in self.pulls:
            names += (keys.read_marker(pull.body, "ids") or "").split(",")
        ids = [part for name in names for part in name.split("/") if part.startswith("T-")]
        found = [int(digits) for one in ids if (digits := one[2:].partition("-")[0]).isdigit()]
        return max([self.highest, *found])

    # --- what happens to it --------------------------------------------------------------------

    def accept(self, decision: Decision) -> Action:
        """Carry out a decision's only action, as `apply` would."""
        (action,) = decision.actions
        match action:
            case Propose():
                self._propose(action)
            case WorkTask():
                self._open(action.branch, action.pull.title, action.pull.body)
            case _:
                raise AssertionError(f"not for this world: {action}")
        return action

    def _propose(self, action: Propose) -> None:
        tip = self.rolling.get(action.branch)
        assert action.expected == (tip.sha if tip else "")
        if action.commits:
            changes = {edit.path: edit.text for one in action.commits for edit in one.edits}
            self.roll(action.branch, changes)
        self._open(action.branch, action.pull.title, action.pull.body)

    def _open(self, head: str, title: str, body: str) -> None:
        for place, pull in enumerate(self.pulls):
            if pull.head == head and pull.state is PullState.OPEN:
                self.pulls[place] = replace(pull, title=title, body=body)
                return
        number = len(self.pulls) + 1
        tip = self.rolling[head].sha if head in self.rolling else sha(f"head of {number}")
        self.pulls.append(a_pull(number, head, head_sha=tip, title=title, body=body))

    def roll(
        self, branch: str, changes: Mapping[str, str | None], *, foreign: bool = False
    ) -> None:
        """Have a rolling branch change main so."""
        tip = sha((branch, sorted(changes.items(), key=str)))
        self.rolling[branch] = Rolling(branch, tip, dict(changes), foreign)
        self.pulls = [
            replace(pull, head_sha=tip)
            if pull.head == branch and pull.state is PullState.OPEN
            else pull
            for pull in self.pulls
        ]

    def merge(self, branch: str, changes: Mapping[str, str | None] | None = None) -> None:
        """Merge the open pull of a rolling branch; `changes` are what is merged instead."""
        one = self.rolling.pop(branch)
        for path, text in (one.changes if changes is None else changes).items():
            if text is None:
                self.main.pop(path, None)
            else:
                self.main[path] = text
        self._end(branch, PullState.MERGED)

    def close(self, branch: str, *, keep_branch: bool = True) -> None:
        """Close the open pull of a branch without a merge."""
        if not keep_branch:
            self.rolling.pop(branch, None)
        self._end(branch, PullState.CLOSED)

    def _end(self, branch: str, state: PullState) -> None:
        ends = {"merge_sha": sha("m")} if state is PullState.MERGED else {"base_sha": MAIN}
        self.pulls = [
            replace(pull, state=state, **ends)
            if pull.head == branch and pull.state is PullState.OPEN
            else pull
            for pull in self.pulls
        ]

    def pull_of(self, branch: str) -> Pull:
        """The newest pull of a branch."""
        return next(pull for pull in reversed(self.pulls) if pull.head == branch)
