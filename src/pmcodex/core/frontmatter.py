"""Front matter as bytes: where it stands in a text, and edits that touch one value alone.

A change to a value is a splice at the positions YAML itself gives, read back before it is handed
out. What must never happen here: a re-dump of somebody's YAML, or a value built from its tags.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from frontmatter.default_handlers import YAMLHandler
from yaml.reader import ReaderError

from pmcodex.errors import InvalidInput

try:
    from yaml import CSafeLoader as Loader
except ImportError:  # PyYAML was built without libyaml
    from yaml import SafeLoader as Loader  # type: ignore[assignment]

_BOUNDARY: re.Pattern[str] = YAMLHandler().FM_BOUNDARY
_BLANK_LINES = re.compile(r"(?:[ \t]*\r?\n)*")

# libyaml's composer recurses on the C stack, where depth ends in a crash of the process and not
# in an exception, so depth is bounded before it ever sees a text.
_BRACKETS = 200
_DEEP = re.compile(r"(?:\A|[\n\r\x85\u2028\u2029])(?:[ \t]|[-?:](?=[ \t])){80}")

_STR = "tag:yaml.org,2002:str"
_SEQ = "tag:yaml.org,2002:seq"
_BREAKS = re.compile(r"[\n\r\x85\u2028\u2029]")
_WIDE = 1 << 30
# PyYAML escapes whatever lies beyond the first plane between double quotes; people write emoji.
_ESCAPED = re.compile(r"(?<!\\)((?:\\\\)*)\\U([0-9A-F]{8})")

Plain = tuple[str, Any]


@dataclass(frozen=True, slots=True)
class Front:
    """Offsets into a text: its YAML is `text[start:end]`, `end` is where the closing dashes
    begin, and `body` is where the first line after them with words on it begins."""

    start: int
    end: int
    body: int


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a piece of YAML can't be read, and the offset where that shows."""

    index: int
    problem: str


def find(text: str) -> Front | None:
    """Where a text's front matter is; None where it has none or it is never closed."""
    words = text.removeprefix("\ufeff").lstrip()
    opening = _BOUNDARY.match(words)
    closing = opening and _BOUNDARY.search(words, opening.end())
    if not opening or not closing:
        return None
    skipped = len(text) - len(words)
    blank = _BLANK_LINES.match(words, closing.end())
    body = blank.end() if blank else closing.end()
    return Front(skipped + opening.end(), skipped + closing.start(), skipped + body)


def compose(source: str) -> yaml.Node | Fault | None:
    """The node graph of one YAML document (None: an empty one). Nothing is constructed from it."""
    if source.count("[") + source.count("{") > _BRACKETS:
        return Fault(0, f"there are more than {_BRACKETS} opening brackets")
    if deep := _DEEP.search(source):
        return Fault(deep.end(), "it is nested too deeply")
    try:
        return yaml.compose(source, Loader=Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return Fault(mark.index if mark else 0, str(error.problem or error.context))
    except ReaderError as error:
        before = source.encode("utf-8", "replace")[: error.position]
        return Fault(len(before.decode("utf-8", "ignore")), "there is a control character in it")
    except UnicodeEncodeError as error:
        return Fault(error.start, "there is half a character in it")
    except RecursionError:
        return Fault(0, "it is nested too deeply")


def scalar(value: str, *, style: str | None = None, flow: bool = False) -> str:
    """A string as YAML on one line that reads back as that string.

    `style` is None (plain where that is safe), "'" or '"'. `flow` says that it will stand in
    a flow collection, where commas and brackets need quotes.
    """
    wanted = '"' if _BREAKS.search(value) else style
    node = yaml.SequenceNode(_SEQ, [yaml.ScalarNode(_STR, value, style=wanted)], flow_style=flow)
    written: str = yaml.serialize(node, Dumper=yaml.SafeDumper, allow_unicode=True, width=_WIDE)
    bare = written[1:-2] if flow else written[2:-1]
    if not bare.startswith('"'):
        return bare
    return _ESCAPED.sub(lambda found: found[1] + chr(int(found[2], 16)), bare)


def set_value(text: str, field: str, value: str) -> str:
    """The text with one front matter value changed, and every other byte as it was.

    Quoting style, comments, order and line ends stay. A field that is not there becomes one line
    before the closing dashes. Raises InvalidInput where there is no front matter, or where the
    value can't be changed alone (it is a list, or other values refer to it).
    """
    front, source, root = _open(text)
    key = _key(root, field)
    if key is None:
        changed = source + _new_line(text[: front.end], root, field, value)
    else:
        assert root is not None
        changed = _splice(source, _slot(source, key.end_mark.index), value, bool(root.flow_style))
    expected = dict(_plain(root)) | {field: (_STR, value)}
    return _checked(text, front, changed, field, expected)


def set_values(text: str, values: Mapping[str, str]) -> str:
    """`set_value` for each field in turn."""
    for field, value in values.items():
        text = set_value(text, field, value)
    return text


def replace_in_list(text: str, field: str, old: str, new: str) -> str:
    """The text with every item `old` of one list now `new`; unchanged where there is none.

    Raises InvalidInput where there is no front matter or the field is no plain list of words.
    """
    front, source, root = _open(text)
    value = next((v for k, v in root.value if k.value == field), None) if root else None
    if value is None or root is None:
        return text
    if not isinstance(value, yaml.SequenceNode):
        raise _entangled(field)
    slots = _item_slots(source, value.start_mark.index, value.end_mark.index)
    if len(slots) != len(value.value):
        raise _entangled(field)
    flow = bool(root.flow_style or value.flow_style)
    changed = source
    for slot, item in reversed(list(zip(slots, value.value, strict=True))):
        if item.value == old:
            changed = _splice(changed, slot, new, flow)
    items = [_node(item) for item in value.value]
    expected = dict(_plain(root))
    expected[field] = (value.tag, [(_STR, new) if item[1] == old else item for item in items])
    return _checked(text, front, changed, field, expected) if changed != source else text


@dataclass(frozen=True, slots=True)
class _Slot:
    """The bytes of one scalar; `style` as YAML has it. An empty one has nothing between."""

    start: int
    end: int
    style: str | None = None


def _open(text: str) -> tuple[Front, str, yaml.MappingNode | None]:
    front = find(text)
    if front is None:
        raise InvalidInput("the file has no front matter", hint="begin it with a line of ---")
    source = text[front.start : front.end]
    root = compose(source)
    if isinstance(root, Fault):
        raise InvalidInput(f"the front matter is not valid YAML: {root.problem}")
    if root is not None and not isinstance(root, yaml.MappingNode):
        raise InvalidInput("the front matter is not a list of `field: value` lines")
    return front, source, root


def _key(root: yaml.MappingNode | None, field: str) -> yaml.Node | None:
    keys = [key for key, _ in root.value if key.value == field] if root else []
    if len(keys) > 1:
        raise InvalidInput(f"{field} is in the front matter twice", hint="keep one of the two")
    return keys[0] if keys else None


def _slot(source: str, after: int) -> _Slot:
    """The scalar that follows a key which ends at `after`: behind its colon, anchor and tag."""
    gap = after
    for token in yaml.scan(source, Loader=Loader):
        if token.start_mark.index < after:
            continue
        if isinstance(token, yaml.ScalarToken | yaml.AliasToken):
            return _token_slot(source, token)
        if not isinstance(token, yaml.ValueToken | yaml.AnchorToken | yaml.TagToken):
            break
        gap = token.end_mark.index
    return _Slot(gap, gap)


def _token_slot(source: str, token: yaml.Token) -> _Slot:
    start, end = token.start_mark.index, token.end_mark.index
    style = getattr(token, "style", None)
    # A block scalar's token reaches to the next line with words; its line end is not its own.
    end = start + len(source[start:end].rstrip()) if style in ("|", ">") else end
    return _Slot(start, end, style)


def _item_slots(source: str, start: int, end: int) -> list[_Slot]:
    return [
        _token_slot(source, token)
        for token in yaml.scan(source, Loader=Loader)
        if isinstance(token, yaml.ScalarToken | yaml.AliasToken)
        and start <= token.start_mark.index < end
    ]


def _splice(source: str, slot: _Slot, value: str, flow: bool) -> str:
    quotes = slot.style if slot.style in ("'", '"') else None
    written = scalar(value, style=quotes, flow=flow)
    lead = " " if slot.start == slot.end and not source[: slot.start].endswith(" ") else ""
    return source[: slot.start] + lead + written + source[slot.end :]


def _new_line(before: str, root: yaml.MappingNode | None, field: str, value: str) -> str:
    indent = " " * (root.start_mark.column if root else 0)
    ending = "\r\n" if before.endswith("\r\n") else "\n"
    return f"{indent}{field}: {scalar(value)}{ending}"


def _node(node: yaml.Node) -> Plain:
    """A node without its looks, so that two can be compared."""
    if isinstance(node, yaml.ScalarNode):
        return (node.tag, node.value)
    if isinstance(node, yaml.SequenceNode):
        return (node.tag, [_node(item) for item in node.value])
    return (node.tag, [(_node(key), _node(value)) for key, value in node.value])


def _plain(root: yaml.Node | None) -> list[tuple[str, Plain]]:
    if not isinstance(root, yaml.MappingNode):
        return []
    return [(str(key.value), _node(value)) for key, value in root.value]


def _checked(
    text: str, front: Front, changed: str, field: str, expected: Mapping[str, Plain]
) -> str:
    """The text with its new front matter, if that says what was meant and nothing else."""
    result = text[: front.start] + changed + text[front.end :]
    found = find(result)
    root = compose(result[found.start : found.end]) if found else None
    if isinstance(root, Fault) or root is None or _plain(root) != list(expected.items()):
        raise _entangled(field)
    return result


def _entangled(field: str) -> InvalidInput:
    return InvalidInput(
        f"the value of {field} can't be changed without touching anything else",
        hint=f"write it as a plain `{field}: value` line, without YAML anchors",
    )
