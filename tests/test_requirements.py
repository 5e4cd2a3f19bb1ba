"""A skip for want of a system package fails in CI; the pins are whole and name no place."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import system_packages

ROOT = Path(__file__).parents[1]

SKIPS = """
import pytest

@pytest.mark.skipif(True, reason="needs bubblewrap")
def test_marked(): ...

def test_called():
    pytest.skip("needs sshd")

@pytest.mark.skip(reason="not on this platform")
def test_other(): ...

@pytest.mark.xfail(reason="needs a fix")
def test_expected():
    raise AssertionError

def test_fine(): ...
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeconftest(Path(system_packages.__file__).read_text())
    pytester.makepyfile(test_sample=SKIPS)
    return pytester


def test_missing_system_package_skips_on_a_users_machine(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PMCODEX_REQUIRE_SYSTEM", raising=False)
    project.runpytest_subprocess("-p", "no:xdist").assert_outcomes(passed=1, skipped=3, xfailed=1)


def test_missing_system_package_fails_where_it_is_required(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PMCODEX_REQUIRE_SYSTEM", "1")
    result = project.runpytest_subprocess("-p", "no:xdist")
    # A called skip fails in the call, a marked one in the setup, which pytest calls an error.
    result.assert_outcomes(passed=1, skipped=1, failed=1, errors=1, xfailed=1)
    result.stdout.fnmatch_lines(["*may not be skipped here: it needs bubblewrap*"])


def test_a_whole_file_may_not_skip_either(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PMCODEX_REQUIRE_SYSTEM", "1")
    skip = 'import pytest\npytest.skip("needs sshd", allow_module_level=True)'
    project.makepyfile(test_whole=skip)
    result = project.runpytest_subprocess("-p", "no:xdist", "test_whole.py")
    assert result.ret != 0
    result.stdout.fnmatch_lines(["*may not be skipped here: it needs sshd*"])


def pins(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / name).read_text(), re.MULTILINE))


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-run.txt"])
def test_pins_name_no_place_and_hash_everything(name: str) -> None:
    text = (ROOT / name).read_text()
    assert "://" not in text
    assert not re.search(r"^\s*-(?!-hash)", text, re.MULTILINE)
    entries = re.split(r"\n(?=\S)", text.strip())
    assert entries
    assert all("--hash=sha256:" in entry for entry in entries)


def test_both_files_pin_the_same_versions() -> None:
    dev, run = pins("requirements.txt"), pins("requirements-run.txt")
    assert run.items() <= dev.items()


def test_every_dependency_of_the_project_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = project["project"]["dependencies"] + project["build-system"]["requires"]
    names = {re.split(r"[<>=!\[ ;]", want)[0].lower().replace("_", "-") for want in wanted}
    assert names <= pins("requirements-run.txt").keys()
    extra = project["project"]["optional-dependencies"]["dev"]
    dev = {re.split(r"[<>=!\[ ;]", want)[0].lower().replace("_", "-") for want in extra}
    assert dev <= pins("requirements.txt").keys()
