"""Decide: facts and policy in, actions out. Pure, and the same for every command and trigger.

A role is loaded when it is asked, since most commands ask one. What must never happen here: I/O,
a clock, randomness.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import assert_never

from pmcodex.core.actions import Action, Decision, Role
from pmcodex.core.view import View


def decide(role: Role, view: View) -> Decision:
    """What one role wants done about what was seen: at most one action per natural key."""
    decision = _decider(role)(view)
    first: dict[str, Action] = {}
    for action in decision.actions:
        first.setdefault(action.key, action)
    return replace(decision, actions=tuple(first.values()))


def _decider(role: Role) -> Callable[[View], Decision]:
    match role:
        case Role.INTEGRATOR:
            from pmcodex.roles import integrator

            return integrator.decide
        case Role.PLANNER:
            from pmcodex.roles import planner

            return planner.decide
        case Role.TASKMASTER:
            from pmcodex.roles import taskmaster

            return taskmaster.decide
        case Role.DEVELOPER:
            from pmcodex.roles import developer

            return developer.decide
        case Role.CHECKER:
            from pmcodex.roles import checker

            return checker.decide
        case Role.REVIEWER:
            from pmcodex.roles import reviewer

            return reviewer.decide
        case Role.SETUP:
            from pmcodex.roles import setup

            return setup.decide
        case Role.REGISTRAR:
            from pmcodex.roles import registrar

            return registrar.decide
        case _ as never:
            assert_never(never)
