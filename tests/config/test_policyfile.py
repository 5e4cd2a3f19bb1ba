from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmcodex.config.loading import json_schemas, policy_rows, read_policy
from pmcodex.core.policy import CheckSpec, Policy
from pmcodex.errors import InvalidInput

FULL = """\
# our team
version: 1
dry_run: true
tasks: {dir: docs/tasks}
limits:
  lines: 300
checks:
  pytest: python -m pytest -q
  types: {run: mypy ., timeout: 30}
protected_paths: [infra/]
"""


def refusal(text: str, where: str = ".llm-team.yml") -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        read_policy(text, where)
    return caught.value


@pytest.mark.parametrize("text", [None, "", "# nothing yet\n", "---\n", "~"])
def test_a_project_that_says_nothing_gets_the_defaults(text: str | None) -> None:
    assert read_policy(text) == Policy()


def test_what_is_stated_is_taken_and_the_rest_is_default() -> None:
    policy = read_policy(FULL)
    assert policy.dry_run is True
    assert policy.tasks.dir == "docs/tasks"
    assert (policy.limits.lines, policy.limits.files) == (300, Policy().limits.files)
    assert policy.checks["pytest"].run == "python -m pytest -q"
    assert policy.checks["types"].timeout == 30
    assert policy.protected_paths == ("infra/",)


@pytest.mark.parametrize(
    ("text", "sentence", "hint"),
    [
        ("dry_run: 1\ndryrun: 1", "line 2: dryrun: there is no such key", "Did you mean dry_run?"),
        ("limits:\n  file: 3", "line 2: limits.file: there is no such key", "Did you mean files?"),
        (
            "checks:\n  a:\n    run: b\n    timeot: 3",
            "line 4: checks.a.timeot: there is no such key",
            "Did you mean timeout?",
        ),
        (
            "dry_run: true\nversion: 1\ndry_run: false",
            "line 3: dry_run is there twice (first in line 1)",
            "Keep one of them.",
        ),
        (
            "limits:\n  files: 1\n  files: 2",
            "line 3: limits.files is there twice (first in line 2)",
            "Keep one of them.",
        ),
        ("limits: {lines: 0}", "line 1: limits.lines: input should be greater", ""),
        ("version: 2", "line 1: version: input should be 1", ""),
        ("\nmerge_strategy: rebase", "line 2: merge_strategy: input should be 'squash'", ""),
        ("commands: {x: {timeout: 3}}", "line 1: commands.x.run: field required", ""),
        ("checks: {Bad Name: x}", "line 1: checks: 'Bad Name' is not a name", ""),
        ("tasks: {dir: a/../../b}", "line 1: tasks.dir: it must stay inside", ""),
        ("tasks: {dir: /etc}", "line 1: tasks.dir: it must be a path inside the repository", ""),
        ("\nprd: /etc/passwd", "line 2: prd: it must be a path inside the repository", ""),
        ("branch_prefix: main", "line 1: branch_prefix: it must be letters, digits, dots,", ""),
        ("checks:\n\tpytest: x", "line 2 is not YAML: a tab can't indent here; use spaces", ""),
        ("a:\n  b: 1\n\tc: 2", "line 3 is not YAML: a tab can't indent here; use spaces", ""),
        (
            "checks:\n  a: x\n\n  on: y",
            "line 4: checks.on: YAML doesn't read on as a name",
            'Write it in quotes, as "on", or choose another name.',
        ),
        ("rules:\n  no: true", "line 2: rules.no: YAML doesn't read no as a name", ""),
        ("checks: {false: x}", "line 1: checks.false: YAML doesn't read false as", ""),
        ("commands: {a: x, 1: y}", "line 1: commands.1: YAML doesn't read 1 as a name", ""),
        ("protected_paths:\n- a\n- {b: c}", "line 3: protected_paths.1: input should be", ""),
        ("- a\n", "line 1: it must be keys with values", ""),
        ("words", "line 1: it must be keys with values", ""),
        ("a: [\n", "line 2 is not YAML: ", ""),
        ("a: b: c\n", "line 1 is not YAML: ", ""),
        ("a: 1\n---\nb: 1\n", "line 2 is not YAML: ", ""),
        ("a: \x00", " is not YAML: ", ""),
        ("a: &x [1]\nb: *x", "line 2: aliases are not read here", ""),
        ("prd: !!python/object/apply:os.system [x]", "line 1: could not determine", ""),
        ("dry_run: 2024-13-45", "line 1: month must be in 1..12", ""),
        ("? [a, b]\n: c", "line 1: found unhashable key", ""),
        ("x: " + "[" * 90_000, "line 1: nested too deeply", ""),
        ("x: " + "a" * 300_000, " is too long", ""),
    ],
)
def test_what_is_wrong_is_named_by_file_line_and_field(text: str, sentence: str, hint: str) -> None:
    error = refusal(text, "team.yml")
    assert error.exit_code == 3
    assert error.sentence.startswith("team.yml" + " " * (sentence[0] != " ") + sentence)
    assert error.hint
    assert not hint or error.hint == hint


def test_no_pattern_is_shown_and_quoted_names_are_names() -> None:
    for text in ("prd: /etc/passwd", "plan: a\\b", "branch_prefix: -x/", "tasks: {dir: ''}"):
        assert not set(refusal(text).sentence) & set("^$[]")
    assert set(read_policy('checks: {"on": x, "1": y}').checks) == {"on", "1"}


def test_everything_wrong_is_named_at_once_in_the_order_of_lines() -> None:
    sentence = refusal("limits:\n  fils: 3\n  lines: 0\nfoo: 1\n").sentence
    parts = sentence.split("; ")
    assert [part.split(":")[0] for part in parts] == [f".llm-team.yml line {n}" for n in (2, 3, 4)]


@given(st.text(alphabet=st.sampled_from("ab:{}[]-?&*!|>'\"#%@ \n\t0.~<\x00é"), max_size=60))
@settings(max_examples=100)
def test_any_text_is_a_policy_or_a_clear_error(text: str) -> None:
    said: Policy | str
    try:
        said = read_policy(text)
    except InvalidInput as error:
        said = error.sentence
    assert isinstance(said, Policy) or said.startswith(".llm-team.yml")


# --- rows and schemas ----------------------------------------------------------------------


def test_rows_say_each_value_and_where_it_came_from() -> None:
    rows = {key: (value, origin) for key, value, origin in policy_rows(read_policy(FULL), FULL)}
    ours, default = ".llm-team.yml", "default"
    assert rows["dry_run"] == ("true", ours)
    assert rows["tasks.dir"] == ("docs/tasks", ours)
    assert rows["limits.lines"] == ("300", ours)
    assert rows["limits.files"] == ("20", default)
    assert rows["checks.pytest.run"] == ("python -m pytest -q", ours)
    assert rows["checks.pytest.timeout"] == ("600", default)
    assert rows["checks.types.timeout"] == ("30", ours)
    assert rows["protected_paths"] == ('["infra/"]', ours)
    assert rows["branch_prefix"] == ("feature/", default)
    assert {origin for _, _, origin in policy_rows(Policy(), None)} == {default}


def test_schemas_name_every_key_and_allow_no_other() -> None:
    schemas = json_schemas()
    assert json.loads(json.dumps(schemas)) == schemas
    for schema in schemas.values():
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        assert schema["additionalProperties"] is False
        assert schema["title"]
        assert schema["description"]
        assert "$id" not in schema
    policy, task = schemas["llm-team"], schemas["task"]
    assert set(policy["properties"]) == set(Policy.model_fields)
    assert task["required"] == ["id", "title"]
    assert task["properties"]["id"]["pattern"].startswith("^T-")
    assert "title" not in task["properties"]["id"]
    short, long = policy["properties"]["checks"]["additionalProperties"]["anyOf"]
    assert short["type"] == "string"
    assert long == {"$ref": "#/$defs/CheckSpec"}


@pytest.mark.parametrize(
    ("run", "words"), [("pytest 'x", "can't be read as words"), ("  ", "it names no program")]
)
def test_a_command_line_that_is_none_is_told_by_its_line(run: str, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_policy(f'version: 1\nchecks:\n  pytest: "{run}"\n')
    assert words in caught.value.sentence
    assert "line 3" in caught.value.sentence


@pytest.mark.parametrize(
    ("run", "meant"),
    [
        ("pytest -q | tee x && echo $(id)", "|"),
        ("a || b", "||"),
        ("server &", "&"),
        ("cd src && make", "&&"),
        ("cd src; make", "src;"),
        ("a ; b", ";"),
        ("a > out", ">"),
        ("a >> out", ">>"),
        ("a < in", "<"),
        ("echo $(id)", "$("),
        ('echo "$(id)"', "$("),
        ("echo `id`", "`"),
    ],
)
def test_a_line_for_a_shell_is_refused(run: str, meant: str) -> None:
    for text in (f"checks:\n  x: '{run}'\n", f"commands:\n  x: {{run: '{run}'}}\n"):
        sentence = refusal(text).sentence
        assert sentence.startswith(".llm-team.yml line 2: ")
        assert f": {meant} means nothing here, since no shell runs it; " in sentence


@pytest.mark.parametrize(
    "run",
    [
        "pytest -k 'a | b'",
        'grep "a && b" "x;" file',
        "bash -c 'make && echo $(id) `id`'",
        "pip install 'x>1' y>=2",
        "a \\| b",
        "echo $HOME a&b",
        "sh -c 'a > b; c'",
        'echo "don\'t" \'x $(id)\' "\\$(id)"',
    ],
)
def test_what_is_quoted_is_a_word(run: str) -> None:
    assert CheckSpec(run=run).run == run
