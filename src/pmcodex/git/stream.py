"""A commit as git's fast-import reads it, and the paths that may be in one: pure text work.

What must never happen here: a path that leaves the tree or reaches into git's own folder.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence

from pmcodex.core.actions import FileEdit
from pmcodex.errors import InvalidInput
from pmcodex.ports import PMCODEX, Person

_REF = b"refs/pmcodex/scratch"


def identity(person: Person) -> tuple[str, str]:
    """Name and email without what would break a commit's header; never an empty name."""
    name, email = (re.sub(r"[<>\x00-\x1f\x7f]+", " ", part).strip() for part in _parts(person))
    name = name.strip(".,:;<>\"\\' ")
    return name or email or PMCODEX.name, email.replace(" ", "")


def _parts(person: Person) -> tuple[str, str]:
    return person.name, person.email


def message_bytes(message: str) -> bytes:
    """A commit message as UTF-8, with one newline at its end and no NUL."""
    clean = message.replace("\x00", "").rstrip() + "\n"
    return clean.encode("utf-8", "replace")


def path_bytes(path: str) -> bytes:
    """A tree path as bytes. Raises InvalidInput where it is not a plain path below the root."""
    parts = path.split("/")
    if "\x00" in path or any(_is_unsafe(part) for part in parts):
        raise InvalidInput(f"{path!r} is not a path that pmcodex will write")
    try:
        return path.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidInput(f"{path!r} is not a path that can be written as UTF-8") from error


def _is_unsafe(part: str) -> bool:
    if part in ("", ".", ".."):
        return True
    # Some file systems see through case, ignorable characters, streams and trailing dots.
    for piece in part.split("\\"):
        seen = "".join(c for c in piece if unicodedata.category(c) != "Cf").casefold()
        seen = seen.split(":")[0].rstrip(". ")
        if seen in (".git", "git~1") or piece == "..":
            return True
    return False


def _quote(path: bytes) -> bytes:
    body = b"".join(
        b"\\%03o" % byte if byte < 32 or byte > 126 or byte in b'"\\' else bytes((byte,))
        for byte in path
    )
    return b'"' + body + b'"'


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)


def _edit(edit: FileEdit, executables: Collection[str]) -> bytes:
    path = _quote(path_bytes(edit.path))
    if edit.text is None:
        return b"D %s\n" % path
    try:
        content = edit.text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidInput(f"the new text of {edit.path} can't be written as UTF-8") from error
    mode = b"100755" if edit.executable or edit.path in executables else b"100644"
    return b"M %s inline %s\n%s" % (mode, path, _data(content))


def stream(
    parent: str,
    edits: Sequence[FileEdit],
    head: tuple[str, int, Person],
    executables: Collection[str] = (),
) -> bytes:
    """The input of one `git fast-import` that makes one commit, says its sha and leaves no ref.

    `head` is message, time (seconds since the epoch) and author; the committer is pmcodex.
    `executables` are the paths whose executable bit is kept.
    """
    message, at, author = head
    who = [b"%s %s" % (role, _stamp(p, at)) for role, p in _people(author)]
    return b"".join(
        [
            b"feature done\n",
            b"commit %s\nmark :1\n" % _REF,
            *who,
            _data(message_bytes(message)),
            b"from %s\n" % parent.encode() if parent else b"",
            *(_edit(edit, executables) for edit in edits),
            b"\nget-mark :1\n",
            # Reset to nothing before the end, the ref is never written at all.
            b"reset %s\nfrom %s\n\ndone\n" % (_REF, b"0" * (len(parent) or 40)),
        ]
    )


def _people(author: Person) -> tuple[tuple[bytes, Person], ...]:
    return (b"author", author), (b"committer", PMCODEX)


def _stamp(person: Person, at: int) -> bytes:
    name, email = identity(person)
    return f"{name} <{email}> {at} +0000\n".encode("utf-8", "replace")
