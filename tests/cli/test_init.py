"""`init`: what a project lacks, by pull or here; never over what is there; and timers."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from clihelp import Pm, Process, Shop

SCAFFOLD = {
    *(".env.example", ".gitignore", ".github/PULL_REQUEST_TEMPLATE.md", ".github/workflows/ci.yml"),
    *(".llm-team.yml", "CODEOWNERS", "crontab.example", "docs/PRD.md", "src/__init__.py"),
    *("src/app.py", "tasks/_template.md", "tests/test_smoke.py"),
}


@pytest.fixture
def empty(tmp_path: Path, git: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository without a commit; the test is in its folder."""
    folder = tmp_path / "empty"
    folder.mkdir()
    git(folder, "init", "-q")
    monkeypatch.chdir(folder)
    return folder


def files(folder: Path) -> set[str]:
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return {path for path in found if not path.startswith(".git/")}


def test_here_it_needs_no_commit(empty: Path, pm: Pm) -> None:
    assert pm("init", "--here", "--dry-run").out.startswith("would write src/__init__.py\n")
    assert files(empty) == set()
    said = pm("init", "--here")
    assert (said.code, said.err) == (0, "")
    assert {line.removeprefix("wrote ") for line in said.out.splitlines()} == SCAFFOLD
    assert files(empty) == SCAFFOLD
    assert pm("init", "--here") == (0, "", "nothing is missing\n")
    assert pm("init", "--here", "--json").data == {"dry_run": False, "files": []}


def test_without_a_commit_a_pull_is_refused_with_the_way_out(empty: Path, pm: Pm) -> None:
    said = pm("init")
    assert (said.code, said.out) == (3, "")
    assert "`pmcodex init --here` writes files for one" in said.err


def test_by_pull_and_on_from_there(project: Path, pm: Pm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    assert pm("init", "--dry-run").out.startswith("would propose 1 commit on pmcodex/init")
    said = pm("init")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("setup: pull 1: Set up pmcodex\n")
    assert files(project) == {"README.md"}
    assert pm("init").out == ""
    assert pm("pull", "merge", "1").code == 0
    assert files(project) == {"README.md"} | SCAFFOLD
    done = pm("init")
    assert (done.code, done.out) == (0, "")
    assert "nothing is missing" in done.err
    assert pm("taskmaster").out.startswith("taskmaster: pull 2: Tasks: ")


def test_in_a_subfolder_it_is_the_repository_that_is_set_up(
    empty: Path, pm: Pm, monkeypatch: pytest.MonkeyPatch
) -> None:
    (empty / "deep").mkdir()
    monkeypatch.chdir(empty / "deep")
    assert pm("init", "--here").code == 0
    assert (empty / ".llm-team.yml").exists()
    assert files(empty / "deep") == set()


def test_here_can_be_another_folder_but_no_address(empty: Path, tmp_path: Path, pm: Pm) -> None:
    (tmp_path / "other").mkdir()
    assert pm("init", "--here", "--repo", str(tmp_path / "other")).code == 0
    assert files(tmp_path / "other") == SCAFFOLD
    assert files(empty) == set()
    said = pm("init", "--here", "--repo", "https://example.org/a/b.git")
    assert said.code == 3
    assert "is not a folder" in said.err


def test_what_is_there_stays_as_it_is(empty: Path, pm: Pm) -> None:
    (empty / "docs").mkdir()
    (empty / "docs" / "PRD.md").write_text("mine\n")
    (empty / "codeowners").write_text("* @ada\n")
    (empty / ".llm-team.yml").write_text("tasks:\n  dir: work\n")
    written = {line.removeprefix("wrote ") for line in pm("init", "--here").out.splitlines()}
    assert written.isdisjoint({"docs/PRD.md", "CODEOWNERS", ".llm-team.yml"})
    assert "work/_template.md" in written
    assert (empty / "docs" / "PRD.md").read_text() == "mine\n"


def test_a_folder_that_leads_out_is_refused_before_anything_is_written(
    empty: Path, tmp_path: Path, pm: Pm
) -> None:
    (tmp_path / "outside").mkdir()
    (empty / "docs").symlink_to(tmp_path / "outside")
    said = pm("init", "--here")
    assert (said.code, said.out) == (3, "")
    assert "docs/PRD.md leads out of" in said.err
    assert files(empty) == files(tmp_path / "outside") == set()


def test_by_pull_links_stay_links(
    project: Path, tmp_path: Path, pm: Pm, git: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "docs").symlink_to(tmp_path)
    (project / "CODEOWNERS").symlink_to("README.md")
    git(project, "add", "--all")
    git(project, "commit", "-q", "-m", "Link")
    monkeypatch.chdir(project)
    assert pm("init").code == 0
    changed = git(project, "diff", "--name-status", "main", "pmcodex/init").splitlines()
    assert {line.split("\t")[0] for line in changed} == {"A"}
    assert {"A\tdocs/PRD.md", "A\tCODEOWNERS"}.isdisjoint(changed)


# --- timers --------------------------------------------------------------------------------


def test_cron_gets_a_line_that_runs(shop: Shop, pm: Pm, process: Process) -> None:
    said = process("init", "--timer", "cron")
    assert (said.code, said.err) == (0, "")
    (line,) = [line for line in said.out.splitlines() if not line.startswith("#")]
    when, command = re.fullmatch(r"(\S+ \S+ \S+ \S+ \S+) (.*)", line).groups()
    assert when == "*/15 * * * *"
    assert command.endswith(f" run --repo {shop.folder} >/dev/null")
    ran = subprocess.run(["sh", "-c", command], capture_output=True, text=True, cwd="/", timeout=60)
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_systemd_takes_the_units(shop: Shop, pm: Pm) -> None:
    said = pm("init", "--timer", "systemd", "--here")
    assert said.code == 0
    units = sorted((shop.folder / "systemd").iterdir())
    assert [unit.suffix for unit in units] == [".service", ".timer"]
    argv = ["systemd-analyze", "--user", "verify", *map(str, units)]
    ran = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    mine = [line for line in ran.stderr.splitlines() if "pmcodex" in line]
    assert mine == []
    again = pm("init", "--timer", "systemd", "--here")
    assert again.code == 3
    assert "is there already" in again.err


def test_github_gets_a_workflow(shop: Shop, pm: Pm) -> None:
    (file,) = pm("init", "--timer", "github-actions", "--json").data["files"]
    assert file["path"] == ".github/workflows/pmcodex.yml"
    workflow = yaml.safe_load(file["text"])
    assert "schedule" in workflow[True]
    assert "pmcodex run" in file["text"]


def test_a_timer_names_the_folder_that_has_the_settings(
    clone: Path, pm: Pm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(clone)
    assert f"--repo {clone} " in pm("init", "--timer", "cron").out
    said = pm("init", "--timer", "cron", "--repo", "ssh://git@example.org/a/b.git")
    assert "--repo ssh://git@example.org/a/b.git " in said.out
