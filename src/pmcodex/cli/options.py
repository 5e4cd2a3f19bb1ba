"""The options that several verbs share, so that they read the same everywhere, and the way in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pmcodex.errors import InvalidInput, TryLater

if TYPE_CHECKING:
    from pmcodex.wiring import Session

Repo = Annotated[
    str | None,
    typer.Option("--repo", metavar="PATH|URL", help="The project. Default: this folder's."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done; do nothing.")]
Json = Annotated[bool, typer.Option("--json", help="Print data for programs instead of text.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Say why nothing was done, too.")]
Again = Annotated[
    bool, typer.Option("--again", help="Propose also what a closed pull had proposed.")
]
PullNumber = Annotated[
    int | None, typer.Option("--pr", metavar="N", min=1, help="Only this pull. Default: all.")
]

EXIT_CODES = """\
\b
Exit codes: 0 done, or nothing to do; 1 a bug of ours, with a report;
2 usage; 3 configuration or data is invalid; 4 refused; 5 try later;
130 interrupted. Under --json an error is {"error": {"sentence", "hint",
"exit_code"}} on stdout, and the same sentence is on stderr.
"""

PATIENCE = 30.0
"""Seconds that a verb typed by a person waits for a round to end, unless PMCODEX_LOCK_WAIT says."""


def open_here(repo: str | None) -> Session:
    """The session of `--repo`, else of the settings, else of this folder."""
    from pmcodex.cli.trouble import learn
    from pmcodex.wiring import open_session

    try:
        here = Path.cwd()
    except FileNotFoundError:
        raise InvalidInput(
            "the folder this was started in is gone", hint="go to one that is there"
        ) from None
    session = open_session(repo, os.environ, here)
    learn(session.loaded.settings.secrets())
    return session


@contextmanager
def patiently(session: Session, verb: str) -> Iterator[None]:
    """Hold the project's lock for a verb that a person waits for.

    Raises TryLater where another run does not end in time: nothing was done that was asked for,
    so it can't be 0.
    """
    from pmcodex.state.lock import Held

    given = session.loaded.origins["PMCODEX_LOCK_WAIT"] != "default"
    try:
        with session.locked(f"pmcodex {verb}", 0 if given else PATIENCE):
            yield
    except Held as busy:
        raise TryLater(busy.sentence, hint="try again when that has ended") from None


@contextmanager
def beside(session: Session, verb: str) -> Iterator[Session]:
    """The session for a person who looks at the project, approves or merges.

    A round keeps its lock for as long as its checks take. Meanwhile a person works from a mirror
    and a state of their own, as if on another machine: law 3 makes that safe.
    """
    from pmcodex.state.lock import Held
    from pmcodex.state.store import state_folder

    with ExitStack() as held:
        try:
            held.enter_context(session.locked(f"pmcodex {verb}"))
        except Held:
            folder = state_folder(session.folder / "desk", session.url)
            session = replace(session, folder=folder)
            held.enter_context(patiently(session, verb))
        yield session


def show_help(context: typer.Context) -> None:
    """A group's help where no verb is named: on stderr, since it was not asked for."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), err=True)
        raise typer.Exit(2)
