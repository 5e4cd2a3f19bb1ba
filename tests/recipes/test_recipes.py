"""What every recipe keeps: minimal, idempotent, honest about what it can't do."""

from __future__ import annotations

import pkgutil

import pytest

import pmcodex.recipes
from pmcodex.core.actions import FileEdit
from pmcodex.core.paths import is_protected, is_safe
from pmcodex.core.policy import Policy
from pmcodex.project.edits import CannotApply, edited
from pmcodex.project.files import Project
from pmcodex.recipes import RECIPES, propose_all, reads, suggest
from pmcodex.texts import load_templates

TEMPLATES = load_templates()
PYPROJECT = """\
[project]
name = "shop"
requires-python = ">=3.11"
authors = [{name = "Ada Example", email = "ada@example.org"}]
"""


def of(files: dict[str, str]) -> Project:
    return Project("shop", frozenset(files), files)


STARTS = {
    "empty": of({}),
    "flat": of({"shop/__init__.py": "", "requirements.txt": "requests\n", "setup.py": ""}),
    "src layout": of({"src/shop/__init__.py": "", "pyproject.toml": PYPROJECT}),
    "prd layout": of({"src/__init__.py": "", "src/app.py": "x = 1\n", "docs/PRD.md": "# PRD\n"}),
    "with tests": of({"shop.py": "", "tests/test_shop.py": "", "pyproject.toml": PYPROJECT}),
    "own words": of(
        {
            "pyproject.toml": PYPROJECT,
            "shop/__init__.py": "",
            ".github/workflows/tests.yml": "on: [pull_request]\njobs:\n  t:\n    steps:\n"
            "    - run: pytest\n",
            ".github/pull_request_template.md": "## What changed?\n",
            "docs/CODEOWNERS": "# nobody yet\n",
            "HISTORY.rst": "",
            "LICENCE.txt": "",
            ".editorconfig": "",
            ".pre-commit-config.yaml": "repos: []\n",
            "tests/test_x.py": "",
        }
    ),
    "broken toml": of({"pyproject.toml": "[project\n", "src/a/__init__.py": ""}),
    "unreadable": Project(
        "shop",
        frozenset({"pyproject.toml", ".github/workflows/ci.yml", "CODEOWNERS", "src/a.py"}),
        {},
    ),
}


def proposed(name: str, start: Project) -> tuple[FileEdit, ...] | CannotApply:
    return RECIPES[name].propose(start, TEMPLATES)


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_applied_once_has_nothing_more_to_do(name: str, start: Project) -> None:
    edits = proposed(name, start)
    if isinstance(edits, CannotApply):
        assert edits.reason
        return
    assert proposed(name, edited(start, edits)) == ()


def keeps_every_line(before: str, after: str) -> bool:
    lines = iter(after.splitlines())
    return all(line in lines for line in before.splitlines())


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
@pytest.mark.parametrize("name", RECIPES)
def test_edits_are_texts_at_safe_paths_that_the_recipe_may_touch(name: str, start: Project) -> None:
    edits = proposed(name, start)
    for edit in edits if isinstance(edits, tuple) else ():
        assert is_safe(edit.path)
        assert edit.text
        assert edit.text.endswith("\n")
        assert not edit.text.endswith("\n\n")
        assert "$" not in edit.text.replace("${{", "")
        if is_protected(edit.path, Policy().protected_paths):
            assert edit.path in RECIPES[name].PROTECTED
        if edit.path in start.paths:
            assert edit.path in RECIPES[name].READS, "it overwrites what it has not read"
            assert keeps_every_line(start.files[edit.path], edit.text)


@pytest.mark.parametrize("name", RECIPES)
def test_looking_only_at_what_it_says_it_reads(name: str) -> None:
    for start in STARTS.values():
        seen = {path: text for path, text in start.files.items() if path in RECIPES[name].READS}
        assert proposed(name, start) == proposed(name, Project("shop", start.paths, seen))


def test_every_module_is_in_the_table_under_its_own_name() -> None:
    modules = {each.name for each in pkgutil.iter_modules(pmcodex.recipes.__path__)}
    assert {name.replace("-", "_") for name in RECIPES} == modules
    assert all(name == recipe.NAME for name, recipe in RECIPES.items())
    assert all(recipe.SUMMARY and "\n" not in recipe.SUMMARY for recipe in RECIPES.values())


def test_reads_is_the_union() -> None:
    assert {"pyproject.toml", ".github/workflows/ci.yml", "docs/CODEOWNERS"} <= reads()
    assert all(is_safe(path) for path in reads())


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("ruff + mypy added to CI; Reviewer comment summarizes their outcomes.", ("lint-setup",)),
        ("Project repo contains CI, template, and task template.", ("ci-setup",)),
        ("A PR with a CI workflow + smoke test", ("ci-setup", "smoke-test")),
        ("`.editorconfig` and pre-commit hooks", ("editorconfig", "pre-commit")),
        ("CODEOWNERS protects infra/", ("codeowners",)),
        ("MIT license", ("license",)),
        ("Replayed webhooks don't create duplicate tasks", ()),
        ("/health returns ok: true", ()),
    ],
)
def test_words_suggest_recipes(words: str, names: tuple[str, ...]) -> None:
    assert suggest(words) == names


def test_later_recipes_see_earlier_edits() -> None:
    start = STARTS["prd layout"]
    alone = propose_all(("lint-setup",), start, TEMPLATES)
    assert isinstance(alone, CannotApply)
    assert "ci-setup" in alone.reason
    edits = propose_all(("ci-setup", "smoke-test", "lint-setup"), start, TEMPLATES)
    assert isinstance(edits, tuple)
    paths = [edit.path for edit in edits]
    assert len(paths) == len(set(paths))
    text = next(edit.text for edit in edits if edit.path.endswith("ci.yml"))
    assert text is not None
    assert "ruff check" in text
    assert "-m pytest" in text


def test_one_that_cannot_be_done_undoes_all() -> None:
    answer = propose_all(("changelog", "license"), STARTS["empty"], TEMPLATES)
    assert answer == CannotApply("license: the holder is unknown: pyproject.toml names no author")


def test_an_unknown_name_is_told_with_the_nearest() -> None:
    answer = propose_all(("cisetup",), STARTS["empty"], TEMPLATES)
    assert isinstance(answer, CannotApply)
    assert "ci-setup" in answer.reason


def test_all_recipes_together_leave_nothing_to_do() -> None:
    start = STARTS["src layout"]
    edits = propose_all(RECIPES, start, TEMPLATES)
    assert isinstance(edits, tuple)
    assert propose_all(RECIPES, edited(start, edits), TEMPLATES) == ()
