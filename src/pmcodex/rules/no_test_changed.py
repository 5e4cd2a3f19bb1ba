"""No test changed: code that does something new while no test says so."""

from __future__ import annotations

import re

from pmcodex.core.diffs import added_lines
from pmcodex.core.facts import FileDiff
from pmcodex.reviewing.change import Change, Remark
from pmcodex.reviewing.kinds import is_code, is_test

NAME = "no-test-changed"
WHY = "New behaviour that no test holds is lost unnoticed."

_SHOWN = 3
_INLINE_TEST = re.compile(r"^\s*(?:#\[(?:\w+::)?test\]|#\[cfg\(test\)\]|>>> )")


def look(change: Change) -> tuple[Remark, ...]:
    """One remark where code gained lines and no test did. Docs and CI alone are exempt."""
    grown = [file for file in change.diff.files if file.added]
    code = [file.path for file in grown if is_code(file.path)]
    if not code or any(is_test(file.path) or _tests_itself(file) for file in grown):
        return ()
    more = len(code) - _SHOWN
    names = ", ".join(code[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
    return (Remark(NAME, "medium", f"code changed without any test: {names}"),)


def _tests_itself(file: FileDiff) -> bool:
    """Tests that live in the code: Rust's test modules, Python's doctests."""
    return is_code(file.path) and any(_INLINE_TEST.match(line) for _, line in added_lines(file))
