"""Hunks: one file of a unified diff as a value, and its lines put onto a text.

unidiff reads the diff; here its lines are held against it again, since it passes over lines that
a wrong count leaves outside every hunk. What must never happen here: applying part of a diff.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import StringIO
from typing import TYPE_CHECKING

from pmcodex.project.edits import CannotApply

if TYPE_CHECKING:
    from unidiff import patch as parsed_by

_NULL = "/dev/null"
_REGULAR = ("100644", "100755")
_MODE = re.compile(r"^(old mode|new mode|new file mode|deleted file mode|index \S+) (\d{6})$")
_FILE_START = re.compile(r"^(?:diff --git |--- )", re.MULTILINE)
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)", re.DOTALL)
_LETTERS = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t"}


class Unfit(Exception):
    """A file isn't what the diff expects; caught within `editing` and told as `CannotApply`."""


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines with their sign (` `, `-`, `+`), line ends included. `start` is 0-based."""

    start: int
    lines: tuple[tuple[str, str], ...]

    def side(self, sign: str) -> list[str]:
        """The lines as they are before (`-`) or after (`+`)."""
        return [text for mark, text in self.lines if mark in (" ", sign)]


@dataclass(frozen=True, slots=True)
class FilePatch:
    """One file's part of a diff. `old` is empty for a new file, `new` for a deleted one."""

    old: str
    new: str
    hunks: tuple[Hunk, ...]
    executable: bool = False
    mode_changes: bool = False

    @property
    def changed_lines(self) -> int:
        return sum(mark != " " for hunk in self.hunks for mark, _ in hunk.lines)

    def reversed(self) -> FilePatch:
        """The patch that takes this one back."""
        back, shift = [], 0
        for hunk in self.hunks:
            swapped = tuple((_SWAP[mark], text) for mark, text in hunk.lines)
            back.append(Hunk(hunk.start + shift, swapped))
            shift += len(hunk.side("+")) - len(hunk.side("-"))
        return replace(self, old=self.new, new=self.old, hunks=tuple(back))


_SWAP = {" ": " ", "-": "+", "+": "-"}


def read(diff: str) -> tuple[FilePatch, ...] | CannotApply:
    """The files of a diff in its order, or why it can't be read. Never raises."""
    from unidiff.errors import UnidiffParseError
    from unidiff.patch import PatchSet

    if diff.endswith("\r\n") and diff.count("\r") == diff.count("\n"):
        diff = diff.replace("\r\n", "\n")
    try:
        parsed = PatchSet(StringIO(diff, newline="\n"))
    except (UnidiffParseError, ValueError) as error:
        return CannotApply(f"the diff can't be read: {' '.join(str(error).split())[:120]}")
    if not parsed:
        return CannotApply("the diff names no file")
    if stray := _stray_line(diff, parsed):
        return CannotApply(f"line {stray} of the diff is outside every hunk: a count is wrong")
    try:
        return tuple(_file(part) for part in parsed)
    except Unfit as unfit:
        return CannotApply(str(unfit))


def patched(text: str, patch: FilePatch) -> str:
    """The text with every hunk applied. Unfit where a hunk has no place, or several."""
    lines = split_lines(text)
    as_written = any("\r" in line for hunk in patch.hunks for _, line in hunk.lines)
    keys = lines if as_written else [_key(line) for line in lines]
    crlf = not as_written and 2 * sum(line.endswith("\r\n") for line in lines) > len(lines)
    result: list[str] = []
    done = delta = 0
    for hunk in patch.hunks:
        at = _place(keys, hunk, done, delta)
        delta = at - hunk.start
        result += lines[done:at]
        done = at
        for mark, line in hunk.lines:
            if mark == " ":
                result.append(lines[done])
            elif mark == "+":
                result.append(line.replace("\n", "\r\n") if crlf else line)
            done += mark != "+"
    _check_ends(result, lines, done)
    return "".join([*result, *lines[done:]])


def split_lines(text: str) -> list[str]:
    """Lines with their ends, at line feeds alone: other separators are content."""
    *whole, rest = text.split("\n")
    return [line + "\n" for line in whole] + ([rest] if rest else [])


def _check_ends(result: Sequence[str], lines: Sequence[str], done: int) -> None:
    """A line without an end may stand only last, else two lines would become one."""
    open_ended = [line for line in result[:-1] if not line.endswith("\n")]
    if open_ended or (done < len(lines) and result and not result[-1].endswith("\n")):
        raise Unfit("a line without a line end would be followed by another")


def _key(line: str) -> str:
    return line[:-2] + "\n" if line.endswith("\r\n") else line


def _place(keys: Sequence[str], hunk: Hunk, floor: int, delta: int) -> int:
    """The index where the hunk's old lines stand, not above `floor`."""
    wanted = hunk.side("-")
    stated = hunk.start + delta
    if not wanted:
        if keys:
            raise Unfit("a hunk adds lines without saying between which")
        return 0
    if len(wanted) > len(keys):
        raise Unfit("a hunk's lines are not in the file")
    has_context = any(mark == " " for mark, _ in hunk.lines)
    if not has_context:
        places = [stated] if stated >= floor else []
    else:
        places = list(_allowed(hunk, floor, len(keys) - len(wanted)))
    found = [at for at in places if list(keys[at : at + len(wanted)]) == wanted]
    if stated in found:
        return stated
    if len(found) > 1:
        raise Unfit(f"a hunk fits in {len(found)} places; give it more context")
    if not found:
        raise Unfit("a hunk's lines are not in the file")
    return found[0]


def _allowed(hunk: Hunk, first: int, last: int) -> range:
    """Where a hunk may go: without context before (after) its change, only at the file's edge."""
    if hunk.lines[0][0] != " " and hunk.start == 0:
        last = min(last, 0)
    if hunk.lines[-1][0] != " ":
        first = max(first, last)
    return range(first, last + 1)


def _stray_line(diff: str, parsed: parsed_by.PatchSet) -> int:
    """The number of the first changed line that no hunk holds (0: none)."""
    held = {line.diff_line_no for part in parsed for hunk in part for line in hunk}
    lines = diff.split("\n")
    start = _FILE_START.search(diff)
    first = diff[: start.start()].count("\n") + 1 if start else 1
    header = False
    for number, line in enumerate(lines[first - 1 :], first):
        if number in held or not line.startswith(("+", "-")) or line == "-- ":
            header = False
        elif line.startswith("--- ") and lines[number : number + 1] != [""]:
            header = lines[number].startswith("+++ ") if number < len(lines) else False
            if not header:
                return number
        elif line.startswith("+++ ") and header:
            header = False
        else:
            return number
    return 0


def _file(part: parsed_by.PatchedFile) -> FilePatch:
    old, new = _names(part.source_file or "", part.target_file or "")
    info = [line.rstrip("\n") for line in part.patch_info or ()]
    modes = [(found[1], found[2]) for line in info if (found := _MODE.match(line))]
    if part.is_binary_file or any(line.startswith("GIT binary patch") for line in info):
        raise Unfit(f"{new or old}: binary changes are not applied")
    if any(line.startswith("copy from ") for line in info):
        raise Unfit(f"{new}: copies are not applied; write the new file out")
    if any(mode not in _REGULAR for _, mode in modes):
        raise Unfit(f"{new or old}: only regular files are changed, no links or submodules")
    after = [mode for kind, mode in modes if kind not in ("old mode", "deleted file mode")]
    return FilePatch(
        old,
        new,
        tuple(_hunk(hunk) for hunk in part),
        executable="100755" in after,
        mode_changes=any(kind == "new mode" for kind, _ in modes),
    )


def _hunk(hunk: parsed_by.Hunk) -> Hunk:
    lines: list[tuple[str, str]] = []
    for line in hunk:
        if line.line_type == "\\" and lines:
            mark, text = lines[-1]
            lines[-1] = (mark, text.removesuffix("\n"))
        elif line.line_type in (" ", "+", "-"):
            lines.append((line.line_type, line.value))
    made = Hunk(max(hunk.source_start - 1, 0), tuple(lines))
    if not all(line.endswith("\n") for sign in "-+" for line in made.side(sign)[:-1]):
        raise Unfit("a line without a line end stands in the middle of a hunk")
    return made


def _names(source: str, target: str) -> tuple[str, str]:
    old, new = _unquoted(source), _unquoted(target)
    if not old or not new:
        raise Unfit("the diff has a file without a name")
    if _NULL in (old, new):
        old, new = old.removeprefix("a/"), new.removeprefix("b/")
    elif old[1:2] == new[1:2] == "/" and old[0] != new[0]:
        old, new = old[2:], new[2:]
    if old == new == _NULL:
        raise Unfit("the diff has a file without a name")
    return ("" if old == _NULL else old), ("" if new == _NULL else new)


def _unquoted(name: str) -> str:
    """A name as git writes it, C-quoted where it holds odd bytes."""
    name = name.removesuffix("\r")
    if len(name) < 2 or not (name.startswith('"') and name.endswith('"')):
        return name
    raw = _ESCAPE.sub(_byte, name[1:-1].encode("utf-8", "surrogatepass"))
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unfit("the diff has a file name that is not UTF-8") from error


def _byte(found: re.Match[bytes]) -> bytes:
    code = found[1]
    if code.isdigit() and len(code) == 3:
        return bytes([int(code, 8) & 0xFF])
    return _LETTERS.get(code, code)
