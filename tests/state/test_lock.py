from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pmcodex.errors import InvalidInput
from pmcodex.state.lock import Held, project_lock, read_holder

HOLDER = """
import sys, time
from pathlib import Path
from pmcodex.state.lock import project_lock
with project_lock(Path(sys.argv[1]), "pmcodex run --token ghp_0123456789abcdefghij", now=0.0):
    print("held", flush=True)
    sys.stdin.readline()
"""


def start(folder: Path) -> subprocess.Popen[bytes]:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    return holder


def test_a_second_run_is_told_who_holds_the_project(tmp_path: Path) -> None:
    with start(tmp_path) as holder:
        with pytest.raises(Held) as caught, project_lock(tmp_path, "pmcodex plan", now=1.0):
            pytest.fail("two hold the lock")
        holder.communicate(b"\n", timeout=60)
    assert caught.value.exit_code == 0
    assert caught.value.sentence == (
        f"this project is busy (process {holder.pid} on {platform.node()},"
        " since 1970-01-01 00:00:00 UTC: pmcodex run --token ***)"
    )
    assert "PMCODEX_LOCK_WAIT" in caught.value.hint
    assert not (tmp_path / "lock.json").exists()
    with project_lock(tmp_path, "pmcodex plan", now=1.0):
        holding = read_holder(tmp_path)
        assert holding is not None
        assert (holding.pid, holding.command) == (os.getpid(), "pmcodex plan")


def test_a_killed_run_holds_nothing_and_its_note_is_not_believed(tmp_path: Path) -> None:
    with start(tmp_path) as holder:
        holder.send_signal(signal.SIGKILL)
    assert json.loads((tmp_path / "lock.json").read_text())["pid"] == holder.pid
    assert read_holder(tmp_path) is None
    with project_lock(tmp_path, "pmcodex plan", now=1.0):
        pass


def test_waiting_is_rewarded_when_the_holder_ends(tmp_path: Path) -> None:
    with start(tmp_path) as holder:
        assert holder.stdin is not None
        holder.stdin.write(b"\n")
        holder.stdin.flush()
        with project_lock(tmp_path, "pmcodex plan", now=1.0, wait=60):
            assert holder.wait(timeout=60) == 0


def test_the_lock_is_let_go_when_the_run_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), project_lock(tmp_path, "pmcodex plan", now=1.0):
        _ = 1 / 0
    with project_lock(tmp_path, "pmcodex plan", now=1.0):
        pass


@pytest.mark.parametrize("note", ["", "{", "[]", "{}", '{"pid": "x"}', "\udcff"])
def test_a_broken_note_does_not_hide_that_the_lock_is_held(tmp_path: Path, note: str) -> None:
    with project_lock(tmp_path, "pmcodex run", now=0.0):
        (tmp_path / "lock.json").write_bytes(note.encode("utf-8", "surrogateescape"))
        with pytest.raises(Held, match="another process"), project_lock(tmp_path, "x", now=1.0):
            pytest.fail("two hold the lock")


def test_a_folder_without_room_for_a_lock_is_named() -> None:
    with (
        pytest.raises(InvalidInput, match="can't be written"),
        project_lock(Path("/dev/null/state"), "x", now=0.0),
    ):
        pytest.fail("there is no such folder")
