"""`doctor`: settings with where they come from, and what is wrong, as far as it can be seen."""

from __future__ import annotations

import pytest
from clihelp import Pm, Shop, task


def test_everything_in_order(shop: Shop, pm: Pm) -> None:
    said = pm("doctor", "--exit-code")
    assert (said.code, said.err) == (0, "")
    headings = [line for line in said.out.splitlines() if line.endswith(":")]
    assert headings == ["project:", "settings:", "policy:"]
    assert said.out.splitlines()[-1] == "nothing is wrong"


def test_values_come_with_their_origin_and_secrets_are_masked(
    shop: Shop, pm: Pm, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shop.folder / ".env").write_text("LLM_REVIEWER_MODEL=qwen3:32b\n")
    monkeypatch.setenv("GH_TOKEN", "hunter2-is-my-token")
    said = pm("doctor", "--json")
    assert "hunter2" not in said.out
    settings = {name: (value, origin) for name, value, origin in said.data["settings"]}
    assert settings["GH_TOKEN"] == ("********", "environment")
    assert settings["LLM_REVIEWER_MODEL"] == ("qwen3:32b", str(shop.folder / ".env"))
    assert settings["DEFAULT_BRANCH"] == ("", "default")
    assert ["checks.ok.run", "true", ".llm-team.yml"] in said.data["policy"]
    unused = {e["where"] for e in said.data["findings"] if e["kind"] == "unused-setting"}
    assert unused == {"GH_TOKEN", "LLM_REVIEWER_MODEL"}


def test_settings_that_git_would_publish_are_a_finding(shop: Shop, pm: Pm) -> None:
    def exposed() -> list[str]:
        found = pm("doctor", "--json").data["findings"]
        return [each["message"] for each in found if each["kind"] == "exposed"]

    (shop.folder / ".env").write_text("PMCODEX_LOCK_WAIT=1\n")
    assert exposed() == ["it may hold secrets, and git does not ignore it"]
    (shop.folder / ".git/info/exclude").write_text(".env\n")
    assert exposed() == []
    shop.git("add", "--force", ".env")
    assert exposed() == ["it may hold secrets, and it is tracked by git"]


def test_a_policy_or_a_task_that_is_a_link_is_a_finding(shop: Shop, pm: Pm) -> None:
    shop.write({"team.yml": "dry_run: true\n", "elsewhere.md": task("T-0007", "Elsewhere")})
    (shop.folder / ".llm-team.yml").unlink()
    (shop.folder / ".llm-team.yml").symlink_to("team.yml")
    shop.write({"tasks/T-0001.md": task("T-0001", "Here")})
    (shop.folder / "tasks/T-0007.md").symlink_to("../elsewhere.md")
    shop.git("add", "--all")
    shop.git("commit", "-q", "-m", "Link")
    said = pm("doctor", "--json")
    assert said.code == 0
    found = {e["where"]: e["message"] for e in said.data["findings"] if e["kind"] == "unread"}
    assert set(found) == {".llm-team.yml", "tasks/T-0007.md"}
    assert "every setting of the policy is at its default" in found[".llm-team.yml"]
    assert ["dry_run", "false", "default"] in said.data["policy"]


def test_a_policy_that_is_a_folder_is_a_finding(shop: Shop, pm: Pm) -> None:
    (shop.folder / ".llm-team.yml").unlink()
    shop.write({".llm-team.yml/a": "", ".llm-team.yml/b": ""})
    (found,) = [e for e in pm("doctor", "--json").data["findings"] if e["kind"] == "unread"]
    assert (found["where"], "folder" in found["message"]) == (".llm-team.yml", True)


def test_findings_change_the_code_on_demand_only(shop: Shop, pm: Pm) -> None:
    shop.write({"tasks/T-0001.md": "---\nid: T-0001\n---\n"})
    said = pm("doctor")
    assert said.code == 0
    assert "finding: tasks/T-0001.md" in said.out
    assert pm("doctor", "--exit-code").code == 3


def test_a_project_that_can_not_be_read_is_said_after_the_settings(shop: Shop, pm: Pm) -> None:
    shop.write({".llm-team.yml": "cheks: {}\n"})
    said = pm("doctor")
    assert said.code == 3
    assert "WORKDIR_ROOT" in said.out
    assert "finding: project: " in said.out
    assert "cheks" in said.err
    assert pm("doctor", "--json").data["findings"][0]["kind"] == "unreadable"


def test_duplicate_ids_are_renumbered_by_pull(shop: Shop, pm: Pm) -> None:
    one, other = task("T-0001", "One"), task("T-0001", "Other")
    shop.write({"tasks/T-0001-one.md": one, "tasks/T-0001-other.md": other})
    assert "`pmcodex doctor --renumber`" in pm("doctor").out
    assert pm("doctor", "--renumber", "--dry-run").out.startswith("would ")
    said = pm("doctor", "--renumber")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("registrar: pull 1: ")
    assert pm("pull", "merge", "1").code == 0
    assert {each["id"] for each in pm("status", "--json").data["tasks"]} == {"T-0001", "T-0002"}
    assert pm("doctor", "--exit-code").code == 0


def test_nothing_to_renumber_is_said(shop: Shop, pm: Pm) -> None:
    said = pm("doctor", "--renumber")
    assert (said.code, said.out) == (0, "")
    assert "nothing to do" in said.err
