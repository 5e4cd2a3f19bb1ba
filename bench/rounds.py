"""A developer's round and a round with nothing to do, each against a shell script that does the
same git work: fetch, branch, write the same files, commit as often, push, record the pull.

Both start warm (a mirror or clone from an earlier round) and from the same repository each time.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pairs import Pairs, in_turns, pmcodex, rounds, spread, timed

HERE = Path(__file__).parent
TASK = """\
---
id: T-0001
title: CI setup
type: ci
priority: P0
depends_on: []
status: queued
owner: pmcodex
estimate: 2h
acceptance:
  - Every push runs the tests
auto_policy: manual
recipe: [ci-setup, smoke-test]
---

Have the tests run on every push.
"""
PYPROJECT = '[project]\nname = "sample"\nversion = "0.1.0"\nrequires-python = ">=3.11"\n'


@dataclass(frozen=True)
class Payload:
    """What the developer's round wrote, for the script to write too."""

    branch: str
    commits: Path
    document: Path


class Bench:
    """A remote, pmcodex's state and a clone, all warm, put back as they were for every run."""

    def __init__(self, scratch: Path) -> None:
        self.live, self._pristine = scratch / "live", scratch / "pristine"
        self.remote, self.clone = self.live / "remote.git", self.live / "clone"
        home = scratch / "home"
        home.mkdir()
        (home / ".gitconfig").write_text(
            "[user]\n\tname = Ada\n\temail = ada@example.org\n[gc]\n\tauto = 0\n"
        )
        self.env = {
            "HOME": str(home),
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "WORKDIR_ROOT": str(self.live / "state"),
        }

    def git(self, *words: str | Path) -> str:
        """Output of git in the remote."""
        ran = subprocess.run(
            ["git", "-C", self.remote, *words],
            env=self.env,
            check=True,
            capture_output=True,
            text=True,
        )
        return ran.stdout

    def pmcodex(self, *words: str) -> float:
        """How long a command on the remote takes."""
        return timed(pmcodex(*words, "--repo", str(self.remote)), env=self.env)

    def start(self) -> None:
        """Make the repository with its one task, the warm clone and the warm state."""
        self.live.mkdir()
        work = self.live / "work"
        timed(["git", "init", "-q", "-b", "main", work], env=self.env)
        files = {
            "tasks/T-0001-ci-setup.md": TASK,
            "pyproject.toml": PYPROJECT,
            "src/sample/__init__.py": "",
            "README.md": "# Sample\n",
        }
        for name, text in files.items():
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            (work / name).write_text(text)
        timed(["git", "add", "-A"], cwd=work, env=self.env)
        timed(["git", "commit", "-q", "-m", "Start"], cwd=work, env=self.env)
        timed(["git", "init", "-q", "--bare", "-b", "main", self.remote], env=self.env)
        timed(["git", "push", "-q", self.remote, "main"], cwd=work, env=self.env)
        shutil.rmtree(work)
        timed(["git", "clone", "-q", self.remote, self.clone], env=self.env)
        self.pmcodex("status", "--json")
        shutil.copytree(self.live, self._pristine, symlinks=True)

    def again(self) -> None:
        """Put everything back to the warm start."""
        shutil.rmtree(self.live)
        shutil.copytree(self._pristine, self.live, symlinks=True)

    def payload(self, folder: Path) -> Payload:
        """Play the developer's round once and take down what it wrote."""
        self.pmcodex("developer")
        branch = self.git("for-each-ref", "--format=%(refname:short)", "refs/heads/feature").strip()
        if not branch or "\n" in branch:
            sys.exit("the developer's round made no single branch")
        made = self.git("rev-list", "--reverse", f"main..{branch}").split()
        for number, commit in enumerate(made, 1):
            names = self.git("diff", "--name-only", "--diff-filter=d", f"{commit}^", commit)
            for name in names.splitlines():
                file = folder / str(number) / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(self.git("show", f"{commit}:{name}"))
        document = folder.with_suffix(".json")
        document.write_text(self.git("show", "refs/pmcodex/forge:pulls/000001.json"))
        return Payload(branch, folder, document)

    def settle(self) -> None:
        """Run rounds until one has nothing to do."""
        argv = pmcodex("run", "--json", "--repo", str(self.remote))
        for _ in range(6):
            ran = subprocess.run(argv, env=self.env, check=True, capture_output=True, text=True)
            if not json.loads(ran.stdout)["actions"]:
                return
        sys.exit("the rounds never came to rest")


def developer_round(bench: Bench, payload: Payload) -> Pairs:
    """Time the developer's round against its script."""

    def ours() -> float:
        bench.again()
        return bench.pmcodex("developer")

    def theirs() -> float:
        bench.again()
        argv: list[str | Path] = ["sh", HERE / "developer_round.sh", bench.clone]
        return timed([*argv, payload.branch, payload.commits, payload.document], env=bench.env)

    return in_turns(ours, theirs, rounds(10))


def idle_round(bench: Bench, verb: str) -> Pairs:
    """Time a verb that finds nothing to do against its script."""
    argv: list[str | Path] = ["sh", HERE / "idle_round.sh", bench.clone]
    return in_turns(lambda: bench.pmcodex(verb), lambda: timed(argv, env=bench.env), rounds(15))


def show(title: str, found: Pairs) -> None:
    """Print one comparison."""
    print(title)
    print(f"  pmcodex       {found.one.milliseconds()}")
    print(f"  plain git     {found.other.milliseconds()}")
    print(f"  ratio         {found.ratio.times()}")


def main() -> None:
    """Print medians, spreads, ratios and the idle round's aim."""
    with tempfile.TemporaryDirectory(prefix="pmcodex-bench-") as folder:
        bench = Bench(Path(folder))
        bench.start()
        payload = bench.payload(Path(folder) / "payload")
        show("developer's round", developer_round(bench, payload))
        bench.again()
        bench.settle()
        for verb in ("run", "developer"):
            show(f"round with nothing to do, pmcodex {verb}", idle_round(bench, verb))
        git = spread([timed(["git", "ls-remote", bench.remote], env=bench.env) for _ in range(15)])
        start = spread([timed(pmcodex("--help"), env=bench.env) for _ in range(15)])
        print(f"  one git process (ls-remote)   {git.milliseconds()}")
        print(f"  start-up (--help)             {start.milliseconds()}")
        print(f"  three of the one and one of the other: {(3 * git.mid + start.mid) * 1e3:.0f} ms")


if __name__ == "__main__":
    main()
