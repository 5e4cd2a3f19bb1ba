from __future__ import annotations

import json
import resource
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pmcodex.config.settings import Settings
from pmcodex.core.facts import Finding, TaskFile
from pmcodex.core.model import Task
from pmcodex.errors import InvalidInput, TryLater
from pmcodex.state.store import GRACE, Checkpoint, Intent, Receipt, Store, state_folder

KEY = "comment:7:review"


def loaded(folder: Path) -> Store:
    store = Store(folder)
    store.load()
    return store


def task_file(number: int, title: str = "Add a thing") -> TaskFile:
    task_id = f"T-{number:04d}"
    task = Task(id=task_id, title=title, acceptance=("it is there",), depends_on=("T-0001",))
    return TaskFile(f"tasks/{task_id}-x.md", f"{number:040x}", task, body="Some words.\n")


# --- the file ------------------------------------------------------------------------------


def test_without_a_file_the_checkpoint_is_empty_and_nothing_is_written(tmp_path: Path) -> None:
    store = loaded(tmp_path)
    assert store.checkpoint == Checkpoint()
    assert store.save() is False
    assert not list(tmp_path.iterdir())


def test_everything_comes_back_as_it_was(tmp_path: Path) -> None:
    store = loaded(tmp_path)
    store.put(
        Checkpoint(
            intents={KEY: Intent("run-1", 1.5)},
            receipts={"comment:8:review": Receipt("c-1", "d" * 16, 2.5)},
            pull_paths={"a" * 40: ("src/a.py", "naïve.py")},
            reviewed={"7": "key"},
            highest_id=42,
            highest_at="b" * 40,
            idle="digest",
            idle_until=99.5,
        )
    )
    store.remember_failure("T-0001", "main:blob", "red")
    assert store.save() is True
    assert loaded(tmp_path).checkpoint == store.checkpoint
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600


def test_an_unchanged_checkpoint_is_not_written_again(tmp_path: Path) -> None:
    store = loaded(tmp_path)
    store.put(replace(store.checkpoint, idle="x"))
    assert [store.save(), store.save()] == [True, False]
    before = store.path.stat()
    again = loaded(tmp_path)
    again.put(replace(again.checkpoint, idle="x"))
    assert again.save() is False
    assert store.path.stat().st_ino == before.st_ino


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "it is broken"),
        (b'{"schema_version": 1, "intents": {"k', "it is broken"),
        (b"\xff\xfe\x00", "it is broken"),
        (b"[]", "it is broken"),
        (b'{"intents": {"k": {"run_id": 3}}}', "it is broken"),
        (b'{"schema_version": 2}', "it has schema 2"),
    ],
)
def test_a_broken_or_foreign_file_is_set_aside_and_reported(
    tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "checkpoint.json"
    path.write_bytes(content)
    store = loaded(tmp_path)
    assert store.checkpoint == Checkpoint()
    assert (tmp_path / "checkpoint.json.corrupt-1").read_bytes() == content
    assert not path.exists()
    (finding,) = store.findings
    assert words in finding.message
    assert "checkpoint.json.corrupt-1" in finding.message
    store.intend(KEY, "run", 1.0)
    assert loaded(tmp_path).intent(KEY) == Intent("run", 1.0)


def test_only_the_newest_broken_files_are_kept(tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / "checkpoint.json").write_text(f"broken {number}", encoding="utf-8")
        loaded(tmp_path)
    kept = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert kept == {f"checkpoint.json.corrupt-{n + 1}": f"broken {n}" for n in range(7, 12)}


def test_a_file_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "checkpoint.json").mkdir()
    with pytest.raises(InvalidInput, match=r"checkpoint.json can't be read"):
        Store(tmp_path).load()


@pytest.fixture
def full_disk() -> Iterator[None]:
    """No file of this process may grow past 2,000 bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_keeps_the_old_checkpoint(tmp_path: Path) -> None:
    store = loaded(tmp_path)
    store.intend(KEY, "run", 1.0)
    store.put(replace(store.checkpoint, idle="x" * 5000))
    with pytest.raises(TryLater, match=r"checkpoint.json can't be written"):
        store.save()
    assert loaded(tmp_path).intent(KEY) == Intent("run", 1.0)
    with pytest.raises(TryLater):
        store.save()  # not taken for saved


SAVER = """
import sys
from dataclasses import replace
from pathlib import Path
from pmcodex.state.store import Store
store = Store(Path(sys.argv[1]))
store.load()
print("ready", flush=True)
for number in range(10**9):
    paths = {f"{number}-{each}": ("x" * 50,) for each in range(500)}
    store.put(replace(store.checkpoint, highest_id=number, pull_paths=paths))
    store.intend(f"comment:{number}:review", "run", float(number))
"""


def test_a_run_killed_in_a_save_leaves_the_old_checkpoint_or_the_new(tmp_path: Path) -> None:
    torn = 0
    for attempt in range(10):
        with subprocess.Popen(
            [sys.executable, "-c", SAVER, str(tmp_path)], stdout=subprocess.PIPE
        ) as saver:
            assert saver.stdout is not None
            assert saver.stdout.readline() == b"ready\n"
            until = time.monotonic() + 0.02 + 0.0031 * attempt
            while time.monotonic() < until:
                pass
            saver.send_signal(signal.SIGKILL)
        torn += bool(list(tmp_path.glob("*.tmp")))
        store = loaded(tmp_path)
        assert store.findings == ()
        number = store.checkpoint.highest_id
        if store.checkpoint != Checkpoint():
            assert store.intent(f"comment:{number}:review") is not None
            assert set(store.checkpoint.pull_paths) == {f"{number}-{n}" for n in range(500)}
        assert not list(tmp_path.glob("*.tmp"))
        store.path.unlink(missing_ok=True)
    assert torn, "no kill fell into the middle of a save: this test proved nothing"


# --- intents and receipts ------------------------------------------------------------------


def test_an_intent_is_on_disk_before_the_effect_and_settled_by_its_receipt(tmp_path: Path) -> None:
    store = loaded(tmp_path)
    store.intend(KEY, "run-1", 10.0)
    assert loaded(tmp_path).intent(KEY) == Intent("run-1", 10.0)
    store.receipt(KEY, "c-9", "digest", 11.0)
    after = loaded(tmp_path)
    assert after.intent(KEY) is None
    assert after.checkpoint.receipts == {KEY: Receipt("c-9", "digest", 11.0)}
    after.forget(KEY)
    after.save()
    assert loaded(tmp_path).checkpoint == Checkpoint()


def test_failures_are_replaced_and_do_not_pile_up(tmp_path: Path) -> None:
    store = loaded(tmp_path)
    for number in range(600):
        store.remember_failure(f"T-{number:04d}", "key", "why")
    store.remember_failure("T-0200", "key", "again")
    failures = store.checkpoint.failures
    assert len(failures) == 500
    assert failures["T-0200"].reason == "again"
    assert "T-0599" in failures
    assert "T-0099" not in failures


def test_pruning_keeps_what_is_alive_and_what_a_lagging_listing_may_yet_show(
    tmp_path: Path,
) -> None:
    now = 10 * GRACE
    old, new = now - GRACE - 1, now - GRACE + 1
    store = loaded(tmp_path)
    for key, at in [
        ("comment:7:review", old),
        ("comment:8:review", old),
        ("comment:9:review", new),
        ("else", old),
    ]:
        store.intend(key, "run", at)
        store.receipt(key + "-made", "ref", "digest", at)
    store.put(
        replace(
            store.checkpoint,
            pull_paths={"a": ("x",), "b": ("y",)},
            reviewed={"7": "k", "8": "k"},
        )
    )
    store.prune(heads={"a"}, pulls={7}, now=now)
    kept = ["comment:7:review", "comment:9:review", "else"]
    assert list(store.checkpoint.intents) == kept
    assert list(store.checkpoint.receipts) == [f"{key}-made" for key in kept]
    assert store.checkpoint.pull_paths == {"a": ("x",)}
    assert store.checkpoint.reviewed == {"7": "k"}


# --- tasks ---------------------------------------------------------------------------------


def test_parsed_tasks_come_back_as_they_were(tmp_path: Path) -> None:
    broken = TaskFile("tasks/bad.md", "f" * 40, None, Finding("task", "tasks/bad.md", "no id"))
    twin = replace(task_file(2), path="tasks/T-0002-again.md")
    files = [task_file(1), task_file(2), twin, broken]
    store = loaded(tmp_path)
    assert store.keep_tasks("v1", files) is True
    assert store.keep_tasks("v1", reversed(files)) is False
    assert list(loaded(tmp_path).tasks("v1").values()) == files
    assert loaded(tmp_path).tasks("v1")[twin.path, twin.blob] == twin


def test_tasks_parsed_in_another_way_count_for_nothing(tmp_path: Path) -> None:
    loaded(tmp_path).keep_tasks("v1", [task_file(1)])
    store = loaded(tmp_path)
    assert store.tasks("v2") == {}
    assert store.keep_tasks("v2", [task_file(1)]) is True
    assert list(loaded(tmp_path).tasks("v2").values()) == [task_file(1)]
    assert loaded(tmp_path).tasks("v1") == {}


def test_tasks_that_are_gone_leave_the_cache(tmp_path: Path) -> None:
    store = loaded(tmp_path)
    store.keep_tasks("v1", [task_file(1), task_file(2)])
    assert store.keep_tasks("v1", [task_file(2)]) is True
    assert list(loaded(tmp_path).tasks("v1").values()) == [task_file(2)]


def test_a_broken_task_cache_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "tasks.json").write_text('["v1", [{"path": "x"', encoding="utf-8")
    store = loaded(tmp_path)
    assert store.tasks("v1") == {}
    assert (tmp_path / "tasks.json.corrupt-1").exists()
    assert len(store.findings) == 1
    assert store.tasks("v1") == {}
    assert len(store.findings) == 1


def test_an_idle_round_never_opens_the_task_cache(tmp_path: Path) -> None:
    (tmp_path / "tasks.json").mkdir()
    assert loaded(tmp_path).checkpoint == Checkpoint()


def test_ten_thousand_tasks_load_in_a_fraction_of_a_second(tmp_path: Path) -> None:
    files = [replace(task_file(n), body="Words of a task.\n" * 30) for n in range(1, 10_001)]
    loaded(tmp_path).keep_tasks("v1", files)
    times = []
    for _ in range(3):
        store = loaded(tmp_path)
        start = time.process_time()
        found = store.tasks("v1")
        times.append(time.process_time() - start)
    assert list(found.values()) == files
    assert min(times) < 0.25


# --- where it is ---------------------------------------------------------------------------


def settings(root: Path | None) -> Settings:
    return Settings(workdir_root=root)


def test_every_project_has_a_private_folder_of_its_own(tmp_path: Path) -> None:
    root = tmp_path / "new" / "root"
    folder = state_folder(root, "git@github.com:acme/sample-python-app.git")
    assert folder.parent == root
    assert folder.name.startswith("acme-sample-python-app-")
    assert len(folder.name.removeprefix("acme-sample-python-app-")) == 8
    for made in (root, folder, folder / "state"):
        assert stat.S_IMODE(made.stat().st_mode) == 0o700
    other = state_folder(root, "git@gitlab.com:acme/sample-python-app.git")
    assert other != folder


def test_a_folder_does_not_change_with_the_password_in_an_address(tmp_path: Path) -> None:
    addresses = [
        "https://example.org/acme/app",
        "https://example.org/acme/app.git",
        "https://example.org/acme/app/",
        "https://me:secret@example.org/acme/app.git",
    ]
    assert len({state_folder(tmp_path, address) for address in addresses}) == 1


def test_a_root_of_the_users_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    state_folder(tmp_path, str(tmp_path / "x.git"))
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_without_a_setting_the_platform_says_where(home: Path) -> None:
    folder = state_folder(None, "/srv/git/app.git")
    assert folder.parent == home / "xdg_state_home" / "pmcodex"
    assert folder.name.startswith("git-app-")


def test_a_test_that_forgot_its_home_can_not_make_a_folder() -> None:
    with pytest.raises(InvalidInput, match="can't be written"):
        state_folder(None, "/srv/git/app.git")


def test_the_checkpoint_is_json_a_person_can_read(tmp_path: Path) -> None:
    store = loaded(tmp_path)
    store.receipt(KEY, "c-1", "digest", 1.0)
    read = json.loads(store.path.read_bytes())
    assert read["schema_version"] == 1
    assert read["receipts"] == {KEY: {"ref": "c-1", "digest": "digest", "at": 1.0}}
    assert len(store.path.read_text().splitlines()) > 5
