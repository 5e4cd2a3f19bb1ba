"""Secrets: tokens, keys and passwords on lines that a change adds.

detect-secrets' own detectors are asked line by line, in this process. What must never happen
here: a secret repeated in a remark, a look at the network to see whether a secret works, or a
change of the library's global settings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING

from pmcodex.core.diffs import added_lines
from pmcodex.core.facts import FileDiff
from pmcodex.reviewing.change import Change, Level, Remark, spot

if TYPE_CHECKING:
    from detect_secrets.plugins.base import BasePlugin

NAME = "secrets"
WHY = "A secret in git stays in its history; it has to be revoked, not removed."

_LINES = 20_000
_WINDOW, _OVERLAP = 2_000, 200
_NOT_SECRET = frozenset({"IPPublicDetector"})
_IN_WORDS = {
    "Secret Keyword": "named like a password or key",
    "Hex High Entropy String": "random hex digits",
    "Base64 High Entropy String": "random letters and digits",
}


def look(change: Change) -> tuple[Remark, ...]:
    """A remark for each added line that holds what looks like a secret: its place and kind.

    High for tokens of a known shape, medium for guesses by name or entropy, low for lines that
    say themselves that they hold no secret (`pragma: allowlist secret`).
    """
    from detect_secrets.filters.heuristic import is_lock_file

    said: list[Remark] = []
    left = _LINES
    for file in change.diff.files:
        if not file.added or is_lock_file(file.path):
            continue
        if file.added > left:
            said.append(Remark(NAME, "medium", "too large to be searched for secrets", file.path))
            continue
        left -= file.added
        said += _in_file(file)
    return tuple(said)


def _in_file(file: FileDiff) -> Iterator[Remark]:
    from detect_secrets.filters.allowlist import is_line_allowlisted
    from detect_secrets.util.code_snippet import CodeSnippet

    before = ""
    for number, line in added_lines(file):
        kinds = sorted(set(_kinds(file.path, line)))
        if kinds:
            snippet = CodeSnippet([before, line], 0, 1)
            waived = is_line_allowlisted(file.path, line, snippet)
            yield _remark(spot(file.path, number), kinds, waived=waived)
        before = line


def _remark(where: str, kinds: list[tuple[str, bool]], *, waived: bool) -> Remark:
    names = ", ".join(dict.fromkeys(_IN_WORDS.get(name, name) for name, _ in kinds))
    level: Level = "high" if any(certain for _, certain in kinds) else "medium"
    if waived:
        return Remark(NAME, "low", f"marked as no secret: {names}", where)
    return Remark(NAME, level, f"looks like a secret: {names}", where)


def _kinds(path: str, line: str) -> Iterator[tuple[str, bool]]:
    """The kinds of secret a line seems to hold, and whether their shape leaves little doubt."""
    from detect_secrets.plugins.base import RegexBasedDetector

    for window in _windows(line):
        for detector in _detectors():
            certain = isinstance(detector, RegexBasedDetector)
            for found in detector.analyze_line(filename=path, line=window):
                secret = found.secret_value or ""
                if not _harmless(secret, window, certain=certain):
                    yield detector.secret_type, certain


def _windows(line: str) -> Iterator[str]:
    """A long line in pieces that overlap: the detectors' time must not run away on one line."""
    for start in range(0, max(len(line) - _OVERLAP, 1), _WINDOW - _OVERLAP):
        yield line[start : start + _WINDOW]


def _harmless(secret: str, line: str, *, certain: bool) -> bool:
    """The library's own heuristics against false alarms; the bolder ones for guesses alone."""
    from detect_secrets.filters import heuristic as h

    if h.is_templated_secret(secret) or h.is_prefixed_with_dollar_sign(secret):
        return True
    if certain:
        return False
    return bool(
        h.is_sequential_string(secret)
        or h.is_potential_uuid(secret)
        or h.is_likely_id_string(secret, line)
        or h.is_indirect_reference(line[:1000])
        or h.is_not_alphanumeric_string(secret)
    )


@cache
def _detectors() -> tuple[BasePlugin, ...]:
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class

    known: Mapping[str, type[BasePlugin]] = get_mapping_from_secret_type_to_class()
    return tuple(known[kind]() for kind in sorted(known) if known[kind].__name__ not in _NOT_SECRET)
