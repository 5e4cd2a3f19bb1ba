"""Exit codes one by one, errors as sentences and as data, and the odd places a process runs in."""

from __future__ import annotations

import os
import pty
import re
import resource
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from clihelp import Pm, Process, Shop, command, task

import pmcodex
from pmcodex.cli.main import main

SOURCE = Path(pmcodex.__file__).parent
VERBS = (
    *("init", "plan", "taskmaster", "developer", "review", "integrate", "run", "check", "status"),
    *("explain", "log", "doctor", "schema", "demo", "pull"),
)
PULL_VERBS = ("list", "show", "approve", "merge", "close", "reopen", "comment", "label")
TOKEN = "ghp_" + "0123456789abcdef" * 2


# --- help ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "argv", [(), *((verb,) for verb in VERBS), *(("pull", verb) for verb in PULL_VERBS)]
)
def test_every_verb_has_help_on_stdout(argv: tuple[str, ...], pm: Pm) -> None:
    said = pm(*argv, "--help")
    assert said.code == 0
    assert said.out.startswith(f"Usage: {' '.join(('pmcodex', *argv))}")
    assert said.err == ""


def test_the_help_names_every_verb_without_cutting_its_sentence(pm: Pm) -> None:
    shown = pm("--help").out.partition("Commands:\n")[2].partition("\n\n")[0]
    assert [line.split()[0] for line in shown.splitlines()] == list(VERBS)
    assert "..." not in shown


def test_no_verb_at_all_shows_the_help_on_stderr(pm: Pm) -> None:
    for argv in ((), ("pull",)):
        said = pm(*argv)
        assert (said.code, said.out) == (2, "")
        assert said.err.startswith("Usage: pmcodex")


def test_the_version_is_said(pm: Pm) -> None:
    assert pm("--version") == (0, f"pmcodex {pmcodex.__version__}\n", "")


# --- 2: usage ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("plann",), "Did you mean 'plan'"),
        (("plan", "--jsn"), "--json"),
        (("review", "--pr", "0"), "'--pr'"),
        (("review", "--pr", "one"), "'--pr'"),
        (("pull", "merg", "1"), "Did you mean 'merge'"),
        (("pull", "merge"), "Missing argument 'N'"),
        (("pull", "comment", "1", " "), "needs words"),
        (("explain",), "Missing argument"),
        (("schema", "tasks"), "there are: llm-team, task"),
        (("run", "--watch", "0"), "'--watch'"),
        (("init", "--timer", "launchd"), "'--timer'"),
        (("log", "--last", "-1"), "'--last'"),
    ],
)
def test_2_the_command_line_is_wrong(argv: tuple[str, ...], words: str, shop: Shop, pm: Pm) -> None:
    said = pm(*argv)
    assert (said.code, said.out) == (2, "")
    assert words in said.err
    assert "\n  hint: " in said.err


# --- 3: invalid ----------------------------------------------------------------------------


def test_3_an_unknown_key_is_named_with_file_and_line(shop: Shop, pm: Pm) -> None:
    shop.write({".llm-team.yml": "version: 1\ncheks: {}\n"})
    said = pm("plan")
    assert (said.code, said.out) == (3, "")
    assert ".llm-team.yml" in said.err
    assert "2" in said.err
    assert "checks" in said.err


def test_3_no_repository(home: Path, pm: Pm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    said = pm("status")
    assert said.code == 3
    assert "is not in a git repository" in said.err


@pytest.mark.parametrize("verb", ["status", "run", "init", "doctor"])
def test_3_a_repository_without_a_commit(verb: str, empty_remote: Path, pm: Pm) -> None:
    said = pm(verb, "--repo", str(empty_remote))
    assert said.code == 3
    assert "has no branch main with a commit" in said.err


def test_3_an_unknown_setting(shop: Shop, pm: Pm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PMCODEX_LOCKWAIT", "3")
    said = pm("status")
    assert said.code == 3
    assert "PMCODEX_LOCK_WAIT" in said.err


@pytest.mark.parametrize("repo", ["/no/such/place", "file:///no/such/place", "ext::sh -c id", "-x"])
def test_3_no_such_project(repo: str, home: Path, pm: Pm) -> None:
    said = pm("status", f"--repo={repo}")
    assert (said.code, said.out) == (3, "")
    assert "\n  hint: " in said.err


def test_3_a_password_in_an_address_is_said_of_the_option_that_was_typed(
    home: Path, pm: Pm
) -> None:
    said = pm("status", "--repo", "https://ada:secret-word@example.org/shop.git")
    assert said.code == 3
    assert said.err.startswith("pmcodex: error: --repo holds a password or a token")
    assert "secret-word" not in said.err


def test_3_a_folder_that_is_gone(tmp_path: Path, pm: Pm, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    said = pm("status")
    assert said.code == 3
    assert "is gone" in said.err


# --- 4: refused ----------------------------------------------------------------------------


def test_4_a_hook_of_the_remote(remote: Path, pm: Pm) -> None:
    hook = remote / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'no pushes on sundays' >&2\nexit 1\n")
    hook.chmod(0o755)
    said = pm("taskmaster", "--repo", str(remote))
    assert (said.code, said.out) == (4, "")
    assert "no pushes on sundays" in said.err


def test_4_ones_own_pull(worked: Shop, pm: Pm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PMCODEX_ACTOR", "pmcodex")
    said = pm("pull", "approve", "1")
    assert (said.code, said.out) == (4, "")


def test_4_a_red_check_at_a_merge(worked: Shop, pm: Pm) -> None:
    worked.write({".llm-team.yml": 'checks:\n  ok: "false"\n'})
    assert pm("check").code == 0
    said = pm("pull", "merge", "1")
    assert (said.code, said.out) == (4, "")
    assert "pull 1 is not green: ok is red" in said.err
    assert pm("pull", "merge", "1", "--anyway").code == 0


def test_4_a_checkout_with_changes(worked: Shop, pm: Pm) -> None:
    (worked.folder / "README.md").write_text("mine\n")
    said = pm("pull", "merge", "1")
    assert (said.code, said.out) == (4, "")
    assert "commit or stash them" in said.err
    worked.git("checkout", "-q", "README.md")
    assert pm("pull", "merge", "1").code == 0
    assert (worked.folder / ".editorconfig").exists()


# --- 5: later ------------------------------------------------------------------------------


def test_5_a_remote_that_can_not_be_reached(home: Path, pm: Pm) -> None:
    said = pm("run", "--repo", "https://127.0.0.1:1/acme/shop.git")
    assert (said.code, said.out) == (5, "")
    assert "the next round tries again" in said.err


def test_5_no_room_for_files(shop: Shop, pm: Pm) -> None:
    assert pm("status").code == 0
    ran = subprocess.run(
        command("taskmaster"),
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024)),
    )
    assert (ran.returncode, ran.stdout) == (5, "")
    assert ran.stderr.startswith("pmcodex: error: there is no space left")
    assert pm("taskmaster").code == 0


# --- 1: a bug of ours ----------------------------------------------------------------------


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of pmcodex that lacks the text of the tasks pull, as a broken install might."""
    shutil.copytree(SOURCE, tmp_path / "src" / "pmcodex")
    shutil.copytree(SOURCE.parents[1] / "templates", tmp_path / "templates")
    (tmp_path / "templates" / "tasks-pull.md").unlink()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "src"))


def test_1_a_bug_of_ours_is_a_sentence_and_a_report(
    broken: None, shop: Shop, process: Process, tmp_path: Path
) -> None:
    env = {"TMPDIR": str(tmp_path), "GH_TOKEN": "hunter2-is-my-token"}
    said = process("taskmaster", "--json", env=env)
    assert said.code == 1
    assert "Traceback" not in said.out + said.err
    assert said.err.startswith("pmcodex: error: a bug of ours: KeyError\n  hint: ")
    assert said.data["error"]["exit_code"] == 1
    (report,) = tmp_path.glob("pmcodex-report-*.txt")
    assert str(report) in said.err
    assert report.stat().st_mode & 0o077 == 0
    assert "tasks-pull.md" in report.read_text()


def test_1_the_report_holds_no_secret(
    broken: None, shop: Shop, process: Process, tmp_path: Path
) -> None:
    env = {"TMPDIR": str(tmp_path), "GH_TOKEN": "hunter2-is-my-token"}
    process("taskmaster", "--repo", str(shop.folder), env=env)
    (report,) = tmp_path.glob("pmcodex-report-*.txt")
    assert "hunter2" not in report.read_text()


def test_1_even_where_no_report_can_be_written(
    broken: None, shop: Shop, process: Process, tmp_path: Path
) -> None:
    code = "import sys, tempfile; tempfile.tempdir = '/no/such'; sys.argv[1:] = ['taskmaster']"
    code += "\nfrom pmcodex.cli.main import run\nrun()"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 1
    assert "its report could not be written" in ran.stderr
    assert "Traceback" not in ran.stderr


# --- output that goes nowhere --------------------------------------------------------------


def test_a_full_device_is_5_and_one_sentence(shop: Shop, pm: Pm) -> None:
    with Path("/dev/full").open("w") as full:
        for argv in (("status",), ("status", "--json"), ("--version",)):
            ran = subprocess.run(
                command(*argv), stdout=full, stderr=subprocess.PIPE, text=True, timeout=60
            )
            assert ran.returncode == 5, argv
            assert ran.stderr == (
                "pmcodex: error: there is no space left to write to\n"
                "  hint: make some; the next run goes on\n"
            )


@pytest.mark.parametrize("argv", [("run",), ("status",), ("status", "--json")])
def test_a_reader_that_left_is_no_trouble(argv: tuple[str, ...], shop: Shop, pm: Pm) -> None:
    shop.tasks(task("T-0001"))
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        ran = subprocess.run(
            command(*argv), stdout=pipe, stderr=subprocess.PIPE, text=True, timeout=60
        )
    assert (ran.returncode, ran.stderr) == (0, "")


def test_errors_nobody_reads_keep_their_code(home: Path, shop: Shop) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        ran = subprocess.run(command("plann"), stdout=pipe, stderr=pipe, timeout=60)
    assert ran.returncode == 2


# --- errors as data, secrets ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (("plan", "--jsn", "--json"), 2),
        (("pull", "show", "9", "--json"), 3),
        (("explain", "T-0009", "--json"), 3),
        (("pull", "approve", "1", "--json"), 4),
    ],
)
def test_an_error_under_json_is_one_document_and_a_sentence(
    argv: tuple[str, ...], code: int, worked: Shop, pm: Pm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PMCODEX_ACTOR", "pmcodex")
    said = pm(*argv)
    assert said.code == code
    error = said.data["error"]
    assert set(error) == {"sentence", "hint", "exit_code"}
    assert error["exit_code"] == code
    assert f"pmcodex: error: {error['sentence']}\n" in said.err


def test_json_as_a_word_of_a_comment_is_no_option(worked: Shop, pm: Pm) -> None:
    said = pm("pull", "comment", "9", "--", "--json")
    assert (said.code, said.out) == (3, "")


@pytest.mark.parametrize(
    "argv",
    [
        ("status", "--repo", f"https://x:{TOKEN}@127.0.0.1:1/shop.git"),
        ("status", "--repo", f"https://127.0.0.1:1/{TOKEN}/shop.git", "--json"),
        ("status", f"--{TOKEN}", "--json"),
        (f"token={TOKEN}",),
    ],
)
def test_no_error_says_a_token(argv: tuple[str, ...], home: Path, pm: Pm) -> None:
    said = pm(*argv)
    assert said.code
    assert TOKEN not in said.out + said.err


def test_no_error_says_the_settings_secret(
    shop: Shop, pm: Pm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GH_TOKEN", "hunter2-is-my-token")
    said = pm("explain", "hunter2-is-my-token", "--json")
    assert said.code == 3
    assert "hunter2" not in (said.out + said.err).lower()


# --- odd places ----------------------------------------------------------------------------


@pytest.fixture
def foreign(shop: Shop, pm: Pm) -> Shop:
    """A task in letters that ASCII has not, worked and reviewed, with marks in the comment."""
    shop.tasks(task("T-0001", "Größe und 大小 ✅"))
    assert pm("run").code == 0
    return shop


@pytest.mark.parametrize(
    "env",
    [{"LC_ALL": "C"}, {"PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "latin-1"}],
)
def test_letters_the_terminal_lacks_do_no_harm(
    env: dict[str, str], foreign: Shop, process: Process
) -> None:
    for argv in (("status",), ("pull", "show", "1", "--diff"), ("log",)):
        said = process(*argv, env=env)
        assert (said.code, said.err) == (0, "")
    data = process("status", "--json", env=env).data
    assert data["tasks"][0]["title"] == "Größe und 大小 ✅"


@pytest.mark.parametrize("closing", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_do_no_harm(closing: str, worked: Shop) -> None:
    line = f"{shlex.join(command('run', '-v'))} {closing}"
    ran = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("verb", ["status", "doctor --json", "--help"])
def test_a_reader_that_leaves_early_is_no_fault(verb: str, worked: Shop) -> None:
    line = f"set -o pipefail; {shlex.join(command(*verb.split()))} | true"
    ran = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize(
    ("env", "coloured"),
    [({"TERM": "xterm-256color"}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
def test_colour_is_for_terminals_that_want_it(
    env: dict[str, str], coloured: bool, worked: Shop
) -> None:
    shown = on_terminal("status", env={"COLUMNS": "60", "TERM": "xterm", **env})
    assert ("\x1b[" in shown) is coloured
    tables = re.sub(r"\x1b\[[0-9;]*m|\r", "", shown).partition("open pulls:")[2]
    assert max(map(len, tables.splitlines())) <= 60


def on_terminal(*argv: str, env: dict[str, str]) -> str:
    """What a command prints where a terminal listens."""
    ours, theirs = pty.openpty()
    run = subprocess.Popen(
        command(*argv), stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, **env}
    )
    os.close(theirs)
    shown = b""
    try:
        while block := os.read(ours, 65536):
            shown += block
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    assert run.wait(60) == 0
    return shown.decode()


def test_main_can_be_called_like_a_function(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    ask: Callable[[list[str]], int] = main
    assert ask(["status"]) == 0
    assert "no tasks yet" in capsys.readouterr().out


def test_an_interrupt_that_python_drops_comes_again(shop: Shop) -> None:
    script = """
import os, signal, sys, time, threading
from pmcodex.cli import main as entry
entry.AGAIN = 0.3
class Dropped:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.05)
class Planted:
    # Asked for once the handlers stand: the first interrupt is raised in a destructor.
    def __bool__(self):
        Dropped()
        return False
@entry.app.command()
def slow() -> None:
    bool(Planted())
    time.sleep(30)
sys.argv = ["pmcodex", "slow"]
entry.run()
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=20)
    assert ran.returncode == 130, ran.stderr
    assert "interrupted" in ran.stderr
