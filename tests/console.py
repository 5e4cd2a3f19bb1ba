"""Reads the console blocks of a Markdown page and runs them as a reader would type them.

In a ```console block a line that starts with "$ " is a command ("> " goes on with it after a
backslash), the lines below it are what it prints: each must appear, in order, with "..." for
anything. "# exit N" at a command's end says what it leaves with, else 0. One shell session goes
through the whole page: its folder and its exported variables stay.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

_EXIT = re.compile(r"#\s*exit (\d+)\s*$")


@dataclass(frozen=True)
class Step:
    """One command, the line it stands in, and what it should come to."""

    line: int
    command: str
    shows: tuple[str, ...]
    exit_code: int


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it said on both streams."""

    code: int
    output: str


def steps(page: str) -> list[Step]:
    """The commands of a page's console blocks, in order."""
    found: list[Step] = []
    for token in MarkdownIt().parse(page):
        if token.type != "fence" or token.info.split()[:1] != ["console"] or not token.map:
            continue
        lines = list(enumerate(token.content.splitlines(), token.map[0] + 2))
        if lines and not lines[0][1].startswith("$ "):
            raise ValueError(f"line {lines[0][0]}: a console block starts with a command")
        while lines:
            number, first = lines.pop(0)
            command = first.removeprefix("$ ")
            while command.endswith("\\") and lines and lines[0][1].startswith("> "):
                command = f"{command}\n{lines.pop(0)[1].removeprefix('> ')}"
            shows = []
            while lines and not lines[0][1].startswith("$ "):
                shows.append(lines.pop(0)[1].rstrip())
            code = _EXIT.search(command)
            found.append(Step(number, command, tuple(shows), int(code[1]) if code else 0))
    return found


class Session:
    """A bash session that is taken up again for every command."""

    def __init__(self, folder: Path, notes: Path) -> None:
        self._cwd = folder
        self._exports = notes / "exports"
        self._where = notes / "where"
        self._exports.write_text("")

    def run(self, command: str, timeout: float = 300) -> Ran:
        """Run one command where the last one ended. Nothing can be typed into it."""
        exports, where = shlex.quote(str(self._exports)), shlex.quote(str(self._where))
        script = f". {exports}\n{command}\ncode=$?\nexport -p >{exports}\npwd >{where}\nexit $code"
        ran = subprocess.run(
            ["bash", "-c", script],
            cwd=self._cwd,
            env=dict(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
        )
        if self._where.exists():
            self._cwd = Path(self._where.read_text().rstrip("\n"))
        return Ran(ran.returncode, ran.stdout)


def lies(step: Step, ran: Ran) -> list[str]:
    """What the page says of a command and what is not so; empty: it told the truth."""
    said = []
    if ran.code != step.exit_code:
        said.append(f"line {step.line}: `{step.command}` left with {ran.code}:\n{ran.output}")
    printed = iter(ran.output.splitlines())
    for line in step.shows:
        pattern = ".*".join(re.escape(part) for part in line.strip().split("..."))
        if not any(re.fullmatch(pattern, other.strip()) for other in printed):
            said.append(
                f"line {step.line}: `{step.command}` does not print {line!r}:\n{ran.output}"
            )
            break
    return said
