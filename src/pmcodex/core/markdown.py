"""Markdown as blocks and plain words, by markdown-it-py's tokens.

What must never happen here: a guess at structure from the text's looks; the parser alone says
what is a list, a heading, code or a comment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from markdown_it.token import Token

_PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_SPACE = re.compile(r"\s+")

# Stands for a semicolon inside code, which separates nothing.
_CODE_SEMICOLON = "\ue000"


@dataclass(slots=True)
class Block:
    """One block: its kind as markdown-it names it ("paragraph", "bullet_list"), its 1-based line,
    the blocks inside it, and its own words where it is a paragraph, a heading or a cell."""

    kind: str
    token: Token
    line: int
    inside: list[Block] = field(default_factory=list)
    words: list[Line] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The block's own words on one line."""
        return plain(" ".join(line.text for line in self.words))


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a paragraph without its markup. `lead` is the emphasised run it begins with."""

    number: int
    text: str
    lead: str = ""


def read_blocks(text: str) -> list[Block]:
    """The blocks of a Markdown text, nested as they are."""
    root: list[Block] = []
    open_blocks: list[Block] = []
    for token in _PARSER.parse(text):
        if token.nesting < 0:
            open_blocks.pop()
            continue
        if token.type == "inline":
            start = token.map[0] + 1 if token.map else open_blocks[-1].line
            open_blocks[-1].words = list(_lines(token.children or [], start))
            continue
        outer = open_blocks[-1].line if open_blocks else 1
        line = token.map[0] + 1 if token.map else outer
        block = Block(token.type.removesuffix("_open"), token, line)
        (open_blocks[-1].inside if open_blocks else root).append(block)
        if token.nesting > 0:
            open_blocks.append(block)
    return root


def unclosed_fence(text: str, blocks: list[Block]) -> int:
    """The line of a code fence that runs to the end of the text unclosed; 0: there is none."""
    if not blocks:
        return 0
    last = blocks[-1]
    while last.inside:
        last = last.inside[-1]
    if last.kind != "fence" or not last.token.map:
        return 0
    start, end = last.token.map
    ending = re.split(r"\r\n?|\n", text)[end - 1].strip(" \t>")
    closed = end - start > 1 and ending.startswith(last.token.markup) and len(set(ending)) == 1
    return 0 if closed else start + 1


def plain(text: str) -> str:
    """Text with single spaces."""
    return _SPACE.sub(" ", text).replace(_CODE_SEMICOLON, ";").strip()


def _lines(children: list[Token], number: int) -> Iterator[Line]:
    """An inline token's children as lines of words: markup, raw HTML and struck text dropped."""
    text, lead, depth, struck = "", "", 0, 0
    for token in children:
        new_line = token.type in ("softbreak", "hardbreak")
        if new_line or (token.type == "html_inline" and _BREAK.match(token.content)):
            yield Line(number, text.strip(), lead)
            text, lead = "", ""
            number += new_line
        elif token.type in ("s_open", "s_close"):
            struck += token.nesting
        elif token.type in ("strong_open", "em_open", "strong_close", "em_close"):
            depth += token.nesting
        elif token.type in ("text", "code_inline", "image") and not struck:
            code = token.type == "code_inline"
            said = token.content.replace(";", _CODE_SEMICOLON) if code else token.content
            if depth and lead == text.lstrip():
                lead += said if lead else said.lstrip()
            text += said
    yield Line(number, text.strip(), lead.strip())
