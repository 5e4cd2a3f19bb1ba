"""Sections: headings as Markdown has them, words as people see them."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pmcodex.reviewing.sections import section, sections_of


def test_text_belongs_to_its_heading_and_to_the_greater_ones():
    found = sections_of("# One\na\n## Two\nb\n### Three\nc\n## Four\nd\n# Five\n")
    assert found == {"one": "a\nb\nc\nd", "two": "b\nc", "three": "c", "four": "d", "five": ""}


def test_code_may_look_like_a_heading_and_counts_as_words():
    assert sections_of("## Risk\n```\n## Validation\n```\n") == {"risk": "## Validation"}


def test_comments_are_no_words():
    body = "## Risk\n<!-- say how\n\nrisky it is -->\n\n## Validation\n<!-- a --> ran it\n"
    assert section(sections_of(body), "Risk") == ""
    assert section(sections_of(body), "Validation") == "ran it"


def test_a_section_is_found_by_how_its_heading_starts():
    found = sections_of("## Linked Task ID\nT-0001\n\nRisks\n-----\nlow\n")
    assert section(found, "Linked Task") == "T-0001"
    assert section(found, "Risk") == "low"
    assert section(found, "Validation") == ""


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(["# a", "## b", "```", "<!--", "-->", "- x", "> # q", ""])))
def test_any_text_has_sections(lines):
    assert all(isinstance(text, str) for text in sections_of("\n".join(lines)).values())
