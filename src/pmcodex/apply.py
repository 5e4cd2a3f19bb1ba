"""Apply: one exhaustive match over the actions; the only room of a round with effects.

Every effect has a natural key, so that doing it twice is doing it once. Where the forge doesn't
enforce the key (comments), the intent is saved before and the receipt after; an intent without
a receipt is looked at again before it is repeated. What must never happen here: a decision.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import assert_never

from pmcodex.core.actions import (
    Action,
    CommitPlan,
    Outcome,
    PostReview,
    Propose,
    RequestMerge,
    Result,
    RunCheck,
    WorkTask,
)
from pmcodex.core.diffs import read_diff
from pmcodex.core.facts import Check, CheckState, Comment
from pmcodex.core.guard import RoleGuard
from pmcodex.core.keys import marker, read_marker
from pmcodex.core.outcomes import spec_of
from pmcodex.core.paths import is_protected
from pmcodex.core.policy import Policy
from pmcodex.core.report import read_report
from pmcodex.errors import InvalidInput, PmcodexError, Refused, TryLater
from pmcodex.ports import Clock, Forge, Git, MergeEnd, Pushed, RefUpdate, Sandbox
from pmcodex.state.store import Store


@dataclass(frozen=True, slots=True)
class Edges:
    """The concrete outside that effects go to.

    `sandbox` is made when it is first needed; asking raises Refused where none can be had.
    """

    git: Git
    forge: Forge
    store: Store
    clock: Clock
    sandbox: Callable[[], Sandbox]


@dataclass(frozen=True, slots=True)
class Setting:
    """What a round's effects need to know of its view."""

    policy: Policy
    default_branch: str
    main: str
    machine: str
    run_id: str
    task_blobs: dict[str, str]


def apply(action: Action, edges: Edges, setting: Setting) -> Outcome:
    """Do one action. A refusal or a fault of the outside is an outcome; only bugs raise."""
    started = edges.clock.now()
    try:
        outcome = _effect(action, edges, setting)
    except TryLater as error:
        outcome = _ended(action, Result.LATER, _words(error))
    except PmcodexError as error:
        outcome = _ended(action, Result.REFUSED, _words(error))
        outcome = replace(outcome, invalid=isinstance(error, InvalidInput))
    return replace(outcome, seconds=round(edges.clock.now() - started, 3))


def _effect(action: Action, edges: Edges, setting: Setting) -> Outcome:
    match action:
        case WorkTask():
            return _work(action, edges, setting)
        case Propose():
            return _propose(action, edges, setting)
        case PostReview():
            return _post_review(action, edges, setting)
        case RequestMerge():
            return _request_merge(action, edges)
        case RunCheck():
            return _run_check(action, edges, setting)
        case _ as never:
            assert_never(never)


# --- branches with a pull ------------------------------------------------------------------


def _work(action: WorkTask, edges: Edges, setting: Setting) -> Outcome:
    if action.command:
        edges.sandbox()  # a refusal comes before any work
    tip = _commit_all(action.expected or action.base, action.commits, edges, setting)
    if action.command:
        made = _run_command(action, tip, edges, setting)
        if isinstance(made, Outcome):
            return made
        tip = _commit_all(made, action.closing, edges, setting)
    lost = _push(action, tip, edges, setting)
    if lost is not None:
        return lost
    pull = edges.forge.open_pull(action.branch, action.pull)
    return _ended(
        action, Result.DONE, f"pull {pull.number} is open for {action.branch}", pull.number
    )


def _propose(action: Propose, edges: Edges, setting: Setting) -> Outcome:
    if action.commits:
        tip = _commit_all(action.base, action.commits, edges, setting)
        lost = _push(action, tip, edges, setting)
        if lost is not None:
            return lost
    pull = edges.forge.open_pull(action.branch, action.pull)
    if (pull.title, pull.body) != (action.pull.title, action.pull.body):
        edges.forge.edit_pull(pull.number, title=action.pull.title, body=action.pull.body)
    return _ended(action, Result.DONE, f"pull {pull.number}: {action.pull.title}", pull.number)


def _commit_all(parent: str, plans: tuple[CommitPlan, ...], edges: Edges, setting: Setting) -> str:
    for plan in plans:
        parent = edges.git.commit(
            parent, plan.edits, _signed(plan.message, setting), at=int(edges.clock.now())
        )
    return parent


def _signed(message: str, setting: Setting) -> str:
    """The message with the trailers that say who made the commit and in which run."""
    return f"{message}\n\nPmcodex-Machine: {setting.machine}\nPmcodex-Run: {setting.run_id}\n"


def _push(action: WorkTask | Propose, tip: str, edges: Edges, setting: Setting) -> Outcome | None:
    """Push the branch by compare-and-swap; an outcome if that ended the action."""
    if tip == action.expected:
        return None
    guard = RoleGuard(setting.default_branch, setting.policy.branch_prefix)
    update = RefUpdate(f"refs/heads/{action.branch}", tip, action.expected)
    pushed = edges.git.push([update], guard)
    if pushed.ended is Pushed.LOST:
        return _ended(action, Result.LOST, f"somebody else moved {action.branch} first")
    if pushed.ended is Pushed.REFUSED:
        raise Refused(f"the remote refuses {action.branch}: {pushed.detail}")
    return None


def _run_command(action: WorkTask, parent: str, edges: Edges, setting: Setting) -> str | Outcome:
    """The commit of what a configured command changed, or the outcome of its failure."""
    spec = setting.policy.commands[action.command]
    with edges.git.export(parent) as export:
        ran = edges.sandbox().run(
            shlex.split(spec.run), export.path, setting.policy.sandbox, spec.timeout
        )
        if ran.code != 0 or ran.timed_out:
            words = read_report(action.command, ran.code, ran.output, timed_out=ran.timed_out)
            return _gave_up(action, f"{action.command} failed: {words.summary}", edges, setting)
        made = edges.git.commit_tree(
            export.tree(),
            [parent],
            _signed(f"{action.task_id}: run {action.command}\n\n{spec.run}", setting),
            at=int(edges.clock.now()),
        )
    fault = _unfit(parent, made, edges.git, setting.policy)
    return _gave_up(action, f"{action.command} {fault}", edges, setting) if fault else made


def _unfit(parent: str, made: str, git: Git, policy: Policy) -> str:
    """Why what a command changed may not go into a pull; empty: it may."""
    paths = git.changed_paths(parent, made)
    if not paths:
        return "changed nothing"
    protected = [path for path in paths if is_protected(path, policy.protected_paths)]
    if protected:
        return f"changed protected paths: {', '.join(protected[:5])}"
    if len(paths) > policy.limits.files:
        return f"changed {len(paths)} files, and limits.files is {policy.limits.files}"
    files = read_diff(git.diff(parent, made), parent, made).files
    lines = sum(file.added + file.removed for file in files)
    if lines > policy.limits.lines:
        return f"changed {lines} lines, and limits.lines is {policy.limits.lines}"
    return ""


def _gave_up(action: WorkTask, reason: str, edges: Edges, setting: Setting) -> Outcome:
    """Remember that the work on just this task file and this main failed; nothing was pushed."""
    blob = setting.task_blobs.get(action.task_id, "")
    edges.store.remember_failure(action.task_id, f"{setting.main}:{blob}", reason)
    return _ended(action, Result.FAILED, reason)


# --- comments ------------------------------------------------------------------------------


def _post_review(action: PostReview, edges: Edges, setting: Setting) -> Outcome:
    store, forge = edges.store, edges.forge
    ours = _our_comment(action, forge) or _just_made(action, edges)
    if ours is None and store.intent(action.key) is not None:
        ours = _look_again(action, edges)
        if ours is None and not _settled(action, edges):
            words = "a comment may be on its way; looked at again later"
            return _ended(action, Result.LATER, words, action.pull)
    if ours is not None and read_marker(ours.body, action.marker) == action.digest:
        result, words = Result.UNCHANGED, "the comment is there already"
    elif ours is not None:
        forge.edit_comment(action.pull, ours.id, action.body)
        result, words = Result.DONE, f"edited the review of pull {action.pull}"
    else:
        store.intend(action.key, setting.run_id, edges.clock.now())
        ours = forge.create_comment(action.pull, action.body, marker=action.marker)
        result, words = Result.DONE, f"reviewed pull {action.pull}"
    store.receipt(action.key, ours.id, action.digest, edges.clock.now())
    return _ended(action, result, words, action.pull)


def _our_comment(action: PostReview, forge: Forge) -> Comment | None:
    """Our comment on the pull: by marker and by author, the first if there were two."""
    me = forge.me()
    return next(
        (
            comment
            for comment in forge.comments(action.pull)
            if comment.author == me and read_marker(comment.body, action.marker) is not None
        ),
        None,
    )


def _just_made(action: PostReview, edges: Edges) -> Comment | None:
    """Our comment as its receipt tells of it, while a listing may not show it yet."""
    receipt = edges.store.checkpoint.receipts.get(action.key)
    if receipt is None or edges.clock.now() - receipt.at >= edges.forge.lag:
        return None
    return Comment(receipt.ref, edges.forge.me(), marker(action.marker, receipt.digest))


def _look_again(action: PostReview, edges: Edges) -> Comment | None:
    """Look for a comment that an earlier run meant to write, while a listing may lag."""
    for _ in range(3):
        if not edges.forge.lag:
            break
        edges.clock.sleep(min(2.0, edges.forge.lag / 3 + 0.1))
        found = _our_comment(action, edges.forge)
        if found is not None:
            return found
    return None


def _settled(action: PostReview, edges: Edges) -> bool:
    """Whether the intent is old enough for a listing without the comment to be believed."""
    intent = edges.store.intent(action.key)
    return intent is None or edges.clock.now() - intent.at >= edges.forge.lag


# --- merges and checks ---------------------------------------------------------------------


def _request_merge(action: RequestMerge, edges: Edges) -> Outcome:
    merged = edges.forge.merge(
        action.pull,
        expected_head=action.head_sha,
        message=f"{action.title} (#{action.pull})",
    )
    if merged.ended is MergeEnd.MERGED:
        return _ended(action, Result.DONE, f"pull {action.pull} is merged", action.pull)
    if merged.ended is MergeEnd.STALE:
        return _ended(action, Result.LOST, f"pull {action.pull} moved on", action.pull)
    return _ended(action, Result.REFUSED, merged.detail, action.pull)


def _run_check(action: RunCheck, edges: Edges, setting: Setting) -> Outcome:
    spec = setting.policy.checks[action.name]
    sandbox = edges.sandbox()
    with edges.git.export(action.head_sha) as export:
        ran = sandbox.run(shlex.split(spec.run), export.path, setting.policy.sandbox, spec.timeout)
    said = read_report(action.name, ran.code, ran.output, timed_out=ran.timed_out)
    check = replace(said, spec=spec_of(spec))
    edges.forge.set_check(action.head_sha, check)
    return _ended(action, Result.DONE, _check_words(check), action.pull)


def _check_words(check: Check) -> str:
    mark = "green" if check.state is CheckState.SUCCESS else check.state.value
    return f"{check.name} is {mark}: {check.summary}"


def _ended(action: Action, result: Result, detail: str, pull: int = 0) -> Outcome:
    return Outcome(action.key, result, detail, pull, action.task_id)


def _words(error: PmcodexError) -> str:
    return f"{error.sentence} ({error.hint})" if error.hint else error.sentence
