from __future__ import annotations

import tomllib

import pytest
import yaml

from pmcodex.project.edits import CannotApply
from pmcodex.project.files import Project
from pmcodex.recipes import lint_setup
from pmcodex.texts import load_templates

CI = ".github/workflows/ci.yml"
WORKFLOW = """\
# Ours.
name: tests   # short
on:
  pull_request:
jobs: # all of them
    # the only one
    test:
        runs-on: ubuntu-latest
        steps:
            - run: pytest   # all
env: {A: "b"}
"""


def propose(files: dict[str, str]) -> dict[str, str] | str:
    given = Project("p", frozenset(files), files)
    edits = lint_setup.propose(given, load_templates())
    if isinstance(edits, CannotApply):
        return edits.reason
    return {edit.path: edit.text or "" for edit in edits}


def test_a_job_is_put_in_and_every_line_kept() -> None:
    edits = propose({CI: WORKFLOW, "src/a/__init__.py": ""})
    assert isinstance(edits, dict)
    made = edits[CI]
    added = [line for line in made.splitlines() if line not in WORKFLOW.splitlines()]
    assert [line for line in made.splitlines() if line not in added] == WORKFLOW.splitlines()
    jobs = yaml.safe_load(made)["jobs"]
    assert list(jobs) == ["lint", "test"]
    assert [step.get("run") for step in jobs["lint"]["steps"]][2:] == [
        "python -m pip install pytest ruff mypy",
        "python -m ruff check .",
        "python -m mypy",
    ]


def test_line_ends_are_kept() -> None:
    edits = propose({CI: WORKFLOW.replace("\n", "\r\n"), "src/a/__init__.py": ""})
    assert isinstance(edits, dict)
    assert edits[CI].count("\n") == edits[CI].count("\r\n")


@pytest.mark.parametrize(
    "text",
    [
        "on: pull_request\njobs: {test: {steps: [{run: pytest}]}}\n",
        "{on: pull_request, jobs: {test: {steps: [{run: pytest}]}}}\n",
        '"on": pull_request\n"jobs":\n  {t: {steps: [{run: pytest}]}}\n',
        "on: pull_request\njobs: &all\n  {t: {steps: [{run: pytest}]}}\n",
        WORKFLOW.replace("test:", "lint:") + "",
    ],
)
def test_a_form_it_cannot_extend_is_a_reason_or_another_name(text: str) -> None:
    answer = propose({CI: text, "src/a/__init__.py": ""})
    if isinstance(answer, dict):
        assert list(yaml.safe_load(answer[CI])["jobs"]) == ["static-checks", "lint"]
    else:
        assert "safely" in answer


def test_only_the_missing_tool_is_added() -> None:
    files = {CI: WORKFLOW.replace("pytest ", "ruff check . && pytest "), "src/a/__init__.py": ""}
    edits = propose(files)
    assert isinstance(edits, dict)
    assert set(edits) == {CI, "mypy.ini"}
    assert "ruff check ." not in edits[CI].replace("ruff check . && pytest", "")


def test_pre_commit_in_ci_counts() -> None:
    text = WORKFLOW.replace("pytest ", "pytest && pre-commit run -a")
    hooks = "repos: [{repo: x, hooks: [{id: ruff}, {id: mypy}]}]\n"
    assert propose({CI: text, ".pre-commit-config.yaml": hooks, "src/a/__init__.py": ""}) == {}


def test_without_a_workflow_it_says_what_to_do_first() -> None:
    assert "ci-setup" in str(propose({"src/a/__init__.py": ""}))
    assert "no Python code" in str(propose({CI: WORKFLOW}))


def test_configuration_goes_into_pyproject_and_disturbs_nothing() -> None:
    before = '[project]\nname = "p" # ours\n\n[tool.other]\na = 1'
    edits = propose({CI: WORKFLOW, "p/__init__.py": "", "pyproject.toml": before})
    assert isinstance(edits, dict)
    made = edits["pyproject.toml"]
    assert made.startswith(before)
    tables = tomllib.loads(made)["tool"]
    assert tables["mypy"] == {"files": ["p"], "ignore_missing_imports": True}
    assert tables["ruff"]["lint"]["select"]
    assert tables["other"] == {"a": 1}


@pytest.mark.parametrize(
    ("extra", "target"),
    [
        ({"pyproject.toml": "[tool.mypy]\nstrict = true\n[tool.ruff]\n"}, "python -m mypy p"),
        ({"pyproject.toml": '[tool.mypy]\nfiles = "p"\n[tool.ruff]\n'}, "python -m mypy"),
        ({"ruff.toml": "", "mypy.ini": "[mypy]\nstrict = True\n"}, "python -m mypy p"),
        ({".ruff.toml": "", "setup.cfg": "[mypy]\nfiles = p\n"}, "python -m mypy"),
    ],
)
def test_configuration_that_is_there_stays(extra: dict[str, str], target: str) -> None:
    edits = propose({CI: WORKFLOW, "p/__init__.py": "", **extra})
    assert isinstance(edits, dict)
    assert set(edits) == {CI}
    assert yaml.safe_load(edits[CI])["jobs"]["lint"]["steps"][-1]["run"] == target


@pytest.mark.parametrize("broken", ["[tool", "tool = 1\n", "[[tool.ruff]]\n", "tool.mypy = []\n"])
def test_odd_toml_is_a_reason_and_no_crash(broken: str) -> None:
    answer = propose({CI: WORKFLOW, "p/__init__.py": "", "pyproject.toml": broken})
    assert isinstance(answer, str) or tomllib.loads(answer.get("pyproject.toml", broken))
