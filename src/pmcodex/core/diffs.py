"""Diffs: a unified diff's text as `Diff`, and the few questions that roles ask of one file of it.

Git writes the text, but people name the files: any name, any bytes. What must never happen here:
an exception for odd text, or a line count that makes a change look smaller than it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import StringIO
from itertools import pairwise
from typing import TYPE_CHECKING

from pmcodex.core.facts import Diff, FileDiff

if TYPE_CHECKING:
    from unidiff.patch import PatchedFile

_NULL = "/dev/null"
_GIT_HEADER = re.compile(r"^diff --git ", re.MULTILINE)
_PLAIN_HEADER = re.compile(r"^--- [^\n]*\n\+\+\+ [^\n]*\n(?=@@ |\Z)", re.MULTILINE)
_HUNK = re.compile(r"^@@ ", re.MULTILINE)
_BINARY = re.compile(r"^(?:Binary files .* differ|GIT binary patch)$", re.MULTILINE)
_HUNK_NUMBERS = re.compile(r"^@@ -\d+(,\d+)? \+\d+(,\d+)? @@", re.MULTILINE)
_INDEX_LINE = re.compile(r"^index [0-9a-f]+\.\.[0-9a-f]+", re.MULTILINE)
_ESCAPE = re.compile(rb'\\([0-7]{3}|[abfnrtv"\\])')
_ESCAPED = {
    b"a": b"\a",
    b"b": b"\b",
    b"f": b"\f",
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
    b"v": b"\v",
}


def read_diff(text: str, merge_base: str, head_sha: str) -> Diff:
    """The files of a unified diff, in its order. Never raises.

    A file whose hunks can't be parsed is there by its header, every line that looks added or
    removed counted. `old_path` is set for renames and copies alone.
    """
    return Diff(merge_base, head_sha, tuple(_file(part) for part in _parts(text)))


def added_lines(file: FileDiff) -> tuple[tuple[int, str], ...]:
    """The lines a file gained, with their 1-based numbers in the new file.

    The number is 0 for every line of a file whose hunks can't be parsed.
    """
    return _lines(file.patch, "+")


def removed_lines(file: FileDiff) -> tuple[tuple[int, str], ...]:
    """The lines a file lost, with their 1-based numbers in the old file (0: not known)."""
    return _lines(file.patch, "-")


def is_deleted(file: FileDiff) -> bool:
    """Whether the file is gone afterwards."""
    head, _ = _split(file.patch)
    return "\ndeleted file mode " in head or f"\n+++ {_NULL}\n" in head


def is_new(file: FileDiff) -> bool:
    """Whether the file wasn't there before."""
    head, _ = _split(file.patch)
    return "\nnew file mode " in head or f"--- {_NULL}\n" in head


def is_binary(file: FileDiff) -> bool:
    """Whether git shows no text for the change."""
    head, hunks = _split(file.patch)
    return not hunks and bool(_BINARY.search(head))


def names_of(file: FileDiff) -> tuple[str, ...]:
    """Every path the change touches: where the file is, and where it came from."""
    return (file.path, file.old_path) if file.old_path else (file.path,)


def essence(file: FileDiff) -> str:
    """The patch without what moves when only the base moves: blob ids and hunk positions.

    The line after the position (the function around a hunk) stays, so that the same lines put
    into another function are another change. Where git shows no lines, the ids are all there is.
    """
    head, hunks = _split(file.patch)
    if not hunks:
        return head
    return _INDEX_LINE.sub("index", head) + _HUNK_NUMBERS.sub("@@", hunks)


def _parts(text: str) -> Iterator[str]:
    """One file's text at a time. A content line never starts with git's header."""
    header = _GIT_HEADER if _GIT_HEADER.search(text) else _PLAIN_HEADER
    starts = [found.start() for found in header.finditer(text)]
    for start, end in pairwise([*starts, len(text)]):
        yield text[start:end]


def _file(part: str) -> FileDiff:
    head, hunks = _split(part)
    old, new = _names(head)
    parsed = _parse(hunks, counts_only=True)
    if parsed is None:
        added, removed = len(_guess(hunks, "+")), len(_guess(hunks, "-"))
    else:
        added, removed = parsed.added, parsed.removed
    moved = old if old != new and _NULL not in (old, new) else ""
    return FileDiff(old if new == _NULL else new, added, removed, part, moved)


def _split(part: str) -> tuple[str, str]:
    found = _HUNK.search(part)
    return (part[: found.start()], part[found.start() :]) if found else (part, "")


def _parse(hunks: str, *, counts_only: bool = False) -> PatchedFile | None:
    """The hunks by unidiff, under names of ours: it is the real ones that it can stumble over."""
    from unidiff.errors import UnidiffParseError
    from unidiff.patch import PatchSet

    text = StringIO(f"--- a/file\n+++ b/file\n{hunks}", newline="\n")
    try:
        files = PatchSet(text, metadata_only=counts_only)
    except (UnidiffParseError, ValueError):
        return None
    return files[0]


def _lines(part: str, sign: str) -> tuple[tuple[int, str], ...]:
    _, hunks = _split(part)
    parsed = _parse(hunks)
    if parsed is None:
        return tuple((0, line) for line in _guess(hunks, sign))
    return tuple(
        ((line.target_line_no if sign == "+" else line.source_line_no) or 0, _bare(line.value))
        for hunk in parsed
        for line in hunk
        if line.line_type == sign
    )


def _guess(hunks: str, sign: str) -> list[str]:
    return [_bare(line[1:]) for line in hunks.split("\n") if line.startswith(sign)]


def _bare(line: str) -> str:
    return line.rstrip("\r\n")


def _names(head: str) -> tuple[str, str]:
    """The old and the new path, `/dev/null` where there is none."""
    lines = head.split("\n")
    old, new = _git_names(lines[0].removeprefix("diff --git ")) if lines else ("", "")
    for line in lines:
        match line.split(" ", 2):
            case ["---", *rest]:
                old = _name(" ".join(rest), "a/")
            case ["+++", *rest]:
                new = _name(" ".join(rest), "b/")
            case ["rename" | "copy", "from", name]:
                old = _name(name, "")
            case ["rename" | "copy", "to", name]:
                new = _name(name, "")
            case ["deleted", "file", *_]:
                new = _NULL
            case _:
                pass
    return old or new, new or old


def _git_names(both: str) -> tuple[str, str]:
    """The names of `a/one b/one`. They are the same wherever no other line names the file."""
    middle = len(both) // 2
    old, new = _name(both[:middle], "a/"), _name(both[middle + 1 :], "b/")
    if old != new:
        return "", _name(both.rpartition(" ")[2], "b/")
    return old, new


def _name(text: str, prefix: str) -> str:
    name = text.partition("\t")[0]
    if len(name) > 1 and name.startswith('"') and name.endswith('"'):
        raw = _ESCAPE.sub(_unescape, name[1:-1].encode("utf-8", "surrogateescape"))
        name = raw.decode("utf-8", "surrogateescape")
    return name if name == _NULL else name.removeprefix(prefix)


def _unescape(found: re.Match[bytes]) -> bytes:
    code = found.group(1)
    if code.isdigit():
        return bytes([int(code, 8) & 0xFF])
    return _ESCAPED.get(code, code)
