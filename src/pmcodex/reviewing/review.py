"""Review: what the Reviewer has to say of one pull, and that as the text of a comment.

Whoever fills a `Sheet` gives plain facts; every word of others is quoted here, so that no task,
pull or check can write Markdown of its own. What must never happen here: a ticked box, or a
comment longer than forges take.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby

from pmcodex.core.facts import Check, CheckState
from pmcodex.core.templates import Templates
from pmcodex.reviewing.change import Remark
from pmcodex.reviewing.quoting import code, plain

_ITEMS, _ROWS, _FINDINGS, _PER_CHECK, _REMARKS, _PER_RULE, _FILES = 30, 20, 20, 5, 40, 8, 30
_GAPS = re.compile(r"\n{3,}")

_OUTCOMES = {
    CheckState.SUCCESS: "✅ passed",
    CheckState.FAILURE: "❌ failed",
    CheckState.PENDING: "⏳ running",
    CheckState.SKIPPED: "➖ skipped",
}


class Mark(StrEnum):
    """How one point of a review stands."""

    GOOD = "✅"
    CARE = "⚠️"
    WAIT = "⏳"
    HUMAN = "☐"


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a review. `seen` is Markdown on one line, others' words in it quoted."""

    name: str
    mark: Mark
    seen: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a pull and a few words on it, both plain."""

    path: str
    said: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """All a review says. `missing` are checks that have not run, `misses` findings by check
    name that break the policy's thresholds, `reasons` why each rule looks, `labels` plain words
    that follow the verdict.
    """

    points: tuple[Point, ...]
    labels: tuple[str, ...] = ()
    acceptance: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    missing: tuple[str, ...] = ()
    misses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    files: tuple[Entry, ...] = ()
    remarks: tuple[Remark, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """The review in a few words: attention first, then waiting, then ready."""
        care = sum(point.mark is Mark.CARE for point in self.points)
        if care:
            return f"Needs attention: {care} of {len(self.points)}"
        if any(point.mark is Mark.WAIT for point in self.points):
            return "Waiting for checks"
        return "Looks ready for a human"


def render(sheet: Sheet, templates: Templates, rubric: str) -> str:
    """The comment's text without its marker, below 60,000 characters."""
    text = templates.render(
        "review.md",
        verdict=" · ".join((sheet.verdict, *(plain(label, 60) for label in sheet.labels))),
        points=_points(sheet.points),
        acceptance=_acceptance(sheet.acceptance),
        checks=_checks(sheet),
        files=_files(sheet.files),
        risk=_risk(sheet),
        rubric=rubric,
    )
    return _GAPS.sub("\n\n", text).strip() + "\n"


def _points(points: Iterable[Point]) -> str:
    rows = [f"| {point.mark} | {point.name} | {point.seen} |" for point in points]
    return "\n".join(["| | Point | Seen |", "|---|---|---|", *rows])


def _acceptance(items: Sequence[str]) -> str:
    if not items:
        return ""
    lines = [f"- [ ] {plain(item, 500)}" for item in items[:_ITEMS]]
    lines += _more(len(items) - _ITEMS, "in the task's file")
    return "\n".join(["**Acceptance** (for the human to tick)", "", *lines])


def _checks(sheet: Sheet) -> str:
    rows = [
        f"| {code(check.name, 80)} | {_outcome(check, sheet)} | {plain(check.summary, 160)} |"
        for check in sheet.checks[:_ROWS]
    ]
    rows += [f"| {code(name, 80)} | ⏳ not run yet | |" for name in sheet.missing[:_ROWS]]
    if not rows:
        return ""
    hidden = max(len(sheet.checks) - _ROWS, 0) + max(len(sheet.missing) - _ROWS, 0)
    table = ["| Check | Outcome | Summary |", "|---|---|---|", *rows]
    if hidden:
        table += ["", f"and {hidden} more checks"]
    findings = _findings(sheet)
    return "\n".join(table + (["", "First findings:", "", *findings] if findings else []))


def _outcome(check: Check, sheet: Sheet) -> str:
    if check.state is CheckState.SUCCESS and sheet.misses.get(check.name):
        return "⚠️ passed, but misses a threshold"
    return _OUTCOMES[check.state]


def _findings(sheet: Sheet) -> list[str]:
    lines = []
    for check in sheet.checks[:_ROWS]:
        shown = sheet.misses.get(check.name, ())
        if check.state is CheckState.FAILURE:
            shown += check.details
        name = code(check.name, 80)
        lines += [f"- {name}: {plain(line, 240)}" for line in shown[:_PER_CHECK]]
    return lines[:_FINDINGS] + _more(len(lines) - _FINDINGS, "in the checks' own output")


def _files(files: Sequence[Entry]) -> str:
    if not files:
        return ""
    lines = [
        f"- {code(entry.path, 120)}" + (f": {plain(entry.said, 120)}" if entry.said else "")
        for entry in files[:_FILES]
    ]
    return "\n".join(["**Files**", "", *lines, *_more(len(files) - _FILES, "files")])


def _risk(sheet: Sheet) -> str:
    """Remarks by rule, the gravest first; each rule says once why it looks."""
    if not sheet.remarks:
        return ""
    lines = ["**Risk**", ""]
    shown = sheet.remarks[:_REMARKS]
    for (level, rule), group in groupby(shown, key=lambda remark: (remark.level, remark.rule)):
        remarks = list(group)
        lines.append(f"- **{level}**, {rule}: {sheet.reasons.get(rule, '')}".rstrip())
        lines += [f"  - {_said(remark)}" for remark in remarks[:_PER_RULE]]
        lines += [f"  {line}" for line in _more(len(remarks) - _PER_RULE, "of this kind")]
    return "\n".join(lines + _more(len(sheet.remarks) - len(shown), "remarks"))


def _said(remark: Remark) -> str:
    message = plain(remark.message, 220)
    return f"{code(remark.where, 120)} {message}" if remark.where else message


def _more(count: int, where: str) -> list[str]:
    return [f"- and {count} more {where}"] if count > 0 else []
