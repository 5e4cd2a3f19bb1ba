"""Reports read from what the real tools really print; only coverage's table is written by hand."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pmcodex.core.facts import Check, CheckState
from pmcodex.core.policy import Thresholds
from pmcodex.core.report import MOST_DETAILS, read_report, threshold_findings

TESTS = """\
import pytest

def check(x):
    assert x == 2, "not two"

def test_ok():
    pass

def test_equal():
    assert {"x": 1} == {"x": 2}

def test_deep():
    print("fake.py:3: error: printed by the test")
    print("99 passed in 0.01s", flush=True)
    check(1)

@pytest.fixture
def broken():
    raise ValueError("in a fixture")

def test_setup(broken):
    pass

@pytest.mark.skip
def test_skipped():
    pass
"""
LINTED = """\
import os, sys
x: int = "a"
def f(a: int) -> str:
    return a
"""
COVERAGE = """\
Name       Stmts   Miss Branch BrPart  Cover   Missing
------------------------------------------------------
src/a.py      40      6     10      1    85%   3-8
TOTAL         40      6     10      1  87.5%
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "test_a.py").write_text(TESTS)
    (folder / "m.py").write_text(LINTED)
    (folder / "fine.py").write_text("x = 1\n")
    (folder / "broken.py").write_text("def f(:\n")
    (folder / "tests_b").mkdir()
    (folder / "tests_b" / "test_b.py").write_text("import nothing_of_this_name\n")
    return folder


def tool(folder: Path, *argv: str, timed_out: bool = False) -> Check:
    """Run a tool of our own environment and read what it says."""
    env = {
        "PATH": os.defpath,
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    ran = subprocess.run(
        [sys.executable, "-m", *argv],
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return read_report("a-check", ran.returncode, ran.stdout, timed_out=timed_out)


def run_pytest(folder: Path, *argv: str) -> Check:
    return tool(folder, "pytest", "-p", "no:cacheprovider", *argv)


@pytest.mark.parametrize("style", [[], ["-q", "--tb=short", "--color=yes"]])
def test_pytests_counts_and_where_each_failure_is(project: Path, style: list[str]) -> None:
    check = run_pytest(project, "test_a.py", *style)
    assert check.name == "a-check"
    assert check.state is CheckState.FAILURE
    assert check.summary.startswith("2 failed, 1 passed, 1 skipped, 1 error in ")
    assert check.details == (
        "test_a.py:19: ValueError: in a fixture",
        "test_a.py:10: AssertionError: assert {'x': 1} == {'x': 2}",
        "test_a.py:4: AssertionError: not two",
    )


def test_pytest_without_tracebacks_still_names_the_tests(project: Path) -> None:
    check = run_pytest(project, "test_a.py", "--tb=no", "-k", "equal")
    assert check.details == ("test_a.py: test_equal: AssertionError: assert {'x': 1} == {'x': 2}",)


def test_green_tests_are_a_line_and_no_details(project: Path) -> None:
    check = run_pytest(project, "test_a.py", "-k", "test_ok")
    assert check.state is CheckState.SUCCESS
    assert check.summary.startswith("1 passed, 4 deselected in ")
    assert check.details == ()


def test_a_test_module_that_cannot_be_imported(project: Path) -> None:
    check = run_pytest(project, "tests_b")
    assert check.summary.startswith("1 error in ")
    assert check.details == (
        "tests_b/test_b.py:1: ModuleNotFoundError: No module named 'nothing_of_this_name'",
    )


@pytest.mark.parametrize("argv", [["fine.py"], ["test_a.py", "-k", "no_such"], ["-q", "fine.py"]])
def test_no_tests_are_a_failure_that_says_so(project: Path, argv: list[str]) -> None:
    check = run_pytest(project, *argv)
    assert check.state is CheckState.FAILURE
    assert check.summary == "no tests ran: pytest found none to run"
    assert check.details == ()


def test_pytest_called_wrongly(project: Path) -> None:
    check = run_pytest(project, "gone.py")
    assert check.state is CheckState.FAILURE
    assert "exit code 4" in check.summary
    assert "ERROR: file or directory not found: gone.py" in check.details


@pytest.mark.parametrize("style", ["full", "concise", "github"])
def test_ruffs_findings_in_every_format_for_people(project: Path, style: str) -> None:
    argv = ["ruff", "check", "--isolated", "--no-cache", "--select", "E,F", "--output-format"]
    check = tool(project, *argv, style, "m.py", "broken.py")
    assert check.state is CheckState.FAILURE
    assert check.summary.startswith("ruff: 5 findings (")
    assert "F401 x2" in check.summary
    assert "E401 x1" in check.summary
    assert "m.py:1: F401 `os` imported but unused" in check.details
    assert any(line.startswith("broken.py:1: invalid-syntax ") for line in check.details)
    assert len(check.details) == 5


def test_ruff_with_nothing_to_say(project: Path) -> None:
    check = tool(project, "ruff", "check", "--isolated", "--no-cache", "fine.py")
    assert (check.state, check.summary) == (CheckState.SUCCESS, "ruff: 0 findings")


def test_ruffs_formatter(project: Path) -> None:
    check = tool(project, "ruff", "format", "--isolated", "--no-cache", "--check", "m.py")
    assert check.state is CheckState.FAILURE
    assert check.summary == "ruff format: 1 file would be reformatted"
    assert check.details[0].startswith("m.py:")


def test_mypys_errors(project: Path) -> None:
    check = tool(project, "mypy", "--cache-dir", os.devnull, "--show-column-numbers", "m.py")
    assert check.state is CheckState.FAILURE
    assert check.summary == "mypy: Found 2 errors in 1 file"
    assert len(check.details) == 2
    assert check.details[0].startswith("m.py:2: Incompatible types in assignment")
    assert check.details[1].startswith("m.py:4: Incompatible return value type")


def test_mypy_with_nothing_to_say(project: Path) -> None:
    check = tool(project, "mypy", "--cache-dir", os.devnull, "fine.py")
    expected = "mypy: Success: no issues found in 1 source file"
    assert (check.state, check.summary) == (CheckState.SUCCESS, expected)


def test_several_tools_in_one_check() -> None:
    output = """\
a.py:1:8: F401 [*] `os` imported but unused
Found 1 error.
Found 2 errors in 1 file (checked 1 source file)
3 passed in 0.12s
"""
    check = read_report("make-check", 1, output, timed_out=False)
    assert check.summary == (
        "3 passed in 0.12s; ruff: 1 finding (F401 x1); mypy: Found 2 errors in 1 file"
    )
    assert check.details == ("a.py:1: F401 `os` imported but unused",)


def test_coverage_is_named_and_so_is_what_it_misses() -> None:
    output = f"{COVERAGE}FAIL Required test coverage of 90% not reached. Total coverage: 87.50%\n"
    check = read_report("test", 1, f"{output}3 passed in 0.12s\n", timed_out=False)
    assert check.summary.startswith("3 passed in 0.12s; coverage 87.5%; Required test coverage of")
    assert check.state is CheckState.FAILURE


def test_the_exit_code_decides_and_not_the_words() -> None:
    assert read_report("t", 1, "3 passed in 0.1s\n", timed_out=False).state is CheckState.FAILURE
    assert read_report("t", 0, "3 failed in 0.1s\n", timed_out=False).state is CheckState.SUCCESS
    assert read_report("t", 0, "3 passed in 0.1s\n", timed_out=True).state is CheckState.FAILURE


def test_running_out_of_time_is_said_first() -> None:
    check = read_report("t", -15, "collecting\nstill at it\n", timed_out=True)
    assert check.summary == "ran out of time; still at it"


@pytest.mark.parametrize(("code", "words"), [(-9, "ended by SIGKILL"), (-99, "ended by signal 99")])
def test_a_signal_is_named(code: int, words: str) -> None:
    assert read_report("t", code, "", timed_out=False).summary.startswith(words)


def test_any_other_tool_gives_its_last_words() -> None:
    check = read_report("t", 2, "one\ntwo\nthree\nfatal: nothing works\n-----\n\n", timed_out=False)
    assert check.summary == "fatal: nothing works; exit code 2"
    assert check.details == ("fatal: nothing works",)
    check = read_report("t", 2, "one\ntwo\nthree\nfour\n", timed_out=False)
    assert check.details == ("two", "three", "four")


def test_silence_has_a_summary_too() -> None:
    assert read_report("t", 0, "", timed_out=False).summary == "said nothing"


def test_no_control_character_and_no_overwritten_text_survives() -> None:
    output = "\x1b[31mred\x1b[0m\x1b]8;;http://x\x07link\x1b]8;;\x07\x07\u202e\n10%\r100% done\r\n"
    check = read_report("t", 1, output, timed_out=False)
    assert check.summary == "100% done; exit code 1"
    assert check.details == ("redlink", "100% done")


def test_much_output_makes_a_short_report() -> None:
    line = "a.py:1:1: E501 Line too long " + "x" * 5000
    check = read_report("t", 1, f"{line}\n" * 500 + "Found 500 errors.\n", timed_out=False)
    assert check.summary == "ruff: 500 findings (E501 x500)"
    assert len(check.details) == MOST_DETAILS
    assert max(map(len, check.details)) <= 300


THRESHOLDS = Thresholds(coverage=90, ruff=2, mypy=0)


@pytest.mark.parametrize(
    ("output", "findings"),
    [
        (COVERAGE, ("coverage is 87.5%, the policy asks for 90%",)),
        (COVERAGE.replace("87.5%", "90%"), ()),
        ("a.py:1:1: E501 x\n" * 3, ("ruff has 3 findings, the policy allows 2",)),
        ("a.py:1:1: E501 x\n" * 2, ()),
        ("Found 1 error in 1 file (x)", ("mypy has 1 errors, the policy allows 0",)),
        ("Success: no issues found in 1 source file", ()),
        ("nothing with a number: 12%", ()),
    ],
)  # fmt: skip
def test_thresholds_are_held_against_the_numbers(output: str, findings: tuple[str, ...]) -> None:
    check = read_report("t", 0, output, timed_out=False)
    assert threshold_findings(check, THRESHOLDS) == findings
    assert threshold_findings(check, Thresholds()) == ()
