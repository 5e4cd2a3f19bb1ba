"""`check`: the project's checks on open pulls, recorded once."""

from __future__ import annotations

from clihelp import Pm, Shop


def test_checks_run_once_for_each_head(worked: Shop, pm: Pm) -> None:
    said = pm("check")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("checker: ok is green: ")
    assert pm("check") == (0, "", "")
    assert pm("pull", "show", "1", "--json").data["checks"][0]["state"] == "success"


def test_a_red_check_is_an_outcome_and_changes_the_code_on_demand(worked: Shop, pm: Pm) -> None:
    worked.write({".llm-team.yml": 'checks:\n  ok: "false"\n'})
    said = pm("check")
    assert said.code == 0
    assert "ok is failure: " in said.out
    assert pm("check", "--exit-code").code == 1
    assert pm("check", "--pr", "1", "--exit-code", "--json").code == 1


def test_a_project_without_checks_is_told_how_to_name_one(worked: Shop, pm: Pm) -> None:
    worked.write({".llm-team.yml": "version: 1\n"})
    assert pm("check") == (0, "", "")
    assert "names no checks" in pm("check", "-v").err
