"""Scaffold: what a repository still lacks to be worked by pmcodex, as edits. Pure.

Each file is left out where the project has its like under any usual name. What must never happen
here: an edit to a file that is there, or an owner, a licence or a check made up.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Literal, assert_never

from pmcodex.core.actions import FileEdit
from pmcodex.core.keys import slug
from pmcodex.core.owners import PLACES
from pmcodex.core.policy import Policy
from pmcodex.core.templates import Templates
from pmcodex.errors import InvalidInput
from pmcodex.project.edits import CannotApply, edited
from pmcodex.project.files import Project
from pmcodex.project.sources import find, has_other_code, has_tests, sources_of
from pmcodex.project.workflow import workflows
from pmcodex.recipes import propose_all

TimerKind = Literal["systemd", "cron", "github-actions"]
SAMPLE_REPO = "/path/to/project"

_PRD = r"(?:.*/)?(?:prd|product[-_ ]requirements)(?:\.\w+)?"
_TASK_TEMPLATE = r"_?template\.md"


def missing(
    project: Project, templates: Templates, policy: Policy | None = None
) -> tuple[FileEdit, ...]:
    """The files `pmcodex init` adds; empty where nothing is missing. It never changes a file.

    `policy` is the project's own, where it has one.
    """
    edits: list[FileEdit] = []
    for step in (_source, _documents, _by_recipes, _policy_file, _examples):
        edits += step(edited(project, edits), templates, policy or Policy())
    return tuple(edit for edit in edits if not _is_taken(project, edit.path))


def timer_files(
    kind: TimerKind, command: str, repo: str, templates: Templates
) -> tuple[FileEdit, ...]:
    """The files that have a machine run one round each quarter of an hour.

    `command` starts pmcodex, in shell words ("pmcodex", "/usr/bin/python3 -m pmcodex"); `repo` is
    what `--repo` takes. A scheduled workflow works its own repository, whatever `repo` says.
    InvalidInput where either can't stand in a line.
    """
    words = [*_words(command), "run"]
    here = [*words, "--repo", _line(repo)]
    match kind:
        case "cron":
            line = shlex.join(here).replace("%", "\\%")
            return (FileEdit("crontab.example", templates.render("timers/crontab", command=line)),)
        case "systemd":
            unit = f"pmcodex-{slug(repo.rstrip('/').rpartition('/')[2].removesuffix('.git'))}"
            line = " ".join(_systemd_word(word) for word in here)
            service = templates.render("timers/pmcodex.service", command=line, unit=unit)
            return (
                FileEdit(f"systemd/{unit}.service", service),
                FileEdit(f"systemd/{unit}.timer", templates.text("timers/pmcodex.timer")),
            )
        case "github-actions":
            text = templates.render("timers/pmcodex.yml", command=shlex.join(["pmcodex", "run"]))
            return (FileEdit(".github/workflows/pmcodex.yml", text),)
        case _:
            assert_never(kind)


def _source(project: Project, templates: Templates, policy: Policy) -> Iterator[FileEdit]:
    sources = sources_of(project)
    if sources.folders or sources.loose_files or has_other_code(project):
        return
    yield FileEdit("src/__init__.py", templates.text("scaffold/init.txt"))
    yield FileEdit("src/app.py", templates.text("scaffold/app.txt"))


def _documents(project: Project, templates: Templates, policy: Policy) -> Iterator[FileEdit]:
    if not find(project, _PRD):
        name = " ".join(project.name.split()) or "this project"
        yield FileEdit(policy.prd, templates.render("scaffold/PRD.md", project=name))
    if not find(project, f"{re.escape(policy.tasks.dir)}/{_TASK_TEMPLATE}"):
        yield FileEdit(f"{policy.tasks.dir}/_template.md", templates.text("task.md"))


def _by_recipes(project: Project, templates: Templates, policy: Policy) -> Iterator[FileEdit]:
    """What recipes know how to write; where one can't, the project goes without."""
    wanted = []
    if not find(project, r"(?:\.github/|docs/)?pull_request_template(?:\.\w+|/.*)"):
        wanted.append("pr-template")
    if _is_python(project):
        wanted += ["ci-setup"] if not workflows(project) else []
        wanted += ["smoke-test"] if not has_tests(project) else []
    for name in wanted:
        edits = propose_all((name,), project, templates)
        if not isinstance(edits, CannotApply):
            yield from edits
    if not any(place in project.paths for place in PLACES):
        owned = propose_all(("codeowners",), project, templates)
        placeholder = FileEdit("CODEOWNERS", templates.text("scaffold/CODEOWNERS"))
        yield from (placeholder,) if isinstance(owned, CannotApply) else owned


def _policy_file(project: Project, templates: Templates, policy: Policy) -> Iterator[FileEdit]:
    prd = find(project, _PRD)
    elsewhere = prd and prd != policy.prd and prd.isascii() and prd.endswith(".md")
    named = f"prd: {_quoted(prd)}" if elsewhere else f"#prd: {policy.prd}"
    checks = "checks:\n  pytest: python -m pytest -q" if has_tests(project) else "#checks: {}"
    text = templates.render("scaffold/llm-team.yml", prd=named, checks=checks)
    yield FileEdit(".llm-team.yml", text)


def _examples(project: Project, templates: Templates, policy: Policy) -> Iterator[FileEdit]:
    yield FileEdit(".env.example", templates.text("scaffold/env.example"))
    yield FileEdit(".gitignore", templates.text("scaffold/gitignore"))
    yield from timer_files("cron", "pmcodex", SAMPLE_REPO, templates)


def _is_python(project: Project) -> bool:
    sources = sources_of(project)
    return bool(sources.folders or sources.loose_files or has_tests(project))


def _is_taken(project: Project, path: str) -> bool:
    """Whether a file, or a folder in a file's place, is there already, in any case of letters."""
    wanted = path.casefold()
    for there in project.paths:
        folded = there.casefold()
        if folded == wanted or folded.startswith(f"{wanted}/") or wanted.startswith(f"{folded}/"):
            return True
    return False


def _words(command: str) -> list[str]:
    try:
        words = shlex.split(_line(command))
    except ValueError as error:
        raise InvalidInput(f"{command!r} can't be read as a command: {error}") from error
    if not words:
        raise InvalidInput("The command that starts pmcodex is empty")
    return words


def _line(text: str) -> str:
    if not text or not text.isprintable():
        raise InvalidInput(f"{text!r} can't stand in one line of a timer")
    return text


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _systemd_word(word: str) -> str:
    """A word as systemd.service(5) reads it: specifiers and variables doubled, odd ones quoted."""
    doubled = word.replace("%", "%%").replace("$", "$$")
    return doubled if re.fullmatch(r"[\w./:@=+,%$-]+", doubled) else _quoted(doubled)
