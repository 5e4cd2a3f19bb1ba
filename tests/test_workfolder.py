"""A working folder: what counts as the project's, and writing that never overwrites."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from pmcodex.core.actions import FileEdit
from pmcodex.errors import InvalidInput
from pmcodex.workfolder import own_command, read_project, read_text, write_new


def test_the_projects_own_files_are_read(tmp_path: Path) -> None:
    for path in ("pyproject.toml", "src/a.py", "docs/x.md"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(path)
    project = read_project(tmp_path)
    assert project.name == tmp_path.name
    assert project.paths == {"pyproject.toml", "src/a.py", "docs/x.md"}
    assert project.files["pyproject.toml"] == "pyproject.toml"


@pytest.mark.parametrize(
    "path",
    [
        *(".git/config", "node_modules/a/PRD.md", ".venv/lib/tests/test_x.py"),
        *("env/pyvenv.cfg", "env/lib/tests/test_x.py", "vendored/.git/config", "vendored/PRD.md"),
    ],
)
def test_what_others_made_is_not_the_projects(tmp_path: Path, path: str) -> None:
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text("x")
    top = tmp_path / path.split("/")[0]
    if top.name == "env":
        (top / "pyvenv.cfg").touch()
    if top.name == "vendored":
        (top / ".git").mkdir(exist_ok=True)
    assert read_project(tmp_path).paths == set()


def test_a_text_that_is_no_text_is_only_a_path(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b"\xff\xfe")
    project = read_project(tmp_path)
    assert project.paths == {"pyproject.toml"}
    assert "pyproject.toml" not in project.files


def test_no_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="there is no folder"):
        read_project(tmp_path / "missing")


def test_a_text_is_read_or_not_there(tmp_path: Path) -> None:
    assert read_text(tmp_path, "a") is None
    (tmp_path / "a").write_text("x")
    assert read_text(tmp_path, "a") == "x"
    (tmp_path / "b").mkdir()
    with pytest.raises(InvalidInput, match="b can't be read"):
        read_text(tmp_path, "b")


def test_files_are_written_byte_for_byte(tmp_path: Path) -> None:
    write_new(tmp_path, [FileEdit("a/b/c.txt", "1\r\n2\né"), FileEdit("d", "")])
    assert (tmp_path / "a/b/c.txt").read_bytes() == "1\r\n2\né".encode()
    assert (tmp_path / "d").read_bytes() == b""


@pytest.mark.parametrize("taken", ["a file", "a folder", "a link", "a link to nowhere"])
def test_nothing_is_written_where_one_is_taken(tmp_path: Path, taken: str) -> None:
    target = tmp_path / "z"
    if taken == "a file":
        target.write_text("mine")
    elif taken == "a folder":
        target.mkdir()
    else:
        target.symlink_to(tmp_path if taken == "a link" else tmp_path / "nowhere")
    with pytest.raises(InvalidInput, match="z is there already"):
        write_new(tmp_path, [FileEdit("a", "new"), FileEdit("z", "new")])
    assert not (tmp_path / "a").exists()
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(
    "path", ["../out.txt", "/tmp/out.txt", "link/out.txt", "link/deep/out.txt"]
)
def test_no_path_leads_out(tmp_path: Path, path: str) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    (inside / "link").symlink_to(outside)
    with pytest.raises(InvalidInput, match="leads out of"):
        write_new(inside, [FileEdit("a", "new"), FileEdit(path, "new")])
    assert list(outside.iterdir()) == []
    assert not (inside / "a").exists()


def test_links_that_stay_inside_are_followed(tmp_path: Path) -> None:
    (tmp_path / "documentation").mkdir()
    (tmp_path / "docs").symlink_to("documentation")
    write_new(tmp_path, [FileEdit("docs/PRD.md", "new")])
    assert (tmp_path / "documentation" / "PRD.md").read_text() == "new"


def test_a_file_in_a_folders_place_is_said(tmp_path: Path) -> None:
    (tmp_path / "docs").write_text("mine")
    with pytest.raises(InvalidInput, match=r"docs/PRD\.md can't be written"):
        write_new(tmp_path, [FileEdit("docs/PRD.md", "new")])


def test_links_in_a_circle_are_said(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(InvalidInput, match="a/x"):
        write_new(tmp_path, [FileEdit("a/x", "new")])


def test_the_own_command_is_the_one_that_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "my tools" / "pmcodex"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(program)])
    assert shlex.split(own_command()) == [str(program)]
    monkeypatch.setattr(sys, "argv", ["/x/pmcodex/__main__.py"])
    assert shlex.split(own_command()) == [sys.executable, "-m", "pmcodex"]
