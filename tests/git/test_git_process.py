"""Git's words, made fit to show, and the errors they become."""

from __future__ import annotations

import pytest

from pmcodex.errors import InvalidInput, Refused, TryLater
from pmcodex.git.process import condense, looks_damaged, trouble


def test_condensed_words_are_one_short_line_without_credentials() -> None:
    words = (
        "warning: redirecting\nremote: \x1b[31mno\x1b[0m way\n"
        "fatal: unable to access 'https://ada:hunter2@host/x/': 503\n" + "x" * 1000
    )
    said = condense(words)
    assert said.startswith("[31mno [0m way; unable to access 'https://***@host/x/': 503; xxx")
    assert len(said) == 300


def test_noise_is_better_than_silence() -> None:
    assert condense("warning: only this\n") == "warning: only this"


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("ada@host: Permission denied (publickey).; Could not read from remote", Refused),
        ("could not read Username for 'https://host': terminal prompts disabled", Refused),
        ("unable to access 'https://h/': The requested URL returned error: 403", Refused),
        ("unable to access 'https://h/': The requested URL returned error: 503", TryLater),
        ("unable to access 'https://h/': Could not resolve host: h", TryLater),
        ("Connection closed by 1.2.3.4; Could not read from remote repository.", TryLater),
        ("repository 'https://h/x/' not found", InvalidInput),
        ("'/x' does not appear to be a git repository; Could not read", InvalidInput),
        ("transport 'ext' not allowed", InvalidInput),
        ("detected dubious ownership in repository at '/x'", InvalidInput),
        ("", InvalidInput),
    ],
)
def test_every_kind_of_trouble_has_its_error(words: str, kind: type[Exception]) -> None:
    error = trouble("fetch", words)
    assert type(error) is kind
    assert error.sentence


def test_damage_is_told_from_a_wrong_question() -> None:
    assert looks_damaged("bad object 1234")
    assert not looks_damaged("repository 'x' not found")


def test_what_git_adds_to_every_failure_is_left_out() -> None:
    words = (
        "'/x' does not appear to be a git repository; Could not read from remote repository.; "
        "Please make sure you have the correct access rights; and the repository exists."
    )
    error = trouble("ls-remote", words)
    assert error.sentence == "git ls-remote: '/x' does not appear to be a git repository"
    assert error.hint == "see that the address or path names a git repository"
    alone = trouble("fetch", "Could not read from remote repository.; and the repository exists.")
    assert alone.sentence == "git fetch: Could not read from remote repository."
    assert isinstance(alone, TryLater)
