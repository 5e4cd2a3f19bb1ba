from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from pmcodex.config.settings import ENVIRONMENT_ONLY, FIELDS
from pmcodex.core.actions import FileEdit
from pmcodex.core.frontmatter import set_value
from pmcodex.core.model import Task, TaskStatus
from pmcodex.core.policy import Policy
from pmcodex.core.taskfile import read_task
from pmcodex.errors import InvalidInput
from pmcodex.prd.reader import read_prd
from pmcodex.project.edits import edited
from pmcodex.project.files import Project
from pmcodex.reviewing.sections import sections_of
from pmcodex.scaffold import TimerKind, missing, timer_files
from pmcodex.texts import load_templates

ROOT = Path(__file__).resolve().parents[1]
TEMPLATES = load_templates()
WHOLE = {
    "docs/PRD.md",
    "tasks/_template.md",
    ".llm-team.yml",
    ".github/workflows/ci.yml",
    ".github/PULL_REQUEST_TEMPLATE.md",
    "CODEOWNERS",
    "tests/test_smoke.py",
    "src/__init__.py",
    "src/app.py",
    ".env.example",
    ".gitignore",
    "crontab.example",
}


def of(*paths: str, **files: str) -> Project:
    named = {**dict.fromkeys(paths, ""), **files}
    return Project("shop", frozenset(named), named)


def added(project: Project, policy: Policy | None = None) -> dict[str, str]:
    edits = missing(project, TEMPLATES, policy)
    assert len({edit.path for edit in edits}) == len(edits)
    return {edit.path: edit.text or "" for edit in edits}


def test_an_empty_project_gets_all_of_it() -> None:
    assert set(added(of())) == WHOLE
    assert all("$" not in text.replace("${{", "") for text in added(of()).values())


def test_a_second_time_nothing_is_missing() -> None:
    for start in (of(), of("app.py"), of("main.go"), of("src/shop/__init__.py", "README.md")):
        assert missing(edited(start, missing(start, TEMPLATES)), TEMPLATES) == ()


@pytest.mark.parametrize(
    ("there", "left_out"),
    [
        ("docs/CODEOWNERS", "CODEOWNERS"),
        (".github/CODEOWNERS", "CODEOWNERS"),
        (".github/workflows/deploy.yaml", ".github/workflows/ci.yml"),
        (".github/pull_request_template.md", ".github/PULL_REQUEST_TEMPLATE.md"),
        ("PULL_REQUEST_TEMPLATE.md", ".github/PULL_REQUEST_TEMPLATE.md"),
        ("PRD.md", "docs/PRD.md"),
        ("docs/product/prd.md", "docs/PRD.md"),
        ("tasks/TEMPLATE.md", "tasks/_template.md"),
        ("app/test_app.py", "tests/test_smoke.py"),
        ("shop/__init__.py", "src/app.py"),
        ("lib/index.ts", "src/app.py"),
        ("lib/index.ts", ".github/workflows/ci.yml"),
        ("src", "src/app.py"),
        (".ENV.example", ".env.example"),
        ("crontab.example", "crontab.example"),
    ],
)
def test_what_is_there_by_any_name_is_left_out(there: str, left_out: str) -> None:
    files = added(of(there))
    assert left_out not in files
    assert there not in files


def test_no_file_that_is_there_is_ever_named() -> None:
    for path in WHOLE:
        assert path not in added(of(path))


def test_the_first_pull_of_it_is_green(tmp_path: Path) -> None:
    for path, text in added(of()).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    for command in (["pytest", "-q", "-p", "no:cacheprovider"], ["ruff", "check", "--isolated"]):
        done = subprocess.run(
            [sys.executable, "-m", *command, "."], cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_codeowners_names_only_who_is_known() -> None:
    lines = added(of())["CODEOWNERS"].splitlines()
    assert all(line.startswith("#") for line in lines)
    named = '[project]\nauthors = [{email = "ada@example.org"}]\n'
    files = added(of(**{"pyproject.toml": named}))
    assert "/.github/ ada@example.org" in files["CODEOWNERS"]


# --- the policy file -------------------------------------------------------------------------


def uncommented(text: str) -> str:
    return re.sub(r"^#(?! \S|$)", "", text, flags=re.MULTILINE)


def keys(model: BaseModel) -> dict[str, object]:
    """Every key of a policy, its nested models as mappings."""
    return {
        name: keys(value) if isinstance(value := getattr(model, name), BaseModel) else value
        for name in type(model).model_fields
    }


def same_keys(documented: object, wanted: object) -> bool:
    if not isinstance(wanted, dict):
        return True
    assert isinstance(documented, dict)
    assert documented.keys() == wanted.keys()
    return all(same_keys(documented[key], wanted[key]) for key in wanted if wanted[key])


@pytest.mark.parametrize("start", [of("lib/index.ts"), of("lib/index.ts", "docs/PRD.md")])
def test_the_policy_file_documents_every_key_with_its_default(start: Project) -> None:
    text = added(start)[".llm-team.yml"]
    assert Policy.model_validate(yaml.safe_load(text)) == Policy()
    open_text = yaml.safe_load(uncommented(text))
    assert same_keys(open_text, keys(Policy()))
    assert Policy.model_validate(open_text) == Policy()


def test_a_project_with_tests_has_them_as_its_check() -> None:
    text = added(of())[".llm-team.yml"]
    for each in (text, uncommented(text)):
        policy = Policy.model_validate(yaml.safe_load(each))
        assert policy.checks["pytest"].run == "python -m pytest -q"


def test_a_prd_elsewhere_is_named() -> None:
    text = added(of("PRD.md"))[".llm-team.yml"]
    assert Policy.model_validate(yaml.safe_load(text)).prd == "PRD.md"


def test_the_projects_own_policy_says_where_things_go() -> None:
    policy = Policy.model_validate({"prd": "PRD.md", "tasks": {"dir": "work/tasks"}})
    files = added(of(".llm-team.yml"), policy)
    assert {"PRD.md", "work/tasks/_template.md"} <= files.keys()
    assert "docs/PRD.md" not in files


# --- the documents ---------------------------------------------------------------------------


def test_the_prd_has_two_example_milestones_that_are_read() -> None:
    prd = read_prd(added(of())["docs/PRD.md"])
    assert [(each.id, len(each.acceptance)) for each in prd.milestones] == [("M0", 2), ("M1", 2)]
    assert prd.findings == ()
    assert prd.milestones[0].hints


def test_the_task_template_is_a_task_with_every_field() -> None:
    text = added(of())["tasks/_template.md"].replace("T-0000", "T-0042")
    read = read_task("tasks/T-0042-x.md", "", text.encode())
    assert read.finding is None
    assert read.task is not None
    assert read.task.status is TaskStatus.QUEUED
    required = list(Task.model_fields)[:10]
    front = yaml.safe_load(text.split("---")[1])
    assert list(front) == required
    shown = re.findall(r"^#?([a-z_]+):", text, re.MULTILINE)
    assert set(Task.model_fields) - {"prd"} == set(shown)
    assert "status: done" in set_value(text, "status", "done")


def test_the_pull_text_has_the_four_sections() -> None:
    values = {"task_id": "T-0001", "title": "CI", "path": "tasks/T-0001-ci.md"}
    more = {name: f"the {name}" for name in ("acceptance", "changes", "validation", "risk")}
    text = TEMPLATES.render("pull.md", **values, **more)
    sections = sections_of(text)
    assert list(sections) == ["linked task", "what changed", "validation", "risk"]
    assert "T-0001: CI" in sections["linked task"]
    assert "the acceptance" in sections["linked task"]
    assert sections["risk"] == "the risk"


def test_a_project_without_ignored_files_keeps_its_settings_out_of_git(
    tmp_path: Path, git: Callable[..., str]
) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / ".gitignore").write_text(added(of())[".gitignore"])
    (folder / ".env").write_text("GH_TOKEN=x\n")
    (folder / ".env.example").write_text("\n")
    git(folder, "add", "--all")
    assert git(folder, "ls-files").split() == [".env.example", ".gitignore"]
    assert ".gitignore" not in added(of(".gitignore"))


def test_the_settings_example_names_every_setting_and_no_secret() -> None:
    text = added(of())[".env.example"]
    shown = dict(re.findall(r"^#([A-Z_]+)=(.*)$", text, re.MULTILINE))
    assert set(shown) == set(FIELDS) - ENVIRONMENT_ONLY
    assert shown["GH_TOKEN"] == ""
    assert not re.search(r"^[^#\n]", text, re.MULTILINE)


# --- timers ----------------------------------------------------------------------------------

ODD = '/srv/my $HOME/100% "sure"/it\'s;id'


def timer(kind: TimerKind, command: str = "pmcodex", repo: str = "/srv/shop.git") -> dict[str, str]:
    return {edit.path: edit.text or "" for edit in timer_files(kind, command, repo, TEMPLATES)}


def crontab_line(text: str) -> str:
    return next(line for line in text.splitlines() if not line.startswith("#"))


def test_the_crontab_runs_one_round() -> None:
    text = timer("cron")["crontab.example"]
    assert crontab_line(text) == "*/15 * * * * pmcodex run --repo /srv/shop.git >/dev/null"


def test_odd_words_stay_one_word_in_cron() -> None:
    line = crontab_line(timer("cron", repo=ODD)["crontab.example"])
    assert not re.search(r"(?<!\\)%", line)
    shell = line.split(" ", 5)[5].replace("\\%", "%")
    assert shlex.split(shell) == ["pmcodex", "run", "--repo", ODD, ">/dev/null"]


def test_the_example_at_the_root_is_the_one_that_init_writes() -> None:
    assert (ROOT / "crontab.example").read_text() == added(of())["crontab.example"]


def test_the_units_are_named_after_the_project_and_odd_words_are_quoted() -> None:
    files = timer("systemd", "/usr/bin/python3 -m pmcodex")
    assert set(files) == {"systemd/pmcodex-shop.service", "systemd/pmcodex-shop.timer"}
    service = files["systemd/pmcodex-shop.service"]
    assert "ExecStart=/usr/bin/python3 -m pmcodex run --repo /srv/shop.git\n" in service
    assert "NoNewPrivileges=yes" in service
    odd = next(iter(timer("systemd", repo=ODD).values()))
    assert '--repo "/srv/my $$HOME/100%% \\"sure\\"/it\'s;id"\n' in odd


def test_the_unit_lets_a_round_end_and_its_sandbox_be_made() -> None:
    service = timer("systemd")["systemd/pmcodex-shop.service"]
    said = dict(re.findall(r"^(\w+)=(.*)$", service, re.MULTILINE))
    assert said["TimeoutStartSec"] == "infinity"
    in_the_way = {"RestrictNamespaces", "ProtectKernelTunables", "PrivateDevices", "ProtectProc"}
    assert in_the_way.isdisjoint(said)


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if not analyze:
        pytest.skip("systemd-analyze is not installed")
    for path, text in timer("systemd", sys.executable + " -m pmcodex", ODD).items():
        (tmp_path / Path(path).name).write_text(text)
    done = subprocess.run(
        [analyze, "verify", "--user", "--man=no", "--recursive-errors=no", *tmp_path.iterdir()],
        capture_output=True, text=True, timeout=60,
        env={"XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    ours = [line for line in done.stderr.splitlines() if "pmcodex" in line]
    assert not ours, done.stderr


def scheduled() -> dict[str, Any]:
    """The scheduled workflow's steps, by name, and the rest of its job."""
    workflow = yaml.safe_load(timer("github-actions")[".github/workflows/pmcodex.yml"])
    job: dict[str, Any] = workflow["jobs"]["round"]
    return {step["name"]: step for step in job["steps"]} | {"job": job, "workflow": workflow}


def test_the_scheduled_workflow_runs_in_turn_with_least_rights() -> None:
    assert list(timer("github-actions")) == [".github/workflows/pmcodex.yml"]
    said = scheduled()
    workflow, job = said["workflow"], said["job"]
    assert workflow["concurrency"] == {"group": "pmcodex", "cancel-in-progress": False}
    assert workflow["permissions"] == {}
    assert job["permissions"] == {"contents": "write"}
    assert said["Check out"]["with"] == {"fetch-depth": 0, "persist-credentials": False}
    assert "install --yes bubblewrap" in said["Install the sandbox for project code"]["run"]
    token = [step["name"] for step in job["steps"] if "github.token" in str(step)]
    assert token == ["Run"]


SHA = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("source", "installed"),
    [
        ("tools/pm.whl", "./tools/pm.whl"),
        (f"git+https://e.org/p.git@{SHA}", f"pmcodex @ git+https://e.org/p.git@{SHA}"),
        ("", None),
        ("pmcodex", None),
        ("tools/other.whl", None),
        ("git+https://e.org/p.git@main", None),
        ("git+https://e.org/p.git", None),
        ("--upgrade x.whl", None),
    ],
)
def test_the_scheduled_workflow_installs_only_what_its_maintainer_named(
    tmp_path: Path, source: str, installed: str | None
) -> None:
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools/pm.whl").write_text("")
    stub = tmp_path / "python"
    stub.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    stub.chmod(0o755)
    done = subprocess.run(
        ["bash", "-e", "-c", scheduled()["Install pmcodex"]["run"]],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", "SOURCE": source},
        capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    if installed is None:
        assert done.returncode == 1
        assert re.fullmatch(
            r"::error::Set the repository variable PMCODEX_SOURCE .*\n", done.stdout
        )
    else:
        assert done.stdout.splitlines() == ["-m", "pip", "install", installed]


@pytest.mark.parametrize(("code", "leaves"), [(0, 0), (5, 0), (1, 1)])
def test_the_scheduled_workflow_may_push_and_be_told_to_try_later(
    tmp_path: Path, code: int, leaves: int
) -> None:
    stub = tmp_path / "pmcodex"
    ask = "printf 'protocol=https\\nhost=github.com\\n\\n' | git credential fill"
    stub.write_text(f'#!/bin/sh\necho "$@"\n{ask}\nexit {code}\n')
    stub.chmod(0o755)
    done = subprocess.run(
        ["bash", "-e", "-c", scheduled()["Run"]["run"]],
        env={
            "PATH": f"{tmp_path}:/usr/bin:/bin",
            "HOME": str(tmp_path),
            "PUSH_TOKEN": "the-jobs-token",
            "GITHUB_SERVER_URL": "https://github.com",
        },
        capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == leaves
    assert done.stdout.startswith("run\n")
    assert "username=x-access-token\npassword=the-jobs-token\n" in done.stdout
    assert "the-jobs-token" not in (tmp_path / ".gitconfig").read_text()


def test_zizmor_finds_nothing_in_the_scheduled_workflow(tmp_path: Path) -> None:
    zizmor = shutil.which("zizmor", path=str(Path(sys.executable).parent)) or shutil.which("zizmor")
    if not zizmor:
        pytest.skip("zizmor is not installed")
    file = tmp_path / ".github/workflows/pmcodex.yml"
    file.parent.mkdir(parents=True)
    file.write_text(timer("github-actions")[".github/workflows/pmcodex.yml"])
    done = subprocess.run(
        [zizmor, "--offline", "--no-config", "--no-progress", str(file)],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("command", "repo"), [("", "/a"), ("a'b", "/a"), ("a", "b\nc"), ("a", "")])
def test_what_cannot_stand_in_a_line_is_refused(command: str, repo: str) -> None:
    with pytest.raises(InvalidInput):
        timer_files("cron", command, repo, TEMPLATES)


def test_edits_are_plain_texts() -> None:
    assert all(isinstance(edit, FileEdit) and edit.text for edit in missing(of(), TEMPLATES))
