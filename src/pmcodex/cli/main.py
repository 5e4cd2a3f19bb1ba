"""`main(argv) -> int`: the app, and the one place where errors become sentences and exit codes."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Annotated, NoReturn

import typer

from pmcodex import __version__
from pmcodex.cli import check, demo, doctor, explain, init, log, pull, rounds, schema, status
from pmcodex.cli import trouble as said
from pmcodex.cli.options import EXIT_CODES, show_help
from pmcodex.errors import PmcodexError, TryLater

app = typer.Typer(
    name="pmcodex",
    help="A command-line dev team: PRD to tasks, tasks to small, reviewed pull requests.",
    epilog=EXIT_CODES,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for module in (init, rounds, check, status, explain, log, doctor, schema):
    module.register(app)
demo.register(app, lambda argv: main(argv))
app.add_typer(pull.app, name="pull")

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.")
    ] = False,
) -> None:
    if version:
        typer.echo(f"pmcodex {__version__}")
        raise typer.Exit
    show_help(context)


def main(argv: Sequence[str]) -> int:
    """Run one command and return its exit code. Never raises for what a user can cause."""
    json = said.wants_json(argv)
    try:
        result = app(args=list(argv), prog_name="pmcodex", standalone_mode=False)
    except PmcodexError as error:
        return said.tell(error, json=json)
    except typer.TyperException as fault:
        return said.tell(said.misuse(fault), json=json)
    except (typer.Abort, KeyboardInterrupt):
        result = said.INTERRUPTED
    except SystemExit:
        # Typer's word for: whoever read our output has left. That is their right and no fault.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except OSError as error:
        if error.errno not in _NO_SPACE:
            raise
        return said.tell(TryLater(_FULL, hint=_MAKE_SOME), json=json)
    if result == said.INTERRUPTED:
        return said.tell(said.Interrupted(_INTERRUPTED), json=json)
    return result if isinstance(result, int) else 0


AGAIN = 5.0
"""Seconds after which an interrupt that ended nothing is raised once more."""

_FULL = "there is no space left to write to"
_MAKE_SOME = "make some; the next run goes on"
_INTERRUPTED = "interrupted; nothing is lost, the next run goes on"


def run() -> NoReturn:
    """The `pmcodex` command. What is no fault of the user becomes a report file and exit code 1."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup sets it
            signal.signal(number, _interrupt)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    argv = sys.argv[1:]
    try:
        code = main(argv)
    except KeyboardInterrupt:
        code = said.INTERRUPTED
    except Exception as bug:  # the boundary: a bug of ours, told in one sentence with a report
        code = said.tell(said.report(bug, argv), json=said.wants_json(argv))
    sys.exit(_flushed(code))


def _flushed(code: int) -> int:
    """Write what is left to write while it can still be told; the code to leave with.

    The interpreter would try it again at its very end, complain and leave with 120.
    """
    for stream, number in ((sys.stdout, 1), (sys.stderr, 2)):
        try:
            if stream is not None:
                stream.flush()
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)
            if error.errno in _NO_SPACE and number == 1 and not code:
                code = said.tell(TryLater(_FULL, hint=_MAKE_SOME), json=False)
    return code


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    """Raise what ends a command, and come again: raised in a destructor, Python drops it."""
    signal.setitimer(signal.ITIMER_REAL, AGAIN)
    raise KeyboardInterrupt
