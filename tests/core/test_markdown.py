"""Markdown as plain words: markup is gone, structure is the parser's."""

from __future__ import annotations

import pytest

from pmcodex.core.markdown import Line, read_blocks, unclosed_fence
from pmcodex.prd.labels import Kind, read_label


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\n\n```\n* b\n", 3),
        ("```", 1),
        ("~~~~\n~~~\n", 1),
        ("* a\n\n  ```\n  b", 3),
        ("```\na\n```\n", 0),
        ("````\na\n```\n`````\n\n\n[x]: y\n", 0),
        ("* a\n\n  ```\n  b\n  ```\n", 0),
        ("> ```\n> a\n> ```", 0),
        ("```\na\n```\n\nb", 0),
        ("", 0),
    ],
)
def test_only_a_fence_without_its_end_is_unclosed(text: str, line: int) -> None:
    assert unclosed_fence(text, read_blocks(text)) == line


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a **b** _c_ `d` [e](f) ![g](h) <b>i</b> &lt;", "a b c d e g i <"),
        ("a  \nb\nc<br>d", "a b c d"),
        ("a ~~b~~ c \\*d\\*", "a c *d*"),
        ("`a;  b`; c", "a; b; c"),
    ],
)
def test_words_are_plain(text: str, words: str) -> None:
    (block,) = read_blocks(text)
    assert block.text == words


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("**Acceptance:** x", (Kind.ACCEPTANCE, "x")),
        ("**Acceptance**: x", (Kind.ACCEPTANCE, "x")),
        ("***Acceptance*** — x", (Kind.ACCEPTANCE, "x")),
        ("Definition of done", (Kind.ACCEPTANCE, "")),
        ("Scope: x", (Kind.SCOPE, "x")),
        ("**In scope**", (Kind.SCOPE, "")),
        ("**Out of scope:** x", (Kind.ASIDE, "x")),
        ("**Whatever:** x", (Kind.ASIDE, "x")),
        ("**Whatever** x", None),
        ("Whatever: x", None),
        ("Acceptance is hard", None),
        ("the **Acceptance:** x", None),
    ],
)
def test_what_is_a_label(text: str, label: tuple[Kind, str] | None) -> None:
    (block,) = read_blocks(text)
    assert read_label(block.words[0], nested=False) == label


def test_inside_a_list_an_unknown_label_is_none() -> None:
    assert read_label(Line(1, "Login: x", "Login:"), nested=True) is None
    assert read_label(Line(1, "Login: x", "Login:"), nested=False) == (Kind.ASIDE, "x")
