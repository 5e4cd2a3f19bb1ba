"""The roles' verbs and `run`, as cron and people start them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from clihelp import Pm, Process, Shop, command, task

PRD = """\
# PRD

### M0 - Begin

**Acceptance:**

- A pull request runs the tests
- The door opens

### M1 - Go on

**Acceptance:**

- The window opens
"""


def settled(shop: Shop) -> None:
    """Leave nothing to do: a PRD without items, and a task that is done."""
    shop.write({"docs/PRD.md": "# Nothing\n"})
    shop.tasks(task("T-0001", status="done"))


ROLES = ("plan", "taskmaster", "developer", "review", "integrate")


def test_plan_gives_the_milestones_as_data(shop: Shop, pm: Pm) -> None:
    shop.write({"docs/PRD.md": PRD})
    said = pm("plan", "--json", "--dry-run")
    assert said.code == 0
    first, second = said.data["milestones"]
    assert set(first) == {"id", "title", "acceptance", "hints"}
    assert (first["id"], first["title"]) == ("M0", "Begin")
    assert first["acceptance"] == ["A pull request runs the tests", "The door opens"]
    assert second["id"] == "M1"
    assert second["acceptance"] == ["The window opens"]
    assert said.data["dry_run"] is True
    assert said.data["actions"][0]["kind"] == "Propose"
    assert said.data["outcomes"] == []
    assert said.err == ""


def test_plan_proposes_the_plan_once(shop: Shop, pm: Pm) -> None:
    shop.write({"docs/PRD.md": PRD})
    first = pm("plan")
    assert first.code == 0
    assert first.out.startswith("planner: pull 1: Plan: 2 milestones")
    assert "\n  because docs/PRD.md" in first.out
    assert pm("plan") == (0, "", "")


def test_what_was_declined_comes_back_where_it_is_asked_for(shop: Shop, pm: Pm) -> None:
    shop.write({"docs/PRD.md": PRD})
    for verb, number in (("plan", 1), ("taskmaster", 2)):
        assert pm(verb).out
        assert pm("pull", "close", str(number)).code == 0
    assert pm("plan") == (0, "", "")
    assert pm("plan", "--again").out.startswith("planner: pull 3: Plan: 2 milestones")
    assert pm("taskmaster", "--again").out.startswith("taskmaster: pull 4: Tasks: T-0002\n")


@pytest.mark.parametrize("verb", [*ROLES, "check"])
def test_a_role_gives_run_id_actions_and_outcomes(verb: str, worked: Shop, pm: Pm) -> None:
    said = pm(verb, "--json")
    assert said.code == 0
    assert {"run_id", "actions", "outcomes", "notes", "dry_run"} <= set(said.data)
    assert len(said.data["actions"]) == len(said.data["outcomes"])
    for action, outcome in zip(said.data["actions"], said.data["outcomes"], strict=True):
        assert action["key"] == outcome["key"]
        assert action["reason"]
        assert outcome["result"] == "done"
    assert said.err == ""


@pytest.mark.parametrize("verb", [*ROLES, "check", "run"])
def test_a_dry_run_says_what_it_would_do_and_does_nothing(verb: str, worked: Shop, pm: Pm) -> None:
    worked.write({"docs/PRD.md": PRD})
    before = worked.git("for-each-ref")
    said = pm(verb, "--dry-run")
    assert said.code == 0
    if verb != "integrate":
        assert said.out.startswith("would ")
        assert "\n  because " in said.out
    assert worked.git("for-each-ref") == before


@pytest.mark.parametrize("verb", [*ROLES, "run", "check"])
def test_nothing_is_said_where_nothing_is_done(verb: str, shop: Shop, pm: Pm) -> None:
    settled(shop)
    assert pm(verb) == (0, "", "")


def test_verbose_says_why_nothing_was_done(shop: Shop, pm: Pm) -> None:
    shop.tasks(task("T-0001", recipe=""))
    said = pm("developer", "-v")
    assert said.code == 0
    assert said.out == ""
    assert "nothing to do\nnote: T-0001: " in said.err


def test_run_plays_every_role_and_then_is_silent(shop: Shop, pm: Pm) -> None:
    shop.tasks(task("T-0001"))
    first = pm("run")
    assert first.code == 0
    assert [line for line in first.out.splitlines() if not line.startswith(" ")] == [
        "developer: pull 1 is open for feature/T-0001-task-t-0001",
        "checker: ok is green: said nothing",
        "reviewer: reviewed pull 1",
    ]
    assert pm("run") == (0, "", "")
    assert pm("run") == (0, "", "")


def test_verbose_says_the_same_however_often_it_is_asked(shop: Shop, pm: Pm) -> None:
    shop.write({"docs/PRD.md": "# Nothing\n"})
    shop.tasks(task("T-0001", recipe=""))
    assert pm("run") == (0, "", "")
    first = pm("run", "-v")
    assert "note: T-0001: it names no recipe" in first.err
    assert pm("run", "-v") == first


def test_run_as_data_is_one_document_even_when_nothing_moved(shop: Shop, pm: Pm) -> None:
    settled(shop)
    for _ in range(2):
        said = pm("run", "--json")
        assert said.code == 0
        assert said.data["actions"] == []


def test_trouble_goes_to_stderr_once_and_the_code_tells(worked: Shop, pm: Pm) -> None:
    names = "".join(f"  check-{number}: 'true'\n" for number in range(3))
    policy = f"checks:\n{names}sandbox:\n  readable: [/]\n"
    worked.write({".llm-team.yml": policy})
    assert pm("developer").code == 0
    said = pm("run")
    assert said.code == 3
    troubles = [line for line in said.err.splitlines() if "sandbox.readable" in line]
    assert len(troubles) == 1
    assert troubles[0].startswith("checker: refused: ")
    assert "checker: 5 more ended the same way" in said.err
    assert "refused" not in said.out


def test_unchanged_trouble_is_told_once_a_day_and_shown_by_status(worked: Shop, pm: Pm) -> None:
    policy = "checks:\n  ok: 'true'\nsandbox:\n  readable: [/]\n"
    worked.write({".llm-team.yml": policy})
    first = pm("run")
    assert "checker: refused: " in first.err
    again = pm("run")
    assert (again.code, again.err) == (first.code, "")
    assert pm("run", "-v").err.startswith("checker: refused: ")
    asks = pm("status", "--json").data["needs_human"]
    assert any(ask.startswith("checker: refused: ") for ask in asks)
    (point,) = Path(os.environ["WORKDIR_ROOT"]).glob("*/state/checkpoint.json")
    data = json.loads(point.read_text())
    data["troubles"] = {words: at - 25 * 3600 for words, at in data["troubles"].items()}
    point.write_text(json.dumps(data))
    assert "checker: refused: " in pm("run").err
    worked.write({".llm-team.yml": "checks:\n  ok: 'true'\n"})
    assert pm("run").code == 0
    asks = pm("status", "--json").data["needs_human"]
    assert not any(ask.startswith("checker: ") for ask in asks)


def test_what_ends_every_round_is_told_once_a_day(worked: Shop, pm: Pm) -> None:
    worked.write({".llm-team.yml": "cheks: {}\n"})
    first = pm("run")
    assert first.code == 3
    assert "checks" in first.err
    assert pm("run") == (3, "", "")
    assert pm("run", "-v").err == first.err
    assert pm("run", "--json").data["error"]["exit_code"] == 3
    worked.write({".llm-team.yml": "checks: {}\n"})
    assert pm("run").code == 0
    worked.write({".llm-team.yml": "cheks: {}\n"})
    assert pm("run").err == first.err


def test_trouble_under_json_leaves_one_document_on_stdout(worked: Shop, pm: Pm) -> None:
    worked.write({".llm-team.yml": "checks:\n  ok: 'true'\nsandbox:\n  readable: [/]\n"})
    said = pm("check", "--json")
    assert said.code == 3
    assert said.data["outcomes"][0]["result"] == "refused"
    assert said.err.startswith("checker: refused: ")


@pytest.mark.parametrize("verb", ["review", "check"])
def test_one_pull_can_be_named(verb: str, worked: Shop, pm: Pm) -> None:
    assert pm("developer").code == 0
    said = pm(verb, "--pr", "2", "--json")
    assert said.code == 0
    assert [action["pull"] for action in said.data["actions"]] == [2]


@pytest.mark.parametrize("verb", ["review", "check"])
def test_a_pull_that_is_not_there_is_said(verb: str, worked: Shop, pm: Pm) -> None:
    said = pm(verb, "--pr", "7")
    assert said.code == 3
    assert "there is no open pull 7" in said.err


def test_a_second_run_says_who_holds_the_project_and_leaves(
    shop: Shop, pm: Pm, process: Process
) -> None:
    with running_check(shop, pm):
        said = pm("run")
        assert (said.code, said.err) == (0, "")
        assert said.out.startswith("pmcodex: this project is busy (process ")
        assert said.out.endswith("pmcodex run)\n")
        said = pm("run", "--json")
        assert (said.code, said.err) == (0, "")
        assert said.data["held"].startswith("this project is busy (process ")
        data = pm("plan", "--json").data
        assert data["error"]["exit_code"] == 0


def test_a_person_is_not_kept_waiting_by_a_round(
    shop: Shop, pm: Pm, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_check(shop, pm):
        assert [pull["number"] for pull in pm("status", "--json").data["pulls"]] == [1]
        assert pm("pull", "approve", "1").code == 0
        assert pm("doctor").code == 0
        assert pm("pull", "merge", "1").code == 0
        monkeypatch.setenv("PMCODEX_LOCK_WAIT", "0.1")
        said = pm("check")
        assert (said.code, said.out) == (5, "")
        assert "this project is busy" in said.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_says_so_and_the_next_goes_on(
    number: signal.Signals, shop: Shop, pm: Pm
) -> None:
    with running_check(shop, pm) as run:
        run.send_signal(number)
        out, err = run.communicate(timeout=20)
    assert run.returncode == 130
    assert "interrupted; nothing is lost" in err
    assert "Traceback" not in err + out
    shop.write({".llm-team.yml": 'checks:\n  slow: "true"\n'})
    said = pm("run")
    assert said.code == 0
    assert "checker: slow is green" in said.out
    assert pm("run") == (0, "", "")


class running_check:
    """A `pmcodex run` that is in the middle of a check that takes its time."""

    def __init__(self, shop: Shop, pm: Pm) -> None:
        shop.write({".llm-team.yml": 'checks:\n  slow: "sleep 60"\n'})
        shop.tasks(task("T-0001"))
        self._pm = pm

    def __enter__(self) -> subprocess.Popen[str]:
        # Whoever runs the tests under nohup hands down an ignored SIGHUP, which we would heed.
        was = signal.signal(signal.SIGHUP, signal.SIG_DFL)
        self._run = subprocess.Popen(
            command("run"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        signal.signal(signal.SIGHUP, was)
        assert self._run.stdout is not None
        assert self._run.stdout.readline().startswith("developer: pull 1")
        return self._run

    def __exit__(self, *_error: object) -> None:
        if self._run.poll() is None:
            self._run.terminate()
            self._run.communicate(timeout=20)


def test_watch_goes_on_after_trouble_and_ends_by_a_signal(shop: Shop, tmp_path: Path) -> None:
    shop.write({".llm-team.yml": "cheks: {}\n"})
    run = subprocess.Popen(
        command("run", "--watch", "1", "--json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert run.stdout is not None
    first = json.loads(run.stdout.readline())
    assert first["error"]["exit_code"] == 3
    settled(shop)
    shop.write({".llm-team.yml": "version: 1\n"})
    second = json.loads(run.stdout.readline())
    assert second["actions"] == []
    run.send_signal(signal.SIGTERM)
    out, err = run.communicate(timeout=20)
    assert run.returncode == 130
    assert err.count("pmcodex: error: ") == 1
    assert json.loads(out.splitlines()[-1])["error"]["exit_code"] == 130


def test_a_reader_that_leaves_does_not_stop_the_round(worked: Shop, pm: Pm) -> None:
    run = subprocess.Popen(command("run"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert run.stdout is not None
    run.stdout.close()
    assert run.stderr is not None
    assert run.stderr.read() == b""
    assert run.wait(20) == 0
    assert pm("run") == (0, "", "")
