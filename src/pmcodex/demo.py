"""The demo: a sample project played through the whole loop, in a scratch folder.

Every step is the command a person or cron would type, run by `main(argv)` as the shell would run
it. What must never happen here: a step that the real commands can't do.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pmcodex.errors import InvalidInput
from pmcodex.sandbox.process import run
from pmcodex.workfolder import own_command

Say = Callable[[str], None]
Main = Callable[[Sequence[str]], int]


@dataclass(frozen=True, slots=True)
class Step:
    """One command of the loop: who would type it, and why."""

    who: str
    argv: tuple[str, ...]
    why: str


STEPS = (
    Step("cron", ("plan",), "the PRD becomes milestones in docs/PLAN.md, by pull 1"),
    Step("human", ("pull", "merge", "1"), "the plan is fine"),
    Step("cron", ("taskmaster",), "an empty project gets its first task, by pull 2"),
    Step("human", ("pull", "merge", "2"), "the task is wanted"),
    Step("cron", ("developer",), "T-0001 is claimed and worked by recipe: pull 3"),
    Step("cron", ("check",), "the project's own checks run in a sandbox, as CI would"),
    Step("cron", ("review",), "one comment: checks, acceptance, risk"),
    Step("human", ("pull", "show", "3"), "read what is proposed"),
    Step("human", ("pull", "approve", "3"), "a person takes it on"),
    Step("human", ("pull", "merge", "3"), "squashed into main, guarded by the head sha"),
    Step("cron", ("integrate", "--poll"), "the merge is written down, by pull 4"),
    Step("human", ("pull", "merge", "4"), "bookkeeping: one status line"),
    Step("cron", ("status",), "T-0001 is done"),
)
"""The loop. The pulls' numbers are those of a forge that was empty before."""


def play(folder: Path, main: Main, say: Say) -> int:
    """Play the loop in `folder` (made if need be) and return 0 if every step did what it says.

    Raises InvalidInput where the folder is not empty.
    """
    project = folder / "project"
    if folder.exists() and any(folder.iterdir()):
        raise InvalidInput(f"{folder} is not empty", hint="name another folder with --folder")
    os.environ.update(_scratch_environment(folder))
    os.environ.pop("PROJECT_CLONE_URL", None)
    sample_project(project)
    say(f"a sample project in {project}")
    # Asked before we go elsewhere: how we were called may be a relative path.
    name = "pmcodex" if shutil.which("pmcodex") else own_command()
    os.chdir(project)
    for step in STEPS:
        say(f"\n[{step.who}] $ pmcodex {' '.join(step.argv)}\n        {step.why}")
        code = main(step.argv)
        if code:
            say(f"this step ended with {code}; look around in {folder}")
            return code
    return _verdict(project, main, say, name)


def _verdict(project: Path, main: Main, say: Say, name: str) -> int:
    text = _git(project, "show", "main:tasks/T-0001-ci-setup.md")
    if "\nstatus: done\n" not in text:
        say("T-0001 is not done: that is a bug of ours")
        return 1
    say("\n[cron] $ pmcodex run\n        nothing more to do? the next tasks come from the PRD")
    code = main(("run",))
    say(
        f"\nT-0001 went from the PRD to main by pulls alone. Look around:\n"
        f"  cd {project} && export WORKDIR_ROOT={project.parent / 'state'}\n"
        f"  {name} status; {name} pull show 3; {name} log\n"
        f"  git log --oneline main\n"
        f"  git log -p refs/pmcodex/forge\n"
    )
    return code


def sample_project(project: Path) -> None:
    """A tiny Python project with a PRD, as a git repository that is its own remote."""
    from pmcodex.texts import load_templates

    templates = load_templates()
    project.mkdir(parents=True)
    for name in _SAMPLE:
        target = project / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(templates.text(f"demo/{name}.txt"), encoding="utf-8")
    _git(project, "init", "--quiet", "--initial-branch=main")
    _git(project, "config", "user.name", "Ada Maintainer")
    _git(project, "config", "user.email", "ada@example.org")
    _git(project, "add", "--all")
    _git(project, "commit", "--quiet", "--message", "Start the sample project")


_SAMPLE = ("docs/PRD.md", "greeting/__init__.py", "pyproject.toml", ".llm-team.yml", "README.md")


def _scratch_environment(folder: Path) -> dict[str, str]:
    # The sample project is our own, so its checks may run where no sandbox can be had.
    return {
        "WORKDIR_ROOT": str(folder / "state"),
        "PMCODEX_ACTOR": "Ada Maintainer",
        "PMCODEX_ALLOW_UNSANDBOXED": "true",
    }


def _git(project: Path, *args: str) -> str:
    """Plain git, as the person who owns the sample project."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    ran = run(["git", *args], cwd=project, env=env, timeout=60)
    if ran.code:
        raise InvalidInput(f"git {args[0]} failed: {ran.output.strip()}", hint="is git installed?")
    return ran.output
