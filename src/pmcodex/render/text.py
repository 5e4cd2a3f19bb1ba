"""Text that is safe to print: control characters out, one JSON document, tables, lines.

What must never happen here: a byte of a project's words that drives the terminal it is shown on.
"""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import sys
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

import typer

# C0 but tab and line feed, DEL, C1, and what turns the reading direction: a title with those can
# hide or fake words.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_BREAKS = re.compile(r"[\n\v\f\r\x1c-\x1e\x85\u2028\u2029]+")
_PIPED_WIDTH = 160


def plain(text: str) -> str:
    """The text without control characters; tabs and line feeds stay."""
    return _CONTROL.sub("", text)


def line(text: str) -> str:
    """The text as one line: nobody's title can add lines of its own to our output."""
    return plain(_BREAKS.sub(" ", text))


def say(text: str = "", *, err: bool = False) -> None:
    """One line of output."""
    typer.echo(line(text), err=err)


def as_data(value: object) -> Any:
    """Frozen values as JSON can hold them: enums by value, mappings and sequences through."""
    if isinstance(value, Enum):
        return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: as_data(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): as_data(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_data(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(as_data(item) for item in value)
    return value


def print_json(value: object, *, one_line: bool = False) -> None:
    """One JSON document on stdout, readable in whatever encoding that has.

    On one line too where no person looks: the encoder in C knows no indents.
    """
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower()
    looked_at = sys.stdout is not None and sys.stdout.isatty()
    text = json.dumps(
        value,
        indent=2 if looked_at and not one_line else None,
        ensure_ascii=encoding not in ("utf-8", "utf8"),
        default=_shallow,
    )
    typer.echo(_CONTROL.sub(_escaped, text))


def _shallow(value: object) -> Any:
    """What the encoder can't hold as something it can, one level deep: it walks on by itself."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
    return as_data(value)


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found.group()):04x}"


def table(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]], *, indent: int = 0) -> None:
    """A table on stdout: as wide as the terminal, and wider where nobody looks."""
    from rich.console import Console
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    # Both are stated, since rich takes any dumb terminal else for 80 columns wide.
    size = shutil.get_terminal_size()
    width = size.columns if console.is_terminal else _PIPED_WIDTH
    console = Console(highlight=False, width=width, height=size.lines)
    grid = Table(
        box=None,
        pad_edge=False,
        show_header=any(columns),
        header_style="" if console.no_color else "bold",
    )
    for column in columns:
        grid.add_column(column, overflow="fold")
    for row in rows:
        grid.add_row(*(Text(line(cell)) for cell in row))
    with console.capture() as shown:
        console.print(Padding(grid, (0, 0, 0, indent)))
    for each in shown.get().splitlines():
        typer.echo(each.rstrip())
