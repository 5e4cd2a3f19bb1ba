"""Scratch folders of exported commits: what a killed run left goes, what is in use stays."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import pytest
from living import Project

DAY = 24 * 3600


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "scratch"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


def aged(place: Path) -> Path:
    then = time.time() - DAY
    os.utime(place, (then, then))
    return place


def left_behind(scratch: Path, name: str) -> Path:
    files = scratch / name / "files"
    files.mkdir(parents=True)
    (files / "a.txt").write_text("x")
    files.chmod(0o500)
    return aged(scratch / name)


def test_what_a_killed_run_left_is_swept(remote: Path, tmp_path: Path, scratch: Path) -> None:
    project = Project(remote, tmp_path)
    old = left_behind(scratch, "pmcodex-files-old")
    (old / "lock").touch()
    aged(old)
    bare = left_behind(scratch, "pmcodex-files-bare")
    fresh = scratch / "pmcodex-files-fresh"
    fresh.mkdir()
    others = left_behind(scratch, "someone-elses")
    link = scratch / "pmcodex-files-link"
    link.symlink_to(others)
    project.git.sync()
    with project.git.export(project.tip("main")) as export:
        assert export.path.is_dir()
    assert not old.exists()
    assert not bare.exists()
    assert set(scratch.iterdir()) == {fresh, others, link}
    assert (others / "files/a.txt").exists()


def test_a_folder_in_use_stays_however_old(remote: Path, tmp_path: Path, scratch: Path) -> None:
    project = Project(remote, tmp_path)
    project.git.sync()
    with project.git.export(project.tip("main")) as first:
        aged(first.path.parent)
        with project.git.export(project.tip("main")) as second:
            assert first.path.is_dir()
            assert second.path != first.path
    assert list(scratch.iterdir()) == []
