"""Documents: text and value are inverse, and nothing written by hand is a crash."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pmcodex.core.facts import Check, CheckState, Finding, PullState, Verdict
from pmcodex.forges.changes import checked
from pmcodex.forges.documents import (
    CheckRecord,
    ChecksRecord,
    CommentRecord,
    PullRecord,
    ReviewRecord,
    as_checks,
    as_pull,
    checked_sha,
    checks_path,
    clean,
    dump,
    load_checks,
    load_pull,
    pull_number,
    pull_path,
)

SHA = "ab" * 20
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
shas = st.sampled_from(["", SHA, "0" * 40])
times = st.integers(0, 2**33)
pulls = st.builds(
    PullRecord,
    number=st.integers(1, 10**9),
    title=words,
    body=words,
    head=words.filter(bool),
    base=words.filter(bool),
    state=st.sampled_from(PullState),
    author=words,
    labels=st.lists(words, max_size=2).map(tuple),
    draft=st.booleans(),
    reviews=st.lists(
        st.builds(ReviewRecord, author=words, verdict=st.sampled_from(Verdict), head_sha=shas),
        max_size=2,
    ).map(tuple),
    comments=st.lists(
        st.builds(CommentRecord, id=st.integers(1, 99).map(str), author=words, body=words),
        max_size=2,
    ).map(tuple),
    head_sha=shas,
    base_sha=shas,
    opened_at=times,
)


@settings(max_examples=80)
@given(pulls)
def test_a_pull_comes_back_as_it_was(pull: PullRecord) -> None:
    text = dump(pull)
    assert load_pull(pull_path(pull.number), text.encode()) == pull
    assert text.endswith("}\n")


@settings(max_examples=80)
@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: json.dumps(text).encode()))
def test_garbage_is_a_finding(data: bytes) -> None:
    found = load_pull("pulls/000012.json", data)
    assert isinstance(found, Finding)
    assert found.where == "pulls/000012.json"


@pytest.mark.parametrize(
    "change",
    [
        {"number": 13},
        {"state": "sleeping"},
        {"head": ""},
        {"head_sha": "main; rm -rf /"},
        {"comments": [{"id": "../x", "author": "a", "body": "b"}]},
        {"title": None},
    ],
)
def test_a_document_that_breaks_a_promise_is_a_finding(change: dict[str, object]) -> None:
    data = {"number": 12, "title": "t", "head": "h", "base": "main"} | change
    found = load_pull("pulls/000012.json", json.dumps(data).encode())
    assert isinstance(found, Finding)
    assert "pulls/000012.json" in found.message


def test_documents_read_well_in_a_diff() -> None:
    text = dump(PullRecord(number=3, title="Größe", head="h", base="main"))
    assert '  "title": "Größe"' in text.splitlines()
    keys = [line.split('"')[1] for line in text.splitlines() if line.startswith('  "')]
    assert keys == sorted(keys)


def test_fields_of_a_later_version_survive_a_rewrite() -> None:
    data = {"number": 1, "title": "t", "head": "h", "base": "main", "milestone": "M1"}
    record = load_pull("pulls/000001.json", json.dumps(data).encode())
    assert isinstance(record, PullRecord)
    assert json.loads(dump(record))["milestone"] == "M1"


@pytest.mark.parametrize("number", [1, 12, 999_999, 1_000_000])
def test_pull_paths_are_read_back(number: int) -> None:
    assert pull_number(pull_path(number)) == number


@pytest.mark.parametrize(
    "path",
    ["pulls/12.json", "pulls/0000012.json", "pulls/000000.json", "x/pulls/000001.json", "pulls/"],
)
def test_two_paths_never_mean_one_pull(path: str) -> None:
    assert pull_number(path) == 0


def test_checks_paths_are_read_back() -> None:
    assert checks_path(SHA) == f"checks/ab/{SHA}.json"
    assert checked_sha(checks_path(SHA)) == SHA
    assert checked_sha(f"checks/cd/{SHA}.json") == ""
    assert checked_sha("checks/ab/abc.json") == ""


def test_checks_come_back_by_name() -> None:
    record = ChecksRecord(
        sha=SHA,
        checks={
            "ruff": CheckRecord(state=CheckState.SUCCESS),
            "mypy": CheckRecord(state=CheckState.FAILURE, summary="2", details=("a:1", "b:2")),
        },
    )
    again = load_checks(checks_path(SHA), dump(record).encode())
    assert again == record
    assert as_checks(record) == (
        Check("mypy", CheckState.FAILURE, "2", ("a:1", "b:2")),
        Check("ruff", CheckState.SUCCESS),
    )
    assert isinstance(load_checks(checks_path("cd" * 20), dump(record).encode()), Finding)


def test_an_open_pull_tells_no_base_sha() -> None:
    record = PullRecord(number=1, title="t", head="h", base="main", base_sha=SHA)
    assert as_pull(record).base_sha == ""
    assert as_pull(record.model_copy(update={"state": PullState.CLOSED})).base_sha == SHA


def test_half_a_surrogate_pair_can_be_kept() -> None:
    assert clean("a\ud800b") == "a?b"
    dump(PullRecord(number=1, title=clean("\udfff"), head="h", base="b")).encode()


def test_what_a_check_ran_is_kept() -> None:
    check = Check("ok", CheckState.FAILURE, spec="0123456789abcdef")
    record = checked(ChecksRecord(sha="a" * 40), check, "pmcodex", 1)
    assert as_checks(record) == (check,)
    assert checked(record, check, "pmcodex", 2) is record
    assert checked(record, replace(check, spec=""), "pmcodex", 2) is not record
