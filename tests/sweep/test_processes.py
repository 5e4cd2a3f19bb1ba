"""Real processes, killed from outside at any instruction: the loop ends where it always does.

KILLS_SEED is another seed for the moments, for those who want to go on looking.
"""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path
from typing import Any

import pytest
from sweep_process import Machine, kill_soon, new_machine, play, refs, run_out
from sweep_world import differences, picture, unnumbered

SEED = int(os.environ.get("KILLS_SEED", "7"))
LONGEST = 1.5
"""Seconds: about what a round takes."""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    machine = new_machine(tmp_path_factory.mktemp("undisturbed"))
    play(machine, lambda: run_out(machine))
    return machine


def end_of(machine: Machine) -> dict[str, Any]:
    return unnumbered(picture(machine.remote))


def test_the_loop_has_an_end(undisturbed: Machine) -> None:
    seen = picture(undisturbed.remote)
    done = [path for path in seen["files"] if "\ttasks/T-" in path]
    assert len(done) == 3
    assert all(pull["state"] == "merged" for pull in seen["pulls"].values())
    assert list(seen["branches"]) == ["refs/heads/main"]


def slow_down(remote: Path) -> None:
    """Make every push take its time, so that some are still on their way when their run is dead."""
    hook = remote / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nsleep 0.2\n")
    hook.chmod(0o755)


def test_random_kills_change_nothing(
    undisturbed: Machine, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    machine, chance, kills = new_machine(tmp_path), random.Random(SEED), 0
    slow_down(machine.remote)

    def run() -> None:
        nonlocal kills
        for _ in range(5):
            kills += kill_soon(machine.start("run"), chance, LONGEST)
        run_out(machine)

    play(machine, run)
    assert list(differences(end_of(undisturbed), end_of(machine))) == []
    with capfd.disabled():
        print(f"\nkilled {kills} runs from outside", file=sys.stderr)
    assert kills >= 8  # the others had ended before


def test_four_machines_killed_and_started_again_end_where_one_does(
    undisturbed: Machine, tmp_path: Path
) -> None:
    first, chance = new_machine(tmp_path), random.Random(SEED)
    machines = [first.elsewhere(f"machine-{number}") for number in range(4)]

    def run() -> None:
        started = [machine.start("run") for machine in machines]
        for process in started:
            kill_soon(process, chance, LONGEST / 2)
        run_out(*machines)  # each comes back: a claim is its own machine's to go on with

    play(first, run)
    assert list(differences(end_of(undisturbed), end_of(first))) == []


VERBS = ("plan", "taskmaster", "developer", "check", "review", "integrate", "run")


@pytest.mark.parametrize("name", ["state", "another-machine"])
def test_a_second_time_nothing_is_done(undisturbed: Machine, name: str) -> None:
    machine = undisturbed.elsewhere(name)
    before, written = refs(machine.remote), machine.journal()
    for verb in (*VERBS, *VERBS):
        ended = machine(verb)
        assert (verb, ended.code, ended.out, ended.err) == (verb, 0, "", "")
    assert refs(machine.remote) == before
    assert machine.journal() == written
