"""Workflow: what a project's GitHub Actions workflows do, and one more job put into one.

A workflow is read as YAML and changed as text: a job's lines are put in, every other byte stays.
What must never happen here: a workflow changed in more than the job that was asked for.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping

from pmcodex.project.files import Project

FOLDER = ".github/workflows/"
_STEMS = "build check checks ci lint main pr pull-request pull_request python python-app"
_MORE = "python-package pythonapp pythonpackage pytest quality test tests tox"
READABLE = tuple(
    f"{FOLDER}{stem}.{end}" for stem in f"{_STEMS} {_MORE}".split() for end in ("yml", "yaml")
)
"""The workflows that recipes read, by the names that projects commonly give them."""

_LIMIT = 200_000
_DEPTH = 60
_BRACKET = re.compile(r"[\[\]{}]")
_INDENT = re.compile(r"^[ ?:-]+", re.MULTILINE)
_RUNS_TESTS = re.compile(r"\b(?:pytest|tox|nox|unittest)\b|\bmake (?:test|tests|check)\b")
_SOUNDS_LIKE_TESTS = re.compile(r"(?:^|[-_. ])(?:ci|tests?|pytest|checks?)(?:[-_. ]|$)")


def workflows(project: Project) -> tuple[str, ...]:
    """The paths of every workflow, sorted."""
    return tuple(
        path
        for path in sorted(project.paths)
        if path.startswith(FOLDER) and path.endswith((".yml", ".yaml"))
    )


def tested_by(project: Project) -> str:
    """The workflow that runs tests on pull requests; empty: none that can be read."""
    found = [path for path in workflows(project) if _tests_pulls(project.files.get(path, ""))]
    first = f"{FOLDER}ci.yml"
    return first if first in found else next(iter(found), "")


def unread_tests(project: Project) -> str:
    """A workflow that can't be read but is named as if it ran tests; empty: none."""
    for path in workflows(project):
        stem = path.removeprefix(FOLDER).rpartition(".")[0].lower()
        if path not in project.files and _SOUNDS_LIKE_TESTS.search(stem):
            return path
    return ""


def runs(text: str) -> str:
    """All that a workflow's steps run and use, a line each; empty where it can't be read."""
    return "\n".join(_steps(_load(text)))


def with_job(text: str, job: str, lines: str) -> str | None:
    """The workflow with a job as its first; None where it can't be put in safely.

    `lines` is the job as block YAML from column 0, its name's line included.
    """
    place = _first_job(text)
    before = _load(text)
    if place is None or before is None or job in _jobs(before):
        return None
    at, column = place
    newline = "\r\n" if "\r\n" in text else "\n"
    block = textwrap.indent(lines.strip("\n") + "\n", " " * column) + "\n"
    made = text[:at] + block.replace("\n", newline) + text[at:]
    after = _load(made)
    if after is None or job not in _jobs(after):
        return None
    others = {name: body for name, body in _jobs(after).items() if name != job}
    return made if {**after, "jobs": others} == before else None


def job_names(text: str) -> frozenset[str]:
    """The ids of a workflow's jobs."""
    return frozenset(str(name) for name in _jobs(_load(text) or {}))


def _tests_pulls(text: str) -> bool:
    loaded = _load(text)
    return bool(loaded) and _is_for_pulls(loaded) and bool(_RUNS_TESTS.search(runs(text)))


def _load(text: str) -> Mapping[object, object] | None:
    import yaml

    if not text or len(text) > _LIMIT or _is_deep(text):
        return None
    try:
        loaded = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    return loaded if isinstance(loaded, Mapping) else None


def _is_deep(text: str) -> bool:
    """Whether a text is nested as no workflow is: libyaml recurses, and a deep one kills it."""
    depth = 0
    for sign in _BRACKET.findall(text):
        depth = max(0, depth + (1 if sign in "[{" else -1))
        if depth > _DEPTH:
            return True
    return any(len(indent) > 4 * _DEPTH for indent in _INDENT.findall(text))


def _is_for_pulls(loaded: Mapping[object, object] | None) -> bool:
    # YAML 1.1 reads the key `on` as true.
    events = (loaded or {}).get("on", (loaded or {}).get(True))
    return events == "pull_request" or (
        isinstance(events, list | Mapping) and "pull_request" in events
    )


def _jobs(loaded: Mapping[object, object]) -> Mapping[object, object]:
    found = loaded.get("jobs")
    return found if isinstance(found, Mapping) else {}


def _steps(loaded: Mapping[object, object] | None) -> Iterator[str]:
    for job in _jobs(loaded or {}).values():
        steps = job.get("steps") if isinstance(job, Mapping) else None
        for step in steps if isinstance(steps, list) else ():
            if isinstance(step, Mapping):
                yield from (step[key] for key in ("run", "uses") if isinstance(step.get(key), str))


def _first_job(text: str) -> tuple[int, int] | None:
    """Where the line after `jobs:` starts, and the column of the jobs' names."""
    import yaml

    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    if not isinstance(root, yaml.MappingNode) or root.flow_style:
        return None
    for key, value in root.value:
        if key.value != "jobs" or not isinstance(value, yaml.MappingNode) or value.flow_style:
            continue
        after = text.find("\n", key.end_mark.index) + 1
        first = value.value[0][0].start_mark if value.value else None
        if after and first is not None and first.index >= after and first.column:
            return after, first.column
    return None
