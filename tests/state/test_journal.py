from __future__ import annotations

import base64
import json
import resource
import signal
import stat
import subprocess
import sys
from dataclasses import replace
from itertools import islice
from pathlib import Path
from threading import Thread
from urllib.parse import quote

import pytest
from filelock import FileLock
from hypothesis import given, settings
from hypothesis import strategies as st

from pmcodex.core.actions import Outcome, PostReview, PullDraft, Result, Role, WorkTask
from pmcodex.errors import Refused, TryLater
from pmcodex.state.journal import KEEP, Entry, Journal, Redactor, entry_of, iso, new_run_id

SECRET = "s3cr3t/tok en+value%42"


def entry(number: int, detail: str = "") -> Entry:
    return Entry(iso(float(number)), "run-1", pull=number, detail=detail)


def numbers(journal: Journal, count: int) -> list[int]:
    return [each.pull for each in journal.read_last(count)]


def never(_: float) -> None:
    pytest.fail("there was something to read")


# --- run ids -------------------------------------------------------------------------------


@given(st.floats(0, 1e10), st.floats(0.001, 1e9), st.binary(min_size=4), st.binary(min_size=4))
@settings(max_examples=50)
def test_run_ids_sort_by_time(now: float, later: float, one: bytes, other: bytes) -> None:
    first, second = new_run_id(now, one), new_run_id(now + later, other)
    if int(now * 1000) < int((now + later) * 1000):
        assert first < second
    assert len(first) == 14


def test_runs_of_the_same_moment_are_told_apart_by_chance() -> None:
    assert new_run_id(1.0, b"abcd") != new_run_id(1.0, b"abce")
    assert new_run_id(1.0, b"abcd") == new_run_id(1.0, b"abcd")


# --- entries -------------------------------------------------------------------------------


def test_an_entry_says_what_was_done_why_and_how_it_ended() -> None:
    action = PostReview(7, "review", "digest", "body", "checks changed", task_id="T-0001")
    outcome = Outcome(action.key, Result.DONE, "edited", pull=7, seconds=1.23456)
    assert entry_of(action, outcome, run_id="run-1", at=0.5) == Entry(
        time="1970-01-01T00:00:00.500Z",
        run_id="run-1",
        role="reviewer",
        task="T-0001",
        pull=7,
        action="post_review",
        key="comment:7:review",
        reason="checks changed",
        outcome="done",
        detail="edited",
        seconds=1.235,
    )


def test_the_pull_of_an_action_that_has_only_a_draft_comes_from_its_outcome() -> None:
    draft = PullDraft("title", "body", "main")
    action = WorkTask("T-0001", "feature/T-0001-x", "a", "", (), draft, "claimable")
    outcome = Outcome(action.key, Result.LOST, "")
    assert entry_of(action, outcome, run_id="r", at=0).pull == 0
    assert entry_of(action, replace(outcome, pull=3), run_id="r", at=0).pull == 3
    assert entry_of(action, outcome, run_id="r", at=0).role == Role.DEVELOPER


# --- writing and reading -------------------------------------------------------------------


def test_lines_are_json_in_order_and_their_owners_alone(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    assert journal.read_last(5) == ()
    for number in range(1, 4):
        journal.write(entry(number, "a\nb\u2028c é"))
    lines = journal.path.read_bytes().split(b"\n")
    assert [json.loads(line)["pull"] for line in lines[:-1]] == [1, 2, 3]
    assert lines[-1] == b""
    assert stat.S_IMODE(journal.path.stat().st_mode) == 0o600
    assert journal.read_last(2) == (entry(2, "a\nb\u2028c é"), entry(3, "a\nb\u2028c é"))
    assert journal.read_last(0) == ()


def test_files_rotate_and_the_oldest_goes(tmp_path: Path) -> None:
    journal = Journal(tmp_path, size=1000)
    for number in range(1, 101):
        journal.write(entry(number))
    files = [path for path in tmp_path.iterdir() if path.suffix != ".lock"]
    assert len(files) == KEEP
    assert all(path.stat().st_size <= 1000 for path in files)
    kept = numbers(journal, 1000)
    assert kept == list(range(kept[0], 101))
    assert kept[0] > 50
    assert numbers(journal, 3) == [98, 99, 100]
    assert numbers(journal, 12) == list(range(89, 101))


@pytest.mark.parametrize("torn", [b'{"time": "2025', b"\xff\xfe", b"[]", b"{}", b"null", b'{"a'])
def test_a_torn_line_is_passed_over_and_does_not_spoil_the_next(
    tmp_path: Path, torn: bytes
) -> None:
    journal = Journal(tmp_path)
    journal.write(entry(1))
    with journal.path.open("ab") as file:
        file.write(torn)
    assert numbers(journal, 9) == [1]
    journal.write(entry(2))
    assert numbers(journal, 9) == [1, 2]


def test_lines_of_other_shapes_are_passed_over(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.path.write_text(
        '{"time": "t", "run_id": 3}\n{"time": "t", "run_id": "r", "new_field": 1}\n'
        '{"time": "t", "run_id": "r", "pull": "7"}\n',
        encoding="utf-8",
    )
    assert journal.read_last(9) == (Entry("t", "r"),)


def test_a_full_disk_is_said_and_leaves_whole_lines(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.write(entry(1))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (journal.path.stat().st_size + 20, limits[1]))
    try:
        with pytest.raises(TryLater, match=r"actions.jsonl can't be written"):
            journal.write(entry(2))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert journal.path.read_bytes().endswith(b"\n")
    journal.write(entry(3))
    assert numbers(journal, 9) == [1, 3]


WRITER = """
import sys
from pathlib import Path
from pmcodex.state.journal import Entry, Journal
journal = Journal(Path(sys.argv[1]), size=20_000)
print("ready", flush=True)
for number in range(int(sys.argv[2])):
    journal.write(Entry("t", sys.argv[3], pull=number, detail="x" * 300))
"""


def writer(folder: Path, count: int, name: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), str(count), name], stdout=subprocess.PIPE
    )


def test_two_writers_rotate_without_losing_a_line(tmp_path: Path) -> None:
    writers = [writer(tmp_path, 90, name) for name in ("one", "two")]
    for each in writers:
        _, _ = each.communicate(timeout=60)
        assert each.returncode == 0
    found = Journal(tmp_path).read_last(1000)
    assert len(list(tmp_path.glob("actions.jsonl.?"))) >= 3
    for name in ("one", "two"):
        assert [each.pull for each in found if each.run_id == name] == list(range(90))


def test_writers_wait_for_each_other(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    with FileLock(tmp_path / "actions.jsonl.lock"):
        writing = Thread(target=journal.write, args=(entry(1),))
        writing.start()
        writing.join(0.1)
        assert writing.is_alive()
        assert not journal.path.exists()
    writing.join(60)
    assert numbers(journal, 9) == [1]


def test_a_file_renamed_while_it_is_read_counts_once(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.write(entry(1))
    (tmp_path / "actions.jsonl.1").hardlink_to(journal.path)
    assert numbers(journal, 9) == [1]


def test_a_reader_sees_whole_lines_while_a_writer_works_and_is_killed(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    seen = 0
    with writer(tmp_path, 10**9, "one") as writing:
        assert writing.stdout is not None
        assert writing.stdout.readline() == b"ready\n"
        while seen < 200:
            found = [each.pull for each in journal.read_last(20)]
            assert found == list(range(found[0], found[0] + len(found))) if found else True
            seen = found[-1] if found else 0
        writing.send_signal(signal.SIGKILL)
    journal.write(entry(5))
    assert numbers(journal, 1) == [5]


# --- following -----------------------------------------------------------------------------


def test_following_starts_with_the_last_and_goes_on_with_the_new(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for number in range(1, 6):
        journal.write(entry(number))
    slept: list[float] = []

    def write_more(seconds: float) -> None:
        slept.append(seconds)
        journal.write(entry(5 + len(slept)))

    found = [each.pull for each in islice(journal.follow(write_more, last=2), 5)]
    assert found == [4, 5, 6, 7, 8]
    assert len(slept) == 3
    assert min(slept) > 0


def test_following_survives_rotation_and_a_journal_that_is_not_there_yet(tmp_path: Path) -> None:
    journal = Journal(tmp_path, size=700)
    written = 0

    def write_some(_: float) -> None:
        nonlocal written
        for _ in range(1 + written % 7):
            written += 1
            journal.write(entry(written))

    found = [each.pull for each in islice(journal.follow(write_some), 60)]
    assert found == list(range(1, 61))
    assert (tmp_path / "actions.jsonl.2").exists()


def test_following_waits_for_the_rest_of_a_line(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.write(entry(1))
    line = json.dumps({"time": "t", "run_id": "r", "pull": 2}).encode() + b"\n"
    parts = [line[:9], line[9:20], line[20:]]

    def write_part(_: float) -> None:
        with journal.path.open("ab") as file:
            file.write(parts.pop(0))

    assert [each.pull for each in islice(journal.follow(write_part, last=1), 2)] == [1, 2]
    assert parts == []


# --- secrets -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "field", ["role", "task", "action", "key", "reason", "outcome", "detail", "run_id"]
)
def test_a_known_secret_reaches_no_field_of_the_journal(tmp_path: Path, field: str) -> None:
    journal = Journal(tmp_path, Redactor((SECRET,)))
    forms = [
        SECRET,
        quote(SECRET, safe=""),
        json.dumps(SECRET),
        base64.b64encode(f"x-access-token:{SECRET}".encode()).decode(),
        f"https://me:{quote(SECRET, safe='')}@example.org/x",
    ]
    journal.write(replace(entry(1), **{field: " | ".join(forms)}))
    on_disk = b"".join(path.read_bytes() for path in tmp_path.iterdir()).decode()
    for form in forms[:-1]:
        assert form not in on_disk
        assert json.dumps(form)[1:-1] not in on_disk
    assert "***" in on_disk


def test_a_secret_across_the_cut_of_a_long_text_leaves_no_piece(tmp_path: Path) -> None:
    token = "ghp_" + "a1B2" * 9
    journal = Journal(tmp_path)
    for pad in range(1950, 2001, 5):
        journal.write(entry(1, "x" * pad + " " + token))
    text = journal.path.read_text()
    assert "ghp_" not in text
    assert "a1B2" not in text


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("token ghp_" + "a" * 36 + ".", "token ***."),
        ("ghs_" + "a" * 36, "***"),
        ("github_pat_" + "A1_" * 20, "***"),
        ("Authorization: Basic eDp5ejEyMw==", "Authorization: ***"),
        ("authorization: token abcdef", "authorization: ***"),
        ("bearer abcdefgh.1234", "bearer ***"),
        ("fetch https://user:pa@ss@example.org/x failed", "fetch https://***@example.org/x failed"),
        ("GH_TOKEN=abcdefg next", "GH_TOKEN=*** next"),
        ("?access_token=abcdefg&b=1", "?access_token=***&b=1"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY----- x", "*** x"),
        ("-----BEGIN PRIVATE KEY-----\nMII cut", "***"),
        ("eyJhbGciOiJI.eyJzdWIiOiIx.SflKxwRJSM", "***"),
    ],
)
def test_the_shapes_of_secrets_are_known(text: str, clean: str) -> None:
    assert Redactor().clean(text) == clean


@pytest.mark.parametrize(
    "text",
    [
        "claim T-0003 on feature/T-0003-sk-learn-integration-tests",
        "git@github.com:acme/app.git",
        "https://example.org/a/b?c=d",
        "commit " + "0123456789abcdef" * 2 + "01234567",
        "comment:7:review",
        "token bucket; bearer of news; a password is needed",
    ],
)
def test_plain_words_stay_as_they_are(text: str) -> None:
    assert Redactor().clean(text) == text


def test_a_redactor_and_a_journal_do_not_show_the_secrets_they_know(tmp_path: Path) -> None:
    assert SECRET not in repr(Journal(tmp_path, Redactor((SECRET,))))
    assert Redactor(("", SECRET)).clean(f"a {SECRET} b") == "a *** b"


def test_an_error_keeps_its_kind_and_loses_its_secrets() -> None:
    error = Refused(f"no entry with {SECRET}", hint=f"not {SECRET}")
    clean = Redactor((SECRET,)).clean_error(error)
    assert isinstance(clean, Refused)
    assert (clean.sentence, clean.hint) == ("no entry with ***", "not ***")
    assert str(clean) == clean.sentence
