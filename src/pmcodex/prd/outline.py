"""A PRD's blocks as drafts of milestones: whose each block is, and what it counts as.

What must never happen here: an acceptance item that stands under no acceptance heading, label or
column (boxes to tick are the one stand-in), or one that comes from code, a comment or a quote.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from pmcodex.core.markdown import Block, Line, plain
from pmcodex.prd.labels import Kind, kind_of, milestone_name, names_plan, read_label

_CHECKBOX = re.compile(r"^\[[ xX]?\](?:\s+|$)")
_BULLET = re.compile(r"^[•●▪‣–-]\s+")
_LISTS = ("bullet_list", "ordered_list")
_TOLD = (Kind.ACCEPTANCE, Kind.SCOPE, Kind.ASIDE)

Words = tuple[str, int]
"""Plain words and the line they stand on."""


@dataclass(slots=True)
class Draft:
    """A milestone while it is read. `sure` says that it counts even without acceptance items."""

    id: str
    title: str
    line: int
    sure: bool = False
    items: list[Words] = field(default_factory=list)
    prose: list[Words] = field(default_factory=list)
    boxes: list[Words] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)

    @property
    def acceptance(self) -> list[Words]:
        """Items; else prose below an acceptance heading; else the boxes to tick."""
        return self.items or self.prose or self.boxes


@dataclass(frozen=True, slots=True)
class _Mode:
    """What the next block counts as. `base` is what its heading says, `kind` what a label made
    of it; `listed` says that the label has had its list, `nested` that we are inside a list."""

    kind: Kind = Kind.PLAIN
    base: Kind = Kind.PLAIN
    listed: bool = False
    nested: bool = False

    def labelled(self, kind: Kind) -> _Mode:
        return replace(self, kind=kind, listed=False)

    def ended(self) -> _Mode:
        return replace(self, kind=self.base, listed=False)


class Outline:
    """Takes the blocks in order; the headings above the current one are its only memory.

    `drafts` are the milestones begun so far, `outside` holds what stands in none of them.
    """

    def __init__(self, title: Block | None) -> None:
        self.drafts: list[Draft] = []
        self.outside = Draft("M0", title.text if title else "Acceptance", 1)
        self._title = title
        self._above: list[tuple[str, Kind, Draft]] = []
        self._draft = self.outside
        self._mode = _Mode()

    def take(self, block: Block) -> None:
        """Take the next block of the document's top level."""
        if block.kind == "heading":
            self._heading(block)
        else:
            self._mode = self._block(block, self._mode)

    def _heading(self, block: Block) -> None:
        rank = block.token.tag
        while self._above and self._above[-1][0] >= rank:
            self._above.pop()
        kind = Kind.PLAIN if block is self._title else self._heading_kind(block.text)
        draft = self._above[-1][2] if self._above else self.outside
        if kind is Kind.MILESTONE:
            draft = self._start(block.text, block.line)
        self._above.append((rank, kind, draft))
        base = next((kind for _, kind, _ in reversed(self._above) if kind in _TOLD), Kind.PLAIN)
        self._draft, self._mode = draft, _Mode(base, base)

    def _heading_kind(self, text: str) -> Kind:
        if milestone_name(text):
            return Kind.MILESTONE
        above = [kind for _, kind, _ in self._above]
        known = kind_of(text)
        planned = Kind.PLAN in above or Kind.MILESTONE in above
        if names_plan(text) and known is not Kind.ACCEPTANCE and not planned:
            return Kind.PLAN
        if known is Kind.PLAIN and above[-1:] == [Kind.PLAN]:
            return Kind.MILESTONE
        return known

    def _start(self, text: str, line: int) -> Draft:
        """Open a milestone, or go on with the one of the same id and title."""
        named = milestone_name(text)
        mid, title = named or ("", text)
        for draft in self.drafts:
            if mid and draft.id == mid and title.casefold() in ("", draft.title.casefold()):
                return draft
        planned = any(kind is Kind.PLAN for _, kind, _ in self._above)
        self.drafts.append(Draft(mid, title or text, line, sure=bool(named) and planned))
        return self.drafts[-1]

    def _opens(self, line: Line) -> bool:
        """Whether a line right below a plan's heading begins a milestone without a heading."""
        in_plan = bool(self._above) and self._above[-1][1] is Kind.PLAN
        return in_plan and milestone_name(line.lead or line.text) is not None

    def _block(self, block: Block, mode: _Mode) -> _Mode:
        if block.kind == "paragraph":
            return self._paragraph(block.words, mode)
        if block.kind in _LISTS and mode.kind is Kind.ACCEPTANCE:
            self._draft.items += _leaves(block, "")
            return replace(mode, listed=True)
        if block.kind in _LISTS:
            for item in block.inside:
                self._item(item, mode)
        elif block.kind == "table":
            self._table(block, mode)
            return replace(mode, listed=True)
        elif block.kind == "hr":
            return mode.ended()
        return mode

    def _item(self, item: Block, mode: _Mode) -> None:
        """A list item that is no acceptance item: a hint, a milestone, or a place for labels."""
        outer, blocks = self._draft, item.inside
        if blocks and blocks[0].words and self._opens(blocks[0].words[0]):
            first, *more = blocks[0].words
            self._draft = self._start(first.lead or first.text, first.number)
            blocks = [replace(blocks[0], words=more), *blocks[1:]]
        inner = replace(mode, nested=True)
        for block in blocks:
            inner = self._block(block, inner)
        self._draft = outer

    def _paragraph(self, words: list[Line], mode: _Mode) -> _Mode:
        if words and not mode.nested and words[0].lead == words[0].text and self._opens(words[0]):
            self._draft, mode = self._start(words[0].text, words[0].number), _Mode()
            words = words[1:]
        for kind, lines in _labelled(words, nested=mode.nested):
            if kind is None:
                mode = mode.ended() if mode.listed else mode
                self._plain_words(lines, mode)
                continue
            mode = mode.labelled(kind)
            if kind is Kind.ACCEPTANCE:
                self._draft.items += [part for part in _parts(lines) if part[0][-1] != ":"]
            elif kind is Kind.SCOPE:
                self._plain_words(lines, mode)
        return mode

    def _plain_words(self, lines: list[Line], mode: _Mode) -> None:
        """Take words that follow no acceptance label in their own paragraph."""
        words = plain(" ".join(line.text for line in lines))
        bare = plain(_CHECKBOX.sub("", words)).rstrip(":")
        if not bare or mode.kind is Kind.ASIDE:
            return
        if mode.kind is Kind.ACCEPTANCE:
            if not words.endswith(":"):
                self._draft.prose += _parts(lines)
            return
        if _CHECKBOX.match(words):
            self._draft.boxes.append((bare, lines[0].number))
        if self._draft is not self.outside or mode.kind is Kind.SCOPE:
            self._draft.hints.append(bare)

    def _table(self, table: Block, mode: _Mode) -> None:
        head, *rows = [row for part in table.inside for row in part.inside]
        names = [cell.text.lower() for cell in head.inside]
        column = next((n for n, name in enumerate(names) if re.search("accept|criteri", name)), -1)
        if column < 0 and mode.kind is Kind.ACCEPTANCE:
            sizes = [sum(len(row.inside[n].text) for row in rows) for n in range(len(names))]
            column = sizes.index(max(sizes))
        if column < 0 or mode.kind is Kind.ASIDE:
            return
        outer = self._draft
        for row in rows:
            first, *others = [cell.text for cell in row.inside[: column + 1]]
            if self._opens(Line(row.line, first)):
                bare = milestone_name(first) == milestone_name(f"{first}:")
                name = f"{first}: {others[0]}" if bare and len(others) > 1 else first
                self._draft = self._start(name, row.line)
            for line in row.inside[column].words:
                self._draft.items += _parts([replace(line, number=row.line)], split=False)
        self._draft = outer


def _labelled(words: Iterable[Line], *, nested: bool) -> list[tuple[Kind | None, list[Line]]]:
    """A paragraph's lines, parted where a label begins: the label's kind (None: no label yet)
    and the lines that belong to it."""
    parted: list[tuple[Kind | None, list[Line]]] = []
    for line in words:
        label = read_label(line, nested=nested)
        if label:
            parted.append((label[0], [Line(line.number, label[1])]))
        elif parted:
            parted[-1][1].append(line)
        else:
            parted.append((None, [line]))
    return parted


def _parts(lines: list[Line], *, split: bool = True) -> list[Words]:
    """Items written as running text: parted by semicolons, or by signs that look like bullets."""
    parts: list[Words] = []
    for line in lines:
        pieces = line.text.split(";") if split else [line.text]
        for n, piece in enumerate(map(plain, pieces)):
            words = plain(_CHECKBOX.sub("", _BULLET.sub("", piece)))
            if parts and split and n == 0 and not _BULLET.match(piece):
                parts[-1] = (plain(f"{parts[-1][0]} {words}"), parts[-1][1])
            else:
                parts.append((words.removeprefix("and ") if n else words, line.number))
    return [part for part in parts if part[0]]


def _leaves(block: Block, context: str) -> Iterator[Words]:
    """Every item of a list that has no list inside, with the words of those around it."""
    for item in block.inside:
        own = next((part for part in item.inside if part.kind == "paragraph"), None)
        text = plain(_CHECKBOX.sub("", own.text)) if own else ""
        full = ": ".join(filter(None, (context, text)))
        lists = [part for part in item.inside if part.kind in _LISTS]
        inner = [leaf for part in lists for leaf in _leaves(part, full.rstrip(":.–—- "))]
        if inner:
            yield from inner
        elif text:
            yield full, item.line
