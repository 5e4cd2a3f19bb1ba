"""Real processes at once: what each may do once is done once, and nobody fails for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sweep_process import Machine, at_once, diff_tasks, documents, merge_all, new_machine
from sweep_world import git, paths_of

TEN = range(10)


def heads(machine: Machine) -> list[str]:
    found = git(machine.remote, "for-each-ref", "--format=%(refname:short)", "refs/heads/")
    return [name for name in found.splitlines() if name != "main"]


def pulls(machine: Machine) -> list[dict[str, object]]:
    return list(documents(machine.remote))


def notes(machine: Machine, branch: str) -> list[str]:
    return [path for path in paths_of(machine.remote, branch) if path.startswith("notes/")]


def test_ten_developers_on_ten_machines_claim_each_task_once(tmp_path: Path) -> None:
    machine = new_machine(tmp_path, diff_tasks(10))
    machines = [machine.elsewhere(f"machine-{number}") for number in TEN]
    ended = at_once(*(one.start("developer") for one in machines))
    assert [one.code for one in ended] == [0] * 10, ended
    branches = sorted(heads(machine))
    assert [name[8:14] for name in branches] == [f"T-{n + 1:04d}" for n in TEN]
    assert [notes(machine, name) for name in branches] == [[f"notes/n{n + 1}.md"] for n in TEN]
    assert sorted(str(pull["head"]) for pull in pulls(machine)) == branches
    for one in machines:
        outcomes = [json.loads(line)["outcome"] for line in one.journal()]
        assert outcomes.count("done") == 1


def test_ten_developers_on_one_machine_stand_in_nobodys_way(tmp_path: Path) -> None:
    machine = new_machine(tmp_path, diff_tasks(10))
    ended = at_once(*(machine.start("developer") for _ in TEN))
    assert [one.code for one in ended] == [0] * 10, ended
    worked = [one for one in ended if one.out]
    assert worked
    for one in ended:
        assert one.out or "this project is busy" in one.err, one
        assert "Traceback" not in one.err
    assert len(pulls(machine)) == len(heads(machine)) == len(worked)


def test_two_taskmasters_hand_out_no_id_twice(tmp_path: Path) -> None:
    machine = new_machine(tmp_path)
    two = [machine.elsewhere(name) for name in ("one", "other")]
    for ended in at_once(*(one.start("taskmaster") for one in two)):
        assert ended.code == 0, ended
    added = [path for path in paths_of(machine.remote, "pmcodex/tasks") if "tasks/T-" in path]
    assert [path[6:12] for path in added] == ["T-0001", "T-0002", "T-0003"]
    assert [pull["title"] for pull in pulls(machine)] == ["Tasks: T-0001 to T-0003"]


@pytest.mark.parametrize("machines", [("one", "one"), ("one", "other")])
def test_two_reviewers_write_one_comment(tmp_path: Path, machines: tuple[str, str]) -> None:
    machine = new_machine(tmp_path, diff_tasks(3))
    for _ in range(3):
        machine("developer")
    waiting = {"PMCODEX_LOCK_WAIT": "60"}
    started = [machine.elsewhere(name).start("review", env=waiting) for name in machines]
    for ended in at_once(*started):
        assert ended.code == 0, ended
    assert [len(pull["comments"]) for pull in pulls(machine)] == [1, 1, 1]  # type: ignore[arg-type]


def test_two_integrators_open_one_bookkeeping_pull(tmp_path: Path) -> None:
    machine = new_machine(tmp_path, diff_tasks(2))
    for _ in range(2):
        machine("developer")
    assert merge_all(machine.elsewhere("person")) == 2
    two = [machine.elsewhere(name) for name in ("one", "other")]
    for ended in at_once(*(one.start("integrate") for one in two)):
        assert ended.code == 0, ended
    assert [pull["head"] for pull in pulls(machine) if pull["state"] == "open"] == [
        "pmcodex/bookkeeping"
    ]
    log = git(machine.remote, "log", "--format=%s", "main..pmcodex/bookkeeping")
    assert log.splitlines() == ["T-0002: mark task done", "T-0001: mark task done"]


def test_two_rounds_and_a_person_at_once(tmp_path: Path) -> None:
    """A person merges while two machines work: everything ends well, and nothing is there twice."""
    machine = new_machine(tmp_path, diff_tasks(4))
    machine("developer")
    person = machine.elsewhere("person")
    started = [machine.elsewhere(name).start("run") for name in ("one", "other")]
    merged = person("pull", "merge", "1")
    assert merged.code == 0, merged
    for ended in at_once(*started):
        assert ended.code == 0, ended
    for name in ("one", "other", "one"):
        machine.elsewhere(name)("run")
    opened = [str(pull["head"]) for pull in pulls(machine)]
    assert len(opened) == len(set(opened))
    listed = json.loads(person("status", "--json").out)
    assert {task["id"]: task["state"] for task in listed["tasks"]}["T-0001"] == "done"
