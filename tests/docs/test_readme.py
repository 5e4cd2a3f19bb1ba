"""Every command that README.md shows is run, in order, and does what the page says.

What sets up a machine is not run here: CI itself does that, and the targets must exist.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from console import Session, Step, lies, steps

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"

SET_UP = re.compile(
    r"""
    git\ clone\ \S*pmcodex\S*(\ &&\ cd\ pmcodex)?
    | cd\ pmcodex
    | make(?P<targets>(\ [a-z]+)+)
    | (pipx?|uv\ tool)\ install\ \S*pmcodex\S*
    """,
    re.VERBOSE,
)


def is_set_up(step: Step) -> bool:
    return SET_UP.fullmatch(step.command.strip()) is not None


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("git clone https://example.org/team/pmcodex && cd pmcodex", True),
        ("make demo", True),
        ("pipx install pmcodex", True),
        ("make demo; rm -rf /", False),
        ("git clone https://example.org/team/other", False),
        ("pmcodex status", False),
    ],
)
def test_only_the_set_up_is_left_out(command: str, expected: bool) -> None:
    assert is_set_up(Step(1, command, (), 0)) is expected


def test_every_target_the_readme_names_exists() -> None:
    for step in steps(README.read_text(encoding="utf-8")):
        if (found := SET_UP.fullmatch(step.command.strip())) and found["targets"]:
            argv = ["make", "--dry-run", *found["targets"].split()]
            subprocess.run(argv, cwd=ROOT, check=True, capture_output=True)


def test_every_command_of_the_readme_does_what_it_says(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = Path(sys.executable).parent
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    for name in ("reader", "notes"):
        (tmp_path / name).mkdir()
    session = Session(tmp_path / "reader", tmp_path / "notes")
    for step in steps(README.read_text(encoding="utf-8")):
        if not is_set_up(step):
            assert lies(step, session.run(step.command)) == []
