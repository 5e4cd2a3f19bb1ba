"""Templates: every placeholder has its value, and no value is read as a placeholder."""

from __future__ import annotations

import pytest

from pmcodex.core.templates import Templates

TEMPLATES = Templates({"a.md": "$one and ${two}, $$5\n", "plain.md": "$one\n"})


def test_placeholders_are_filled() -> None:
    assert TEMPLATES.render("a.md", one="1", two="2") == "1 and 2, $5\n"
    assert TEMPLATES.text("a.md").startswith("$one")


@pytest.mark.parametrize("value", ["$two", "${two}", "$$", "$", "\\1", "{two}", "%s"])
def test_a_value_is_never_read_as_a_placeholder(value: str) -> None:
    assert TEMPLATES.render("plain.md", one=value) == f"{value}\n"


def test_a_missing_value_or_template_is_an_error() -> None:
    with pytest.raises(KeyError):
        TEMPLATES.render("a.md", one="1")
    with pytest.raises(KeyError):
        TEMPLATES.render("b.md")
    with pytest.raises(KeyError):
        TEMPLATES.text("b.md")


def test_a_value_without_a_placeholder_is_an_error() -> None:
    with pytest.raises(ValueError, match="three"):
        TEMPLATES.render("plain.md", one="1", three="3")
