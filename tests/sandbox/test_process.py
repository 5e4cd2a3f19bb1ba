"""Real programs only: what `process.run` promises, tried."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from pmcodex.errors import InvalidInput
from pmcodex.sandbox import process

ENV = {"PATH": os.defpath, "LANG": "C.UTF-8"}


def python(code: str, cwd: Path, **more: object) -> process.Ran:
    argv = [sys.executable, "-I", "-S", "-c", code]
    return process.run(argv, **{"cwd": cwd, "env": ENV, "timeout": 20, **more})  # type: ignore[arg-type]


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def wait_until_gone(pid: int) -> bool:
    until = time.monotonic() + 5
    while is_alive(pid) and time.monotonic() < until:
        time.sleep(0.005)
    return not is_alive(pid)


def test_both_streams_come_merged_and_in_order(tmp_path: Path) -> None:
    ran = python(
        "import os; os.write(1, b'one\\n'); os.write(2, b'two\\n'); os.write(1, b'three\\n')",
        tmp_path,
    )
    assert (ran.code, ran.output) == (0, "one\ntwo\nthree\n")
    assert not ran.timed_out
    assert not ran.truncated
    assert 0 < ran.seconds < 20


def test_the_environment_is_what_was_given_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GH_TOKEN", "planted")
    ran = process.run(["env"], cwd=tmp_path, env={"PATH": os.defpath, "ONE": "1"}, timeout=20)
    assert sorted(ran.output.split()) == sorted([f"PATH={os.defpath}", "ONE=1"])


def test_it_runs_in_the_folder_given(tmp_path: Path) -> None:
    assert process.run(["pwd"], cwd=tmp_path, env=ENV, timeout=20).output == f"{tmp_path}\n"


def test_words_reach_no_shell(tmp_path: Path) -> None:
    ran = process.run(["echo", "$(id)", "; touch x", "*"], cwd=tmp_path, env=ENV, timeout=20)
    assert ran.output == "$(id) ; touch x *\n"
    assert list(tmp_path.iterdir()) == []


def test_a_program_that_is_not_there_is_a_value(tmp_path: Path) -> None:
    ran = process.run(["no-such-program"], cwd=tmp_path, env=ENV, timeout=20)
    assert (ran.code, ran.output) == (127, "no-such-program: not found")


@pytest.mark.parametrize("argv", [[], ["echo", "a\0b"], ["/etc/passwd"], ["/etc"]])
def test_what_cannot_be_started_is_a_value(argv: list[str], tmp_path: Path) -> None:
    ran = process.run(argv, cwd=tmp_path, env=ENV, timeout=20)
    assert ran.code == 126
    assert ran.output


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="not a folder"):
        process.run(["true"], cwd=tmp_path / "gone", env=ENV, timeout=20)


def test_a_signal_is_a_negative_code(tmp_path: Path) -> None:
    ran = python("import os; os.kill(os.getpid(), 9)", tmp_path)
    assert ran.code == -signal.SIGKILL


def test_bad_bytes_are_replaced(tmp_path: Path) -> None:
    ran = python("import os; os.write(1, b'a\\xffb')", tmp_path)
    assert ran.output == "a\N{REPLACEMENT CHARACTER}b"


def test_huge_output_keeps_head_and_tail(tmp_path: Path) -> None:
    code = "import sys; sys.stdout.write('HEAD' + 'x' * 30_000_000 + 'TAIL')"
    ran = python(code, tmp_path, limit_bytes=1000)
    assert ran.code == 0
    assert ran.truncated
    assert ran.output.startswith("HEADxxx")
    assert ran.output.endswith("xxxTAIL")
    assert f"[... {30_000_008 - 1000} bytes left out ...]" in ran.output
    assert len(ran.output) < 1100


def test_output_at_the_limit_is_whole(tmp_path: Path) -> None:
    ran = python("print('y' * 999)", tmp_path, limit_bytes=1000)
    assert not ran.truncated
    assert ran.output == "y" * 999 + "\n"


def test_much_input_and_much_output_do_not_lock_each_other(tmp_path: Path) -> None:
    text = "line\n" * 400_000
    ran = process.run(
        ["cat"], cwd=tmp_path, env=ENV, timeout=20, stdin=text, limit_bytes=10_000_000
    )
    assert ran.output == text


def test_a_program_that_reads_no_input_is_fine(tmp_path: Path) -> None:
    ran = process.run(["true"], cwd=tmp_path, env=ENV, timeout=20, stdin="x" * 1_000_000)
    assert ran.code == 0


def test_without_input_stdin_is_empty(tmp_path: Path) -> None:
    assert process.run(["cat"], cwd=tmp_path, env=ENV, timeout=20).output == ""


def test_a_timeout_kills_the_whole_group(tmp_path: Path) -> None:
    code = (
        "import os, time\n"
        "child = os.fork()\n"
        "if child: print(os.getpid(), child, flush=True)\n"
        "time.sleep(60)\n"
    )
    ran = python(code, tmp_path, timeout=1.0)
    assert ran.timed_out
    assert ran.code == -signal.SIGTERM
    assert ran.seconds < 10
    pids = [int(word) for word in ran.output.split()]
    assert len(pids) == 2
    assert all(wait_until_gone(pid) for pid in pids)


def test_who_ignores_the_polite_signal_is_killed(tmp_path: Path) -> None:
    code = (
        "import signal, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: print('no', flush=True))\n"
        "print('ready', flush=True)\n"
        "while True: time.sleep(60)\n"
    )
    ran = python(code, tmp_path, timeout=1.0)
    assert ran.timed_out
    assert ran.code == -signal.SIGKILL
    assert ran.output == "ready\nno\n"


def test_last_words_after_the_polite_signal_are_kept(tmp_path: Path) -> None:
    code = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit('bye' * 100_000))\n"
        "time.sleep(60)\n"
    )
    ran = python(code, tmp_path, timeout=1.0)
    assert (ran.code, ran.timed_out) == (1, True)
    assert ran.output.strip().endswith("byebye")
    assert len(ran.output) > 299_000


def test_a_grandchild_that_holds_the_pipe_keeps_nobody_waiting(tmp_path: Path) -> None:
    code = (
        "import os, time\n"
        "child = os.fork()\n"
        "if not child: time.sleep(60)\n"
        "print(child, flush=True)\n"
        "os._exit(3)\n"
    )
    ran = python(code, tmp_path)
    assert ran.code == 3
    assert ran.seconds < 10
    assert wait_until_gone(int(ran.output))


def test_a_process_that_left_the_group_keeps_nobody_waiting(tmp_path: Path) -> None:
    code = (
        "import os, sys\n"
        "child = os.fork()\n"
        "if child: print(child, flush=True); os._exit(0)\n"
        "os.setsid()\n"
        "os.execvp('yes', ['yes'])\n"
    )
    ran = python(code, tmp_path)
    assert ran.code == 0
    assert ran.seconds < 10
    assert wait_until_gone(int(ran.output.split()[0]))  # by the broken pipe


def test_a_program_that_closes_its_output_is_still_waited_for(tmp_path: Path) -> None:
    code = "import os, time; os.close(1); os.close(2); time.sleep(0.2); os._exit(5)"
    ran = python(code, tmp_path)
    assert ran.code == 5
    assert ran.seconds >= 0.2


def test_an_interrupt_kills_the_group_and_goes_on_up(tmp_path: Path) -> None:
    said = tmp_path / "pid"
    code = f"import os, time; open({str(said)!r}, 'w').write(str(os.getpid())); time.sleep(60)"

    def interrupt() -> None:
        until = time.monotonic() + 20
        while not (said.exists() and said.read_text()) and time.monotonic() < until:
            time.sleep(0.005)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        python(code, tmp_path)
    thread.join()
    assert wait_until_gone(int(said.read_text()))


def test_no_zombie_and_no_descriptor_is_left(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        process.run(["true"], cwd=tmp_path, env=ENV, timeout=20, stdin="x")
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
