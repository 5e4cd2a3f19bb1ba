"""lint-setup: ruff and mypy as a job of the project's workflow, with the least configuration."""

from __future__ import annotations

import re

from pmcodex.core.actions import FileEdit
from pmcodex.core.templates import Templates
from pmcodex.project.edits import CannotApply
from pmcodex.project.files import Project
from pmcodex.project.pyproject import PATH, parse, python_choice, read_pyproject
from pmcodex.project.sources import has_tests, sources_of
from pmcodex.project.workflow import READABLE, job_names, runs, tested_by, with_job, workflows

NAME: str = "lint-setup"
SUMMARY: str = "ruff and mypy on pull requests, with a minimal configuration"
MYPY_FILES = ("mypy.ini", ".mypy.ini", "setup.cfg")
READS: tuple[str, ...] = (*READABLE, PATH, ".pre-commit-config.yaml", *MYPY_FILES)
WORDS: tuple[frozenset[str], ...] = (
    frozenset({"ruff", "ci"}),
    frozenset({"mypy", "ci"}),
    frozenset({"ruff", "mypy"}),
    frozenset({"lint", "ci"}),
    frozenset({"linting", "ci"}),
    frozenset({"linter", "ci"}),
)
PROTECTED: tuple[str, ...] = READABLE

TOOLS = ("ruff", "mypy")


def propose(project: Project, templates: Templates) -> tuple[FileEdit, ...] | CannotApply:
    """The missing one or two steps in the workflow that runs the tests, and configuration."""
    missing = [tool for tool in TOOLS if not _is_run(project, tool)]
    if not missing:
        return ()
    path = tested_by(project)
    if not path:
        return CannotApply("no workflow that can be read runs tests on pull requests; do ci-setup")
    if not sources_of(project).folders and not has_tests(project):
        return CannotApply("there is no Python code to check yet")
    text = project.files[path]
    made = with_job(text, _free_name(text), _job(project, templates, missing, text))
    if made is None:
        return CannotApply(f"{path} is written in a form that no job can be put into safely")
    configured = _configuration(project, templates, missing)
    if isinstance(configured, CannotApply):
        return configured
    return (FileEdit(path, made), *configured)


def _is_run(project: Project, tool: str) -> bool:
    """Whether a workflow runs a tool, by itself or by way of pre-commit."""
    ran = "\n".join(runs(project.files.get(path, "")) for path in workflows(project))
    if "pre-commit" in ran:
        ran += project.files.get(".pre-commit-config.yaml", "")
    return bool(re.search(rf"\b{tool}\b", ran))


def _free_name(text: str) -> str:
    return "static-checks" if "lint" in job_names(text) else "lint"


def _job(project: Project, templates: Templates, missing: list[str], text: str) -> str:
    steps = [
        templates.render("recipes/step-mypy.yml", target=_mypy_target(project))
        if tool == "mypy"
        else templates.text("recipes/step-ruff.yml")
        for tool in missing
    ]
    return templates.render(
        "recipes/lint-job.yml",
        job=_free_name(text),
        python=python_choice(project),
        tools=" ".join(missing),
        steps="".join(steps),
    )


def _code(project: Project) -> tuple[str, ...]:
    """What to type-check: the source folders, else all there is."""
    return sources_of(project).folders or (".",)


def _mypy_target(project: Project) -> str:
    """The files to name on the command line; none where a configuration names them."""
    if not _has_mypy_config(project):
        return ""
    mypy = read_pyproject(project).table("tool", "mypy")
    texts = [project.files.get(path, "") for path in MYPY_FILES]
    named = {"files", "packages", "modules"} & mypy.keys() or any(
        re.search(r"^(?:files|packages|modules)\s*=", text, re.MULTILINE) for text in texts
    )
    return "" if named else " " + " ".join(_code(project))


def _has_mypy_config(project: Project) -> bool:
    if "mypy" in read_pyproject(project).table("tool"):
        return True
    if {"mypy.ini", ".mypy.ini"} & project.paths:
        return True
    return "[mypy]" in project.files.get("setup.cfg", "")


def _configuration(
    project: Project, templates: Templates, missing: list[str]
) -> tuple[FileEdit, ...] | CannotApply:
    """Configuration for the tools that have none: in pyproject.toml, else in files of their own."""
    pyproject = read_pyproject(project)
    if pyproject.broken:
        return CannotApply(f"{PATH} can't be read as TOML")
    wanted = []
    if "ruff" in missing and not _has_ruff_config(project):
        wanted.append("ruff")
    if "mypy" in missing and not _has_mypy_config(project):
        wanted.append("mypy")
    if not wanted:
        return ()
    folders = _code(project)
    if not pyproject.there:
        values = {"ruff": "", "mypy": ", ".join(folders)}
        files = {"ruff": "ruff.toml", "mypy": "mypy.ini"}
        return tuple(
            FileEdit(files[tool], _render(templates, f"recipes/{files[tool]}", values[tool]))
            for tool in wanted
        )
    listed = ", ".join(f'"{folder}"' for folder in folders)
    values = {"ruff": "", "mypy": listed}
    tables = [_render(templates, f"recipes/pyproject-{tool}.toml", values[tool]) for tool in wanted]
    return _appended(project.files[PATH], tables)


def _has_ruff_config(project: Project) -> bool:
    if {"ruff.toml", ".ruff.toml"} & project.paths:
        return True
    return "ruff" in read_pyproject(project).table("tool")


def _render(templates: Templates, name: str, files: str) -> str:
    return templates.render(name, files=files) if files else templates.text(name)


def _appended(text: str, tables: list[str]) -> tuple[FileEdit, ...] | CannotApply:
    """pyproject.toml with tables at its end, every table before them unchanged."""
    newline = "\r\n" if "\r\n" in text else "\n"
    added = "".join(f"\n{table}" for table in tables).replace("\n", newline)
    made = text + ("" if text.endswith("\n") or not text else newline) + added
    before, after = parse(text), parse(made)
    if before is None or after is None or not _holds(after, before):
        return CannotApply(f"{PATH} is written in a form that no table can be added to")
    return (FileEdit(PATH, made),)


def _holds(after: object, before: object) -> bool:
    """Whether everything of `before` is in `after`, unchanged."""
    if isinstance(after, dict) and isinstance(before, dict):
        return all(key in after and _holds(after[key], before[key]) for key in before)
    return after == before
