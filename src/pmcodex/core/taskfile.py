"""Task files: text to Task, Task to text.

Whatever the bytes are, reading them gives a value: a task, or a finding that names file, line
and field. What must never happen here: an exception for what somebody wrote, or a YAML value
built from its tags (a date, a number): fields are words, and only words are taken.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from pmcodex.core.facts import Finding, TaskFile
from pmcodex.core.frontmatter import Fault, Front, compose, find, scalar
from pmcodex.core.keys import slug
from pmcodex.core.model import Priority, Task, TaskStatus

LIMIT = 256 * 1024
"""Bytes a task file may have."""

_ALIASES = 8
_HOURS = 8
_LISTS = frozenset({"depends_on", "acceptance", "touches", "recipe"})
_PROSE = frozenset({"title", "owner", "command", "prd", "acceptance", "touches", "recipe"})
_OPTIONAL = ("touches", "recipe", "command", "prd")
_WORDS = {
    "status": tuple(TaskStatus),
    "priority": tuple(Priority),
    "type": ("feature", "bug", "chore", "docs", "test", "ci", "refactor"),
    "auto_policy": ("manual", "merge_when_ready"),
}
_SHAPES = {
    "id": "is not a task id such as T-0001",
    "depends_on": "is not a task id such as T-0001",
    "estimate": "is not hours or days such as 2h or 0.5d",
    "title": "is not one line",
}
_KINDS = {
    "int": "a number",
    "float": "a number",
    "bool": "true or false",
    "timestamp": "a date",
    "null": "nothing",
}
_TAG = "tag:yaml.org,2002:"
_QUOTE = "put it in quotes"

Values: TypeAlias = dict[str, str | list[str]]
Nodes: TypeAlias = dict[str, yaml.Node]


@dataclass(frozen=True, slots=True)
class _Trouble:
    """What is wrong at one offset of the text, in words that begin with the field."""

    index: int
    message: str
    hint: str = ""


def within_states(file: TaskFile, states: Collection[TaskStatus]) -> TaskFile:
    """The task file, or a finding in its task's place where the policy has no such state."""
    task = file.task
    if task is None or task.status in states:
        return file
    names = ", ".join(states)
    said = f"status: {task.status} is not one of tasks.states in .llm-team.yml ({names})"
    finding = Finding("task-file", file.path, said, "use one of those", task.id)
    return replace(file, task=None, finding=finding)


def read_task(path: str, blob: str, data: bytes) -> TaskFile:
    """One task file's bytes as a task, or with the finding that says why it is none.

    `path` is relative to the repository's root. The finding names the first thing wrong and how
    many more there are. A readable task in a file that is not named after it has both.
    """
    if len(data) > LIMIT:
        return _broken(path, blob, "", [_Trouble(0, f"the file is larger than {LIMIT >> 10} KiB")])
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        trouble = _Trouble(len(before), "the file is not UTF-8 text", "save it as UTF-8")
        return _broken(path, blob, before, [trouble])
    front = find(text)
    if front is None:
        return _broken(path, blob, text, [_frontless(text)])
    read = _read_front(text[front.start : front.end])
    if isinstance(read, Task):
        named = _name_finding(path, read)
        return TaskFile(path, blob, read, named, text[front.body :])
    return _broken(path, blob, text, list(read), front)


def render_task(task: Task, body: str) -> str:
    """A new task file. Reading it back gives the same task; unset optional fields are left out."""
    lines = ["---"]
    for name in Task.model_fields:
        value = getattr(task, name)
        if name in _OPTIONAL and not value:
            continue
        if name not in _LISTS:
            lines.append(f"{name}: {scalar(str(value))}")
        elif value:
            lines += [f"{name}:", *(f"  - {scalar(item)}" for item in value)]
        else:
            lines.append(f"{name}: []")
    lines += ["---", "", body.lstrip("\n")]
    return "\n".join(lines).rstrip("\n") + "\n"


def file_name(task: Task) -> str:
    """`T-0001-ci-setup.md`."""
    return f"{task.id}-{slug(task.title)}.md"


def _broken(
    path: str, blob: str, text: str, troubles: list[_Trouble], front: Front | None = None
) -> TaskFile:
    start, body = (front.start, text[front.body :]) if front else (0, "")
    first, *rest = sorted(troubles, key=lambda trouble: trouble.index)
    line = text.count("\n", 0, start + first.index) + 1
    more = f" (and {len(rest)} more)" if rest else ""
    finding = Finding(
        kind="task-file",
        where=f"{path}:{line}",
        message=first.message + more,
        hint=first.hint,
        task_id=_id_of_name(path),
    )
    return TaskFile(path, blob, None, finding, body)


def _id_of_name(path: str) -> str:
    found = re.match(r"T-[0-9]{4,9}(?=[-.])", path.rpartition("/")[2])
    return found.group() if found else ""


def _name_finding(path: str, task: Task) -> Finding | None:
    if _id_of_name(path) == task.id:
        return None
    return Finding(
        kind="task-name",
        where=f"{path}:1",
        message=f"id: the file holds {task.id}, its name does not say so",
        hint=f"name it {file_name(task)}",
        task_id=task.id,
    )


def _frontless(text: str) -> _Trouble:
    if text.removeprefix("\ufeff").lstrip().startswith("---"):
        return _Trouble(0, "the front matter is never closed", "end it with a line of ---")
    return _Trouble(0, "there is no front matter", "begin the file with a line of ---")


def _read_front(source: str) -> Task | Iterator[_Trouble]:
    root = compose(source)
    if isinstance(root, Fault):
        return iter([_yaml_trouble(source, root)])
    if root is None:
        return iter([_Trouble(0, "the front matter is empty", "see tasks/_template.md")])
    if not isinstance(root, yaml.MappingNode):
        return iter([_Trouble(0, "the front matter is not `field: value` lines")])
    if "*" in source and _aliases(root) > _ALIASES:
        return iter([_Trouble(0, f"there are more than {_ALIASES} YAML aliases")])
    values: Values = {}
    nodes: Nodes = {}
    troubles = list(_collect(root, values, nodes))
    if troubles:
        return iter(troubles)
    try:
        task = Task.model_validate(values)
    except ValidationError as error:
        return (_invalid(detail, nodes) for detail in error.errors(include_url=False))
    troubles = list(_beyond_types(task, nodes))
    return iter(troubles) if troubles else task


def _yaml_trouble(source: str, fault: Fault) -> _Trouble:
    line = source[source.rfind("\n", 0, fault.index) + 1 :].partition("\n")[0]
    field = line.partition(":")[0].strip()
    where = f"{field}: " if field in Task.model_fields else ""
    hint = ""
    if "mapping values" in fault.problem:
        hint = "a value with a colon in it needs quotes"
    elif "cannot start any token" in fault.problem:
        hint = "indent with spaces, and quote a value that begins with a special character"
    return _Trouble(fault.index, f"{where}not valid YAML: {fault.problem}", hint)


def _aliases(root: yaml.MappingNode) -> int:
    """How many values and list items stand before the place they are used in."""
    count = 0
    for key, value in root.value:
        count += value.start_mark.index < key.start_mark.index
        if isinstance(value, yaml.SequenceNode):
            seen = value.start_mark.index - 1
            for item in value.value:
                count += item.start_mark.index <= seen
                seen = max(seen, item.start_mark.index)
    return count


def _collect(root: yaml.MappingNode, values: Values, nodes: Nodes) -> Iterator[_Trouble]:
    """Fill `values` with the words of every field and `nodes` with where they stand."""
    for key, node in root.value:
        name = key.value if isinstance(key, yaml.ScalarNode) else "?"
        if name not in Task.model_fields:
            near = difflib.get_close_matches(name[:80].lower(), Task.model_fields, 1)
            hint = f"did you mean {near[0]}?" if near else "see `pmcodex schema` for the fields"
            yield _Trouble(key.start_mark.index, f"{name[:80]}: there is no such field", hint)
        elif name in nodes:
            yield _Trouble(key.start_mark.index, f"{name}: is there twice", "keep one of the two")
        else:
            nodes[name] = node
            yield from _words(name, node, values)


def _words(name: str, node: yaml.Node, values: Values) -> Iterator[_Trouble]:
    if node.tag == _TAG + "null" and isinstance(node, yaml.ScalarNode):
        return
    if name not in _LISTS:
        if trouble := _unwordly(name, name, node):
            yield trouble
        else:
            values[name] = node.value
        return
    if not isinstance(node, yaml.SequenceNode):
        hint = "write its items on lines of their own, each after a dash"
        yield _Trouble(node.start_mark.index, f"{name}: is not a list", hint)
        return
    troubles = [_unwordly(name, f"{name}: item {n}", i) for n, i in enumerate(node.value, 1)]
    yield from filter(None, troubles)
    values[name] = [str(item.value) for item in node.value]


def _unwordly(name: str, label: str, node: yaml.Node) -> _Trouble | None:
    """Why a node is no word, with `label` in front of it."""
    said = label if ": " in label else f"{label}:"
    if isinstance(node, yaml.MappingNode):
        hint = f"{_QUOTE}: the colon makes it a field" if not node.flow_style else _QUOTE
        return _Trouble(node.start_mark.index, f"{said} is not text but `field: value`", hint)
    if isinstance(node, yaml.SequenceNode):
        return _Trouble(node.start_mark.index, f"{said} is not text but a list", _QUOTE)
    kind = node.tag.removeprefix(_TAG)
    if kind == "str" or (name not in _PROSE and kind != "null"):
        return None
    text = node.value[:40]
    if not text:
        return _Trouble(node.start_mark.index, f"{said} is empty", "write it, or take it out")
    sentence = f"{said} {text!r} reads as {_KINDS.get(kind, f'the YAML type {kind}')}, not as text"
    return _Trouble(node.start_mark.index, sentence, f"{_QUOTE}: {scalar(text, style=chr(34))}")


def _invalid(detail: ErrorDetails, nodes: Nodes) -> _Trouble:
    """One of pydantic's complaints in our words, at the line it is about."""
    name, *rest = detail["loc"]
    field, node = str(name), nodes.get(str(name))
    label = f"{field}:"
    if rest and isinstance(node, yaml.SequenceNode):
        node, label = node.value[int(rest[0])], f"{field}: item {int(rest[0]) + 1}"
    kind = "string_too_short" if node and detail["type"] == "missing" else str(detail["type"])
    message, hint = _complaint(field, kind, detail["input"], detail.get("ctx", {}))
    return _Trouble(node.start_mark.index if node else 0, f"{label} {message}", hint)


def _complaint(field: str, kind: str, value: object, context: dict[str, Any]) -> tuple[str, str]:
    shown = repr(value if len(str(value)) <= 60 else str(value)[:59] + "…")
    if kind == "missing":
        return "is missing", "add the field" if field != "id" else "give it the id in its file name"
    if field in _WORDS:
        near = difflib.get_close_matches(str(value)[:60].lower(), map(str.lower, _WORDS[field]), 1)
        meant = next((word for word in _WORDS[field] if near and word.lower() == near[0]), "")
        choice = ", ".join(_WORDS[field])
        return f"{shown} is not one of {choice}", f"did you mean {meant}?" if meant else ""
    if kind == "string_too_long":
        return f"is longer than {context['max_length']} characters", "say it shorter"
    if kind == "string_too_short":
        return "is empty", f"give it a value, as in `{field}: ...`"
    return f"{shown} {_SHAPES.get(field, 'does not fit here')}", ""


def _beyond_types(task: Task, nodes: Nodes) -> Iterator[_Trouble]:
    amount, unit = float(task.estimate[:-1]), task.estimate[-1]
    if amount * (_HOURS if unit == "d" else 1) > _HOURS:
        message = f"estimate: {task.estimate[:20]} is more than one day ({_HOURS}h)"
        yield _Trouble(nodes["estimate"].start_mark.index, message, "split the task")
