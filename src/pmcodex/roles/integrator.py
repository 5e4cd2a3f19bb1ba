"""Integrator: turns merged and rejected pulls into bookkeeping, and asks for merges if it may.

It writes statuses by pull and nothing else. What must never happen here: a merge that the
project's own policy does not ask for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pmcodex.core.actions import CommitPlan, Decision, Note, RequestMerge, Role
from pmcodex.core.facts import CheckState, Pull, PullState, Verdict
from pmcodex.core.flips import added_tasks, flips_branch, pending_flips, stuck_flips
from pmcodex.core.keys import BOOKKEEPING_BRANCH, TASKS_BRANCH, task_of_branch
from pmcodex.core.paths import is_protected
from pmcodex.core.proposal import Proposal, content_of, judge, outdated
from pmcodex.core.stage import approved, green
from pmcodex.core.taskfile import read_task
from pmcodex.core.view import View
from pmcodex.reviewing.points import checks_seen


def decide(view: View) -> Decision:
    """Propose the pending flips, then ask for the merges that the policy allows."""
    flips = _bookkeeping(view)
    merges = () if flips.actions else _merges(view)
    return Decision((*flips.actions, *merges), (*flips.notes, *_stuck(view)))


def _stuck(view: View) -> tuple[Note, ...]:
    hint = "write its status as a plain `status: ...` line, without YAML anchors"
    message = "it lags behind its pull, and its status can't be changed without touching more"
    return tuple(Note(Role.INTEGRATOR, path, message, hint) for path in stuck_flips(view))


def _bookkeeping(view: View) -> Decision:
    flips = pending_flips(view)
    if not flips:
        return Decision(notes=outdated(view, Role.INTEGRATOR, BOOKKEEPING_BRANCH))
    if flips_branch(view) == TASKS_BRANCH:
        return _ride_along(view, flips)
    ids = [plan.message.split(":")[0] for plan in flips]
    return judge(
        view,
        Proposal(
            Role.INTEGRATOR,
            BOOKKEEPING_BRANCH,
            flips,
            f"Bookkeeping: {_few(ids)}",
            view.templates.render(
                "bookkeeping-pull.md", changes=_changes(flips), claimable=_claimable(view)
            ),
            f"the files of {_few(ids)} lag behind their pulls",
        ),
    )


def _ride_along(view: View, flips: tuple[CommitPlan, ...]) -> Decision:
    """Put the flips on the open tasks pull, whose own files and words stay as they are."""
    pull = view.open_pull(TASKS_BRANCH)
    assert pull is not None
    added = tuple(CommitPlan(f"Add {edit.path}", (edit,)) for edit in added_tasks(view))
    body = "\n".join(line for line in pull.body.splitlines() if "pmcodex:content" not in line)
    return judge(
        view,
        Proposal(
            Role.INTEGRATOR,
            TASKS_BRANCH,
            (*added, *flips),
            pull.title,
            body,
            f"{len(flips)} status changes ride along in pull {pull.number}",
        ),
    )


def _merges(view: View) -> tuple[RequestMerge, ...]:
    wanted = []
    for pull in view.snapshot.pulls:
        if pull.state is not PullState.OPEN or pull.draft:
            continue
        reason = _may_merge(view, pull)
        if reason:
            task_id = task_of_branch(view.policy.branch_prefix, pull.head)
            wanted.append(
                RequestMerge(pull.number, pull.head_sha, pull.title, reason, task_id=task_id)
            )
    return tuple(wanted)


def _may_merge(view: View, pull: Pull) -> str:
    """Why a person or the policy asks for this pull's merge; empty: nobody does."""
    if _any_red(pull) or pull.mergeable is False:
        return ""
    if pull.auto_merge:
        green_or_none = green(pull) or not view.policy.checks
        return "its merge was requested for when it is green" if green_or_none else ""
    if pull.author != view.me:
        return ""
    if pull.head in (BOOKKEEPING_BRANCH, TASKS_BRANCH):
        return _rolling_to_merge(view, pull)
    if view.policy.merge.ready and task_of_branch(view.policy.branch_prefix, pull.head):
        return _ready_to_merge(view, pull)
    return ""


def _rolling_to_merge(view: View, pull: Pull) -> str:
    """Bookkeeping of nothing but pending flips, and tasks pulls of new task files beside those."""
    rolling, merge = view.snapshot.rolling.get(pull.head), view.policy.merge
    if rolling is None or rolling.foreign or rolling.sha != pull.head_sha or not rolling.changes:
        return ""
    if _touches_protected(view, tuple(rolling.changes)):
        return ""
    flips = content_of(pending_flips(view)).items() if merge.bookkeeping else ()
    rest = {path: text for path, text in rolling.changes.items() if (path, text) not in flips}
    if pull.head == BOOKKEEPING_BRANCH:
        return "only status lines change" if not rest and merge.bookkeeping else ""
    return "only task files are added" if _only_new_tasks(view, rest) and merge.tasks else ""


def _ready_to_merge(view: View, pull: Pull) -> str:
    card = view.board.card(task_of_branch(view.policy.branch_prefix, pull.head))
    paths = view.snapshot.pull_paths.get(pull.number)
    if card is None or card.task.auto_policy != "merge_when_ready" or paths is None:
        return ""
    if not (_approved_as_is(pull) and green(pull)) or checks_seen(pull, view.policy).missing:
        return ""
    if _touches_protected(view, paths):
        return ""
    return f"{card.task.id} says merge_when_ready; approved and green"


def _approved_as_is(pull: Pull) -> bool:
    """Whether it is approved, by reviews of just this head: what came later nobody looked at."""
    seen = tuple(
        review
        for review in pull.reviews
        if review.verdict is not Verdict.APPROVED or review.head_sha == pull.head_sha
    )
    return approved(replace(pull, reviews=seen))


def _touches_protected(view: View, paths: tuple[str, ...]) -> bool:
    return any(is_protected(path, view.policy.protected_paths) for path in paths)


def _only_new_tasks(view: View, changes: Mapping[str, str | None]) -> bool:
    """Whether these add task files that can be read, and do nothing else."""
    folder = view.policy.tasks.dir.rstrip("/") + "/"
    return bool(changes) and all(
        text is not None
        and path.startswith(folder)
        and path not in view.snapshot.paths
        and read_task(path, "", text.encode()).task is not None
        for path, text in changes.items()
    )


def _any_red(pull: Pull) -> bool:
    return any(check.state in (CheckState.FAILURE, CheckState.PENDING) for check in pull.checks)


def _changes(flips: tuple[CommitPlan, ...]) -> str:
    return "\n".join(f"- {plan.message.replace(chr(10) * 2, '. ')}" for plan in flips)


def _claimable(view: View) -> str:
    ids = [card.task.id for card in view.board.queue]
    return f"Claimable now: {_few(ids)}." if ids else "Nothing else became claimable."


def _few(ids: list[str]) -> str:
    return ", ".join(ids) if len(ids) <= 5 else f"{', '.join(ids[:4])} and {len(ids) - 4} more"
