"""Patch: a task's own unified diff, applied exactly as it is written or not at all.

The diff is data of unknown origin: its paths must be safe and unprotected, its size inside the
policy's limits, its context exact. What must never happen here: a fuzzy match, a line that is
silently dropped, or a file touched that the diff's header does not name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from pmcodex.core.actions import FileEdit
from pmcodex.core.paths import is_protected, is_safe
from pmcodex.core.policy import Policy
from pmcodex.editing.hunks import FilePatch, Unfit, patched
from pmcodex.editing.hunks import read as _read
from pmcodex.project.edits import CannotApply

if TYPE_CHECKING:
    from markdown_it.token import Token

__all__ = ["CannotApply", "apply_diff", "diff_in", "paths_in"]

_FENCES = ("diff", "patch")


def diff_in(body: str) -> str | None:
    """The text of the one fenced block marked `diff` or `patch`; None for none or several."""
    if not any(name in body.lower() for name in _FENCES):
        return None
    found = [token.content for token in _tokens(body) if _is_diff(token)]
    return found[0] if len(found) == 1 else None


def paths_in(diff: str) -> tuple[str, ...]:
    """Every safe path a diff reads or writes, sorted; empty where it can't be read."""
    patches = _read(diff)
    if isinstance(patches, CannotApply):
        return ()
    return tuple(sorted(path for path in _named(patches) if is_safe(path)))


def apply_diff(
    diff: str, files: Mapping[str, str], policy: Policy
) -> tuple[FileEdit, ...] | CannotApply:
    """The edits a diff makes, whole or not at all.

    `files` must hold the text of each path of `paths_in(diff)` that exists. A hunk goes where its
    header says or, failing that, to the one place below the hunk before it where its lines stand.
    Line ends of the file are kept where the diff says nothing of them.
    """
    patches = _read(diff)
    if isinstance(patches, CannotApply):
        return patches
    refusal = _refusal(patches, policy)
    if refusal:
        return CannotApply(refusal)
    edits: list[FileEdit] = []
    for patch in patches:
        try:
            edits += _edits(patch, files)
        except Unfit as unfit:
            if all(_is_applied(each, files) for each in patches):
                return CannotApply("already applied")
            return CannotApply(f"{patch.new or patch.old}: {unfit}")
    if not edits:
        return CannotApply("the diff changes nothing")
    return tuple(edits)


def _tokens(body: str) -> Iterator[Token]:
    from markdown_it import MarkdownIt

    yield from MarkdownIt("commonmark").parse(body)


def _is_diff(token: Token) -> bool:
    return token.type == "fence" and token.info.strip().lower() in _FENCES


def _named(patches: tuple[FilePatch, ...]) -> set[str]:
    return {path for patch in patches for path in (patch.old, patch.new) if path}


def _refusal(patches: tuple[FilePatch, ...], policy: Policy) -> str:
    """Why the diff may not be applied, whatever the files hold; empty: it may."""
    names = sorted(_named(patches))
    for path in names:
        if not is_safe(path):
            return f"{path!r} is not a path inside the project"
        if is_protected(path, policy.protected_paths):
            return f"{path} is protected"
    touched = [path for patch in patches for path in {patch.old, patch.new} if path]
    if len(touched) != len(set(touched)):
        return "the diff names a file twice"
    if len(names) > policy.limits.files:
        return f"it touches {len(names)} files, and limits.files is {policy.limits.files}"
    lines = sum(patch.changed_lines for patch in patches)
    if lines > policy.limits.lines:
        return f"it changes {lines} lines, and limits.lines is {policy.limits.lines}"
    return ""


def _edits(patch: FilePatch, files: Mapping[str, str]) -> Iterator[FileEdit]:
    """One file's edits. Unfit, with the reason, where the files aren't what the diff expects."""
    if patch.old and patch.old not in files:
        raise Unfit("it is not there, or not a text")
    if patch.new != patch.old:
        _check_free(patch.new, files)
    text = patched(files.get(patch.old, ""), patch)
    if not patch.new:
        if text:
            raise Unfit("it holds more than the diff deletes")
        yield FileEdit(patch.old, None)
        return
    if patch.old and patch.old != patch.new:
        yield FileEdit(patch.old, None)
    if patch.new != patch.old or patch.mode_changes or text != files[patch.old]:
        yield FileEdit(patch.new, text, patch.executable)


def _check_free(path: str, files: Mapping[str, str]) -> None:
    """Unfit where a new file can't be made."""
    if path in files:
        raise Unfit("it is there already")
    for above in range(1, path.count("/") + 1):
        if (folder := path.rsplit("/", above)[0]) in files:
            raise Unfit(f"{folder} is a file, not a folder")


def _is_applied(patch: FilePatch, files: Mapping[str, str]) -> bool:
    """Whether the files look as if this part of the diff had been applied before."""
    if patch.old != patch.new and patch.old in files:
        return False
    if not patch.new:
        return True
    if patch.new not in files:
        return False
    try:
        before = patched(files[patch.new], patch.reversed())
    except Unfit:
        return False
    return bool(patch.old) or not before
