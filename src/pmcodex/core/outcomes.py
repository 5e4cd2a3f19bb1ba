"""Outcomes of checks, held against the policy of today.

An outcome says how just that run line ended. Once the policy names another one, or none, it is
no fact about the pull any more. What must never happen here: an outcome that others recorded,
CI say, being dropped.
"""

from __future__ import annotations

from dataclasses import replace

from pmcodex.core import keys
from pmcodex.core.facts import Pull
from pmcodex.core.policy import CheckSpec, Policy


def spec_of(spec: CheckSpec) -> str:
    """The digest of a check's definition that its outcomes carry."""
    return keys.digest(spec.run, str(spec.timeout))


def in_force(pull: Pull, policy: Policy) -> Pull:
    """The pull without the outcomes of checks that the policy defines otherwise, or not at all."""
    specs = {name: spec_of(spec) for name, spec in policy.checks.items()}
    checks = tuple(
        check for check in pull.checks if not check.spec or specs.get(check.name) == check.spec
    )
    return pull if len(checks) == len(pull.checks) else replace(pull, checks=checks)
