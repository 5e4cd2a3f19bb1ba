from __future__ import annotations

import configparser

import pytest
import yaml

from pmcodex.core.owners import owners_of
from pmcodex.project.edits import CannotApply
from pmcodex.project.files import Project
from pmcodex.recipes import RECIPES
from pmcodex.reviewing.sections import sections_of
from pmcodex.texts import load_templates

ADA = '[project]\nauthors = [{name = "Ada Example", email = "ada@example.org"}]\n'


def propose(name: str, files: dict[str, str]) -> dict[str, str] | str:
    given = Project("p", frozenset(files), files)
    edits = RECIPES[name].propose(given, load_templates())
    if isinstance(edits, CannotApply):
        return edits.reason
    return {edit.path: edit.text or "" for edit in edits}


def made(name: str, files: dict[str, str], path: str) -> str:
    edits = propose(name, files)
    assert isinstance(edits, dict), edits
    return edits[path]


def test_codeowners_protects_what_the_prd_names() -> None:
    text = made("codeowners", {"pyproject.toml": ADA}, "CODEOWNERS")
    paths = [".github/workflows/ci.yml", "infra/a", "secrets/b", "app/migrations/1.sql", "src/a.py"]
    owners = owners_of(text, [*paths, ".llm-team.yml"])
    assert owners["src/a.py"] == ()
    assert all(owners[path] == ("ada@example.org",) for path in [*paths[:4], ".llm-team.yml"])


def test_codeowners_names_nobody_it_does_not_know() -> None:
    assert "nobody" in str(propose("codeowners", {}))
    assert "nobody" in str(propose("codeowners", {"pyproject.toml": '[project]\nname = "p"\n'}))
    odd = '[project]\nauthors = [{email = "a@b.c * @evil"}]\n'
    assert "nobody" in str(propose("codeowners", {"pyproject.toml": odd}))


def test_codeowners_fills_a_file_of_comments_and_leaves_rules_alone() -> None:
    start = {"pyproject.toml": ADA, "docs/CODEOWNERS": "# later\n"}
    text = made("codeowners", start, "docs/CODEOWNERS")
    assert text.startswith("# later\n\n# Who")
    assert propose("codeowners", {**start, "docs/CODEOWNERS": "* @ada\n"}) == {}


def test_the_pull_template_has_the_four_sections_in_order() -> None:
    text = made("pr-template", {}, ".github/PULL_REQUEST_TEMPLATE.md")
    heads = list(sections_of(text))
    assert heads == ["linked task", "what changed", "validation", "risk"]


def test_only_missing_sections_are_added() -> None:
    path = ".github/pull_request_template.md"
    text = made("pr-template", {path: "# Pull\n\n## Risks\n\nwords"}, path)
    assert text.startswith("# Pull\n\n## Risks\n\nwords\n\n## Linked Task\n")
    assert list(sections_of(text)) == ["pull", "risks", "linked task", "what changed", "validation"]
    crlf = made("pr-template", {path: "## Risk\r\n"}, path)
    assert crlf.count("\n") == crlf.count("\r\n")


@pytest.mark.parametrize(
    "path",
    [
        "PULL_REQUEST_TEMPLATE/a.md",
        ".github/PULL_REQUEST_TEMPLATE/bug.md",
        ".github/Pull_Request_Template.txt",
    ],
)
def test_templates_of_another_form_stay(path: str) -> None:
    given = Project("p", frozenset({path}), {})
    assert RECIPES["pr-template"].propose(given, load_templates()) == ()


def test_the_licence_names_the_authors() -> None:
    text = made("license", {"pyproject.toml": ADA}, "LICENSE")
    assert text.startswith("MIT License\n\nCopyright (c) Ada Example\n")
    poetry = '[tool.poetry]\nauthors = ["Bo <bo@example.org>", "Cy"]\n'
    assert "Copyright (c) Bo, Cy\n" in made("license", {"pyproject.toml": poetry}, "LICENSE")


def test_the_licence_is_not_guessed() -> None:
    assert "holder" in str(propose("license", {}))
    apache = ADA + 'license = "Apache-2.0"\n'
    assert "Apache-2.0" in str(propose("license", {"pyproject.toml": apache}))
    trove = ADA + 'classifiers = ["License :: OSI Approved :: BSD License"]\n'
    assert "BSD License" in str(propose("license", {"pyproject.toml": trove}))
    mit = (
        ADA + 'license = {text = "MIT"}\nclassifiers = ["License :: OSI Approved :: MIT License"]\n'
    )
    assert isinstance(propose("license", {"pyproject.toml": mit}), dict)


@pytest.mark.parametrize("path", ["LICENSE", "licence.md", "COPYING", "LICENSE-MIT", "LICENSES/a"])
def test_any_licence_is_enough(path: str) -> None:
    assert propose("license", {"pyproject.toml": ADA, path: ""}) == {}


def test_the_editorconfig_can_be_read() -> None:
    text = made("editorconfig", {}, ".editorconfig")
    parser = configparser.ConfigParser()
    parser.read_string("[top]\n" + text)
    assert parser["top"]["root"] == "true"
    assert parser["*.py"]["indent_size"] == "4"


def test_pre_commit_takes_ruff_along_where_it_is_used() -> None:
    def hooks(files: dict[str, str]) -> list[str]:
        loaded = yaml.safe_load(made("pre-commit", files, ".pre-commit-config.yaml"))
        assert all(len(repo["rev"]) == 40 for repo in loaded["repos"])
        return [hook["id"] for repo in loaded["repos"] for hook in repo["hooks"]]

    assert "ruff-check" not in hooks({})
    assert "ruff-check" in hooks({"ruff.toml": ""})
    assert "ruff-check" in hooks({"pyproject.toml": "[tool.ruff]\n"})


@pytest.mark.parametrize("path", ["CHANGES.rst", "docs/changelog.md", "HISTORY", "changelog/1.md"])
def test_a_changelog_by_another_name_is_enough(path: str) -> None:
    assert propose("changelog", {path: ""}) == {}
    assert isinstance(propose("changelog", {}), dict)


def test_a_smoke_test_names_only_modules_that_exist() -> None:
    files = [
        "src/__init__.py",
        "src/app.py",
        "src/not-a-name.py",
        "src/class.py",
        "src/__main__.py",
    ]
    files += ["src/pkg/__init__.py", "docs/__init__.py", "vendor/x/__init__.py", ".h/__init__.py"]
    text = made("smoke-test", dict.fromkeys(files, ""), "tests/test_smoke.py")
    assert 'MODULES = ["src", "src.app", "src.pkg"]' in text
    assert 'FILES = ["src/**/*.py", "tests/*.py"]' in text
    assert 'IMPORT_FROM = ["."]' in text


def test_a_project_with_tests_needs_no_smoke_test() -> None:
    assert propose("smoke-test", {"app/thing_test.py": ""}) == {}
    assert "tests is a file" in str(propose("smoke-test", {"tests": ""}))
