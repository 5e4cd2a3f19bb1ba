"""Developer: claims the first claimable task it can work, does it, opens its pull.

A task it can't work is told with the reason, never turned into an empty pull. What must never
happen here: a second branch for a claimed task, or a claim over somebody else's commits.
"""

from __future__ import annotations

from dataclasses import replace

from pmcodex.core import keys
from pmcodex.core.actions import CommitPlan, Decision, FileEdit, Note, PullDraft, Role, WorkTask
from pmcodex.core.board import Card, open_pulls_of_tasks
from pmcodex.core.facts import Claim
from pmcodex.core.flips import with_status
from pmcodex.core.model import TaskStatus
from pmcodex.core.paths import is_protected, overlaps
from pmcodex.core.stage import State
from pmcodex.core.view import View
from pmcodex.editing.hands import NO_HANDS, Work, has_hands, work_for
from pmcodex.editing.patch import CannotApply

BY_HAND = "add a recipe, a command or a diff to its file, or do it by hand"
OTHERWISE = "mend its file, or set its status to done if it is"


def decide(view: View) -> Decision:
    """Resume a claim of ours if there is one, else claim the next task that can be worked."""
    resumed = _resume(view)
    if resumed.actions:
        return resumed
    started = _start(view)
    return Decision(started.actions, (*resumed.notes, *started.notes))


def _resume(view: View) -> Decision:
    notes = []
    theirs = {claim.task_id for claim in view.snapshot.claims if claim.foreign}
    for claim in sorted(view.snapshot.claims, key=lambda claim: keys.number(claim.task_id)):
        card = view.board.card(claim.task_id)
        if card is None or card.standing.state is not State.IN_PROGRESS:
            continue
        if claim.task_id in {*theirs, *view.set_aside} or not _may_resume(view, claim):
            continue
        work = work_for(view, card)
        if isinstance(work, CannotApply) and not claim.worked:
            notes.append(_note(card, f"its claim can't go on: {work.reason}", OTHERWISE))
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


def _may_resume(view: View, claim: Claim) -> bool:
    """Whether this machine may go on with a claim: its own at once, another's once expired."""
    expired = view.now - claim.at > view.policy.claim_expiry_hours * 3600
    return claim.machine == view.snapshot.machine or expired


def _start(view: View) -> Decision:
    pulls = open_pulls_of_tasks(view.snapshot, view.policy.branch_prefix)
    limit = view.policy.limits.open_pulls
    if view.board.queue and len(pulls) >= limit:
        message = f"{len(pulls)} task pulls are open and limits.open_pulls is {limit}"
        hint = "review and merge, or close, one of them"
        each = (_held_back(view, card, message, hint) for card in view.board.queue)
        return Decision(notes=(Note(Role.DEVELOPER, "queue", message, hint), *each))
    notes: list[Note] = []
    for card in view.board.queue:
        aside = view.set_aside.get(card.task.id)
        if aside is not None:
            notes += [_note(card, aside, "`pmcodex doctor` says what is missing")] * bool(aside)
            continue
        started = _try(view, card)
        if isinstance(started, WorkTask):
            return Decision((started,), tuple(notes))
        notes.append(started)
    return Decision(notes=tuple(notes))


def _held_back(view: View, card: Card, message: str, hint: str) -> Note:
    """What keeps a task from being worked while there are too many pulls already."""
    tried = _try(view, card)
    return tried if isinstance(tried, Note) else _note(card, message, hint)


def _try(view: View, card: Card) -> WorkTask | Note:
    """The claim of one task with its work, or why there is none."""
    if card.task.touches and (number := _in_the_way(view, card)):
        hint = f"merge or close pull {number} first"
        return _note(card, f"pull {number} changes what it touches", hint)
    if card.task.id in view.snapshot.tried:
        hint = "change its file, or what it runs on, to have it tried again"
        return _note(card, view.snapshot.tried[card.task.id], hint)
    if card.file.path not in view.snapshot.files:
        if has_hands(card):
            return _note(card, "too many tasks come before it", "see what is said of those")
        return _note(card, NO_HANDS, BY_HAND)
    work = work_for(view, card)
    if isinstance(work, CannotApply):
        return _note(card, work.reason, BY_HAND if work.reason == NO_HANDS else OTHERWISE)
    claim = _claim(view, card, work)
    if claim is None:
        hint = "write its status as a plain `status: queued` line, without YAML anchors"
        return _note(card, "its status can't be rewritten without changing more", hint)
    return claim


def _in_the_way(view: View, card: Card) -> int:
    """The lowest number of an open pull that changes what the task says it touches; 0: none."""
    return next(
        (
            number
            for number, paths in sorted(view.snapshot.pull_paths.items())
            if overlaps(card.task.touches, paths)
        ),
        0,
    )


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
    edits = tuple(_in_step(view, card, edit) for edit in work.edits)
    said = {edit.path for edit in edits}
    missing = tuple(edit for edit in done if edit.path not in said)
    return CommitPlan(f"{card.task.id}: {card.task.title}", (*edits, *missing))


def _in_step(view: View, card: Card, edit: FileEdit) -> FileEdit:
    """The edit; where it rewrites the task's own file, with the status that the branch gives it."""
    if edit.path != card.file.path or edit.text is None:
        return edit
    in_pull = view.policy.bookkeeping == "in_pull"
    text = with_status(edit.text, TaskStatus.DONE if in_pull else TaskStatus.IN_REVIEW)
    return replace(edit, text=edit.text if text is None else text)


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


def _note(card: Card, message: str, hint: str) -> Note:
    return Note(Role.DEVELOPER, card.task.id, message, hint)
