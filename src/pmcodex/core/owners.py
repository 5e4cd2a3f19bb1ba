"""Owners: who CODEOWNERS says must review which path. The last pattern that fits decides.

What must never happen here: one bad line that hides the owners of every other path.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
"""Where forges look for the file; the first that is there counts."""

_COMMENT = re.compile(r"(?:^|\s)#.*$")


def codeowners_text(files: Mapping[str, str]) -> str:
    """The project's CODEOWNERS out of its files' texts, or an empty string."""
    return next((files[place] for place in PLACES if place in files), "")


def owners_of(codeowners: str, paths: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """Each path's owners as they are written ("@ada", "@org/team", "ada@example.org").

    A path nobody owns maps to an empty tuple. Lines that no forge could read are passed over.
    """
    from codeowners import CodeOwners

    owners = CodeOwners("\n".join(_readable(codeowners)))
    return {path: tuple(name for _, name in owners.of(path)) for path in paths}


def _readable(codeowners: str) -> Iterable[str]:
    from codeowners import path_to_regex

    for line in codeowners.splitlines():
        words = _COMMENT.sub("", line).replace("\\ ", "x").split()
        if not words:
            continue
        try:
            path_to_regex(words[0])
        except (ValueError, re.error):
            continue
        yield _COMMENT.sub("", line)
