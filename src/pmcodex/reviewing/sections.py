"""Sections: the text under each heading of a pull's words, read as Markdown.

What must never happen here: a heading found inside a code block, or a comment taken for words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_BODY = 65_536
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)


def section(sections: Mapping[str, str], name: str) -> str:
    """The text under the first heading that starts with a name ("Linked Task ID", "Risks")."""
    wanted = name.casefold()
    return next((text for head, text in sections.items() if head.startswith(wanted)), "")


def sections_of(body: str) -> Mapping[str, str]:
    """The text under each heading and its lesser ones, by the heading in small letters."""
    from markdown_it import MarkdownIt

    texts: dict[str, list[str]] = {}
    open_heads: list[tuple[int, str]] = []
    level = 0
    for token in MarkdownIt("commonmark").parse(body[:_BODY]):
        if token.type == "heading_open":
            level = int(token.tag[1:])
        elif token.type == "heading_close":
            level = 0
        elif level:
            name = token.content.strip().casefold()
            open_heads = [head for head in open_heads if head[0] < level] + [(level, name)]
            texts.setdefault(name, [])
        elif words := _COMMENT.sub("", token.content).strip():
            for _, head in open_heads:
                texts[head].append(words)
    return {head: "\n".join(lines) for head, lines in texts.items()}
