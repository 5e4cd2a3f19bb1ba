"""What the machine must have for the tests: where it is required, its absence is a failure.

A test that can't run without a system package skips with a reason that starts with "needs"
("needs bubblewrap"). With PMCODEX_REQUIRE_SYSTEM set, as in CI, such a skip fails instead: a
green run then means that every test ran.
"""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

_Report = pytest.TestReport | pytest.CollectReport


def _refuse_missing_system(report: _Report) -> None:
    if not report.skipped or not os.environ.get("PMCODEX_REQUIRE_SYSTEM"):
        return
    if not isinstance(report.longrepr, tuple):
        return
    reason = report.longrepr[2].removeprefix("Skipped: ")
    if reason.startswith("needs"):
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid} may not be skipped here: it {reason}"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let no test skip for want of a system package."""
    report = yield
    _refuse_missing_system(report)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Let no test file skip as a whole for want of a system package."""
    report = yield
    _refuse_missing_system(report)
    return report
