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


def policy(run: str) -> dict[str, str]:
    return {".llm-team.yml": f'checks:\n  ok: "{run}"\n'}


def test_a_mended_line_in_the_policy_makes_a_red_check_run_anew(worked: Shop, pm: Pm) -> None:
    worked.write(policy("false"))
    pm("check")
    refused = pm("pull", "merge", "1")
    assert refused.code == 4
    assert "`pmcodex check --again --pr 1`" in refused.err
    worked.write(policy("true"))
    assert "ok is green: " in pm("check").out
    assert pm("check", "--exit-code") == (0, "", "")
    assert pm("pull", "merge", "1").code == 0


def test_a_check_that_the_policy_no_longer_names_stops_nobody(worked: Shop, pm: Pm) -> None:
    worked.write(policy("false"))
    pm("check")
    worked.write({".llm-team.yml": "version: 1\n"})
    assert pm("check", "--exit-code").code == 0
    assert pm("pull", "merge", "1").code == 0


def test_under_a_broken_policy_outcomes_still_count(worked: Shop, pm: Pm) -> None:
    worked.write(policy("false"))
    pm("check")
    worked.write({".llm-team.yml": "checks: [\n"})
    assert "ok is red" in pm("pull", "merge", "1").err
    assert pm("pull", "merge", "1", "--anyway").code == 0


def test_checks_run_again_where_that_is_asked_for(worked: Shop, pm: Pm) -> None:
    pm("check")
    assert pm("check", "--pr", "1") == (0, "", "")
    said = pm("check", "--again", "--pr", "1")
    assert said.out.startswith("checker: ok is green: ")
    assert "wanted anew" in said.out
