"""How long `pmcodex --help` takes, against a bare interpreter and against typer's own hello."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from pairs import in_turns, pmcodex, rounds, timed

HELLO = """\
import typer

app = typer.Typer()


@app.command()
def hello(name: str) -> None:
    print(f"Hello {name}")


app()
"""


def against(name: str, argv: list[str]) -> None:
    """Print one comparison."""
    found = in_turns(lambda: timed(pmcodex("--help")), lambda: timed(argv), rounds(20))
    print(f"  pmcodex --help        {found.one.milliseconds()}")
    print(f"  {name:22}{found.other.milliseconds()}")
    print(f"  ratio                 {found.ratio.times()}")


def main() -> None:
    """Print medians, spreads and ratios."""
    print("start-up")
    with tempfile.TemporaryDirectory(prefix="pmcodex-bench-") as folder:
        hello = Path(folder) / "hello.py"
        hello.write_text(HELLO)
        against("python -c pass", [sys.executable, "-c", "pass"])
        against("typer's hello --help", [sys.executable, str(hello), "--help"])


if __name__ == "__main__":
    main()
