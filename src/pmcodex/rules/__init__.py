"""Risk rules: one reason for care per module, all of the same shape.

Adding a rule is one file here and one line in `RULES`. What must never happen here: a rule that
decides, does anything, or knows of another rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from pmcodex.reviewing.change import LEVELS, Change, Remark
from pmcodex.rules import (
    binary_files,
    codeowners,
    deletions_of_tests,
    dependency_files,
    file_modes,
    no_test_changed,
    protected_paths,
    secrets,
    size,
    task_files,
    workflow_changes,
)


class Rule(Protocol):
    """One rule. `NAME` is also its switch in the policy's `rules`, `WHY` a sentence for people."""

    @property
    def NAME(self) -> str: ...

    @property
    def WHY(self) -> str: ...

    def look(self, change: Change) -> tuple[Remark, ...]:
        """What this rule has to say of a change; nothing is the usual answer."""
        ...


RULES: tuple[Rule, ...] = (
    secrets,
    protected_paths,
    workflow_changes,
    deletions_of_tests,
    size,
    no_test_changed,
    dependency_files,
    binary_files,
    codeowners,
    task_files,
    file_modes,
)

REASONS: Mapping[str, str] = {rule.NAME: rule.WHY for rule in RULES}
"""Every rule's name and why it looks."""


def remarks_on(change: Change) -> tuple[Remark, ...]:
    """What every rule that the policy leaves on has to say, the gravest first."""
    said = [
        remark
        for rule in RULES
        if change.policy.rules.get(rule.NAME, True)
        for remark in rule.look(change)
    ]
    return tuple(sorted(said, key=lambda remark: LEVELS.index(remark.level)))
