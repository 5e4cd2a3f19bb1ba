"""Code owners: who must review, by the project's CODEOWNERS."""

from __future__ import annotations

from collections import defaultdict

from pmcodex.core.diffs import names_of
from pmcodex.core.owners import owners_of
from pmcodex.reviewing.change import Change, Remark

NAME = "codeowners"
WHY = "CODEOWNERS names who has to review these paths."

_SHOWN = 3


def look(change: Change) -> tuple[Remark, ...]:
    """One remark for each group of owners, naming some of their paths."""
    paths = {path: None for file in change.diff.files for path in names_of(file)}
    groups: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for path, owners in owners_of(change.codeowners, paths).items():
        if owners:
            groups[owners].append(path)
    return tuple(
        Remark(NAME, "low", f"{_these(paths)}: review by {' or '.join(owners)}")
        for owners, paths in groups.items()
    )


def _these(paths: list[str]) -> str:
    more = len(paths) - _SHOWN
    return ", ".join(paths[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
