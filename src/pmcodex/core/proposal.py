"""Proposals: what a rolling branch should hold, against what it holds now.

Shared by every role that speaks through a rolling branch. A proposal is made once: the same
content is not pushed again, not proposed again once a person closed it (unless one asks for it),
and never put over somebody else's commits. What must never happen here: a word about what the
content means.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pmcodex.core.actions import CommitPlan, Decision, Note, Propose, PullDraft, Role
from pmcodex.core.facts import Pull, PullState
from pmcodex.core.keys import digest, marker, read_marker
from pmcodex.core.view import View


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a role wants on its rolling branch: commits on top of the default branch, and a pull."""

    role: Role
    branch: str
    commits: tuple[CommitPlan, ...]
    title: str
    body: str
    reason: str


def content_of(commits: Sequence[CommitPlan]) -> dict[str, str | None]:
    """What the commits change in all, by path."""
    return {edit.path: edit.text for commit in commits for edit in commit.edits}


def content_digest(content: Mapping[str, str | None]) -> str:
    """The natural key of a proposal's content."""
    parts: list[str] = []
    for path, text in sorted(content.items()):
        parts += [path, "-" if text is None else "+" + text]
    return digest(*parts)


def judge(view: View, proposal: Proposal) -> Decision:
    """The action that brings the branch and its pull to the proposal, if any is needed."""
    content = content_of(proposal.commits)
    if not content:
        return Decision()
    rolling = view.snapshot.rolling.get(proposal.branch)
    pull = view.open_pull(proposal.branch)
    same = rolling is not None and dict(rolling.changes) == content
    key = content_digest(content)
    if same and pull is not None and not _is_behind(view, pull, key):
        return Decision()
    if rolling is not None and rolling.foreign and (pull is not None or not same):
        return _note(
            proposal,
            f"somebody else committed to {proposal.branch}; it is left alone",
            f"merge or close its pull, or delete the branch, and {proposal.role} goes on",
        )
    declined = None if view.again else _declined(view, proposal.branch, key)
    if declined is not None and pull is None:
        return _note(
            proposal,
            f"pull {declined.number} proposed just this and was closed; it is not proposed again",
            _way_back(view, proposal.role, declined),
        )
    draft = PullDraft(
        proposal.title, f"{proposal.body.rstrip()}\n\n{marker('content', key)}\n", _base(view)
    )
    expected = view.snapshot.branches.get(proposal.branch, "")
    return Decision(
        (
            Propose(
                proposal.branch,
                view.snapshot.main,
                expected,
                () if same else proposal.commits,
                draft,
                proposal.reason,
                proposal.role,
            ),
        )
    )


def outdated(view: View, role: Role, branch: str) -> tuple[Note, ...]:
    """What to tell where nothing is to be proposed: an open pull of the branch, if there is one."""
    pull = view.open_pull(branch)
    if pull is None:
        return ()
    message = f"pull {pull.number} proposes what the facts no longer ask for"
    return (Note(role, branch, message, f"close it with `pmcodex pull close {pull.number}`"),)


def _base(view: View) -> str:
    return view.snapshot.default_branch


def _is_behind(view: View, pull: Pull, key: str) -> bool:
    """Whether a pull of ours tells of other content: a run ended between push and edit."""
    return pull.author == view.me and read_marker(pull.body, "content") != key


def _declined(view: View, branch: str, key: str) -> Pull | None:
    """The newest closed pull of this branch that proposed the same content, if there is one."""
    return next(
        (
            pull
            for pull in reversed(view.snapshot.pulls)
            if pull.head == branch
            and pull.state is PullState.CLOSED
            and pull.author == view.me
            and read_marker(pull.body, "content") == key
        ),
        None,
    )


_AGAIN = {
    Role.PLANNER: "pmcodex plan --again",
    Role.TASKMASTER: "pmcodex taskmaster --again",
    Role.INTEGRATOR: "pmcodex integrate --again",
}


def _way_back(view: View, role: Role, declined: Pull) -> str:
    """How to have a closed pull's content after all: its branch may hold other things by now."""
    reused = view.snapshot.branches.get(declined.head) != declined.head_sha
    if reused and role in _AGAIN:
        return f"`{_AGAIN[role]}` proposes it once more, if that was not meant"
    return f"reopen it with `pmcodex pull reopen {declined.number}` if that was not meant"


def _note(proposal: Proposal, message: str, hint: str) -> Decision:
    return Decision(notes=(Note(proposal.role, proposal.branch, message, hint),))
