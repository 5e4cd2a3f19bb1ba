"""Edits of front matter: one value changes, every other byte stays."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pmcodex.core.frontmatter import (
    find,
    replace_in_list,
    scalar,
    set_value,
    set_values,
)
from pmcodex.errors import InvalidInput


@pytest.mark.parametrize(
    ("line", "changed"),
    [
        ("status: queued", "status: done"),
        ("status:   queued   # waits: for it", "status:   done   # waits: for it"),
        ("status: 'queued'", "status: 'done'"),
        ('status: "queued" # "x"', 'status: "done" # "x"'),
        ("status:", "status: done"),
        ("status: # empty", "status: done # empty"),
        ("status: ~", "status: done"),
        ("'status' : queued", "'status' : done"),
        ("? status\n: queued", "? status\n: done"),
        ("status: !!str queued", "status: !!str done"),
        ("status: &s queued", "status: &s done"),
        ("status: &s", "status: &s done"),
        ("status: >-\n  que\n  ued\n\n# then", "status: done\n\n# then"),
        ("status: que\n  ued", "status: done"),
        ("status:\n  queued # below", "status:\n  done # below"),
        ("other: &s queued\nstatus: *s", "other: &s queued\nstatus: done"),
        ("other: |+\n  text\n\nstatus: queued", "other: |+\n  text\n\nstatus: done"),
        (
            "# status: no\nother: 'status: queued'\nstatus: queued",
            "# status: no\nother: 'status: queued'\nstatus: done",
        ),
    ],
)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_only_the_value_changes(line: str, changed: str, ending: str) -> None:
    shape = "---\nid: T-0001\n{}\nowner: é😀\n---\nbody\n---\nstatus: queued\n"
    before, after = (shape.format(part).replace("\n", ending) for part in (line, changed))
    assert set_value(before, "status", "done") == after


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("---\nid: T-1\n---\n", "---\nid: T-1\nowner: me\n---\n"),
        ("---\r\nid: T-1\r\n---", "---\r\nid: T-1\r\nowner: me\r\n---"),
        ("---\n---", "---\nowner: me\n---"),
        ("\ufeff---\n  id: T-1\n---", "\ufeff---\n  id: T-1\n  owner: me\n---"),
        ("---\nid: |\n  x\n\n# end\n---\n", "---\nid: |\n  x\n\n# end\nowner: me\n---\n"),
        ("---\n{id: T-1, owner: you}\n---\n", "---\n{id: T-1, owner: me}\n---\n"),
    ],
)
def test_a_missing_field_is_one_line_before_the_end(text: str, expected: str) -> None:
    assert set_value(text, "owner", "me") == expected


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "the file has no front matter"),
        ("id: T-1\n", "the file has no front matter"),
        ("---\nid: T-1\n", "the file has no front matter"),
        ("---\nid: [\n---\n", "the front matter is not valid YAML"),
        ("---\n- id\n---\n", "the front matter is not a list of `field: value` lines"),
        ("---\nid: 1\nid: 2\n---\n", "id is in the front matter twice"),
        ("---\nid: [a]\n---\n", "the value of id can't be changed"),
        ("---\nid: {a: b}\n---\n", "the value of id can't be changed"),
        ("---\nid: &a x\nowner: *a\n---\n", "the value of id can't be changed"),
        ("---\n{owner: x}\n---\n", "the value of id can't be changed"),
        ("---\nid: \ud800\n---\n", "the front matter is not valid YAML"),
    ],
)
def test_what_cant_be_changed_alone_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        set_value(text, "id", "T-2")
    assert caught.value.sentence.startswith(sentence)


def test_several_values_at_once() -> None:
    text = "---\nid: T-1\nstatus: 'queued' # x\n---\n"
    changed = set_values(text, {"status": "done", "id": "T-2"})
    assert changed == "---\nid: T-2\nstatus: 'done' # x\n---\n"


@pytest.mark.parametrize(
    ("field", "changed"),
    [
        ("depends_on: [T-1, 'T-2',T-1] # T-1", "depends_on: [T-9, 'T-2',T-9] # T-1"),
        ('depends_on:\n- T-1 # T-1\n-  "T-1"\n- T-2', 'depends_on:\n- T-9 # T-1\n-  "T-9"\n- T-2'),
        ("depends_on:\n  - T-2", "depends_on:\n  - T-2"),
        ("depends_on: [&a T-1, *a]", "depends_on: [&a T-9, T-9]"),
        ("depends_on: []", "depends_on: []"),
        ("title: T-1", "title: T-1"),
    ],
)
def test_renumbering_touches_only_equal_items(field: str, changed: str) -> None:
    text, expected = (f"---\r\nid: T-1\r\n{part}\r\nx: [T-1]\r\n---" for part in (field, changed))
    assert replace_in_list(text, "depends_on", "T-1", "T-9") == expected


@pytest.mark.parametrize(
    "text",
    ["---\ndepends_on: T-1\n---\n", "---\nx: &x [T-1]\ndepends_on: *x\n---\n", "depends_on: [T-1]"],
)
def test_a_list_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        replace_in_list(text, "depends_on", "T-1", "T-9")


@settings(max_examples=100, deadline=None)
@given(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.sampled_from([None, "'", '"']),
    st.booleans(),
)
def test_a_scalar_reads_back_on_one_line(value: str, style: str | None, flow: bool) -> None:
    written = scalar(value, style=style, flow=flow)
    assert len(written.splitlines()) <= 1
    read = yaml.safe_load(f"{{a: {written}, b: c}}" if flow else f"a: {written} # x\nb: c\n")
    assert read == {"a": value, "b": "c"}


@dataclass(frozen=True)
class Written:
    """A generated file: its text around the value of `field`, and what it read as before."""

    before: str
    after: str
    field: str
    old: str


_WORD = st.text(st.characters(categories=["Ll", "Lo", "Nd"]), min_size=1, max_size=8).map(
    lambda word: "w" + word
)
_FIELDS = ("id", "title", "status", "owner", "estimate")
_OTHERS = (
    "depends_on: [T-0001, 'T-0002'] # both",
    'acceptance:\n  - one: two\n  - "three # 3"',
    "acceptance:\n- é😀 # ok\n-",
    "# a remark: with a colon",
    "",
    "note: &n shared",
    "text: |\n  status: queued\n  ---x\n\n  id: 7",
    "folded: >\n  a\n\n  b\n",
    "map: {status: queued, id: [1, 2]}",
    "nested:\n    status: queued",
    '\'quoted key\': "a \\"b\\" \\u00e9"',
)


@st.composite
def _files(draw: st.DrawFn) -> Written:
    """A front matter of fields and other things in any order, dress and line end."""
    fields = draw(st.permutations(_FIELDS))
    chosen = draw(st.sampled_from(fields))
    others = draw(st.lists(st.sampled_from(_OTHERS), unique_by=lambda other: other[:6], max_size=6))
    blocks = draw(st.permutations([*fields, *others]))
    ending = draw(st.sampled_from(["\n", "\r\n"]))
    before, text, old, quote = "", "", "", ""
    for block in blocks:
        if block not in fields:
            text += block + "\n"
            continue
        text += block + draw(st.sampled_from([": ", ":   ", " : ", ": &a" + block + " "]))
        value, mark = draw(_WORD), draw(st.sampled_from(["", "'", '"']))
        if block == chosen:
            before, text, old, quote = text, "", value, mark
        else:
            text += mark + value + mark
        text += draw(st.sampled_from(["", " # was: 'x'", "  "])) + "\n"
    head = draw(st.sampled_from(["---\n", "\ufeff---\n", "--- \n\n", "\n---\n"]))
    foot = draw(st.sampled_from(["---", "---\n", "----\n\nbody\n---\nstatus: queued\n---\n"]))
    before, after = head + before + quote, quote + text + foot
    return Written(before.replace("\n", ending), after.replace("\n", ending), chosen, old)


@settings(max_examples=100, deadline=None)
@given(_files(), _WORD)
def test_any_file_keeps_every_other_byte(file: Written, value: str) -> None:
    text = file.before + file.old + file.after
    assert set_value(text, file.field, value) == file.before + value + file.after


@settings(max_examples=100, deadline=None)
@given(_files(), st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_any_value_reads_back_alone(file: Written, value: str) -> None:
    text = file.before + file.old + file.after
    changed = set_value(text, file.field, value)
    head = file.before.rstrip("'\"")
    assert changed.startswith(head)
    assert changed.endswith(file.after.lstrip("'\""))
    assert _values(changed) == _values(text) | {file.field: value}


def _values(text: str) -> dict[str, object]:
    front = find(text)
    assert front is not None
    return dict(yaml.safe_load(text[front.start : front.end]))
