"""Law 4: what a project's files and pulls say is data. Never a command, a way out, or a key.

A project full of traps goes through every command, by real processes. Whatever was tricked would
leave a file called `pwned`, a protected path changed on a branch, or an escape in the output.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sweep_process import Ended, Machine, merge_all, new_machine
from sweep_world import commit, git, paths_of

POLICY = """\
version: 1
limits:
  open_pulls: 50
commands:
  stamp: cp README.md STAMP.md
"""
ESCAPE = "\x1b]0;pwned\x07\x1b[2J\x1b[31m"
TRICKS = (
    "$(touch pwned)",
    "`touch pwned`; touch pwned & touch pwned | touch pwned",
    "-oProxyCommand=touch pwned",
    "--upload-pack=touch pwned",
    "../../../../pwned",
    "/tmp/pwned ~/pwned",
    "<!-- pmcodex:ids T-9999 --> {{ '' }} ${HOME} %s {0}",
    f"{ESCAPE} in colour",
)
PRD = "# PRD\n\n### M1 - $(touch pwned)\n\n**Acceptance:**\n\n" + "".join(
    f"- {trick}\n" for trick in TRICKS[:4]
)

_NEW = "--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+pwned\n"
_LINK = "diff --git a/{path} b/{path}\nnew file mode 120000\n" + _NEW
_MOVE = "diff --git a/README.md b/{path}\nrename from README.md\nrename to {path}\n"
DIFFS = (
    *(
        _NEW.replace("{path}", path)
        for path in (
            "../pwned",
            "a/../../pwned",
            "/tmp/pwned",
            "~/pwned/../../pwned",
            ".git/hooks/post-checkout",
            "sub/.GIT/config",
            ".gi\u200ct/config",
            ".github/workflows/pwned.yml",
            ".GitHub/workflows/pwned.yml",
            "infra",
            "CODEOWNERS",
            ".llm-team.yml",
            "secrets/pwned.txt",
            "C:\\pwned",
            "-pwned",
        )
    ),
    _LINK.format(path="link-to-somewhere"),
    _MOVE.format(path=".github/workflows/moved.yml"),
    _MOVE.format(path="../pwned"),
)
PROTECTED = (".github", ".llm-team.yml", "CODEOWNERS", "infra", "secrets")


def task(number: int, title: str = "A task", rest: str = "", body: str = "") -> dict[str, str]:
    """A task file, its title as JSON, which is YAML."""
    head = f"id: T-{number:04d}\ntitle: {json.dumps(title)}\nstatus: queued\n{rest}"
    return {f"tasks/T-{number:04d}-x.md": f"---\n{head}---\n\n{body}\n"}


def traps() -> dict[str, str]:
    files = {"docs/PRD.md": PRD, ".llm-team.yml": POLICY}
    for number, diff in enumerate(DIFFS, 100):
        files |= task(number, f"Diff {number}", body=f"```diff\n{diff}```")
    for number, trick in enumerate(TRICKS, 200):
        body = f"{trick}\n\n```diff\n{_NEW.replace('{path}', f'ok/{number}.txt')}```"
        files |= task(number, trick, f"acceptance: [{json.dumps(trick)}]\n", body)
    for number, name in enumerate(("touch pwned", "stamp; touch pwned", "../stamp", "--"), 300):
        files |= task(number, rest=f"command: {json.dumps(name)}\n")
    files |= task(400, rest="owner: !!python/object/apply:os.system ['touch pwned']\n")
    files |= task(401, rest="recipe: ['../../pwned', 'ci-setup; touch pwned']\n")
    files |= task(402, rest="depends_on: &a [*a]\n")
    files |= {"tasks/T-0403-$(touch pwned).md": "pwned", "tasks/-oProxyCommand=x.md": "---\n"}
    return files


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return new_machine(tmp_path / "here", traps())


def everything(machine: Machine) -> Iterator[Ended]:
    """Every command, with a person who merges what is proposed, and a stranger's pull."""
    person = machine.elsewhere("person")
    yield machine("doctor")
    for worked in (len(TRICKS), 1):
        for verb in ("plan", "taskmaster", *["developer"] * worked, "review"):
            yield machine(verb, "--verbose")
        branch = "feature/T-0100-x"
        commit(machine.remote, {"stranger.txt": "x\n"}, f"{ESCAPE}$(touch pwned)", branch)
        yield person("pull", "comment", "1", f"{ESCAPE}$(touch pwned)")
        for look in (["status"], ["log"], ["pull", "list"], ["pull", "show", "1", "--diff"]):
            yield person(*look)
        for task_id in ("T-0100", "T-0200", "T-0400"):
            yield person("explain", task_id)
        merge_all(person)
        yield machine("integrate", "--verbose")
        yield machine("run", "--verbose")


def test_no_trap_closes(machine: Machine) -> None:
    for ended in everything(machine):
        words = ended.out + ended.err
        assert "\x1b" not in words
        assert "\x07" not in words
        assert ended.code in (0, 3, 4), words
        assert "Traceback" not in words
        assert "a bug of ours" not in words
    worked = [path for path in paths_of(machine.remote) if path.startswith("ok/")]
    assert len(worked) == len(TRICKS)  # hostile words alone keep nobody from the work
    assert touched(machine) == []
    assert escaped(machine) == []


def touched(machine: Machine) -> list[str]:
    """Protected paths, links and git's own files in any commit that pmcodex ever made there."""
    every = ("cat-file", "--batch-all-objects", "--batch-check=%(objecttype) %(objectname)")
    objects = git(machine.remote, *every).splitlines()
    commits = "".join(f"{line[7:]}\n" for line in objects if line.startswith("commit "))
    how = ("log", "--no-walk=unsorted", "--author=pmcodex", "--raw", "--format=", "--stdin")
    return [line for line in git(machine.remote, *how, text=commits).splitlines() if _is_bad(line)]


def _is_bad(line: str) -> bool:
    about, _, path = line.partition("\t")
    parts = path.strip('"').casefold().split("/")
    linked = about.split()[1:2] == ["120000"]
    return linked or parts[0] in PROTECTED or bool({".git", ".."} & set(parts))


def escaped(machine: Machine) -> list[str]:
    """Files called pwned, and anything beside the few places that may be written."""
    top = machine.remote.parent
    names = [str(path) for path in top.parent.rglob("*") if path.name.casefold() == "pwned"]
    places = {path.name for path in top.iterdir()}
    strays = places - {"remote.git", "home", "state", "person"}
    outside = {path.name for path in top.parent.iterdir()} - {"here"}
    hooks = [str(hook) for hook in top.rglob("hooks/*") if not hook.name.endswith(".sample")]
    home = [str(path) for path in (top / "home").rglob("*")]
    return [*names, *strays, *outside, *hooks, *home, *filter(os.path.exists, ["/tmp/pwned"])]


def test_a_planted_trap_would_be_seen(tmp_path: Path) -> None:
    machine = new_machine(tmp_path / "here")
    (machine.remote.parent / "pwned").touch()
    assert escaped(machine)
    commit(machine.remote, {".github/workflows/x.yml": "pwned\n"}, "x", "feature/T-0001-x")
    assert touched(machine) == []  # Ada may
    us = ("-c", "user.name=pmcodex", "-c", "user.email=pmcodex@localhost")
    tree = "feature/T-0001-x^{tree}"
    git(machine.remote, *us, "commit-tree", tree, "-p", "main", "-m", "x")
    assert touched(machine)


@pytest.mark.parametrize(
    "address", ["-oProxyCommand=touch pwned", "ext::touch pwned", "--upload-pack=touch pwned"]
)
def test_an_address_is_no_command(tmp_path: Path, address: str) -> None:
    machine = new_machine(tmp_path / "here")
    ended = machine("status", "--repo", address)
    assert ended.code in (2, 3), ended
    assert "Traceback" not in ended.err
    assert escaped(machine) == []
