"""`main(argv) -> int`: the app, and the one place where errors become sentences and exit codes."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import Annotated, NoReturn

import typer

from pmcodex import __version__
from pmcodex.cli import check, demo, doctor, explain, init, log, pull, rounds, schema, status
from pmcodex.errors import PmcodexError

app = typer.Typer(
    name="pmcodex",
    help="A command-line dev team: PRD to tasks, tasks to small, reviewed pull requests.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for module in (init, rounds, check, status, explain, log, doctor, schema, demo):
    module.register(app)
app.add_typer(pull.app, name="pull")


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.")
    ] = False,
) -> None:
    if version:
        typer.echo(f"pmcodex {__version__}")
        raise typer.Exit


def main(argv: Sequence[str]) -> int:
    """Run one command and return its exit code. Never raises for what a user can cause."""
    try:
        result = app(args=list(argv), prog_name="pmcodex", standalone_mode=False)
    except PmcodexError as error:
        return _say(error)
    except typer.Exit as left:
        return left.exit_code
    except (typer.Abort, KeyboardInterrupt):
        typer.echo("interrupted; nothing is lost, the next run goes on", err=True)
        return 130
    except typer.TyperException as misuse:
        typer.echo(f"pmcodex: error: {misuse.format_message()}", err=True)
        typer.echo(
            "  hint: `pmcodex --help`, or --help after a verb, shows what there is", err=True
        )
        return 2
    except BrokenPipeError:
        # Whoever read our output has left; that is their right and no fault.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return result if isinstance(result, int) else 0


def _say(error: PmcodexError) -> int:
    kind = "pmcodex" if error.exit_code == 0 else "pmcodex: error"
    typer.echo(f"{kind}: {error.sentence}", err=True)
    if error.hint:
        typer.echo(f"  hint: {error.hint}", err=True)
    return error.exit_code


def run() -> NoReturn:
    """The `pmcodex` command. What is no fault of the user becomes a report file and exit code 1."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        code = main(sys.argv[1:])
    except Exception as bug:  # the boundary: a bug of ours, told in one sentence with a report
        from pmcodex.cli.report import write_report

        code = write_report(bug, sys.argv[1:])
    sys.exit(code)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
