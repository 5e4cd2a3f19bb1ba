"""What the headings and labels of a PRD say: a milestone, a plan of them, acceptance, scope.

These are patterns over plain words, after Markdown has been parsed. What must never happen here:
a look at Markdown's own marks.
"""

from __future__ import annotations

import re
from enum import Enum, auto

from pmcodex.core.markdown import Line

_NUMBERED = r"^\W*(?:\d+(?:\.\d+)*[.)]?\s+)?"
_ID = re.compile(
    _NUMBERED + r"(?:(?P<id>m\d+(?:\.\d+)*)|(?:milestone|phase|stage|sprint|iteration)"
    r"(?:\s*\#?\s*m?(?P<number>\d+(?:\.\d+)*)|\s+(?P<mark>[ivx]+|[a-z])|\s*(?=:)))"
    r"(?=$|[\s:.,)\]|(–—-])(?P<title>.*)$",
    re.IGNORECASE,
)
_PLAN = re.compile(r"\b(milestones?|roadmap|phases|(delivery|release|implementation) plan)\b", re.I)

_ROMAN = {"I": "1", "II": "2", "III": "3", "IV": "4", "V": "5", "VI": "6", "VII": "7", "VIII": "8"}


class Kind(Enum):
    """What a heading or a label says about the words below it."""

    PLAIN = auto()
    PLAN = auto()
    MILESTONE = auto()
    ACCEPTANCE = auto()
    SCOPE = auto()
    ASIDE = auto()


_NAMES = (
    (Kind.ACCEPTANCE, r"acceptance|definition of done|done when|exit criteria|success criteria"),
    (Kind.ASIDE, r"out of scope|not in scope|non-?goals|risks?|notes?|open questions|timeline"),
    (Kind.ASIDE, r"dependenc(y|ies)|assumptions?|owners?|status|due|dates?|estimate|rationale"),
    (Kind.SCOPE, r"(in[ -])?scope|deliverables|goals?|tasks|features|includes"),
)
_KNOWN = [(kind, re.compile(_NUMBERED + f"({words})\\b", re.I)) for kind, words in _NAMES]
_BARE = re.compile(r"acceptance( criteria| tests)?|definition of done|done when", re.IGNORECASE)
_LABEL = re.compile(r"^([^:]{1,60}):(?:\s+|$)(.*)$")


def milestone_name(text: str) -> tuple[str, str] | None:
    """The id ("M2", or empty where only the position tells) and title that a milestone's heading
    gives; None where it is the heading of something else."""
    found = _ID.match(text)
    if not found:
        return None
    number = found["id"] or found["number"] or _ROMAN.get((found["mark"] or "").upper())
    title = found["title"].lstrip(" \t:.,)]|–—-").rstrip(" \t:|–—-")
    if title.startswith("(") and title.endswith(")"):
        title = title[1:-1]
    return f"M{number.lower().removeprefix('m')}" if number else "", title


def names_plan(text: str) -> bool:
    """Whether a heading's words say that milestones follow below it."""
    return bool(_PLAN.search(text))


def kind_of(name: str) -> Kind:
    """What a heading's or a label's name says: acceptance, scope, aside, or nothing."""
    return next((kind for kind, pattern in _KNOWN if pattern.match(name)), Kind.PLAIN)


def read_label(line: Line, *, nested: bool) -> tuple[Kind, str] | None:
    """The label a line begins with and what follows it, if it begins with one.

    Bold words before a colon are a label (inside a list only known ones, elsewhere an unknown one
    is an aside); plain words are one only where they are known.
    """
    rest = line.text[len(line.lead) :].lstrip() if line.lead else ""
    name = line.lead.rstrip(": ")
    marked = bool(name) and (line.lead.endswith(":") or rest[:1] in (":", "–", "—", "-"))
    if marked or (name and not rest and kind_of(name) is not Kind.PLAIN):
        kind = kind_of(name)
        if kind is not Kind.PLAIN:
            return kind, rest.lstrip(":–—- ")
        return None if nested else (Kind.ASIDE, rest)
    if _BARE.fullmatch(line.text):
        return Kind.ACCEPTANCE, ""
    found = _LABEL.match(line.text)
    if found and (kind := kind_of(found[1])) is not Kind.PLAIN:
        return kind, found[2]
    return None
