"""Kinds of paths, by name alone."""

from __future__ import annotations

import pytest

from pmcodex.reviewing.kinds import is_code, is_test


@pytest.mark.parametrize(
    "path",
    [
        *("tests/test_a.py", "test_a.py", "pkg/a_test.go", "src/a.spec.ts", "src/a.test.jsx"),
        *("tests/data/a.json", "conftest.py", "src/__tests__/a.js", "src/FooTest.java"),
    ],
)
def test_tests_are_no_code(path):
    assert is_test(path)
    assert not is_code(path)


@pytest.mark.parametrize(
    "path", ["src/a.py", "a.go", "lib/testing_tools.py", "src/latest.js", "X.PY"]
)
def test_code_is_no_test(path):
    assert is_code(path)
    assert not is_test(path)


@pytest.mark.parametrize(
    "path",
    ["README.md", "docs/conf.py", ".github/x.py", "test_plan.md", "Makefile", "pyproject.toml"],
)
def test_the_rest_is_neither(path):
    assert not is_code(path)
    assert not is_test(path)
