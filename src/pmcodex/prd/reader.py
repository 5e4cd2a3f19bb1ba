"""A PRD's Markdown: milestones, their acceptance items, and hints.

A milestone is a heading with an id (`M1 — ...`, `Milestone 2: ...`, `Phase 1`) or any heading
directly below one that says milestones or roadmap. Its acceptance items are the lists and tables
below an acceptance heading or label, or what follows the label on its line, parted by semicolons.
A list item with a list inside is the context of those: each leaf is one item, `parent: child`.
What must never happen here: an item from code, a comment, a quote, or words that were struck out.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import yaml

from pmcodex.core.facts import Finding
from pmcodex.core.frontmatter import compose, find
from pmcodex.core.keys import digest
from pmcodex.core.markdown import Block, read_blocks, unclosed_fence
from pmcodex.core.model import AcceptanceItem, Milestone
from pmcodex.prd.outline import Draft, Outline

_LIMIT = 500
"""Characters of an item's text, as many as a task's acceptance line may have."""


@dataclass(frozen=True, slots=True)
class Prd:
    """What a PRD says, in its order, and what in it could not be read as meant."""

    milestones: tuple[Milestone, ...]
    findings: tuple[Finding, ...] = ()


def read_prd(text: str, path: str = "docs/PRD.md") -> Prd:
    """The milestones of a PRD. Ids are as written, else by position (M1, ...), always unique.

    Without milestones, all acceptance items of the document are one milestone, M0.
    `path` is only for the findings.
    """
    blocks = read_blocks(_without_front_matter(text))
    outline = Outline(_title(blocks))
    for block in blocks:
        outline.take(block)
    findings = _Findings(path)
    milestones = _finish(outline, findings)
    if line := unclosed_fence(text, blocks):
        findings.add(
            line, "the code fence is never closed; nothing below it is read", "close it with ```"
        )
    return Prd(milestones, findings.in_order())


def item_key(milestone_id: str, words: str) -> str:
    """The natural key of an acceptance item: the same for the same words in another dress."""
    return f"{milestone_id}-{digest(normalised(words))[:8]}"


def normalised(words: str) -> str:
    """Words with case, markup, punctuation and spaces folded; signs such as < and + count."""
    kept = []
    for char in unicodedata.normalize("NFKC", words).casefold():
        category = unicodedata.category(char)
        if category[0] in "LNM":
            kept.append(char)
        else:
            kept.append(f" {char} " if category in ("Sm", "Sc") else " ")
    return " ".join("".join(kept).split()) or " ".join(words.split())


def _without_front_matter(text: str) -> str:
    """The text with YAML front matter blanked out, so that lines keep their numbers."""
    front = find(text)
    root = compose(text[front.start : front.end]) if front else None
    if not front or not isinstance(root, yaml.MappingNode):
        return text
    rest = text[front.end :]
    return "\n" * text.count("\n", 0, front.end) + rest[len(rest) - len(rest.lstrip("-")) :]


def _title(blocks: list[Block]) -> Block | None:
    """The document's title: the only heading of the first rank, if the text begins with it."""
    headings = [block for block in blocks if block.kind == "heading"]
    first = [block for block in headings if block.token.tag == "h1"]
    return first[0] if len(first) == 1 and headings[0] is first[0] else None


class _Findings:
    """What could not be read as meant, by line."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._found: list[tuple[int, Finding]] = []

    def add(self, line: int, message: str, hint: str) -> None:
        self._found.append((line, Finding("prd", f"{self._path}:{line}", message, hint)))

    def in_order(self) -> tuple[Finding, ...]:
        return tuple(finding for _, finding in sorted(self._found, key=lambda pair: pair[0]))


def _finish(outline: Outline, findings: _Findings) -> tuple[Milestone, ...]:
    drafts = [draft for draft in outline.drafts if draft.sure or draft.acceptance]
    outside = outline.outside.items or outline.outside.prose
    if not drafts and outside:
        drafts = [outline.outside]
    elif outside:
        hint = "put them below the milestone they belong to"
        message = f"acceptance items outside every milestone are not read: {len(outside)}"
        findings.add(outside[0][1], message, hint)
    if not drafts:
        hint = "write a heading such as `### M1 — Name` and a list below **Acceptance:**"
        findings.add(1, "there are no milestones and no acceptance items", hint)
    return tuple(
        _milestone(draft, mid, findings)
        for draft, mid in zip(drafts, _ids(drafts, findings), strict=True)
    )


def _ids(drafts: list[Draft], findings: _Findings) -> list[str]:
    """An id for each draft: written ones first, then free ones by position."""
    written = {draft.id for draft in drafts if draft.id}
    used: set[str] = set()
    ids = []
    for position, draft in enumerate(drafts, 1):
        mid, count = draft.id or f"M{position}", 1
        while mid in used or (not draft.id and mid in written):
            count += 1
            mid = f"{draft.id}-{count}" if draft.id else f"M{position + count - 1}"
        if draft.id and mid != draft.id:
            message = f"there is another {draft.id} above; this one is read as {mid}"
            findings.add(draft.line, message, "give each milestone an id of its own")
        used.add(mid)
        ids.append(mid)
    return ids


def _milestone(draft: Draft, mid: str, findings: _Findings) -> Milestone:
    items: dict[str, AcceptanceItem] = {}
    for words, line in draft.acceptance:
        text = words if len(words) <= _LIMIT else words[: _LIMIT - 1] + "…"
        key = item_key(mid, words)
        items.setdefault(key, AcceptanceItem(key=key, text=text, line=line))
    if not items:
        hint = "add a list below **Acceptance:**"
        findings.add(draft.line, f"{mid} has no acceptance items", hint)
    hints = tuple(dict.fromkeys(draft.hints))
    acceptance = tuple(items.values())
    return Milestone(id=mid, title=draft.title, acceptance=acceptance, hints=hints, line=draft.line)
