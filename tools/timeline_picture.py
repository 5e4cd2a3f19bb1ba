"""Draws docs/timeline.svg: what `pmcodex demo` really said, cut to a line or two a step.

Run by `make docs`. What must never happen here: a line that the demo did not print.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

PICTURE = Path(__file__).parents[1] / "docs/timeline.svg"
STEP = re.compile(r"\[(?P<who>cron|human)\] \$ (?P<command>.*)")
COLOURS = {"cron": "cyan", "human": "yellow"}


def demo() -> list[str]:
    """The demo's output, line by line."""
    with tempfile.TemporaryDirectory() as scratch:
        argv = [sys.executable, "-m", "pmcodex", "demo", "--folder", f"{scratch}/demo"]
        ran = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=True, timeout=300)
    return ran.stdout.splitlines()


def timeline(lines: list[str]) -> list[Text]:
    """Each step's command, its reason, and the first line of what came of it."""
    drawn: list[Text] = []
    for place, line in enumerate(lines):
        step = STEP.fullmatch(line)
        if step is None or step["command"].startswith("pmcodex pull show"):
            continue
        drawn.append(
            Text.assemble(
                (f"{step['who']:>6} ", COLOURS[step["who"]]),
                (f"$ {step['command']}", "bold"),
                (f"   {lines[place + 1].strip()}", "dim"),
            )
        )
        result = lines[place + 2]
        if not result.startswith(("task ", "[")):
            drawn.append(Text(f"         {result}", "green"))
    return drawn


def main() -> int:
    """Draw the picture."""
    console = Console(record=True, width=96, file=io.StringIO())
    for line in timeline(demo()):
        console.print(line)
    # Without the web font: the picture must need nothing from elsewhere.
    form = re.sub(r"@font-face \{\{.*?\}\}\n|<!--.*?-->\n", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    PICTURE.parent.mkdir(exist_ok=True)
    svg = console.export_svg(title="pmcodex demo", code_format=form, unique_id="timeline")
    PICTURE.write_text("\n".join(line.rstrip() for line in svg.splitlines()) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
