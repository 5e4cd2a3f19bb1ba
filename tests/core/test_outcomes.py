"""Outcomes of checks hold only for the definition that they were made by."""

from __future__ import annotations

from builders import a_policy, a_pull

from pmcodex.core.facts import Check, CheckState
from pmcodex.core.outcomes import in_force, spec_of

POLICY = a_policy(checks={"test": "pytest -q", "lint": {"run": "ruff check", "timeout": 5}})
TEST, LINT = (spec_of(POLICY.checks[name]) for name in ("test", "lint"))


def left(*checks: Check) -> list[str]:
    return [check.name for check in in_force(a_pull(checks=checks), POLICY).checks]


def red(name: str, spec: str) -> Check:
    return Check(name, CheckState.FAILURE, spec=spec)


def test_an_outcome_of_todays_definition_stays() -> None:
    assert left(red("test", TEST), red("lint", LINT)) == ["test", "lint"]


def test_an_outcome_of_another_line_or_of_no_check_goes() -> None:
    assert left(red("test", LINT), red("gone", TEST), red("lint", LINT)) == ["lint"]


def test_what_others_recorded_stays_whatever_the_policy_says() -> None:
    assert left(red("CI / build", ""), red("test", "")) == ["CI / build", "test"]


def test_the_line_and_the_timeout_make_the_definition() -> None:
    lines = ["a", {"run": "a", "timeout": 5}, {"run": "a", "timeout": 6}, "b"]
    policy = a_policy(checks={f"c{n}": line for n, line in enumerate(lines)})
    assert len({spec_of(spec) for spec in policy.checks.values()}) == 4
