from __future__ import annotations

import os
import resource
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pmcodex.errors import InvalidInput, TryLater
from pmcodex.state import durable


@pytest.fixture
def tiny_files() -> Iterator[None]:
    """No file of this process may grow past 1,000 bytes: a disk that is full, to the writer."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_replaced_file_is_new_and_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    durable.replace(path, b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.usefixtures("tiny_files")
def test_a_full_disk_leaves_the_old_file_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "file"
    durable.replace(path, b"old")
    with pytest.raises(TryLater, match="can't be written: File too large") as caught:
        durable.replace(path, b"n" * 5000)
    assert "space" in caught.value.hint
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_can_not_be_made_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="/dev/null/x/y can't be written") as caught:
        durable.private_folder(Path("/dev/null/x/y"))
    assert "WORKDIR_ROOT" in caught.value.hint


def test_a_read_only_folder_leaves_the_old_file_and_says_so() -> None:
    """In a child, as somebody else where this is root: for root no folder is read-only."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "file")
        durable.replace(path, b"old")
        path.parent.chmod(0o555)
        child = os.fork()
        if child == 0:
            try:
                os.setuid(65534 if os.geteuid() == 0 else os.geteuid())
                durable.replace(path, b"new")
            except InvalidInput as error:
                os._exit(0 if "Permission denied" in error.sentence else 1)
            finally:
                os._exit(2)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        path.parent.chmod(0o755)
        assert (code, path.read_bytes()) == (0, b"old")


def test_a_private_folder_is_closed_to_others_even_if_it_was_there(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o755)
    for name in ("open", "a/b/new"):
        folder = durable.private_folder(tmp_path / name)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_what_killed_writers_left_is_swept_and_what_living_ones_write_is_not(
    tmp_path: Path,
) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait(timeout=60)
    left, ours = (tmp_path / f"file.{pid}.tmp" for pid in (gone.pid, os.getpid()))
    other = tmp_path / "file.notes.tmp"
    for path in (left, ours, other):
        path.write_text("half", encoding="utf-8")
    durable.sweep(tmp_path / "file")
    assert sorted(tmp_path.iterdir()) == sorted([ours, other])


WRITER = """
import sys
from pathlib import Path
from pmcodex.state import durable
path = Path(sys.argv[1])
print("ready", flush=True)
while True:
    for letter in (b"a", b"b"):
        durable.replace(path, letter * 200_000)
"""


def test_a_file_whose_writer_is_killed_is_always_old_or_new(tmp_path: Path) -> None:
    path = tmp_path / "file"
    whole = {b"a" * 200_000, b"b" * 200_000}
    torn = 0
    for attempt in range(12):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE
        ) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"ready\n"
            until = time.monotonic() + 0.002 + 0.0017 * attempt
            while not path.exists() or time.monotonic() < until:
                pass
            writer.send_signal(signal.SIGKILL)
        torn += bool(list(tmp_path.glob("*.tmp")))
        assert path.read_bytes() in whole
        durable.sweep(path)
    assert list(tmp_path.iterdir()) == [path]
    assert torn, "no kill fell into the middle of a save: this test proved nothing"
