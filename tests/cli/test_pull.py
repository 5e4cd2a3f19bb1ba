"""`pull`: a person's side of the forge, in their name, refused where it must be."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from clihelp import Pm, Shop


def test_list_shows_open_pulls_and_all_of_them(worked: Shop, pm: Pm) -> None:
    assert pm("developer").code == 0
    assert pm("pull", "close", "1").code == 0
    assert [pull["number"] for pull in pm("pull", "list", "--json").data["pulls"]] == [2]
    every = pm("pull", "list", "--all", "--json").data["pulls"]
    assert [(pull["number"], pull["state"]) for pull in every] == [(1, "closed"), (2, "open")]
    assert "feature/T-0002-change-log" in pm("pull", "list").out
    assert "T-0001" not in pm("pull", "list").out


def test_an_empty_list_is_said_on_stderr(shop: Shop, pm: Pm) -> None:
    assert pm("pull", "list") == (0, "", "no open pulls\n")
    assert pm("pull", "list", "--json").data == {"pulls": []}


def test_show_shows_words_checks_reviews_and_comments(worked: Shop, pm: Pm) -> None:
    assert pm("run").code == 0
    assert pm("pull", "approve", "1", "-m", "fine by me").code == 0
    assert pm("pull", "comment", "1", "two\nlines").code == 0
    out = pm("pull", "show", "1", "--diff").out
    assert out.startswith("pull 1: T-0001: Editor settings\nopen: feature/T-0001-editor-settings")
    assert "checks: 1 green\n  ok is green: " in out
    assert "pmcodex commented:\n  **" in out
    assert "Ada Human reviewed it: approved\n  fine by me\n" in out
    assert "Ada Human commented:\n  two\n  lines\n" in out
    assert "\n+root = true\n" in out
    assert "<!-- pmcodex" not in out


def test_show_as_data_has_the_diff_on_demand(worked: Shop, pm: Pm) -> None:
    assert "diff" not in pm("pull", "show", "1", "--json").data
    data = pm("pull", "show", "1", "--json", "--diff").data
    assert data["number"] == 1
    assert "+++ b/.editorconfig" in data["diff"]


def test_show_shows_the_diff_of_a_merged_pull(worked: Shop, pm: Pm) -> None:
    assert pm("pull", "merge", "1").code == 0
    assert "+++ b/.editorconfig" in pm("pull", "show", "1", "--diff").out


def test_show_of_a_pull_whose_branch_is_gone_has_no_diff(worked: Shop, pm: Pm, state: Path) -> None:
    worked.git("branch", "-q", "-D", "feature/T-0001-editor-settings")
    shutil.rmtree(state)  # another machine has never seen its commits
    state.mkdir()
    said = pm("pull", "show", "1", "--diff", "--json")
    assert said.code == 0
    assert (said.data["state"], said.data["diff"]) == ("closed", "")


def test_approve_and_merge_bring_the_work_to_main(worked: Shop, pm: Pm) -> None:
    assert pm("pull", "approve", "1") == (0, "pull 1 is approved by Ada Human\n", "")
    data = pm("pull", "merge", "1", "--json").data
    assert data["pull"] == 1
    assert data["merge_sha"] == worked.git("rev-parse", "main")
    assert worked.git("log", "-1", "--format=%s") == "T-0001: Editor settings (#1)"
    assert (worked.folder / ".editorconfig").exists()


def test_a_merge_may_be_asked_for_twice(worked: Shop, pm: Pm) -> None:
    first = pm("pull", "merge", "1")
    assert first.code == 0
    assert pm("pull", "merge", "1") == first


def test_a_merge_can_be_held_to_the_head_that_was_looked_at(worked: Shop, pm: Pm) -> None:
    head = worked.git("rev-parse", "feature/T-0001-editor-settings")
    said = pm("pull", "merge", "1", "--head", worked.git("rev-parse", "main"))
    assert said.code == 4
    assert "pmcodex pull show" in said.err
    assert pm("pull", "merge", "1", "--head", head[:10]).code == 0


def test_a_merge_may_be_left_to_the_integrator(worked: Shop, pm: Pm) -> None:
    said = pm("pull", "merge", "1", "--auto")
    assert said == (0, "pull 1 will be merged once it is green\n", "")
    assert pm("check").code == 0
    assert "pull 1 is merged" in pm("integrate").out
    assert (worked.folder / ".editorconfig").exists()


def test_a_conflict_is_refused(worked: Shop, pm: Pm) -> None:
    worked.write({".editorconfig": "mine = true\n"})
    said = pm("pull", "merge", "1")
    assert (said.code, said.out) == (4, "")
    assert "pull 1 was not merged" in said.err


def test_close_and_reopen(worked: Shop, pm: Pm) -> None:
    assert pm("pull", "close", "1").out == "pull 1 is closed\n"
    assert "T-0001  blocked" in pm("status").out
    assert pm("pull", "merge", "1").code == 4
    assert pm("pull", "reopen", "1", "--json").data == {"pull": 1, "says": "pull 1 is open again"}
    assert pm("pull", "merge", "1").code == 0


def test_a_label_moves_its_task(worked: Shop, pm: Pm) -> None:
    assert pm("pull", "label", "1", "ready_for_integration").code == 0
    assert pm("pull", "show", "1", "--json").data["labels"] == ["ready_for_integration"]
    assert pm("pull", "label", "1", "two\nlines").code == 2


@pytest.mark.parametrize(
    "argv",
    [
        *(("show",), ("approve",), ("merge",), ("close",), ("reopen",)),
        *(("comment", "x"), ("label", "x"), ("merge", "--auto")),
    ],
)
def test_a_pull_that_is_not_there_is_said(argv: tuple[str, ...], shop: Shop, pm: Pm) -> None:
    said = pm("pull", argv[0], "9", *argv[1:])
    assert (said.code, said.out) == (3, "")
    assert "there is no pull 9" in said.err


def test_people_act_in_their_own_name(
    worked: Shop, pm: Pm, home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def approver() -> str:
        assert pm("pull", "approve", "1").code == 0
        author: str = pm("pull", "show", "1", "--json").data["reviews"][-1]["author"]
        return author

    assert approver() == "Ada Human"
    worked.git("config", "user.name", "Ada at the shop")
    assert approver() == "Ada at the shop"
    monkeypatch.setenv("PMCODEX_ACTOR", "Ada Lovelace")
    assert approver() == "Ada Lovelace"
    monkeypatch.delenv("PMCODEX_ACTOR")
    worked.git("config", "--unset", "user.name")
    (home / "gitconfig").write_text("")
    monkeypatch.setenv("USER", "ada")
    assert approver() == "ada"
    monkeypatch.delenv("USER")
    assert approver() == "maintainer"


def test_a_persons_name_does_not_hang_on_the_folder(
    worked: Shop, pm: Pm, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("USER", "somebody")
    said = pm("pull", "approve", "1", "--repo", f"file://{worked.folder}")
    assert said.out == "pull 1 is approved by Ada Human\n"


def test_a_pull_that_ended_says_what_can_still_be_done(worked: Shop, pm: Pm) -> None:
    assert pm("pull", "close", "1").code == 0
    said = pm("pull", "merge", "1")
    assert said.code == 4
    assert "pull 1 was not merged: pull 1 is closed\n" in said.err
    assert "hint: `pmcodex pull reopen 1` opens it again" in said.err
