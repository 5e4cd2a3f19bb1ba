"""A round as it is told: work on stdout, trouble on stderr and once, no secret in either."""

from __future__ import annotations

import pytest

from pmcodex.core.actions import Note, Outcome, PostReview, Result, Role, RunCheck
from pmcodex.core.redaction import Redactor
from pmcodex.render.rounds import Teller, report_json, say_notes, say_plan
from pmcodex.round import Report

Capture = pytest.CaptureFixture[str]

CHECK = RunCheck(3, "a" * 40, "pytest", "pytest has no outcome yet")
REVIEW = PostReview(3, "review", "d", "body", "pull 3: looks ready")


def ended(result: Result, detail: str = "words") -> Outcome:
    return Outcome("key", result, detail)


@pytest.mark.parametrize("result", [Result.UNCHANGED, Result.LOST])
def test_what_changed_nothing_is_not_told(result: Result, capsys: Capture) -> None:
    Teller(Redactor())(CHECK, ended(result))
    assert capsys.readouterr() == ("", "")


def test_work_is_told_with_its_reason(capsys: Capture) -> None:
    Teller(Redactor())(REVIEW, ended(Result.DONE, "reviewed pull 3"))
    assert capsys.readouterr() == ("reviewer: reviewed pull 3\n  because pull 3: looks ready\n", "")


@pytest.mark.parametrize("result", [Result.REFUSED, Result.FAILED, Result.LATER])
def test_trouble_is_told_once_and_counted(result: Result, capsys: Capture) -> None:
    teller = Teller(Redactor())
    for _ in range(3):
        teller(CHECK, ended(result, "no sandbox"))
    teller(CHECK, ended(result, "another matter"))
    teller.end()
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        f"checker: {result.value}: no sandbox",
        f"checker: {result.value}: another matter",
        "checker: 2 more ended the same way",
    ]


def test_trouble_that_is_known_is_not_told_again(capsys: Capture) -> None:
    teller = Teller(Redactor(), known={"checker: later: no answer"})
    for detail in ("no answer", "no answer", "no space"):
        teller(CHECK, ended(Result.LATER, detail))
    teller.end()
    assert capsys.readouterr() == ("", "checker: later: no space\n")
    assert teller.troubles == ("checker: later: no answer", "checker: later: no space")


def test_for_programs_only_trouble_is_told(capsys: Capture) -> None:
    teller = Teller(Redactor(), only_trouble=True)
    teller(REVIEW, ended(Result.DONE))
    teller(CHECK, ended(Result.REFUSED))
    assert capsys.readouterr() == ("", "checker: refused: words\n")


def test_no_secret_is_told(capsys: Capture) -> None:
    redactor = Redactor(("hunter2-token",))
    teller = Teller(redactor)
    outcome = ended(Result.DONE, "pushed with hunter2-token")
    teller(CHECK, outcome)
    teller(CHECK, ended(Result.LATER, "no answer to hunter2-token"))
    report = Report("run", actions=[CHECK], outcomes=[outcome])
    assert "hunter2" not in str(report_json(report, redactor)["outcomes"])
    assert "hunter2" not in "".join(capsys.readouterr())


def test_a_round_as_data() -> None:
    note = Note(Role.DEVELOPER, "T-0001", "it names no recipe", "add one")
    report = Report("run-1", False, [CHECK], [ended(Result.DONE)], [note])
    data = report_json(report, Redactor())
    assert (data["run_id"], data["dry_run"]) == ("run-1", False)
    assert data["actions"][0]["kind"] == "RunCheck"
    assert data["actions"][0]["says"] == "run check pytest on pull 3"
    assert data["actions"][0]["role"] == "checker"
    assert data["outcomes"][0]["result"] == "done"
    assert data["notes"] == [
        {"role": "developer", "about": "T-0001", "message": "it names no recipe", "hint": "add one"}
    ]


def test_a_plan_says_what_would_be_done_and_why(capsys: Capture) -> None:
    say_plan(Report("run", True, [CHECK]))
    assert capsys.readouterr().out.splitlines() == [
        "would run check pytest on pull 3",
        "  because pytest has no outcome yet",
    ]


def test_notes_say_why_nothing_was_done(capsys: Capture) -> None:
    say_notes(Report("run", notes=[Note(Role.DEVELOPER, "T-0001", "waits", "be patient")]))
    assert capsys.readouterr() == ("", "nothing to do\nnote: T-0001: waits (be patient)\n")
    twice = [Note(role, "docs/PRD.md", "is not there") for role in (Role.PLANNER, Role.TASKMASTER)]
    say_notes(Report("run", actions=[CHECK], notes=twice))
    assert capsys.readouterr() == ("", "note: docs/PRD.md: is not there\n")
    say_notes(Report("run", actions=[CHECK]))
    assert capsys.readouterr() == ("", "")
