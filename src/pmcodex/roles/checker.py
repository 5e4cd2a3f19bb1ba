"""Checker: runs the project's own checks on open pulls, as CI would, where no CI does.

Which checks there are is read from the default branch, never from the pull. What must never
happen here: a check chosen or worded by what a pull contains.
"""

from __future__ import annotations

from pmcodex.core.actions import Decision, Note, Role, RunCheck
from pmcodex.core.facts import CheckState, Pull, PullState
from pmcodex.core.keys import BOOKKEEPING_BRANCH, PLAN_BRANCH, TASKS_BRANCH
from pmcodex.core.view import View

_PAPER = (TASKS_BRANCH, BOOKKEEPING_BRANCH, PLAN_BRANCH)


def decide(view: View) -> Decision:
    """A run for every check of the policy that has no outcome on an open pull's head yet.

    What has an outcome is run anew only where that is asked for, or the policy redefined it.
    Pulls that hold nothing but task files, statuses or the plan are checked only when named.
    """
    if not view.policy.checks:
        hint = "add `checks:` to .llm-team.yml, for example `pytest: python -m pytest -q`"
        note = Note(Role.CHECKER, ".llm-team.yml", "it names no checks", hint)
        return Decision(notes=(note,))
    return Decision(
        tuple(
            RunCheck(pull.number, pull.head_sha, name, _reason(view, pull, name))
            for pull in view.snapshot.pulls
            if pull.state is PullState.OPEN and pull.head_sha
            if view.only_pull == pull.number or (not view.only_pull and pull.head not in _PAPER)
            for name in view.policy.checks
            if view.again or not _has_outcome(pull, name)
        )
    )


def _reason(view: View, pull: Pull, name: str) -> str:
    if view.again:
        return f"{name} is wanted anew on {pull.head}"
    return f"{name} has no outcome on {pull.head} yet"


def _has_outcome(pull: Pull, name: str) -> bool:
    return any(
        check.name == name and check.state is not CheckState.PENDING for check in pull.checks
    )
