"""Quoting: other people's words as Markdown that can do nothing.

Text of a task, a pull or a check is data. Shown in a comment, it must not become a link, a
mention, HTML, a table cell, a tick box or a marker of ours. What must never happen here: a
character that is let through because it is rare.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_GAP = "&#8203;"
"""A space of no width: forges link mentions and references after entities are resolved."""

_ESCAPES = {
    **{char: f"\\{char}" for char in "\\`*[]~|$"},
    "<": "&lt;",
    ">": "&gt;",
    "&": "&amp;",
    "@": f"@{_GAP}",
    "#": f"\\#{_GAP}",
}
_JOINERS = "\u200c\u200d"
_ATOM = re.compile(
    r"(?P<span>(?<!`)`[^`|<>]+`(?!`))"
    r"|(?P<link>://|www(?=\.))"
    r"|(?P<ref>GH-(?=\d))"
    r"|(?P<inner>(?<=[^\W_])_+(?=[^\W_]))"
    r"|(?P<outer>_)"
    r"|(?P<other>.)",
    re.IGNORECASE | re.DOTALL,
)
_LEADING = re.compile(r"^(?:([-+=])|(\d{1,9})([.)]))")


def one_line(text: str) -> str:
    """The text on one line, without control, bidirectional and unpaired surrogate characters."""
    return " ".join("".join(map(_visible, text)).split())


def plain(text: str, limit: int = 300) -> str:
    """One line of Markdown that shows the text as it is, at most `limit` characters long.

    Simple code spans stay: nothing within one is Markdown, a mention or a link.
    """
    words = one_line(text[: 4 * limit])
    atoms = [_atom(found) for found in _ATOM.finditer(words)]
    if (found := _LEADING.match(words)) and atoms:
        at = 0 if found.group(1) else len(found.group(2))
        atoms[at] = f"\\{atoms[at]}"
    return _cut(atoms, limit, len(text) > 4 * limit)


def code(text: str, limit: int = 200) -> str:
    """The text as a code span, or as `plain` where a code span couldn't hold it."""
    words = one_line(text[: limit + 1])
    if not words or re.search(r"[`|<>]", words):
        return plain(text, limit)
    return f"`{words}`" if len(text) <= limit else f"`{words[: limit - 1]}…`"


def _visible(char: str) -> str:
    match unicodedata.category(char):
        case "Cc" | "Zl" | "Zp":
            return " "
        case "Cf" if char not in _JOINERS:
            return ""
        case "Cs":
            return "\ufffd"
        case _:
            return char


def _atom(found: re.Match[str]) -> str:
    text = found.group()
    match found.lastgroup:
        case "span" | "inner":
            return text
        case "link":
            return f":{_GAP}//" if text == "://" else f"{text}{_GAP}"
        case "ref":
            return f"{text}{_GAP}"
        case "outer":
            return "\\_"
        case _:
            return _ESCAPES.get(text, text)


def _cut(atoms: list[str], limit: int, more: bool) -> str:
    """As many whole atoms as fit, so that no escape is ever cut in two."""
    if not more and sum(map(len, atoms)) <= limit:
        return "".join(atoms)
    kept, room = [], limit - 1
    for atom in atoms:
        room -= len(atom)
        if room < 0:
            break
        kept.append(atom)
    return "".join(kept).rstrip() + "…"


def few(names: Sequence[str], shown: int = 3) -> str:
    """Some names as code spans, and how many more there are."""
    listed = ", ".join(code(name, 80) for name in names[:shown])
    return f"{listed} and {len(names) - shown} more" if len(names) > shown else listed
