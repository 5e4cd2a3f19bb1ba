"""Registrar: gives a new id to every task file whose id another file has, by pull.

The first file by path keeps the id. What must never happen here: an id that was ever used.
"""

from __future__ import annotations

from pmcodex.core.actions import CommitPlan, Decision, FileEdit, Note, Role
from pmcodex.core.frontmatter import set_value
from pmcodex.core.keys import RENUMBER_BRANCH, task_id
from pmcodex.core.proposal import Proposal, judge
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
        return Decision(notes=(Note(Role.REGISTRAR, "tasks", "no two files have one id"),))
    commits: list[CommitPlan] = []
    notes = []
    for finding in found:
        new = task_id(view.snapshot.highest_id + 1 + len(commits))
        try:
            text = set_value(view.snapshot.files[finding.where], "id", new)
        except InvalidInput as error:
            notes.append(Note(Role.REGISTRAR, finding.where, error.sentence, error.hint))
            continue
        path = _moved(finding.where, finding.task_id, new)
        gone = (FileEdit(finding.where, None),) if path != finding.where else ()
        message = f"{new}: give {finding.where} an id of its own"
        commits.append(CommitPlan(message, (*gone, FileEdit(path, text))))
    lines = "\n".join(f"- {commit.message}" for commit in commits)
    decision = judge(
        view,
        Proposal(
            Role.REGISTRAR,
            RENUMBER_BRANCH,
            tuple(commits),
            f"Renumber {len(commits)} task{'s' * (len(commits) != 1)}",
            view.templates.render("renumber-pull.md", changes=lines),
            "two files have the same id",
        ),
    )
    return Decision(decision.actions, (*notes, *decision.notes))


def _moved(path: str, old: str, new: str) -> str:
    """The file's path with the new id where its name carries the old one."""
    folder, _, name = path.rpartition("/")
    return f"{folder}/{name.replace(old, new, 1)}" if folder else name.replace(old, new, 1)
