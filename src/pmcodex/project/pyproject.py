"""Pyproject: what a project's own pyproject.toml says of it, as far as recipes ask.

A broken file is an answer, never a crash. What must never happen here: a value handed on that
was not checked for its form, since these end up in workflows and licences.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pmcodex.project.files import Project

PATH = "pyproject.toml"
_TEST_GROUPS = ("dev", "test", "tests", "testing")
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


@dataclass(frozen=True, slots=True)
class Pyproject:
    """The file's tables. `broken` says it is there but can't be read."""

    tables: Mapping[str, object] = field(default_factory=dict)
    there: bool = False
    broken: bool = False

    def table(self, *names: str) -> Mapping[str, object]:
        """A table by its dotted name; empty where it is not there or not a table."""
        found: object = self.tables
        for name in names:
            found = found.get(name) if isinstance(found, Mapping) else None
        return found if isinstance(found, Mapping) else {}


def read_pyproject(project: Project) -> Pyproject:
    """The project's pyproject.toml, parsed."""
    if PATH not in project.paths:
        return Pyproject()
    tables = parse(project.files.get(PATH, "="))
    return Pyproject(there=True, broken=True) if tables is None else Pyproject(tables, there=True)


def parse(text: str) -> Mapping[str, object] | None:
    """A TOML text's tables, or None where it isn't TOML."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        return None


def authors(pyproject: Pyproject) -> tuple[tuple[str, str], ...]:
    """Name and email of each author, then each maintainer; either may be empty."""
    found: dict[tuple[str, str], None] = {}
    for table in (pyproject.table("project"), pyproject.table("tool", "poetry")):
        for key in ("authors", "maintainers"):
            listed = table.get(key)
            for entry in listed if isinstance(listed, list) else ():
                found.setdefault(_person(entry))
    return tuple(person for person in found if any(person))


def is_installable(project: Project, pyproject: Pyproject) -> bool:
    """Whether `pip install .` has a package to install."""
    if "setup.py" in project.paths:
        return True
    if pyproject.table("tool", "uv").get("package") is False:
        return False
    return bool(pyproject.table("project") or pyproject.table("build-system"))


def extras_for_tests(pyproject: Pyproject) -> tuple[str, ...]:
    """The optional dependency sets that tests are likely to need."""
    extras = pyproject.table("project", "optional-dependencies")
    return tuple(name for name in _TEST_GROUPS if name in extras)


def python_choice(project: Project) -> str:
    """What setup-python is told: the project's own word on its Python if it has one."""
    if ".python-version" in project.paths:
        return "python-version-file: .python-version"
    if "requires-python" in read_pyproject(project).table("project"):
        return f"python-version-file: {PATH}"
    return 'python-version: "3.12"'


def declared_licenses(pyproject: Pyproject) -> Iterator[str]:
    """The licences that the metadata names, in its words."""
    for table in (pyproject.table("project"), pyproject.table("tool", "poetry")):
        named = table.get("license")
        if isinstance(named, Mapping):
            named = named.get("text")
        if isinstance(named, str):
            yield " ".join(named.split())[:60]
        classifiers = table.get("classifiers")
        for line in classifiers if isinstance(classifiers, list) else ():
            if isinstance(line, str) and line.startswith("License ::"):
                yield line.rpartition(":: ")[2]


def _person(entry: object) -> tuple[str, str]:
    if isinstance(entry, Mapping):
        name, email = entry.get("name"), entry.get("email")
    else:
        name, _, email = str(entry).partition("<")
        email = email.rstrip("> ")
    return _name(name), _email(email)


def _name(value: object) -> str:
    line = " ".join(str(value or "").split())
    return line if line.isprintable() and len(line) <= 100 else ""


def _email(value: object) -> str:
    text = str(value or "").strip()
    return text if _EMAIL.fullmatch(text) and len(text) <= 100 else ""
