"""Trouble: an error as a sentence and a hint on stderr, and as data under --json.

What must never happen here: a secret in what is said. What a command learned of the settings'
secrets stays known until the process ends, so that even a bug's report can leave them out.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import typer

from pmcodex import __version__
from pmcodex.errors import PmcodexError

if TYPE_CHECKING:
    from pmcodex.core.redaction import Redactor

INTERRUPTED = 130

_secrets: set[str] = set()


class Interrupted(PmcodexError):
    """Ctrl-C, or a SIGTERM."""

    exit_code = INTERRUPTED


def learn(secrets: Iterable[str]) -> None:
    """Remember secrets that nothing may say."""
    _secrets.update(secrets)


def redactor() -> Redactor:
    """What takes out every secret learned so far."""
    from pmcodex.core.redaction import Redactor

    return Redactor(tuple(sorted(_secrets)))


def wants_json(argv: Sequence[str]) -> bool:
    """Whether a command line asks for data, even one that can't be parsed."""
    options = argv[: argv.index("--")] if "--" in argv else argv
    return "--json" in options


def tell(error: PmcodexError, *, json: bool) -> int:
    """Say what is wrong and what to do; with `json`, say so on stdout too. Returns the exit code.

    The document is `{"error": {"sentence", "hint", "exit_code"}}`, on one line.
    """
    from pmcodex.render.text import print_json, say

    clean = redactor().clean_error(error)
    opening = "pmcodex" if clean.exit_code in (0, INTERRUPTED) else "pmcodex: error"
    with suppress(OSError):  # nobody listens, or there is no space: the exit code still tells
        say(f"{opening}: {clean.sentence}", err=True)
        if clean.hint:
            say(f"  hint: {clean.hint}", err=True)
    with suppress(OSError):
        if json:
            words = {"sentence": clean.sentence, "hint": clean.hint, "exit_code": clean.exit_code}
            print_json({"error": words}, one_line=True)
    return clean.exit_code


def misuse(fault: typer.TyperException) -> PmcodexError:
    """What the command line has wrong, in our words."""
    from pmcodex.errors import UsageFault

    context = getattr(fault, "ctx", None)
    verb = context.command_path if context is not None else "pmcodex"
    return UsageFault(fault.format_message(), hint=f"`{verb} --help` shows what there is")


def report(bug: BaseException, argv: Sequence[str]) -> PmcodexError:
    """Write what happened to a file of its own; the error names it, and its exit code is 1."""
    import platform
    import tempfile
    import traceback

    opening = f"pmcodex {__version__}, Python {platform.python_version()}, {platform.platform()}"
    text = "".join(traceback.format_exception(bug))
    text = redactor().clean(f"{opening}\narguments: {list(argv)}\n\n{text}")
    sentence = f"a bug of ours: {type(bug).__name__}"
    try:
        with tempfile.NamedTemporaryFile(
            "wb", prefix="pmcodex-report-", suffix=".txt", delete=False
        ) as file:
            file.write(text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        return PmcodexError(sentence, hint=f"its report could not be written: {error.strerror}")
    hint = f"nothing is lost, the next run goes on; please send us {file.name}"
    return PmcodexError(sentence, hint=hint)


def listened() -> bool:
    """Whether a person reads stderr as it comes."""
    return sys.stderr is not None and sys.stderr.isatty()
