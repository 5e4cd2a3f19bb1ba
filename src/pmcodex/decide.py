"""Decide: facts and policy in, actions out. Pure, and the same for every command and trigger.

What must never happen here: I/O, a clock, randomness.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from pmcodex.core.actions import Action, Decision, Role
from pmcodex.core.view import View
from pmcodex.roles import (
    checker,
    developer,
    integrator,
    planner,
    registrar,
    reviewer,
    setup,
    taskmaster,
)

ROLES: Mapping[Role, Callable[[View], Decision]] = {
    Role.INTEGRATOR: integrator.decide,
    Role.PLANNER: planner.decide,
    Role.TASKMASTER: taskmaster.decide,
    Role.DEVELOPER: developer.decide,
    Role.CHECKER: checker.decide,
    Role.REVIEWER: reviewer.decide,
}
"""Every role, in the order a round of all roles asks them."""


ON_DEMAND: Mapping[Role, Callable[[View], Decision]] = {
    Role.SETUP: setup.decide,
    Role.REGISTRAR: registrar.decide,
}
"""Roles that only a verb of their own asks: `init` and `doctor --renumber`."""

DECIDERS: Mapping[Role, Callable[[View], Decision]] = {**ROLES, **ON_DEMAND}


def decide(role: Role, view: View) -> Decision:
    """What one role wants done about what was seen: at most one action per task or branch."""
    decision = DECIDERS[role](view)
    seen: set[str] = set()
    actions: list[Action] = []
    for action in decision.actions:
        if action.key not in seen:
            seen.add(action.key)
            actions.append(action)
    return replace(decision, actions=tuple(actions))
