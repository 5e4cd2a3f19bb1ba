"""`log`: what was done on this machine."""

from __future__ import annotations

import json
import subprocess

from clihelp import Pm, Shop, command


def test_actions_are_shown_the_newest_last(worked: Shop, pm: Pm) -> None:
    assert pm("run").code == 0
    lines = pm("log").out.splitlines()
    assert [line.split()[2] for line in lines] == [
        *("developer", "developer", "checker", "checker", "reviewer", "reviewer")
    ]
    assert " developer done T-0001 #1 pull 1 is open" in lines[0]
    assert pm("log", "--last", "1").out.splitlines() == lines[-1:]
    assert pm("log", "--last", "0") == (0, "", "")


def test_as_data_it_is_one_object_a_line(worked: Shop, pm: Pm) -> None:
    (entry,) = [json.loads(line) for line in pm("log", "--json").out.splitlines()]
    assert (entry["role"], entry["task"], entry["pull"]) == ("developer", "T-0001", 1)


def test_an_empty_log_is_said_on_stderr(shop: Shop, pm: Pm) -> None:
    assert pm("log") == (0, "", "nothing was done here yet\n")
    assert pm("log", "--json") == (0, "", "")


def test_follow_waits_for_more_and_ends_by_a_signal(worked: Shop, pm: Pm) -> None:
    argv = command("log", "--follow", "--last", "0")
    log = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert log.stdout is not None
    first = subprocess.Popen(
        command("log", "--follow", "--last", "1"), stdout=subprocess.PIPE, text=True
    )
    assert first.stdout is not None
    assert "developer" in first.stdout.readline()
    first.terminate()
    first.communicate(timeout=20)
    assert first.returncode == 130
    assert pm("developer").code == 0
    log.terminate()
    log.communicate(timeout=20)
