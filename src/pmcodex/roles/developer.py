"""Developer: claims the first claimable task it can work, does it, opens its pull.

A task it can't work is told with the reason, never turned into an empty pull. What must never
happen here: a second branch for a claimed task, or a claim over somebody else's commits.
"""

from __future__ import annotations

from pmcodex.core import keys
from pmcodex.core.actions import CommitPlan, Decision, FileEdit, Note, PullDraft, Role, WorkTask
from pmcodex.core.board import Card, open_pulls_of_tasks
from pmcodex.core.facts import Claim
from pmcodex.core.flips import with_status
from pmcodex.core.model import TaskStatus
from pmcodex.core.paths import is_protected, overlaps
from pmcodex.core.view import View
from pmcodex.editing.hands import Work, work_for
from pmcodex.editing.patch import CannotApply


def decide(view: View) -> Decision:
    """Resume a claim of ours if there is one, else claim the next task that can be worked."""
    resumed = _resume(view)
    if resumed.actions:
        return resumed
    started = _start(view)
    return Decision(started.actions, (*resumed.notes, *started.notes))


def _resume(view: View) -> Decision:
    notes = []
    for claim in sorted(view.snapshot.claims, key=lambda claim: keys.number(claim.task_id)):
        card = view.board.card(claim.task_id)
        if card is None or card.standing.state.value != "in_progress" or not _is_ours(view, claim):
            continue
        work = work_for(view, card)
        if isinstance(work, CannotApply) and not claim.worked:
            notes.append(_note(card, f"its claim can't go on: {work.reason}"))
            continue
        how = work if isinstance(work, Work) else Work("what is on its branch")
        commits = () if claim.worked or how.command else (_work_commit(view, card, how),)
        return Decision(
            (
                WorkTask(
                    claim.task_id,
                    claim.branch,
                    view.snapshot.main,
                    claim.sha,
                    commits,
                    _draft(view, card, how),
                    f"{claim.branch} is claimed and has no pull yet",
                    "" if claim.worked else how.command,
                    () if claim.worked else _closing(view, card, how),
                ),
            )
        )
    return Decision(notes=tuple(notes))


def _is_ours(view: View, claim: Claim) -> bool:
    """Whether this machine may go on with a claim: its own at once, another's once expired."""
    if claim.foreign:
        return False
    expired = view.now - claim.at > view.policy.claim_expiry_hours * 3600
    return claim.machine == view.snapshot.machine or expired


def _start(view: View) -> Decision:
    pulls = open_pulls_of_tasks(view.snapshot, view.policy.branch_prefix)
    limit = view.policy.limits.open_pulls
    if view.board.queue and len(pulls) >= limit:
        message = f"{len(pulls)} task pulls are open and limits.open_pulls is {limit}"
        note = Note(Role.DEVELOPER, "queue", message, "review and merge, or close, one of them")
        return Decision(notes=(note,))
    busy = tuple(path for pull in pulls for path in view.snapshot.pull_paths.get(pull.number, ()))
    notes = []
    for card in view.board.queue:
        if overlaps(card.task.touches, busy):
            notes.append(_note(card, "an open pull changes what it touches"))
            continue
        if card.file.path not in view.snapshot.files:
            notes.append(_note(card, "it names no recipe and no command and carries no diff"))
            continue
        if card.task.id in view.snapshot.tried:
            notes.append(_note(card, view.snapshot.tried[card.task.id]))
            continue
        work = work_for(view, card)
        if isinstance(work, CannotApply):
            notes.append(_note(card, work.reason))
            continue
        claim = _claim(view, card, work)
        if claim is None:
            notes.append(_note(card, "its status can't be rewritten without changing more"))
            continue
        return Decision((claim,), tuple(notes))
    return Decision(notes=tuple(notes))


def _claim(view: View, card: Card, work: Work) -> WorkTask | None:
    text = with_status(view.snapshot.files[card.file.path], TaskStatus.IN_REVIEW)
    if text is None:
        return None
    mark = CommitPlan(
        f"{card.task.id}: claim task",
        (FileEdit(card.file.path, text),),
    )
    commits = (mark,) if work.command else (mark, _work_commit(view, card, work))
    return WorkTask(
        card.task.id,
        _branch(view, card),
        view.snapshot.main,
        "",
        commits,
        _draft(view, card, work),
        f"{card.task.priority}, the first that can be worked; by {work.how}",
        work.command,
        _closing(view, card, work),
    )


def _work_commit(view: View, card: Card, work: Work) -> CommitPlan:
    done = _done(view, card)
    return CommitPlan(f"{card.task.id}: {card.task.title}", (*work.edits, *done))


def _closing(view: View, card: Card, work: Work) -> tuple[CommitPlan, ...]:
    """What goes on top of a command's own commit."""
    done = _done(view, card) if work.command else ()
    return (CommitPlan(f"{card.task.id}: mark task done", done),) if done else ()


def _done(view: View, card: Card) -> tuple[FileEdit, ...]:
    """The status edit that `bookkeeping: in_pull` puts into the feature branch itself."""
    text = view.snapshot.files.get(card.file.path)
    if view.policy.bookkeeping != "in_pull" or text is None:
        return ()
    done = with_status(text, TaskStatus.DONE)
    return (FileEdit(card.file.path, done),) if done is not None else ()


def _branch(view: View, card: Card) -> str:
    """The task's branch, with an attempt suffix where earlier attempts used the name."""
    used = {pull.head for pull in view.snapshot.pulls} | view.snapshot.branches.keys()
    attempt = 1
    while True:
        name = keys.task_branch(view.policy.branch_prefix, card.task.id, card.task.title, attempt)
        if name not in used:
            return name
        attempt += 1


def _draft(view: View, card: Card, work: Work) -> PullDraft:
    body = view.templates.render(
        "pull.md",
        task_id=card.task.id,
        title=card.task.title,
        path=card.file.path,
        acceptance="\n".join(f"- {line}" for line in card.task.acceptance) or "- none given",
        changes=_changes(work),
        validation=_validation(view),
        risk=_risk(view, work),
    )
    return PullDraft(f"{card.task.id}: {card.task.title}", body, view.snapshot.default_branch)


def _changes(work: Work) -> str:
    lines = [f"Done by {work.how}, without a model."]
    lines += [f"- `{edit.path}`{' (deleted)' if edit.text is None else ''}" for edit in work.edits]
    return "\n".join(lines)


def _validation(view: View) -> str:
    names = ", ".join(f"`{name}`" for name in view.policy.checks)
    if not names:
        return "No checks are named in `.llm-team.yml`; CI has the word."
    return f"Not run by the Developer. `pmcodex check` or CI runs {names} and records the outcome."


def _risk(view: View, work: Work) -> str:
    protected = [
        edit.path for edit in work.edits if is_protected(edit.path, view.policy.protected_paths)
    ]
    if protected:
        return f"Touches protected paths, which a person must own: {', '.join(protected)}."
    return "No protected path is touched."


def _note(card: Card, message: str) -> Note:
    hint = "add a recipe, a command or a diff to its file, or do it by hand"
    return Note(Role.DEVELOPER, card.task.id, message, hint)
