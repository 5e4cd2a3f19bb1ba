from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmcodex.core.paths import is_protected, is_safe, overlaps
from pmcodex.core.policy import Policy

DEFAULTS = Policy().protected_paths


@pytest.mark.parametrize("path", ["a", "src/a.py", ".github/x", "a b/ü.md", ".gitignore", "x.git"])
def test_ordinary_paths_are_safe(path: str) -> None:
    assert is_safe(path)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/a",
        "a/",
        "a//b",
        ".",
        "..",
        "a/../b",
        "a/./b",
        ".git",
        "a/.Git/b",
        "C:/a",
        "a\\b",
        "a\x00b",
        "a\nb",
        ".git/",
        ".git./x",
        ".git::$INDEX_ALLOCATION/x",
        "GIT~1/x",
        "．git/x",
        "a\x1bb",
    ],
)
def test_unsafe_paths_are_not_and_count_as_protected(path: str) -> None:
    assert not is_safe(path)
    assert is_protected(path, ())


@pytest.mark.parametrize(
    "path",
    [
        ".github/CODEOWNERS",
        ".GITHUB/a/b",
        "infra/x",
        "INFRA/x",
        "secrets/k",
        "docs/CodeOwners",
        ".llm-team.yml",
        "sub/.llm-team.yml",
        "infra",
        ".github",
        "in\u200dfra/x",
        "ſecrets/x",
    ],
)
def test_the_default_policy_protects(path: str) -> None:
    assert is_protected(path, DEFAULTS)


@pytest.mark.parametrize("path", ["src/a.py", "src/infra/a.py", "infrastructure/x", "githubs/x"])
def test_the_default_policy_leaves_alone(path: str) -> None:
    assert not is_protected(path, DEFAULTS)


@pytest.mark.parametrize(
    ("pattern", "path", "covered"),
    [
        ("*.pem", "deep/down/key.pem", True),
        ("*.pem", "key.pem.txt", False),
        ("db/**/*.sql", "db/a/b/c.sql", True),
        ("db/**/*.sql", "db/c.sql", True),
        ("db/**/*.sql", "src/db/c.sql", False),
        ("**/migrations/", "app/migrations/0001.py", True),
        ("deploy/*", "deploy/a/b", True),
        ("deploy", "deploy/a", True),
        ("deploy/prod/", "deploy", True),
        ("./deploy/", "deploy/a", True),
        ("/deploy/", "deploy/a", True),
        ("", "a", False),
        ("[", "[", True),
    ],
)
def test_prefixes_and_globs(pattern: str, path: str, covered: bool) -> None:
    assert is_protected(path, (pattern,)) is covered


@pytest.mark.parametrize(
    ("glob", "path", "covered"),
    [
        ("src/*.py", "src/a.py", True),
        ("src/*.py", "src/a/b.py", False),
        ("src/**", "src/a/b.py", True),
        ("src", "src/a/b.py", True),
        ("src/", "src/a/b.py", True),
        ("**/test_*.py", "tests/core/test_x.py", True),
        ("**/test_*.py", "test_x.py", True),
        ("src/**/x/**/y", "src/x/y", True),
        ("src/**/x/**/y", "src/a/x/b/c/y", True),
        ("src/?.py", "src/ab.py", False),
        ("src/[ab].py", "src/b.py", True),
        ("README.md", "docs/README.md", False),
        ("**", "a", True),
        ("", "a", False),
    ],
)
def test_globs_are_read_from_the_root(glob: str, path: str, covered: bool) -> None:
    assert overlaps((glob,), ("other/file", path)) is covered


def test_nothing_overlaps_nothing() -> None:
    assert not overlaps((), ("a",))
    assert not overlaps(("**",), ())


def test_hostile_globs_take_no_time() -> None:
    started = time.perf_counter()
    assert not overlaps(("**/a/" * 100 + "z",), ("a/" * 400 + "b",))
    assert not overlaps(("*a" * 60 + "z",), ("a" * 900,))
    assert time.perf_counter() - started < 2


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=20), st.lists(st.text(alphabet="ab*?[]/.!", max_size=8), max_size=4))
def test_any_text_has_an_answer(path: str, patterns: list[str]) -> None:
    assert is_protected(path, patterns) or is_safe(path)
    overlaps(patterns, (path,))


@given(st.sampled_from([".github/a", "infra/b/c", "docs/CODEOWNERS"]), st.randoms())
def test_no_spelling_of_case_slips_through(path: str, random: object) -> None:
    choose = random.choice  # type: ignore[attr-defined]
    assert is_protected("".join(choose([c.lower(), c.upper()]) for c in path), DEFAULTS)
