"""Reviewer: keeps one comment per open pull, by what the pull changes and how its checks ended.

It reads and says. What must never happen here: an approval, a merge, a tick in a box, or another
edit of a comment whose pull has nothing new in it.
"""

from __future__ import annotations

from dataclasses import replace

from pmcodex.core import keys
from pmcodex.core.actions import Action, Decision, Note, PostReview, Role
from pmcodex.core.diffs import essence
from pmcodex.core.facts import Check, Diff, FileDiff, Pull, PullState
from pmcodex.core.owners import codeowners_text
from pmcodex.core.view import View
from pmcodex.reviewing.change import Change
from pmcodex.reviewing.points import (
    branch_point,
    checks_point,
    checks_seen,
    find_task,
    risk_point,
    task_points,
)
from pmcodex.reviewing.review import Sheet, render
from pmcodex.reviewing.rolling import entries, files_point
from pmcodex.rules import REASONS, remarks_on

RUBRIC_VERSION = "2"
"""Raised when a review of the same facts would say something else."""

MARKER = "review"


def decide(view: View) -> Decision:
    """One comment for each open pull that has something new to be said of it."""
    actions: list[Action] = []
    notes: list[Note] = []
    for pull in view.snapshot.pulls:
        diff = view.snapshot.diffs.get(pull.number)
        if pull.state is not PullState.OPEN or view.only_pull not in (0, pull.number) or not diff:
            continue
        if diff.head_sha != pull.head_sha:
            message = f"pull {pull.number} moved while it was looked at"
            notes.append(Note(Role.REVIEWER, f"pull {pull.number}", message, "look again"))
            continue
        action = _comment(view, pull, diff)
        if not _is_there(view, pull, action.digest):
            actions.append(action)
    return Decision(tuple(actions), tuple(notes))


def precondition(pull: Pull, merge_base: str) -> str:
    """A key of all that is known of a pull before its diff is read.

    While it stays the same, and the default branch's policy, tasks and CODEOWNERS do, so does
    the review.
    """
    return keys.digest(
        RUBRIC_VERSION,
        pull.head_sha,
        merge_base,
        pull.head,
        pull.base,
        pull.title,
        pull.body,
        str(pull.draft),
        str(pull.mergeable is False),
        *sorted(pull.labels),
        "checks",
        *_words(pull.checks),
    )


def sheet_of(view: View, pull: Pull, diff: Diff) -> Sheet:
    """What there is to say of a pull, as facts."""
    linked = find_task(view, pull)
    remarks = remarks_on(
        Change(
            pull=pull,
            diff=diff,
            policy=view.policy,
            task=linked.task,
            task_path=linked.file.path if linked.file else "",
            codeowners=codeowners_text(view.snapshot.files),
            paths=view.snapshot.paths,
            files=view.snapshot.files,
        )
    )
    seen = checks_seen(pull, view.policy)
    rolling = pull.head in keys.ROLLING_BRANCHES
    branch, risk = branch_point(view, pull, linked), risk_point(remarks)
    if rolling:
        seen = replace(seen, missing=())
        checks = (checks_point(seen),) if seen.ran else ()
        points = (files_point(pull.head, diff, view.policy), *checks, branch, risk)
    else:
        points = (*task_points(view, pull, linked), checks_point(seen), branch, risk)
    return Sheet(
        points=points,
        labels=_labels(pull),
        acceptance=linked.task.acceptance if linked.task and not rolling else (),
        checks=seen.ran,
        missing=seen.missing,
        misses=seen.misses,
        files=entries(diff) if rolling else (),
        remarks=remarks,
        reasons=REASONS,
    )


def _comment(view: View, pull: Pull, diff: Diff) -> PostReview:
    sheet = sheet_of(view, pull, diff)
    text = render(sheet, view.templates, RUBRIC_VERSION)
    digest = keys.digest(
        RUBRIC_VERSION,
        text,
        "acceptance",
        *sheet.acceptance,
        "checks",
        *_words(pull.checks),
        "files",
        *(part for file in _by_path(diff) for part in (file.path, file.old_path, essence(file))),
    )
    return PostReview(
        pull=pull.number,
        marker=MARKER,
        digest=digest,
        body=f"{keys.marker(MARKER, digest)}\n{text}",
        reason=f"pull {pull.number}: {sheet.verdict[0].lower()}{sheet.verdict[1:]}",
        task_id=keys.task_of_branch(view.policy.branch_prefix, pull.head),
    )


def _by_path(diff: Diff) -> list[FileDiff]:
    return sorted(diff.files, key=lambda file: (file.path, file.old_path))


def _words(checks: tuple[Check, ...]) -> list[str]:
    """All that checks say, in an order that does not depend on when they ended."""
    said = sorted((c.name, c.state.value, c.summary, *c.details) for c in checks)
    return [word for words in said for word in (str(len(words)), *words)]


def _is_there(view: View, pull: Pull, digest: str) -> bool:
    return any(
        comment.author == view.me and keys.read_marker(comment.body, MARKER) == digest
        for comment in pull.comments or ()
    )


def _labels(pull: Pull) -> tuple[str, ...]:
    ready = (keys.READY_LABEL,) if keys.READY_LABEL in pull.labels else ()
    return (*(("draft",) if pull.draft else ()), *ready)
