"""Write docs/help.md from what every command answers to --help; with --check, only compare.

The page is made by the program itself, so it can't say what the program doesn't.
"""

from __future__ import annotations

import difflib
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "help.md"
OPENING = """\
# Commands

What each command answers to `--help`. Written by `make docs`; `make check` fails when it is old.
"""

Ask = Callable[[tuple[str, ...]], str]


def ask(command: tuple[str, ...]) -> str:
    """What `pmcodex COMMAND --help` prints, plain and 100 columns wide."""
    env = os.environ | {"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}
    argv = [sys.executable, "-m", "pmcodex", *command, "--help"]
    answer = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60)
    if answer.returncode:
        sys.exit(f"{answer.stderr}\n{' '.join(argv[1:])} ended with {answer.returncode}")
    return "\n".join(line.rstrip() for line in answer.stdout.strip().splitlines())


def commands_in(answer: str) -> list[str]:
    """The names that a group's help lists, in its order; none for a command's help."""
    usage, _, _ = answer.partition("\n")
    _, _, listed = answer.partition("\nCommands:\n")
    names = re.findall(r"^  ([a-z][a-z0-9-]*)(?=  |$)", listed, re.MULTILINE)
    if bool(names) != ("COMMAND [ARGS]" in usage):
        raise ValueError(f"can't tell the commands of: {usage}")
    return names


def pages(answers: Ask, command: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every command with its help, outer before inner."""
    answer = answers(command)
    yield command, answer
    below = [(*command, name) for name in commands_in(answer)]
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for found in pool.map(lambda each: list(pages(answers, each)), below):
            yield from found


def render(answers: Ask) -> str:
    """The whole page."""
    sections = [OPENING]
    for command, answer in pages(answers):
        title = " ".join(("pmcodex", *command))
        sections.append(f"## {title}\n\n```text\n{answer}\n```\n")
    return "\n".join(sections)


def write(page: Path, wanted: str) -> int:
    """Replace the page; 0."""
    page.parent.mkdir(exist_ok=True)
    page.write_text(wanted, encoding="utf-8")
    return 0


def check(page: Path, wanted: str) -> int:
    """0 if the page is current, else 1 and the difference is printed."""
    have = page.read_text(encoding="utf-8") if page.exists() else ""
    if have == wanted:
        print(f"{page.name} is current")
        return 0
    difference = difflib.unified_diff(
        have.splitlines(), wanted.splitlines(), page.name, "pmcodex --help", lineterm=""
    )
    print("\n".join(difference))
    print(f"{page.name} is old; write it anew with: make docs")
    return 1


if __name__ == "__main__":
    act = check if sys.argv[1:] == ["--check"] else write
    sys.exit(act(PAGE, render(ask)))
