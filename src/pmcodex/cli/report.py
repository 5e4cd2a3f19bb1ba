"""The report of a bug of ours: written to a file, told in one sentence."""

from __future__ import annotations

import platform
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path

import typer

from pmcodex import __version__


def write_report(bug: BaseException, argv: Sequence[str]) -> int:
    """Write what happened to a file of its own and say where. Returns exit code 1."""
    from pmcodex.core.redaction import Redactor

    text = "".join(
        [
            f"pmcodex {__version__}, Python {platform.python_version()}, {platform.platform()}\n",
            f"arguments: {list(argv)}\n\n",
            *traceback.format_exception(bug),
        ]
    )
    with tempfile.NamedTemporaryFile(
        "w", prefix="pmcodex-report-", suffix=".txt", delete=False, encoding="utf-8"
    ) as file:
        file.write(Redactor().clean(text))
    typer.echo(f"pmcodex: a bug of ours: {type(bug).__name__}", err=True)
    typer.echo(f"  hint: nothing is lost; please send us {Path(file.name)}", err=True)
    return 1
