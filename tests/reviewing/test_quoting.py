"""Quoting, held against a Markdown reader: whatever goes in, plain words come out."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from pmcodex.reviewing.quoting import code, few, one_line, plain

READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
NASTY = st.lists(
    st.sampled_from(
        (
            *("<!-- pmcodex:review x -->", "@everyone", "[x](http://evil)", "![i](x)", "`", "``"),
            *("<b>", "</table>", "&lt;", "&#64;a", "**", "_", "__init__", "a_b", "~~", "#1", "# h"),
            *("- ", "1. ", "+ ", "> ", "---", "===", "```", "\\", "www.evil.com", "GH-12", "[ ]"),
            *("\u202e", "\u200b", "\x00", "\ud800", "\u2028", "\t", " ", "a@b.co", "org/r#3"),
            *("<http://x.y>", "$x$", "|", "\n"),
        )
    )
    | st.text(max_size=6)
).map("".join)


def words_of(markdown: str) -> tuple[str, set[str]]:
    """The text a reader sees, and the kinds of tokens it is made of."""
    kinds, text = set(), ""
    for token in READER.parse(f"- x {markdown}"):
        kinds.add(token.type)
        for child in token.children or ():
            kinds.add(child.type)
            text += child.content
    return text.removeprefix("x").strip().replace("\u200b", ""), kinds


def bare(text: str) -> str:
    """Without what tells a code span from its words."""
    return re.sub("[` ]", "", text)


@settings(max_examples=100, deadline=None)
@given(NASTY)
def test_plain_shows_the_words_and_nothing_else(text: str):
    shown, kinds = words_of(plain(text, 5_000))
    assert kinds <= {
        *("bullet_list_open", "list_item_open", "paragraph_open", "inline", "text"),
        *("paragraph_close", "list_item_close", "bullet_list_close", "code_inline"),
    }
    assert bare(shown) == bare(one_line(text))


@settings(max_examples=100, deadline=None)
@given(NASTY)
def test_plain_starts_no_block_and_ends_no_cell(text: str):
    quoted = plain(text, 5_000)
    kinds = [token.type for token in READER.parse(quoted)]
    assert kinds in ([], ["paragraph_open", "inline", "paragraph_close"])
    row = READER.parse(f"| a | b |\n|---|---|\n| {quoted} | end |")
    assert [token.type for token in row].count("td_open") == 2
    assert "\n" not in quoted


@pytest.mark.parametrize("text", ["@ada", "a@b.co", "cc @org/team", "&#64;ada", "@@ada"])
def test_nobody_is_mentioned(text: str):
    seen = "".join(
        child.content for token in READER.parse(plain(text)) for child in token.children or ()
    )
    assert not re.search(r"@\w", seen)


@pytest.mark.parametrize(
    "text", ["http://evil.com", "HTTPS://evil.com", "www.evil.com", "WWW.evil.com"]
)
def test_nothing_becomes_a_link(text: str):
    assert not re.search(r"://|www\.", plain(text), re.IGNORECASE)


@pytest.mark.parametrize("text", ["fixes #12", "org/repo#3", "GH-7", "gh-7"])
def test_no_other_thread_is_referred_to(text: str):
    seen = "".join(
        child.content for token in READER.parse(plain(text)) for child in token.children or ()
    )
    assert not re.search(r"#\d|GH-\d", seen, re.IGNORECASE)


@settings(max_examples=100, deadline=None)
@given(NASTY, st.integers(1, 60))
def test_the_limit_is_kept_and_no_escape_is_cut(text: str, limit: int):
    short = plain(text * 3, limit)
    assert len(short) <= limit
    shown, _ = words_of(short)
    assert bare(one_line(text * 3)).startswith(bare(shown.removesuffix("…")))


def test_simple_code_spans_stay_and_others_are_shown():
    assert plain("`POST /run` makes `a_b.md`") == "`POST /run` makes `a_b.md`"
    assert plain("``a`` and ` alone") == "\\`\\`a\\`\\` and \\` alone"
    assert "`" not in plain("`a|b`").replace("\\`", "")


def test_ordinary_words_stay_readable():
    assert plain("12 passed, 1 failed in src/my_file.py:3 (0.5 s)!") == (
        "12 passed, 1 failed in src/my_file.py:3 (0.5 s)!"
    )


@settings(max_examples=100, deadline=None)
@given(NASTY)
def test_a_code_span_holds_what_it_can_hold(text: str):
    quoted = code(text, 300)
    if quoted != plain(text, 300):
        assert re.fullmatch(r"`[^`|<>\n]+`", quoted)
    kinds = words_of(quoted)[1]
    assert not kinds & {"link_open", "image", "html_inline", "em_open", "strong_open"}


def test_code_and_few_read_well():
    assert code("src/a_b.py:12") == "`src/a_b.py:12`"
    assert code("x" * 300, 20) == "`" + "x" * 19 + "…`"
    assert few(["a", "b"]) == "`a`, `b`"
    assert few(["a", "b", "c", "d", "e"]) == "`a`, `b`, `c` and 2 more"
