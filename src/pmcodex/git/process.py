"""Run git: the sole importer of GitPython, and the place where git is disarmed.

Every git process of pmcodex starts here: an argument list, a scrubbed environment, no hooks, no
file-system monitor, no submodules, no foreign transports, no prompt, always a time limit, and the
whole process group ended when that passes or the user interrupts.
What must never happen here: a shell, a process that outlives its call, a secret in a message.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import tempfile
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pmcodex.errors import InvalidInput, PmcodexError, Refused, TryLater

_INSTALL = "install git 2.38 or newer, and see that it is on the PATH"
_GRACE = 2.0

_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.quotePath=false",
    "core.autocrlf=false",
    "core.filesRefLockTimeout=2000",
    "commit.gpgSign=false",
    "push.gpgSign=false",
    "push.followTags=false",
    "push.recurseSubmodules=no",
    "fetch.recurseSubmodules=false",
    "submodule.recurse=false",
    "protocol.ext.allow=never",
    "log.showSignature=false",
    "log.showRoot=true",
    "i18n.commitEncoding=UTF-8",
    "i18n.logOutputEncoding=UTF-8",
    "gc.auto=0",
    "maintenance.auto=false",
)
_DISARMED = tuple(part for setting in _SETTINGS for part in ("-c", setting))

_ENVIRONMENT = {
    "LC_ALL": "C",
    "LANGUAGE": "C",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_LFS_SKIP_SMUDGE": "1",
    "GCM_INTERACTIVE": "never",
}
# How a user reaches a remote is the user's choice; where git works and on what is ours.
_KEPT = re.compile(
    r"GIT_(CONFIG_(GLOBAL|SYSTEM|NOSYSTEM)|EXEC_PATH|ASKPASS|SSH(_COMMAND|_VARIANT)?"
    r"|SSL_\w+|HTTP_\w+|PROXY_\w+|PYTHON_\w+)"
)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a git process ended: exit code, its output, and its complaints made fit to show."""

    code: int
    out: bytes
    err: str

    @property
    def lines(self) -> list[str]:
        """The output's lines, without their ends."""
        return text(self.out).splitlines()


class GitProcess:
    """Git on one repository folder (or none). `timeout` is in seconds, for each process."""

    def __init__(self, folder: Path | None, timeout: float) -> None:
        self.folder = folder
        self.timeout = timeout

    def __call__(
        self,
        *args: str,
        ok: Collection[int] | None = (0,),
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
    ) -> Ended:
        """Run `git <args>` and wait. An exit code not in `ok` (None: any is fine) is an error.

        Raises TryLater, Refused or InvalidInput with git's own words, condensed.
        """
        where = (f"--git-dir={self.folder}",) if self.folder else ()
        ours = {**(env or {}), **_ENVIRONMENT}
        argv = [*_without(_foreign() - ours.keys()), "git", *where, *_DISARMED, *args]
        ended = _run(argv, self.folder, stdin, ours, self.timeout)
        if ok is not None and ended.code not in ok:
            raise trouble(verb_of(args), ended.err)
        return ended


def text(data: bytes) -> str:
    """Bytes of git as text; what is no UTF-8 shows as `\\xNN`, so it can always be printed."""
    return data.decode("utf-8", "backslashreplace")


def verb_of(args: Sequence[str]) -> str:
    """The git command among its arguments, for messages."""
    before = ("", *args)
    return next(
        (a for b, a in zip(before, args, strict=False) if a[0] != "-" and b not in ("-c", "-C")), ""
    )


def _foreign() -> set[str]:
    return {n for n in os.environ if n.startswith("GIT_") and not _KEPT.fullmatch(n)}


def _without(names: set[str]) -> list[str]:
    # GitPython starts from the whole environment, so only env(1) can take a variable away.
    return ["env", *(part for name in sorted(names) for part in ("-u", name))] if names else []


def _run(
    argv: list[str], folder: Path | None, stdin: bytes, env: Mapping[str, str], timeout: float
) -> Ended:
    if not stdin:
        process = _start(argv, folder, env, None)
        out, err = _finish(process, timeout)
    else:
        with tempfile.TemporaryFile() as given:
            given.write(stdin)
            given.seek(0)
            process = _start(argv, folder, env, given)
            out, err = _finish(process, timeout)
    if out is None:
        raise TryLater(
            f"git {verb_of(argv[argv.index('git') + 1 :])} did not end within {timeout:g} s",
            hint="the remote may be slow or unreachable; the next round tries again",
        )
    return Ended(process.returncode, out, condense(text(err)))


def _start(argv: list[str], folder: Path | None, env: Mapping[str, str], given: Any) -> Any:
    try:
        from git import Git
        from git.exc import GitCommandNotFound
    except ImportError as error:
        raise InvalidInput("git could not be started", hint=_INSTALL) from error
    try:
        runner = Git(folder or Path("/"))
        process = runner.execute(
            argv, given, as_process=True, env=dict(env), shell=False, start_new_session=True
        )
    except GitCommandNotFound as error:
        raise InvalidInput("git could not be started", hint=_INSTALL) from error
    return process


def _finish(process: Any, timeout: float) -> tuple[bytes | None, bytes]:
    """Both streams of a process; None in place of the first where its time ran out."""
    late = threading.Event()

    def expire() -> None:
        late.set()
        _end(process)

    watch = threading.Timer(timeout, expire)
    watch.daemon = True
    watch.start()
    ended = False
    try:
        out, err = process.communicate()
        ended = True
    finally:
        watch.cancel()
        if not ended:
            _end(process)
    return (None if late.is_set() else out), err


def _end(process: Any) -> None:
    # SIGTERM first: git takes its lock files away with it.
    _signal(process.pid, signal.SIGTERM)
    gone = threading.Event()
    for _ in range(20):
        if process.poll() is not None:
            break
        gone.wait(_GRACE / 20)
    _signal(process.pid, signal.SIGKILL)


def _signal(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


# --- git's words ---------------------------------------------------------------------------

_NOISE = re.compile(r"^(warning|hint|To|remote: *$|Warning: Permanently added)\b", re.IGNORECASE)
_PREFIX = re.compile(r"^(fatal|error|remote|ssh): *(error: *)?", re.IGNORECASE)
_ADVICE = re.compile(
    r"could not read from remote|please make sure you have|and the repository exists", re.IGNORECASE
)
_CREDENTIALS = re.compile(r"(://)[^/\s@]+@")


def condense(words: str) -> str:
    """Git's complaint as one line of at most 300 characters, without colours and credentials."""
    words = "".join(c if c.isprintable() or c in "\n\t" else " " for c in words)
    words = _CREDENTIALS.sub(r"\1***@", words)
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    telling = [line for line in lines if not _NOISE.match(line)] or lines
    said = [_PREFIX.sub("", line) for line in telling]
    return "; ".join(dict.fromkeys(line for line in said if line))[:300]


_KINDS: tuple[tuple[str, type[PmcodexError], str], ...] = (
    (
        r"transport '.*' not allowed|unable to find remote helper|is not a git command",
        InvalidInput,
        "use a path, or a file, ssh or https address",
    ),
    (
        r"permission denied \(|authentication failed|could not read (username|password)"
        r"|terminal prompts disabled|host key verification|permission to .* denied"
        r"|returned error: (401|403)|access denied|not authorized",
        Refused,
        "see that your ssh key, credential helper or GH_TOKEN may use this repository",
    ),
    (
        r"dubious ownership",
        InvalidInput,
        "the repository belongs to another user; git's safe.directory setting allows it",
    ),
    (
        r"not appear to be a git repo|not a git repository|repository .* not found"
        r"|returned error: 404|repository not found",
        InvalidInput,
        "see that the address or path names a git repository",
    ),
    (
        r"could not resolve|connection (refused|reset|timed out|closed)|timed out|hung up"
        r"|unreachable|unable to access|early eof|couldn't connect|failed to connect"
        r"|could not read from remote|returned error: (429|5\d\d)|\.lock'?: file exists"
        r"|no space left|another git process",
        TryLater,
        "nothing was changed; the next round tries again",
    ),
)
_DAMAGE = re.compile(
    r"bad object|corrupt|object file .* is empty|unable to read|missing (blob|tree|commit|object)"
    r"|could not get object info|invalid (index|sha1 pointer)|broken|unresolved deltas"
    r"|not a (valid|tree|commit) (object|commit)|bad (tree|sha1|config|signature|ref)|inflate",
    re.IGNORECASE,
)


def trouble(verb: str, words: str) -> PmcodexError:
    """The error that fits git's words."""
    for pattern, kind, hint in _KINDS:
        if re.search(pattern, words, re.IGNORECASE):
            return kind(f"git {verb}: {_without_advice(words)}", hint=hint)
    return InvalidInput(f"git {verb} failed: {words or 'it gave no reason'}")


def _without_advice(words: str) -> str:
    """Git's words but for what it adds of its own to every failure to read from a remote."""
    parts = words.split("; ")
    return "; ".join([part for part in parts if not _ADVICE.match(part)] or parts[:1])


def looks_damaged(words: str) -> bool:
    """Whether git complains of a broken repository rather than of what it was asked."""
    return bool(_DAMAGE.search(words))
