"""smoke-test: a first test that compiles the project's Python files and imports its modules."""

from __future__ import annotations

from collections.abc import Sequence

from pmcodex.core.actions import FileEdit
from pmcodex.core.templates import Templates
from pmcodex.project.edits import CannotApply
from pmcodex.project.files import Project
from pmcodex.project.sources import Sources, find, has_tests, sources_of

NAME: str = "smoke-test"
SUMMARY: str = "tests/test_smoke.py: the project's files compile and its modules import"
READS: tuple[str, ...] = ()
WORDS: tuple[frozenset[str], ...] = (
    frozenset({"smoke", "test"}),
    frozenset({"smoke", "tests"}),
    frozenset({"first", "test"}),
)
PROTECTED: tuple[str, ...] = ()

PATH = "tests/test_smoke.py"


def propose(project: Project, templates: Templates) -> tuple[FileEdit, ...] | CannotApply:
    """The test, unless the project has any test: those say more than this one could."""
    if has_tests(project) or find(project, PATH):
        return ()
    if "tests" in project.paths:
        return CannotApply("tests is a file, so there is no folder for the test")
    sources = sources_of(project)
    files = _listed(_globs(sources))
    if not sources.modules:
        return (FileEdit(PATH, templates.render("recipes/test_smoke.txt", files=files)),)
    text = templates.render(
        "recipes/test_smoke_modules.txt",
        files=files,
        paths=_listed(sources.import_paths),
        modules=_listed(sources.modules),
    )
    return (FileEdit(PATH, text),)


def _globs(sources: Sources) -> list[str]:
    loose = ["*.py"] if sources.loose_files else []
    return [*loose, *(f"{folder}/**/*.py" for folder in sources.folders), "tests/*.py"]


def _listed(words: Sequence[str]) -> str:
    """Words as a Python list, a line each where one line would be long."""
    quoted = [f'"{word}"' for word in words]
    line = f"[{', '.join(quoted)}]"
    if len(line) <= 80:
        return line
    return "[" + "".join(f"\n    {word}," for word in quoted) + "\n]"
