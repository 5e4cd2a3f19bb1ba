"""Sources: where a project keeps its code and its tests, told by paths alone.

Only names that are plain identifiers are told, since they end up in tests and workflows.
What must never happen here: a vendored or generated tree taken for the project's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from keyword import iskeyword

from pmcodex.project.files import Project

_FOREIGN = frozenset(
    {"build", "dist", "env", "node_modules", "site-packages", "target", "third_party", "vendor"}
    | {"venv", "virtualenv"}
)
_NOT_PACKAGES = frozenset(
    {"bench", "benchmark", "benchmarks", "doc", "docs", "example", "examples", "migrations"}
    | {"script", "scripts", "tasks", "test", "tests", "tool", "tools"}
)
_LOOSE = frozenset(["conftest", "fabfile", "manage", "noxfile", "setup", "tasks"])
_TEST = re.compile(r"(?:^|/)(?:test_[^/]*|[^/]*_test)\.py$")
_OTHER_CODE = re.compile(
    r"\.(?:c|cc|cpp|cs|dart|ex|go|hs|java|jl|js|jsx|kt|lua|m|mjs|php|pl|r|rb|rs|scala|swift|ts|tsx)$"
)


@dataclass(frozen=True, slots=True)
class Sources:
    """Folders with code, the modules to import from them, and the import path both need."""

    folders: tuple[str, ...]
    modules: tuple[str, ...]
    import_paths: tuple[str, ...]
    loose_files: bool
    """Whether Python files stand at the root itself."""


def own_paths(project: Project) -> tuple[str, ...]:
    """Paths that aren't hidden, vendored or generated, sorted."""
    return tuple(path for path in sorted(project.paths) if not _is_foreign(path))


def has_tests(project: Project) -> bool:
    """Whether there is a file that pytest would collect."""
    return any(_TEST.search(path) for path in own_paths(project))


def has_other_code(project: Project) -> bool:
    """Whether there is source code in another language than Python."""
    return any(_OTHER_CODE.search(path.lower()) for path in own_paths(project))


def sources_of(project: Project) -> Sources:
    """The project's Python code, tests aside."""
    python = [path for path in own_paths(project) if path.endswith(".py")]
    packages = [name for name in _packages(python, "") if name not in _NOT_PACKAGES]
    in_src = any(path.startswith("src/") for path in python)
    modules = list(packages)
    import_paths = ["."] if packages else []
    if "src/__init__.py" in python:
        modules += [f"src.{name}" for name in (*_modules(python), *_packages(python, "src/"))]
    elif in_src and (found := [*_modules(python), *_packages(python, "src/")]):
        modules += found
        import_paths.append("src")
    folders = sorted({*packages, *(["src"] if in_src else [])})
    loose = any("/" not in path and path[:-3] not in _LOOSE for path in python)
    return Sources(tuple(folders), tuple(sorted(modules)), tuple(import_paths), loose)


def find(project: Project, pattern: str) -> str:
    """The first path, sorted, that a pattern matches whole, whatever its case; empty: none."""
    wanted = re.compile(pattern, re.IGNORECASE)
    return next((path for path in sorted(project.paths) if wanted.fullmatch(path)), "")


def _is_foreign(path: str) -> bool:
    folders = path.split("/")[:-1]
    return any(part.startswith(".") or part in _FOREIGN for part in folders)


def _packages(python: Iterable[str], prefix: str) -> list[str]:
    """Names of the packages right below a folder."""
    inside = (path.removeprefix(prefix) for path in python if path.startswith(prefix))
    names = (path.removesuffix("/__init__.py") for path in inside if path.endswith("/__init__.py"))
    return [name for name in names if _is_name(name)]


def _modules(python: Iterable[str]) -> list[str]:
    """Names of the modules right below `src/`."""
    names = (path[4:-3] for path in python if path.startswith("src/") and path.count("/") == 1)
    return [name for name in names if _is_name(name) and not name.startswith("__")]


def _is_name(word: str) -> bool:
    return word.isascii() and word.isidentifier() and not iskeyword(word)
