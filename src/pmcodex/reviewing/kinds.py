"""Kinds: what a path is by its name alone. Code, a test, or neither.

What must never happen here: reading the file, or a guess that depends on one project's habits.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

_SUFFIXES = (
    ".py .pyi .js .jsx .mjs .cjs .ts .tsx .go .rs .java .kt .kts .scala .rb .php .pl .lua .c .cc"
    " .cpp .cxx .h .hh .hpp .cs .fs .swift .m .mm .ex .exs .erl .hs .ml .clj .dart .r .jl .sh"
    " .bash .ps1 .sql .vue .svelte"
)
_CODE = frozenset(_SUFFIXES.split())
_TEST_FOLDERS = frozenset({"test", "tests", "__tests__", "spec", "specs", "testing", "e2e"})
_TEST_NAME = re.compile(
    r"^(?:test_.*|.*_test|.*_spec|.*\.test|.*\.spec|conftest|[A-Z].*Tests?)$",
)
_DOC_FOLDERS = frozenset({"docs", "doc", "examples"})


def is_test(path: str) -> bool:
    """Whether a path is one of a test, or of what tests are made of."""
    parts = PurePosixPath(path)
    return bool(_TEST_FOLDERS.intersection(parts.parts[:-1])) or (
        parts.suffix in _CODE and bool(_TEST_NAME.match(parts.stem))
    )


def is_code(path: str) -> bool:
    """Whether a path is code that a test could hold: no test itself, no docs, no CI."""
    parts = PurePosixPath(path)
    folders = parts.parts[:-1]
    return (
        parts.suffix.lower() in _CODE
        and not is_test(path)
        and not _DOC_FOLDERS.intersection(folders[:1])
        and not (folders and folders[0].startswith("."))
    )
