"""The workflow as GitHub would take it: read as YAML, judged by zizmor, its steps really run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pmcodex.core.actions import FileEdit
from pmcodex.project.edits import CannotApply
from pmcodex.project.files import Project
from pmcodex.recipes import propose_all
from pmcodex.texts import load_templates

CI = ".github/workflows/ci.yml"
INSTALL = re.compile(r"python -m pip install .*")


def ci_for(files: dict[str, str], *more: str) -> str:
    edits = propose_all(
        ("ci-setup", *more), Project("p", frozenset(files), files), load_templates()
    )
    assert isinstance(edits, tuple), edits
    return next(edit.text or "" for edit in edits if edit.path.startswith(".github/"))


def write(folder: Path, files: dict[str, str], edits: tuple[FileEdit, ...]) -> None:
    for path, text in {**files, **{edit.path: edit.text or "" for edit in edits}}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def run_steps(folder: Path) -> list[str]:
    """Run every `run:` step in bash as the runner does, installs left out; what ran, in order."""
    workflow = yaml.safe_load((folder / CI).read_text())
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    ran = []
    for job in workflow["jobs"].values():
        for step in job["steps"]:
            lines = [line for line in step.get("run", "").splitlines() if not INSTALL.match(line)]
            if not lines:
                continue
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", "\n".join(lines)],
                cwd=folder, env=environment, capture_output=True, text=True, timeout=120,
            )  # fmt: skip
            assert done.returncode == 0, f"{lines}: {done.stdout}{done.stderr}"
            ran += lines
    return ran


PROJECTS = {
    "no code at all": {"README.md": "# Shop\n"},
    "prd layout": {"src/__init__.py": "", "src/app.py": "def f() -> int:\n    return 1\n"},
    "src layout": {"src/shop/__init__.py": "from shop import a as a\n", "src/shop/a.py": "x = 1\n"},
    "flat": {
        "shop/__init__.py": "",
        "shop/a.py": "x: int = 1\n",
        "run.py": "raise SystemExit(9)\n",
    },
    "src modules": {"src/shop.py": "x = 1\n", "src/till.py": "import shop\n"},
    "with pyproject": {
        "src/shop/__init__.py": "",
        "pyproject.toml": '[project]\nname = "shop"\nversion = "1"\n',
    },
}


@pytest.mark.parametrize("files", PROJECTS.values(), ids=PROJECTS)
def test_the_written_steps_are_green(files: dict[str, str], tmp_path: Path) -> None:
    start = Project("shop", frozenset(files), files)
    edits = propose_all(("ci-setup", "smoke-test"), start, load_templates())
    assert isinstance(edits, tuple), edits
    write(tmp_path, files, edits)
    assert run_steps(tmp_path) == ["python -m pytest"]


@pytest.mark.parametrize("kind", ["no code at all", "with pyproject"])
def test_the_written_lint_steps_are_green(kind: str, tmp_path: Path) -> None:
    files = PROJECTS[kind]
    start = Project("shop", frozenset(files), files)
    edits = propose_all(("ci-setup", "smoke-test", "lint-setup"), start, load_templates())
    assert isinstance(edits, tuple), edits
    write(tmp_path, files, edits)
    assert [line.split()[2] for line in run_steps(tmp_path)] == ["ruff", "mypy", "pytest"]


def test_a_broken_project_is_red(tmp_path: Path) -> None:
    files = {"src/shop/__init__.py": "import shop.gone\n"}
    start = Project("shop", frozenset(files), files)
    edits = propose_all(("ci-setup", "smoke-test"), start, load_templates())
    assert isinstance(edits, tuple)
    write(tmp_path, files, edits)
    with pytest.raises(AssertionError, match=r"shop\.gone"):
        run_steps(tmp_path)


def zizmor() -> str:
    found = shutil.which("zizmor", path=str(Path(sys.executable).parent)) or shutil.which("zizmor")
    if not found:
        pytest.skip("zizmor is not installed")
    return found


@pytest.mark.parametrize("more", [(), ("smoke-test", "lint-setup")], ids=["alone", "with lint"])
def test_zizmor_finds_nothing(more: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / CI).parent.mkdir(parents=True)
    (tmp_path / CI).write_text(ci_for({}, *more))
    done = subprocess.run(
        [zizmor(), "--offline", "--no-config", "--persona=pedantic", "--no-progress", CI],
        cwd=tmp_path, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_the_prd_asks_of_the_workflow() -> None:
    workflow = yaml.safe_load(ci_for({}))
    assert workflow[True] == {"pull_request": None}
    assert workflow["permissions"] == {"contents": "read"}
    job = workflow["jobs"]["test"]
    assert job["timeout-minutes"]
    assert job["steps"][0]["with"] == {"persist-credentials": False}
    used = [step["uses"] for step in job["steps"] if "uses" in step]
    assert all(re.fullmatch(r"[a-z-]+/[a-z-]+@[0-9a-f]{40}", each) for each in used)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "pip install pytest"),
        (
            {"requirements.txt": "", "requirements-dev.txt": "", "requirements-gpu.txt": ""},
            "pip install pytest -r requirements-dev.txt -r requirements.txt",
        ),
        ({"requirements;id.txt": "", "requirements$(id).txt": ""}, "pip install pytest"),
        ({"setup.py": ""}, "pip install pytest -e ."),
        ({"pyproject.toml": "[tool.ruff]\n"}, "pip install pytest"),
        (
            {"pyproject.toml": "[project]\n[project.optional-dependencies]\ndev = []\n"},
            'pip install pytest -e ".[dev]"',
        ),
    ],
)
def test_what_is_installed(files: dict[str, str], words: str) -> None:
    steps = yaml.safe_load(ci_for(files))["jobs"]["test"]["steps"]
    assert [step["run"] for step in steps if step["name"] == "Install"] == [f"python -m {words}"]


@pytest.mark.parametrize(
    ("files", "chosen"),
    [
        ({}, {"python-version": "3.12"}),
        ({".python-version": "3.13\n"}, {"python-version-file": ".python-version"}),
        (
            {"pyproject.toml": '[project]\nrequires-python = ">=3.11"\n'},
            {"python-version-file": "pyproject.toml"},
        ),
    ],
)
def test_which_python(files: dict[str, str], chosen: dict[str, str]) -> None:
    assert yaml.safe_load(ci_for(files))["jobs"]["test"]["steps"][1]["with"] == chosen


def propose(files: dict[str, str]) -> tuple[FileEdit, ...] | CannotApply:
    return propose_all(("ci-setup",), Project("p", frozenset(files), files), load_templates())


@pytest.mark.parametrize(
    "text",
    [
        "on: pull_request\njobs:\n  a:\n    steps:\n      - run: pytest -q\n",
        "'on': {push: , pull_request: }\njobs: {a: {steps: [{run: tox}]}}\n",
        "on: [push, pull_request]\njobs:\n  a:\n    steps:\n      - run: |\n          make test\n",
    ],
)
def test_a_workflow_that_tests_pulls_is_enough(text: str) -> None:
    assert propose({".github/workflows/python-package.yml": text}) == ()


@pytest.mark.parametrize(
    "text",
    [
        "on: push\njobs: {a: {steps: [{run: pytest}]}}\n",
        "on: pull_request\njobs: {}\n",
        "[",
        "- a\n",
        "a: &a [*a]\n",
        "on: 2024-99-99\n",
        "[" * 3000,
    ],
)
def test_another_ci_file_is_left_alone(text: str) -> None:
    edits = propose({CI: text})
    assert isinstance(edits, tuple)
    assert [edit.path for edit in edits] == [".github/workflows/tests.yml"]
    full = propose({CI: text, ".github/workflows/tests.yml": text})
    assert isinstance(full, CannotApply)


def test_a_workflow_that_cannot_be_read_is_a_reason() -> None:
    start = Project("p", frozenset({".github/workflows/my-tests.yml"}), {})
    answer = propose_all(("ci-setup",), start, load_templates())
    assert isinstance(answer, CannotApply)
    assert "my-tests.yml" in answer.reason
