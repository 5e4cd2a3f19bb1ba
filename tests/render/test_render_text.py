"""What is printed can't drive a terminal, can always be printed, and JSON stays JSON."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmcodex.core.facts import Check, CheckState
from pmcodex.render.text import as_data, line, plain, print_json, say, table

Capture = pytest.CaptureFixture[str]


@given(st.text())
def test_a_line_is_one_printable_line(text: str) -> None:
    shown = line(text)
    assert len(shown.splitlines()) <= 1
    assert plain(shown) == shown
    assert not any((ord(c) < 32 and c != "\t") or 127 <= ord(c) < 160 for c in shown)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "[31mred[0m"),
        ("\x1b]0;title\x07", "]0;title"),
        ("a\rb", "a b"),
        ("one\r\ntwo\n\nthree", "one two three"),
        ("\u202eabc\u202c", "abc"),
        ("\x9b2J", "2J"),
        ("tab\there", "tab\there"),
        ("é ✅ 大", "é ✅ 大"),
    ],
)
def test_what_drives_a_terminal_is_left_out(text: str, shown: str) -> None:
    assert line(text) == shown


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_data_comes_back_as_it_was(value: object) -> None:
    shown = io.StringIO()
    real, sys.stdout = sys.stdout, shown
    try:
        print_json({"value": value})
    finally:
        sys.stdout = real
    assert json.loads(shown.getvalue()) == {"value": value}
    assert plain(shown.getvalue()) == shown.getvalue()


def test_json_fits_an_encoding_that_lacks_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    print_json({"title": "Größe ✅"})
    assert json.loads(raw.getvalue().decode("ascii")) == {"title": "Größe ✅"}


def test_json_on_one_line(capsys: Capture) -> None:
    print_json({"a": [1, "x\ny"]}, one_line=True)
    assert capsys.readouterr().out == '{"a": [1, "x\\ny"]}\n'


def test_json_for_programs_is_one_line_and_the_same_data(capsys: Capture) -> None:
    value = {"checks": (Check("ok", CheckState.SUCCESS),), "names": frozenset({"b", "a"})}
    print_json(value)
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert json.loads(out) == as_data(value)


def test_frozen_values_become_data() -> None:
    @dataclass(frozen=True)
    class Outer:
        checks: tuple[Check, ...]
        names: frozenset[str]

    value = Outer((Check("ok", CheckState.SUCCESS),), frozenset({"b", "a"}))
    assert as_data(value) == {
        "checks": [
            {"name": "ok", "state": "success", "summary": "", "details": [], "url": "", "spec": ""}
        ],
        "names": ["a", "b"],
    }


def test_a_table_where_nobody_looks_is_wide_and_has_no_blanks_at_its_ends(capsys: Capture) -> None:
    table(("id", "why"), [("T-1", "x" * 130), ("T-2", "[bold]not markup[/bold]\x1b[2J")], indent=2)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "  id   why"
    assert lines[1] == f"  T-1  {'x' * 130}"
    assert lines[2] == "  T-2  [bold]not markup[/bold][2J"


def test_words_go_where_they_belong(capsys: Capture) -> None:
    say("data")
    say("trouble", err=True)
    assert capsys.readouterr() == ("data\n", "trouble\n")
