"""Pulls as people read them: whose words are whose, and no hidden marker."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pmcodex.core.facts import Check, CheckState, Comment, Pull, PullState, Review, Verdict
from pmcodex.render.pulls import checks_words, pull_json, say_pull, say_pulls

Capture = pytest.CaptureFixture[str]

PULL = Pull(
    3, "T-0001: CI", "Body.", "feature/T-0001-ci", "a" * 40, "main", PullState.OPEN, "pmcodex"
)


@pytest.mark.parametrize(
    ("states", "words"),
    [
        ((), "none"),
        ((CheckState.SUCCESS, CheckState.SKIPPED), "2 green"),
        ((CheckState.FAILURE, CheckState.SUCCESS, CheckState.PENDING), "1 green, 1 red, 1 running"),
    ],
)
def test_checks_in_a_few_words(states: tuple[CheckState, ...], words: str) -> None:
    checks = tuple(Check(f"c{place}", state) for place, state in enumerate(states))
    assert checks_words(replace(PULL, checks=checks)) == words


def test_words_of_others_are_theirs(capsys: Capture) -> None:
    pull = replace(
        PULL,
        body="<!-- pmcodex:content abc -->\nBody.\n",
        draft=True,
        labels=("wanted",),
        checks=(Check("mypy", CheckState.FAILURE, "1 error", ("a.py:3: no",)),),
        reviews=(Review("ada", Verdict.CHANGES_REQUESTED, "please\r\nmend"),),
        comments=(Comment("1", "bob", "\n\nauthor: mallory\n"),),
    )
    say_pull(pull, "--- a/x\n+++ b/x\n")
    assert capsys.readouterr().out.splitlines() == [
        "pull 3: T-0001: CI",
        "open, a draft: feature/T-0001-ci (aaaaaaaaaa) into main",
        "author: pmcodex",
        "labels: wanted",
        "checks: 1 red",
        "  mypy is red: 1 error",
        "    a.py:3: no",
        "",
        "Body.",
        "",
        "ada reviewed it: changes requested",
        "  please",
        "  mend",
        "",
        "bob commented:",
        "  author: mallory",
        "",
        "--- a/x",
        "+++ b/x",
    ]


def test_a_title_adds_no_rows(capsys: Capture) -> None:
    say_pulls([replace(PULL, title="one\n9  open  2 green  main  fake")])
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_as_data() -> None:
    data = pull_json(replace(PULL, reviews=(Review("ada", Verdict.APPROVED),)))
    assert data["number"] == 3
    assert data["state"] == "open"
    assert data["reviews"][0]["verdict"] == "approved"
