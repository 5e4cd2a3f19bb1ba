"""Decide: facts and policy in, actions out. Pure, and the same for every command and trigger.

What must never happen here: I/O, a clock, randomness.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from pmcodex.core.actions import Action, Decision, Propose, Role, WorkTask
from pmcodex.core.view import View
from pmcodex.roles import checker, developer, integrator, planner, reviewer, taskmaster

ROLES: Mapping[Role, Callable[[View], Decision]] = {
    Role.INTEGRATOR: integrator.decide,
    Role.PLANNER: planner.decide,
    Role.TASKMASTER: taskmaster.decide,
    Role.DEVELOPER: developer.decide,
    Role.CHECKER: checker.decide,
    Role.REVIEWER: reviewer.decide,
}
"""Every role, in the order a round of all roles asks them."""


def decide(role: Role, view: View) -> Decision:
    """What one role wants done about what was seen: at most one action per task or branch."""
    decision = ROLES[role](view)
    seen: set[str] = set()
    actions: list[Action] = []
    for action in decision.actions:
        if action.key not in seen:
            seen.add(action.key)
            actions.append(action)
    return replace(decision, actions=tuple(actions))


def concerns(action: Action) -> int:
    """The number of the pull an action is about, where it is known before the effect; else 0."""
    match action:
        case WorkTask() | Propose():
            return 0
        case _:
            return action.pull


