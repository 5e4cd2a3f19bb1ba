"""Protected paths: files that the policy wants touched by people alone."""

from __future__ import annotations

from pmcodex.core.diffs import names_of
from pmcodex.core.paths import is_protected
from pmcodex.reviewing.change import Change, Remark

NAME = "protected-paths"
WHY = "The project's policy protects these paths; a person has to want the change."


def look(change: Change) -> tuple[Remark, ...]:
    """A remark per protected path, also where a file was moved away from one."""
    patterns = change.policy.protected_paths
    return tuple(
        Remark(NAME, "high", "is protected by the policy", path)
        for file in change.diff.files
        for path in names_of(file)
        if is_protected(path, patterns)
    )
