"""Report: what a check printed, as a line and its first findings.

The tools are known by what they print, since a check named `test` may well run three of them.
Output is project code's own words: data to be cut and shown. What must never happen here: output
that turns a failed exit code green, or work that grows faster than the output.
"""

from __future__ import annotations

import re
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from pmcodex.core.facts import Check, CheckState
from pmcodex.core.policy import Thresholds

MOST_DETAILS = 10
"""How many findings are kept of one check."""

_LONGEST = 300
_LONGEST_LINE = 2000
_NO_TESTS = 5

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_UNPRINTABLE = re.compile(
    r"[^\S\n\t ]|[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069]"
)

_TROUBLE = re.compile(r"^(?:\S+: )?(?:error|fatal)\b", re.IGNORECASE)

_COUNT = r"\d+ (?:passed|failed|errors?|skipped|deselected|xfailed|xpassed|warnings?|rerun)"
_PYTEST = re.compile(rf"^=*\s*((?:{_COUNT}|no tests ran)(?:, {_COUNT})* in [\d.]+s)\b[^=]*=*$")
_BANNER = re.compile(r"^={3,} .* ={3,}$")
_FAILURE = re.compile(r"^_{3,} (.+?) _{3,}$")
_CAPTURED = re.compile(r"^-{3,} Captured ")
_PLACE = re.compile(r"^([^\s:][^:]*\.\w+):(\d+):(?: (.*))?$")
_SHORT = re.compile(r"^(?:FAILED|ERROR) (\S+?)(?:::(.+?))?(?: - (.*))?$")
_COVERAGE = re.compile(r"^TOTAL\s.*?(\d+(?:\.\d+)?)%")
_FAIL_UNDER = re.compile(r"^(?:FAIL |ERROR: )?(Required test coverage of .*|Coverage failure: .*)$")

_CODE = r"(?:[A-Z]{1,6}\d{2,4}|invalid-syntax)"
_RUFF_LINE = re.compile(rf"^(?:::error [^:]*::)?([^\s:][^:]*):(\d+):\d+: ({_CODE}):? (.+)$")
_RUFF_HEAD = re.compile(rf"^({_CODE}):? (.+)$")
_RUFF_PLACE = re.compile(r"^\s*--> (.+?):(\d+):\d+$")
_RUFF_COUNT = re.compile(r"^Found (\d+) errors?(?: \(.*\))?\.$")
_FORMAT = re.compile(r"^(\d+ files? would be reformatted)\b")
_FIXABLE = re.compile(r"^\[[*-]\] ")

_MYPY_LINE = re.compile(r"^([^\s:][^:]*):(\d+)(?::\d+)*: error: (.+)$")
_MYPY = re.compile(r"^(Found \d+ errors? in \d+ files?|Success: no issues found in \d+ .*files?)\b")


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one tool's share of the output says. No summary: the tool wasn't there."""

    summary: str = ""
    details: tuple[str, ...] = ()


def read_report(name: str, code: int, output: str, *, timed_out: bool) -> Check:
    """How a check ended, from its exit code (negative: a signal) and what it printed.

    It succeeded if the code is 0 and it wasn't cut off, whatever the output says. `summary` is
    one line; `details` are at most ten findings as "path:line: message".
    """
    lines = [_clean(line) for line in output.split("\n")]
    seen = [found for found in (_pytest(lines), _ruff(lines), _mypy(lines)) if found.summary]
    parts = [found.summary for found in seen]
    details = [line for found in seen for line in found.details]
    parts += _coverage(lines)
    succeeded = code == 0 and not timed_out
    empty = code == _NO_TESTS and any("no tests ran" in p or "deselected" in p for p in parts)
    if not parts and (last := _last_words(lines)):
        parts = [last]
    if timed_out:
        parts.insert(0, "ran out of time")
    elif code < 0:
        parts.insert(0, f"ended by {_signal_name(-code)}")
    elif empty:
        parts = ["no tests ran: pytest found none to run", *parts[1:]]
    elif not succeeded and not details:
        parts.append(f"exit code {code}")
    if not succeeded and not details and not empty:
        trouble = [line for line in lines if _TROUBLE.match(line)]
        details = trouble[:3] or [line for line in lines if line.strip()][-3:]
    return Check(
        name=name,
        state=CheckState.SUCCESS if succeeded else CheckState.FAILURE,
        summary=_cut("; ".join(parts) or "said nothing"),
        details=() if succeeded else tuple(_cut(line) for line in details[:MOST_DETAILS]),
    )


def threshold_findings(check: Check, thresholds: Thresholds) -> tuple[str, ...]:
    """Where the numbers in a check's summary break the policy's thresholds, a sentence each."""
    found = []
    for number in _numbers(r"coverage (\d+(?:\.\d+)?)%", check):
        if thresholds.coverage is not None and number < thresholds.coverage:
            found.append(f"coverage is {number:g}%, the policy asks for {thresholds.coverage:g}%")
    for number in _numbers(r"ruff: (\d+) findings?", check):
        if thresholds.ruff is not None and number > thresholds.ruff:
            found.append(f"ruff has {number:g} findings, the policy allows {thresholds.ruff}")
    for number in _numbers(r"Found (\d+) errors? in \d+ files?", check):
        if thresholds.mypy is not None and number > thresholds.mypy:
            found.append(f"mypy has {number:g} errors, the policy allows {thresholds.mypy}")
    return tuple(found)


def _numbers(pattern: str, check: Check) -> list[float]:
    return [float(text) for text in re.findall(pattern, check.summary)]


# --- words ---------------------------------------------------------------------------------


def _clean(line: str) -> str:
    """A line as a terminal would leave it: no colours, and what a carriage return wrote over."""
    plain = _ANSI.sub("", line[:_LONGEST_LINE].rstrip("\r").rpartition("\r")[2])
    return _UNPRINTABLE.sub("", plain).rstrip()


def _cut(line: str) -> str:
    line = line.strip()
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 3]}..."


def _last_words(lines: list[str]) -> str:
    """The last line that says something: not a rule, not a marker under a line of code."""
    meaningful = (line for line in reversed(lines) if any(c.isalnum() for c in line))
    return _cut(next(meaningful, ""))


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


# --- pytest and coverage -------------------------------------------------------------------


def _pytest(lines: list[str]) -> _Seen:
    ends = [match[1] for match in map(_PYTEST.match, lines) if match]
    if not ends:
        return _Seen()
    details = list(_failures(lines)) or list(_short_summary(lines))
    return _Seen(ends[-1], tuple(dict.fromkeys(details)))


def _failures(lines: list[str]) -> Iterator[str]:
    """One line per failure: where it came up, and what the first line of the assertion says."""
    place = said = title = ""
    reading = False
    for line in [*lines, "=== end ==="]:
        if (head := _FAILURE.match(line)) or _BANNER.match(line):
            if place:
                yield f"{place}: {said or title}"
            place, said, title = "", "", head[1] if head else ""
            reading = head is not None
        elif _CAPTURED.match(line):
            reading = False
        elif reading and line.startswith("E  "):
            said = said or line[1:].strip()
        elif reading and (found := _PLACE.match(line)) and not _is_library(found[1]):
            place = f"{found[1]}:{found[2]}"


def _is_library(path: str) -> bool:
    return "site-packages/" in path or "/lib/python" in path


def _short_summary(lines: list[str]) -> Iterator[str]:
    for line in lines:
        if found := _SHORT.match(line):
            path, test, said = found.groups()
            yield ": ".join(word for word in (path, test, said) if word)


def _coverage(lines: list[str]) -> list[str]:
    totals = [match[1] for match in map(_COVERAGE.match, lines) if match]
    missed = [match[1] for match in map(_FAIL_UNDER.match, lines) if match]
    return [*(f"coverage {percent}%" for percent in totals[-1:]), *missed[-1:]]


# --- ruff and mypy -------------------------------------------------------------------------


def _ruff(lines: list[str]) -> _Seen:
    findings = list(_ruff_findings(lines))
    counts = [int(match[1]) for match in map(_RUFF_COUNT.match, lines) if match]
    formats = [match[1] for match in map(_FORMAT.match, lines) if match]
    details = [f"{place}: {code} {said}" for place, code, said in findings]
    parts = []
    if findings or counts:
        number = max(len(findings), sum(counts))
        codes = ", ".join(f"{c} x{n}" for c, n in Counter(f[1] for f in findings).most_common(8))
        parts.append(f"ruff: {number} finding{'s' * (number != 1)}{f' ({codes})' * bool(codes)}")
    elif "All checks passed!" in lines:
        parts.append("ruff: 0 findings")
    if formats:
        parts.append(f"ruff format: {formats[-1]}")
        details += [
            f"{found[1]}:{found[2]}: would be reformatted"
            for before, line in pairwise(lines)
            if before.startswith("unformatted: ") and (found := _RUFF_PLACE.match(line))
        ]
        details += [f"{line[17:]}:1: would be reformatted" for line in lines
                    if line.startswith("Would reformat: ")]  # fmt: skip
    return _Seen("; ".join(parts), tuple(details))


def _ruff_findings(lines: list[str]) -> Iterator[tuple[str, str, str]]:
    """Place, code and message, from the concise and the full format alike."""
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if found := _RUFF_LINE.match(line):
            path, number, code, said = found.groups()
            yield f"{path}:{number}", code, _FIXABLE.sub("", said.partition("%0A")[0])
        elif (found := _RUFF_HEAD.match(line)) and (place := _RUFF_PLACE.match(following)):
            yield f"{place[1]}:{place[2]}", found[1], _FIXABLE.sub("", found[2])


def _mypy(lines: list[str]) -> _Seen:
    ends = [match[1] for match in map(_MYPY.match, lines) if match]
    found = [match for match in map(_MYPY_LINE.match, lines) if match]
    if not ends:
        return _Seen()
    return _Seen(f"mypy: {ends[-1]}", tuple(f"{m[1]}:{m[2]}: {m[3]}" for m in found))
