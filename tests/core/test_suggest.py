from __future__ import annotations

from pmcodex.core.suggest import did_you_mean, nearest

KNOWN = ["GH_TOKEN", "GH_OWNER", "WORKDIR_ROOT"]


def test_the_nearest_word_is_found_whatever_its_case() -> None:
    assert nearest("gh_tokn", KNOWN) == "GH_TOKEN"
    assert nearest("WORKDIRROOT", KNOWN) == "WORKDIR_ROOT"


def test_nothing_is_suggested_that_is_not_near() -> None:
    assert nearest("PATH", KNOWN) == ""
    assert nearest("GH_TOKN", KNOWN, cutoff=0.99) == ""


def test_a_hint_asks_or_lists_what_there_is() -> None:
    assert did_you_mean("GH_ONWER", KNOWN) == "Did you mean GH_OWNER?"
    assert did_you_mean("xyz", KNOWN) == "Known are: GH_OWNER, GH_TOKEN, WORKDIR_ROOT."
    assert did_you_mean("xyz", []) == ""
