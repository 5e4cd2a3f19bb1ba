"""The options that several verbs share, so that they read the same everywhere."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pmcodex.wiring import Session

Repo = Annotated[
    str | None,
    typer.Option("--repo", metavar="PATH|URL", help="The project. Default: this folder's."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done; do nothing.")]
Json = Annotated[bool, typer.Option("--json", help="Print data for programs instead of text.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Say why nothing was done, too.")]
PullNumber = Annotated[
    int | None, typer.Option("--pr", metavar="N", min=1, help="Only this pull; default: all.")
]


PATIENCE = 30.0
"""Seconds that a verb typed by a person waits for a round in the background to end."""


def open_here(repo: str | None) -> Session:
    """The session of `--repo`, else of the settings, else of this folder."""
    from pmcodex.wiring import open_session

    return open_session(repo, os.environ, Path.cwd())
