"""Law 5: a token in the environment and in `.env` is in settings objects and nowhere else.

The whole loop runs with it, with a check and a command that tell all they can see. Then every file
that is left is searched, git's objects unpacked, and so is every command line seen meanwhile.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sweep_process import Machine, diff_tasks, merge_all, new_machine
from sweep_world import git

TOKEN = "ghp_" + "Zq9Lw3Xv7" * 4
POLICY = """\
version: 1
checks:
  tell: sh -c 'env; cat /proc/self/environ; exit 1'
commands:
  tell: sh -c 'env > ENV.txt; tr "\\0" "\\n" < /proc/$PPID/environ >> ENV.txt; true'
"""
TASK = "---\nid: T-0900\ntitle: Tell\npriority: P0\nstatus: queued\ncommand: tell\n---\n"


@dataclass(frozen=True)
class TellingMachine(Machine):
    """A machine whose environment holds the token."""

    def environment(self) -> dict[str, str]:
        return super().environment() | {"GH_TOKEN": TOKEN, "PMCODEX_ALLOW_UNSANDBOXED": "true"}


@dataclass
class Sampler:
    """Command lines of all processes, as often as can be."""

    lines: set[bytes] = field(default_factory=set)
    done: threading.Event = field(default_factory=threading.Event)

    def look(self) -> None:
        while not self.done.is_set():
            for entry in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    self.lines.add(entry.read_bytes())
                except OSError:  # it has ended
                    continue


@contextmanager
def sampling() -> Iterator[Sampler]:
    sampler = Sampler()
    thread = threading.Thread(target=sampler.look)
    thread.start()
    try:
        yield sampler
    finally:
        sampler.done.set()
        thread.join()


def telling(folder: Path) -> TellingMachine:
    files = {".llm-team.yml": POLICY, "tasks/T-0900-tell.md": TASK, **diff_tasks(2)}
    made = new_machine(folder, files)
    dotenv = folder / ".env"
    dotenv.write_text(f"GH_TOKEN={TOKEN}\n")
    dotenv.chmod(0o600)
    return TellingMachine(made.remote, made.state)


def whole_loop(machine: Machine) -> str:
    """Every command once or twice, failing ones too; all they said."""
    said = []
    verbs = ("plan", "taskmaster", "developer", "developer", "check", "review", "integrate", "run")
    for verb in (*verbs, "status", "log", "doctor"):
        ended = machine(verb, "--verbose") if verb in verbs else machine(verb)
        said.append(ended.out + ended.err)
    for argv in (["pull", "merge", "99"], ["explain", "T-9999"], ["plan", "--repo", "/nowhere"]):
        ended = machine(*argv)
        said.append(ended.out + ended.err)
    merge_all(machine, "--anyway")
    said.append(machine("run", "--json").out)
    return "\n".join(said)


def found_in(folder: Path) -> list[str]:
    """Where below a folder the token is, in plain files and in git's objects."""
    token = TOKEN.encode()
    plain = [
        str(path)
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".env" and token in path.read_bytes()
    ]
    repositories = [path.parent for path in folder.rglob("objects") if path.is_dir()]
    assert repositories
    return plain + [str(path) for path in repositories if token in _objects(path)]


def _objects(repository: Path) -> bytes:
    how = ["git", "cat-file", "--batch-all-objects", "--batch"]
    return subprocess.run(how, cwd=repository, capture_output=True, check=True).stdout


def test_a_token_is_nowhere_after_the_whole_loop(tmp_path: Path) -> None:
    machine = telling(tmp_path)
    with sampling() as sampler:
        said = whole_loop(machine)
    assert TOKEN not in said
    assert found_in(tmp_path) == []
    assert any(b"pmcodex" in line for line in sampler.lines)
    assert any(b"cat-file" in line or b"ls-remote" in line for line in sampler.lines)
    assert not any(TOKEN.encode() in line for line in sampler.lines)
    told = _objects(machine.remote)
    assert b"ENV.txt" in told  # the command ran, and told what it saw
    assert b"tell is failure" in b"".join(map(str.encode, machine.journal()))


def test_a_planted_leak_would_be_found(tmp_path: Path) -> None:
    machine = telling(tmp_path)
    assert found_in(tmp_path) == []
    git(machine.remote, "hash-object", "-w", "--stdin", text=f"token: {TOKEN}\n")
    assert found_in(tmp_path) == [str(machine.remote)]
    with sampling() as sampler:
        subprocess.run(["sh", "-c", "sleep 0.5; true", TOKEN], check=True)
    assert any(TOKEN.encode() in line for line in sampler.lines)
