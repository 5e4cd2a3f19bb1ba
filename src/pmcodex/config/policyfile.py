"""The project's `.llm-team.yml`: its text to a `Policy`, and the schemas that editors ask for.

What must never happen here: a guess. An unknown or doubled key is an error that names its line.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, get_args

from pmcodex.core.suggest import did_you_mean
from pmcodex.errors import InvalidInput

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError
    from yaml import Event, Node

    from pmcodex.core.policy import Policy

WHERE = ".llm-team.yml"

_Path = tuple[str, ...]
_TEXT_LIMIT = 256 * 1024
_DEPTH_LIMIT = 32
_SHAPE = "`pmcodex schema llm-team` shows what may stand there."
_FOLDER = "it must be a path inside the repository, without a slash before it, as in docs/PRD.md"
_PREFIX = "it must be letters, digits, dots, dashes and slashes, one at its end, as in feature/"
_NOT_WORDS = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("bool", "null", "int", "float"))
_DRAFT = "https://json-schema.org/draft/2020-12/schema"


def read_policy(text: str | None, where: str = WHERE) -> Policy:
    """The policy a text states; None (no such file) and an empty text give the defaults.

    Raises InvalidInput naming file, line and field of everything that is wrong.
    """
    from pydantic import ValidationError

    from pmcodex.core.policy import Policy

    node = _compose(text or "", where)
    if node is None:
        return Policy()
    lines = {path: _line(at) for path, at in _nodes(node, where)}
    try:
        return Policy.model_validate(_plain(node, where))
    except ValidationError as error:
        raise _explained(error, lines, where) from None


def policy_rows(policy: Policy, text: str | None) -> tuple[tuple[str, str, str], ...]:
    """Dotted key, value and origin ("default" or ".llm-team.yml") of everything in a policy."""
    node = _compose(text or "", WHERE)
    stated = {path for path, _ in _nodes(node, WHERE)} if node is not None else set()

    def origin(path: _Path) -> str:
        short = path[-1] == "run" and path[:-1] in stated  # `pytest: python -m pytest`
        return WHERE if path in stated or short else "default"

    leaves = _leaves(policy.model_dump(mode="json"), ())
    return tuple((".".join(path), _shown(value), origin(path)) for path, value in leaves)


def json_schemas() -> dict[str, dict[str, Any]]:
    """JSON Schemas (draft 2020-12) of `.llm-team.yml` and of a task's front matter."""
    from pmcodex.core.model import Task
    from pmcodex.core.policy import Policy

    policy, task = _schema(Policy), _schema(Task)
    for name in ("checks", "commands"):
        long = policy["properties"][name]["additionalProperties"]
        short = {"type": "string", "minLength": 1, "description": "the command line alone"}
        policy["properties"][name]["additionalProperties"] = {"anyOf": [short, long]}
    return {
        "llm-team": {"$schema": _DRAFT, "title": "Policy of a project (.llm-team.yml)", **policy},
        "task": {"$schema": _DRAFT, "title": "Front matter of a task", **task},
    }


def _compose(text: str, where: str) -> Node | None:
    """The YAML node tree. Depth is counted first: libyaml's composer overflows the C stack."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    if len(text) > _TEXT_LIMIT:
        raise InvalidInput(f"{where} is too long: {len(text)} characters", hint="Shorten it.")
    try:
        depth = 0
        for event in yaml.parse(text, Loader=loader):
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > _DEPTH_LIMIT or isinstance(event, yaml.AliasEvent):
                problem = (
                    "nested too deeply" if depth > _DEPTH_LIMIT else "aliases are not read here"
                )
                raise InvalidInput(f"{where} line {_line(event)}: {problem}", hint=_SHAPE)
        node: Node | None = yaml.compose(text, Loader=loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "unreadable"
        if mark and _indented_by_tab(text, mark.line):
            problem = "a tab can't indent here; use spaces"
        raise InvalidInput(
            f"{where}{line} is not YAML: {problem}", hint="Mend that line; the rest was not read."
        ) from None
    if node is not None and not isinstance(node, yaml.MappingNode):
        empty = isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"
        if not empty:
            raise InvalidInput(
                f"{where} line {_line(node)}: it must be keys with values",
                hint="A line such as `dry_run: true` is one.",
            )
        return None
    return node


def _indented_by_tab(text: str, index: int) -> bool:
    lines = text.split("\n")
    line = lines[index] if index < len(lines) else ""
    return "\t" in line[: len(line) - len(line.lstrip())]


def _nodes(node: Node, where: str, path: _Path = ()) -> Iterator[tuple[_Path, Node]]:
    """Every path of the document with its key's (or item's) node. A doubled key is an error."""
    import yaml

    if isinstance(node, yaml.MappingNode):
        seen: dict[str, Node] = {}
        for key, value in node.value:
            name = str(key.value)
            if key.tag in _NOT_WORDS:
                raise InvalidInput(
                    f"{where} line {_line(key)}: {'.'.join((*path, name))}: YAML doesn't read"
                    f" {name or 'nothing'} as a name",
                    hint=f'Write it in quotes, as "{name}", or choose another name.',
                )
            if name in seen:
                raise InvalidInput(
                    f"{where} line {_line(key)}: {'.'.join((*path, name))} is there twice"
                    f" (first in line {_line(seen[name])})",
                    hint="Keep one of them.",
                )
            seen[name] = key
            yield (*path, name), key
            yield from _nodes(value, where, (*path, name))
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield (*path, str(index)), item
            yield from _nodes(item, where, (*path, str(index)))


def _plain(node: Node, where: str) -> object:
    import yaml

    try:
        return yaml.constructor.SafeConstructor().construct_document(node)
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        raise InvalidInput(
            f"{where} line {mark.line + 1 if mark else _line(node)}:"
            f" {getattr(error, 'problem', None) or error}",
            hint="Write it as a plain value.",
        ) from None


def _line(at: Node | Event) -> int:
    return at.start_mark.line + 1 if at.start_mark else 1


def _explained(error: ValidationError, lines: Mapping[_Path, int], where: str) -> InvalidInput:
    """Pydantic's findings with the line of each, and a hint for the first."""
    from pmcodex.core.policy import Policy

    found: list[tuple[int, str, str]] = []
    for one in error.errors(include_url=False, include_input=False):
        path = tuple(str(part) for part in one["loc"] if part != "[key]")
        near = next((path[:n] for n in range(len(path), 0, -1) if path[:n] in lines), ())
        problem, hint = one["msg"].removeprefix("Value error, "), _SHAPE
        if one["type"] == "extra_forbidden":
            problem = "there is no such key"
            hint = did_you_mean(path[-1], _keys(Policy, path[:-1]))
        elif one["type"] == "string_pattern_mismatch":
            problem = _PREFIX if path == ("branch_prefix",) else _FOLDER
        words = f"{'.'.join(path)}: {problem[:1].lower()}{problem[1:]}"
        found.append((lines.get(near, 1), words, hint))
    found.sort()
    sentence = "; ".join(f"{where} line {line}: {words}" for line, words, _ in found)
    return InvalidInput(sentence, hint=found[0][2])


def _keys(model: type[BaseModel], path: _Path) -> list[str]:
    """The keys that may stand at a path of a model."""
    from pydantic import BaseModel

    if not path:
        return list(model.model_fields)
    kind: Any = model.model_fields[path[0]].annotation if path[0] in model.model_fields else None
    rest = path[1:]
    if get_args(kind):  # dict[str, CheckSpec]: the next part of the path is a free name
        kind, rest = get_args(kind)[-1], rest[1:]
    return _keys(kind, rest) if isinstance(kind, type) and issubclass(kind, BaseModel) else []


def _leaves(value: Any, path: _Path) -> Iterator[tuple[_Path, Any]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    else:
        yield path, value


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    """A model's schema without the titles that only repeat its keys."""
    schema = model.model_json_schema(by_alias=False)
    for part in (schema, *schema.get("$defs", {}).values()):
        part.pop("title", None)
        for name in part.get("properties", {}).values():
            name.pop("title", None)
    return schema
