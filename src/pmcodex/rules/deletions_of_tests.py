"""Deletions of tests: a green run that is green because less is asked."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pmcodex.core.diffs import added_lines, is_deleted, names_of, removed_lines
from pmcodex.core.facts import FileDiff
from pmcodex.reviewing.change import Change, Remark, spot
from pmcodex.reviewing.kinds import is_code, is_test

NAME = "deletions-of-tests"
WHY = "Checks that pass because a test is gone or skipped prove nothing."

_TEST = re.compile(
    r"^\s*(?:async\s+)?(?:def\s+test_?\w*|func\s+Test\w*|(?:it|test)\s*\(|#\[(?:\w+::)?test\]|@Test\b)"
)
_ASSERT = re.compile(
    r"\b(?:assert\w*!?|expect|should|must|pytest\.(?:raises|warns))\b|\bself\.(?:assert|fail)\w*"
    r"|\bt\.(?:Error|Fatal)f?\b"
)
_SKIP = re.compile(
    r"@?\b(?:pytest\.mark\.(?:skip|skipif|xfail)|pytest\.(?:skip|xfail)|unittest\.skip\w*"
    r"|(?:it|test|describe)\.(?:skip|todo)|x(?:it|describe)\(|t\.Skip(?:Now|f)?\b)"
    r"|#\[ignore\]|@(?:Disabled|Ignore)\b"
)


def look(change: Change) -> tuple[Remark, ...]:
    """Remarks for deleted test files, fewer tests or assertions in all, and new skips."""
    tests = [file for file in change.diff.files if _holds_tests(file)]
    gone = tuple(
        Remark(NAME, "high", "test file deleted", file.path) for file in tests if is_deleted(file)
    )
    kept = [file for file in tests if not is_deleted(file)]
    skips = tuple(
        Remark(NAME, "medium", "a test is skipped", spot(file.path, number))
        for file in kept
        for number, line in added_lines(file)
        if _SKIP.search(line[:1000])
    )
    return gone + _fewer(kept) + skips


def _holds_tests(file: FileDiff) -> bool:
    """A file moved out of the tests is one of them too."""
    return any(is_test(path) and (is_code(path) or _is_script(path)) for path in names_of(file))


def _is_script(path: str) -> bool:
    """Test data may come and go; what runs may not."""
    return not path.endswith((".json", ".yml", ".yaml", ".md", ".txt", ".toml", ".csv", ".html"))


def _fewer(files: list[FileDiff]) -> tuple[Remark, ...]:
    """Counted over all files together, so that a test that moved is no loss."""
    removed = [line for file in files for _, line in removed_lines(file)]
    added = [line for file in files for _, line in added_lines(file)]
    said = []
    for pattern, thing in ((_TEST, "test"), (_ASSERT, "assertion")):
        lost = _count(pattern, removed) - _count(pattern, added)
        if lost > 0:
            said.append(f"{lost} {thing}{'s' * (lost != 1)} fewer than before")
    return tuple(Remark(NAME, "medium", message) for message in said)


def _count(pattern: re.Pattern[str], lines: Iterable[str]) -> int:
    return sum(1 for line in lines if pattern.search(line[:1000]))
