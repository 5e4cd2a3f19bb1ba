"""Setup: what `pmcodex init` proposes, the scaffold files that a project lacks, by pull."""

from __future__ import annotations

from pmcodex.core.actions import CommitPlan, Decision, Note, Role
from pmcodex.core.keys import INIT_BRANCH
from pmcodex.core.proposal import Proposal, judge, outdated
from pmcodex.core.view import View
from pmcodex.editing.hands import project_of
from pmcodex.scaffold import missing


def decide(view: View) -> Decision:
    """Propose the scaffold files that are not there. Nothing is ever overwritten."""
    edits = missing(project_of(view), view.templates, view.policy)
    if not edits:
        note = Note(Role.SETUP, "scaffold", "nothing is missing")
        return Decision(notes=(note, *outdated(view, Role.SETUP, INIT_BRANCH)))
    paths = [edit.path for edit in edits]
    return judge(
        view,
        Proposal(
            Role.SETUP,
            INIT_BRANCH,
            (CommitPlan("Add what pmcodex works with", edits),),
            "Set up pmcodex",
            view.templates.render("init-pull.md", files="\n".join(f"- `{path}`" for path in paths)),
            f"{len(paths)} files of the scaffold are missing",
        ),
    )
