"""Real processes of `pmcodex` on machines of their own, and people who merge what they propose.

A machine is a state folder. Nothing of pmcodex is imported here: what is run is what is installed.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from sweep_world import PROJECT, commit, file_of, git, make_remote, paths_of

POLICY = "version: 1\nlimits:\n  open_pulls: 20\n"
CI = """\
on: pull_request
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - run: python -m pytest
"""
FILES = {**PROJECT, ".llm-team.yml": POLICY, ".github/workflows/ci.yml": CI}

_DIFF = """\
```diff
--- /dev/null
+++ b/notes/{name}.md
@@ -0,0 +1 @@
+{name}
```
"""
_TASK = """\
---
id: {id}
title: Note {name}
type: docs
priority: P2
status: queued
acceptance:
  - there is a note
---

{diff}"""


@dataclass(frozen=True)
class Ended:
    """How a process ended, and what it said."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Machine:
    """A state folder, and the project its commands are about."""

    remote: Path
    state: Path

    def start(self, *argv: str, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
        """Start a command, in a process group of its own."""
        named = () if "--repo" in argv else ("--repo", str(self.remote))
        return subprocess.Popen(
            [sys.executable, "-m", "pmcodex", *argv, *named],
            cwd=self.remote.parent,
            env=self.environment() | (env or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def __call__(self, *argv: str, env: dict[str, str] | None = None) -> Ended:
        """Run a command to its end."""
        return end(self.start(*argv, env=env))

    def environment(self) -> dict[str, str]:
        home = self.remote.parent / "home"
        home.mkdir(exist_ok=True)
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "GIT_CONFIG_NOSYSTEM": "1",
            "WORKDIR_ROOT": str(self.state),
            "PMCODEX_ACTOR": "Ada",
            "LC_ALL": "C.UTF-8",
        }

    def elsewhere(self, name: str) -> Machine:
        return replace(self, state=self.state.with_name(name))

    def journal(self) -> list[str]:
        files = sorted(self.state.glob("*/state/actions.jsonl"))
        return [line for file in files for line in file.read_text().splitlines()]


def end(process: subprocess.Popen[str]) -> Ended:
    out, err = process.communicate(timeout=300)
    return Ended(process.returncode, out, err)


def at_once(*processes: subprocess.Popen[str]) -> list[Ended]:
    return [end(process) for process in processes]


def kill_soon(process: subprocess.Popen[str], chance: random.Random, longest: float) -> bool:
    """Kill the whole process group at a random time; whether it hadn't ended by then."""
    time.sleep(chance.uniform(0.0, longest))
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return process.returncode == -signal.SIGKILL


def new_machine(folder: Path, files: dict[str, str] | None = None) -> Machine:
    """A fresh project, and a machine that knows nothing of it yet."""
    remote = make_remote(folder / "remote.git", FILES | (files or {}))
    return Machine(remote, folder / "state")


def diff_tasks(count: int) -> dict[str, str]:
    """Task files that each carry a diff of their own."""
    return dict(_diff_task(number) for number in range(1, count + 1))


def _diff_task(number: int) -> tuple[str, str]:
    task_id, name = f"T-{number:04d}", f"n{number}"
    text = _TASK.format(id=task_id, name=name, diff=_DIFF.format(name=name))
    return f"tasks/{task_id}-note-{name}.md", text


def refs(remote: Path) -> str:
    return git(remote, "for-each-ref")


def documents(remote: Path) -> Iterator[dict[str, object]]:
    """Every pull's record."""
    for path in paths_of(remote, "refs/pmcodex/forge"):
        if path.startswith("pulls/"):
            yield json.loads(git(remote, "show", f"refs/pmcodex/forge:{path}"))


# --- people --------------------------------------------------------------------------------


def merge_all(person: Machine, *how: str) -> int:
    """Ada merges every open pull, by the names of their heads; how many there were."""
    listed = json.loads(person("pull", "list", "--json").out)["pulls"]
    for pull in sorted(listed, key=lambda pull: pull["head"]):
        ended = person("pull", "merge", str(pull["number"]), *how)
        assert ended.code == 0, ended.err
    return len(listed)


def say_how(remote: Path) -> int:
    """Ada adds a diff to every task that nobody could do without a model; how many there were."""
    found = 0
    for path in paths_of(remote):
        text = file_of(remote, path) if path.startswith("tasks/T-") else ""
        if "status: queued" in text and "recipe:" not in text and "```diff" not in text:
            name = path.removeprefix("tasks/").removesuffix(".md")
            commit(remote, {path: f"{text}\n{_DIFF.format(name=name)}"}, f"Say how: {path}")
            found += 1
    return found


def play(machine: Machine, run: Callable[[], None]) -> None:
    """The whole loop: `run` until it has nothing to do, people's turn, until nothing is left."""
    person = machine.elsewhere("person")
    for _ in range(12):
        run()
        if say_how(machine.remote):
            run()
        if not merge_all(person):
            return
    raise AssertionError("the loop has no end")


def run_out(*machines: Machine) -> None:
    """`pmcodex run` on each machine in turn, until all of them say nothing."""
    for _ in range(12):
        ended = [machine("run") for machine in machines]
        assert all(one.code == 0 for one in ended), ended
        if not any(one.out for one in ended):
            return
    raise AssertionError("`pmcodex run` has no end")
