"""Registrar: gives a new id to every task file whose id another file has, by pull.

The first file by path keeps the id. What must never happen here: an id that was ever used.
"""

from __future__ import annotations

from pmcodex.core.actions import CommitPlan, Decision, FileEdit, Note, Role
from pmcodex.core.counting import counted
from pmcodex.core.facts import Finding
from pmcodex.core.frontmatter import set_value
from pmcodex.core.keys import RENUMBER_BRANCH, task_id
from pmcodex.core.proposal import Proposal, judge, outdated
from pmcodex.core.taskfile import read_task
from pmcodex.core.view import View
from pmcodex.errors import InvalidInput


def decide(view: View) -> Decision:
    """Propose new ids for duplicates, all in one pull."""
    found = [
        finding
        for finding in view.board.findings
        if finding.kind == "duplicate-id" and finding.where in view.snapshot.files
    ]
    if not found:
        note = Note(Role.REGISTRAR, "tasks", "no two files have one id")
        return Decision(notes=(note, *outdated(view, Role.REGISTRAR, RENUMBER_BRANCH)))
    commits: list[CommitPlan] = []
    notes = []
    free = view.snapshot.highest_id + 1
    for finding in found:
        given = _given(view, finding)
        made = _renumbered(view, finding, given or task_id(free))
        if isinstance(made, Note):
            notes.append(made)
            continue
        free += not given
        commits.append(made)
    lines = "\n".join(f"- {commit.message}" for commit in commits)
    decision = judge(
        view,
        Proposal(
            Role.REGISTRAR,
            RENUMBER_BRANCH,
            tuple(commits),
            f"Renumber {counted(len(commits), 'task')}",
            view.templates.render("renumber-pull.md", changes=lines),
            "two files have the same id",
        ),
    )
    return Decision(decision.actions, (*notes, *decision.notes))


def _renumbered(view: View, finding: Finding, new: str) -> CommitPlan | Note:
    """The commit that gives a file this id, or why only a person can do that."""
    try:
        text = set_value(view.snapshot.files[finding.where], "id", new)
    except InvalidInput as error:
        return Note(Role.REGISTRAR, finding.where, error.sentence, error.hint)
    path = _moved(finding.where, finding.task_id, new)
    gone = (FileEdit(finding.where, None),) if path != finding.where else ()
    message = f"{new}: give {finding.where} an id of its own"
    return CommitPlan(message, (*gone, FileEdit(path, text)))


def _given(view: View, finding: Finding) -> str:
    """The new id that the branch of an earlier round gives this file; empty: none, or not free."""
    rolling = view.snapshot.rolling.get(RENUMBER_BRANCH)
    taken = {file.task.id for file in view.snapshot.tasks if file.task is not None}
    for path, text in rolling.changes.items() if rolling is not None else ():
        task = read_task(path, "", text.encode()).task if text is not None else None
        if task is None or task.id in taken:
            continue
        if path == _moved(finding.where, finding.task_id, task.id):
            return task.id
    return ""


def _moved(path: str, old: str, new: str) -> str:
    """The file's path with the new id where its name carries the old one."""
    folder, _, name = path.rpartition("/")
    return f"{folder}/{name.replace(old, new, 1)}" if folder else name.replace(old, new, 1)
