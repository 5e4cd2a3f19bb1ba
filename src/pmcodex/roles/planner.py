"""Planner: reads the PRD and keeps `docs/PLAN.md` in step with it, by pull."""

from __future__ import annotations

from pmcodex.core.actions import CommitPlan, Decision, FileEdit, Note, Role
from pmcodex.core.counting import counted
from pmcodex.core.keys import PLAN_BRANCH
from pmcodex.core.model import Milestone
from pmcodex.core.proposal import Proposal, judge, outdated
from pmcodex.core.view import View
from pmcodex.prd.reader import read_prd


def decide(view: View) -> Decision:
    """Propose the plan that the PRD on the default branch asks for."""
    policy = view.policy
    text = view.snapshot.files.get(policy.prd)
    if text is None:
        return _nothing(
            view, f"there is no {policy.prd}", "`pmcodex init` writes one to start from"
        )
    prd = read_prd(text)
    if not prd.milestones:
        return _nothing(
            view,
            f"{policy.prd} has no milestones with acceptance items",
            "head a section `### M1 - Title` and list items below `**Acceptance:**`",
        )
    plan = render_plan(view, prd.milestones)
    if view.snapshot.files.get(policy.plan) == plan:
        return Decision(notes=outdated(view, Role.PLANNER, PLAN_BRANCH))
    items = sum(len(milestone.acceptance) for milestone in prd.milestones)
    summary = f"{counted(len(prd.milestones), 'milestone')} and {counted(items, 'acceptance item')}"
    return judge(
        view,
        Proposal(
            Role.PLANNER,
            PLAN_BRANCH,
            (
                CommitPlan(
                    f"Bring {policy.plan} in step with {policy.prd}", (FileEdit(policy.plan, plan),)
                ),
            ),
            f"Plan: {summary}",
            view.templates.render(
                "plan-pull.md", prd=policy.prd, plan=policy.plan, summary=summary
            ),
            f"{policy.prd} holds {summary} that {policy.plan} does not show",
        ),
    )


def render_plan(view: View, milestones: tuple[Milestone, ...]) -> str:
    """The text of the plan: milestones, their items, and hints."""
    parts = [_section(milestone) for milestone in milestones]
    return view.templates.render("plan.md", prd=view.policy.prd, milestones="\n\n".join(parts))


def _section(milestone: Milestone) -> str:
    lines = [f"## {milestone.id}: {milestone.title}", ""]
    lines += [f"- {item.text} (`{item.key}`)" for item in milestone.acceptance]
    if not milestone.acceptance:
        lines.append("No acceptance items yet.")
    if milestone.hints:
        lines += ["", "Hints:", ""]
        lines += [f"- {hint}" for hint in milestone.hints]
    return "\n".join(lines)


def _nothing(view: View, message: str, hint: str) -> Decision:
    return Decision(notes=(Note(Role.PLANNER, view.policy.prd, message, hint),))
