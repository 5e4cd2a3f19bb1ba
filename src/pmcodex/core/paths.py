"""Paths as data: which are safe to write, which are protected, which a glob covers.

Paths and patterns come from tasks, diffs and policies, so each doubt is answered with "no":
a path that isn't safe counts as protected. Matching is linear in path times pattern.
What must never happen here: a look at a file system, or a comparison that case alone defeats.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import lru_cache

_WILD = frozenset("*?[")


def is_safe(path: str) -> bool:
    """Whether a path names a file inside the worktree that isn't git's own.

    POSIX, relative, no empty, `.` or `..` part, no backslash, drive or control character, and no
    part that any file system would take for `.git`.
    """
    if not path or len(path) > 1024 or "\\" in path or path[1:2] == ":":
        return False
    if any(unicodedata.category(sign) in ("Cc", "Cs") for sign in path):
        return False
    parts = path.split("/")
    return all(part not in ("", ".", "..") and not _is_git(part) for part in parts)


def is_protected(path: str, patterns: Iterable[str]) -> bool:
    """Whether a path falls under a protected path, in any spelling of small and capital letters.

    A pattern with a slash is a folder or a glob from the root (`infra/`, `db/**/*.sql`); one
    without is a name at any depth (`CODEOWNERS`, `*.pem`). What lies below a match is protected
    too, and so is a file that would take a protected folder's place.
    """
    if not is_safe(path):
        return True
    parts = tuple(_folded(part) for part in path.split("/"))
    return any(_protects(pattern, parts) for pattern in patterns)


def overlaps(globs: Iterable[str], paths: Iterable[str]) -> bool:
    """Whether any glob covers any path.

    Globs are read from the root: `*`, `?` and `[...]` stay within a part, `**` spans parts, and a
    glob that names a folder (`src`, `src/`) covers what is below it.
    """
    wanted = [_parts(glob) for glob in globs]
    return any(_covers(glob, tuple(path.split("/"))) for path in paths for glob in wanted if glob)


def _protects(pattern: str, path: tuple[str, ...]) -> bool:
    glob = tuple(_folded(part) for part in _parts(pattern))
    if not glob:
        return False
    if "/" not in pattern.strip():
        return any(fnmatchcase(part, glob[0]) for part in path)
    return _covers(glob, path) or _stands_in_the_way(glob, path)


def _stands_in_the_way(glob: tuple[str, ...], path: tuple[str, ...]) -> bool:
    """Whether a file at `path` would replace a folder that the glob's plain head names."""
    head = glob[: len(path)]
    return head == path and not any(_WILD & set(part) for part in head)


def _parts(glob: str) -> tuple[str, ...]:
    return tuple(part for part in glob.strip().split("/") if part not in ("", "."))


def _covers(glob: tuple[str, ...], path: tuple[str, ...]) -> bool:
    """Match part by part; `reached` holds the glob positions alive after each path part."""
    reached = _past_stars(glob, {0})
    for part in path:
        if len(glob) in reached:
            return True
        following = set()
        for at in reached:
            if glob[at] == "**":
                following.add(at)
            elif fnmatchcase(part, glob[at]):
                following.add(at + 1)
        reached = _past_stars(glob, following)
    return len(glob) in reached


def _past_stars(glob: tuple[str, ...], positions: set[int]) -> set[int]:
    reached = set(positions)
    for at in range(len(glob)):
        if at in reached and glob[at] == "**":
            reached.add(at + 1)
    return reached


@lru_cache(maxsize=4096)
def _folded(part: str) -> str:
    """One spelling for all that a forgiving file system takes for the same name."""
    visible = "".join(sign for sign in part if unicodedata.category(sign) != "Cf")
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", visible).casefold())


def _is_git(part: str) -> bool:
    name = _folded(part).split(":", 1)[0].rstrip(". ")
    return name in (".git", "git~1")
