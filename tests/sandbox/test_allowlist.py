"""What a check may see, on made-up homes: tools come into sight, what lies beside them doesn't."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pmcodex.errors import InvalidInput, Refused
from pmcodex.sandbox.allowlist import HOME, Verb, View, view


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    return folder.resolve()


@pytest.fixture
def worktree(tmp_path: Path) -> Path:
    folder = tmp_path / "worktree"
    folder.mkdir()
    return folder.resolve()


def make(*files: Path) -> None:
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("#!/bin/sh\n")
        file.chmod(0o755)


def look(folder: Path, *tools: Path | str, **more: object) -> View:
    given = {"tool_path": ":".join(map(str, tools)), "hidden": (), "readable": (), **more}
    return view(folder, **given)  # type: ignore[arg-type]


def verbs(seen: View) -> dict[str, Verb]:
    return {mount.path: mount.verb for mount in seen.mounts}


def shows(seen: View, path: Path) -> bool:
    """Whether the deepest mount over a path shows it: what a kernel would do."""
    over = [m for m in seen.mounts if path.is_relative_to(m.path)]
    deepest = max(over, key=lambda m: len(Path(m.path).parts), default=None)
    return deepest is not None and deepest.verb in (Verb.READ, Verb.WRITE)


def test_the_folder_alone_is_writable_and_scratch_is_private(worktree: Path) -> None:
    found = verbs(look(worktree))
    assert [p for p, verb in found.items() if verb is Verb.WRITE] == [str(worktree)]
    assert {p for p, v in found.items() if v is Verb.SCRATCH} == {"/tmp", HOME, "/dev/shm"}
    assert "/" not in found
    assert "/etc" not in found


def test_mounts_come_shallow_before_deep(home: Path, worktree: Path) -> None:
    make(home / ".local/bin/tool")
    depths = [len(Path(m.path).parts) for m in look(worktree, home / ".local/bin").mounts]
    assert depths == sorted(depths)


def test_a_tool_in_a_home_shows_its_libraries_and_not_its_neighbours(
    home: Path, worktree: Path
) -> None:
    make(home / ".local/bin/tool", home / ".local/lib/x.so", home / ".local/share/keyrings/key")
    make(home / ".ssh/id", home / "notes")
    seen = look(worktree, home / ".local/bin")
    assert shows(seen, home / ".local/bin/tool")
    assert shows(seen, home / ".local/lib/x.so")
    for secret in (".local/share/keyrings/key", ".ssh/id", "notes"):
        assert not shows(seen, home / secret)
    assert seen.path.split(":")[0] == str(home / ".local/bin")


def test_a_venv_comes_whole_with_the_interpreter_it_links_to(home: Path, worktree: Path) -> None:
    make(home / "pythons/3.12/bin/python3.12", home / "pythons/3.12/lib/python3.12/os.py")
    make(
        home / "project/.venv/pyvenv.cfg", home / "project/.venv/lib/site.py", home / "project/.env"
    )
    (home / "project/.venv/bin").mkdir()
    (home / "project/.venv/bin/python").symlink_to(home / "pythons/3.12/bin/python3.12")
    seen = look(worktree, home / "project/.venv/bin", hidden=[home / "project"])
    assert shows(seen, home / "project/.venv/lib/site.py")
    assert shows(seen, home / "pythons/3.12/bin/python3.12")
    assert shows(seen, home / "pythons/3.12/lib/python3.12/os.py")
    assert not shows(seen, home / "project/.env")


def test_pyenvs_shims_bring_pyenv(home: Path, worktree: Path) -> None:
    make(home / ".pyenv/shims/python", home / ".pyenv/versions/3.12.1/bin/python", home / "x")
    seen = look(worktree, home / ".pyenv/shims")
    assert shows(seen, home / ".pyenv/versions/3.12.1/bin/python")
    assert not shows(seen, home / "x")


def test_a_link_among_the_tools_does_not_bring_a_project(home: Path, worktree: Path) -> None:
    make(home / "work/bin/deploy", home / "work/.env")
    (home / "bin").mkdir()
    (home / "bin/deploy").symlink_to(home / "work/bin/deploy")
    seen = look(worktree, home / "bin")
    assert not shows(seen, home / "work/bin/deploy")
    assert not shows(seen, home / "work/.env")


@pytest.mark.parametrize("entry", ["", ".", "tools", "./tools", "/no/such/folder", "/", "/proc/1"])
def test_what_is_no_folder_of_tools_is_not_on_the_path(entry: str, worktree: Path) -> None:
    (worktree / "tools").mkdir()
    path = look(worktree, entry).path.split(":")
    assert path[0] == str(Path(sys.executable).parent)
    assert entry not in path


def test_the_home_is_no_folder_of_tools_and_not_readable(home: Path, worktree: Path) -> None:
    make(home / "tool", home / ".ssh/id")
    (home.parent / "alias").symlink_to(home)
    for name in (home, home.parent, home.parent / "alias"):
        assert not shows(look(worktree, name), home / "tool")
        with pytest.raises(InvalidInput, match="readable"):
            look(worktree, readable=(str(name),))


def test_keys_in_a_readable_folder_of_the_home_stay_hidden(home: Path, worktree: Path) -> None:
    make(home / ".config/gh/hosts.yml", home / ".config/tool.toml")
    seen = look(worktree, readable=(str(home / ".config"),))
    assert shows(seen, home / ".config/tool.toml")
    assert not shows(seen, home / ".config/gh/hosts.yml")


def test_hiding_wins_at_the_same_path(home: Path, worktree: Path) -> None:
    make(home / "data/x")
    seen = look(worktree, readable=(str(home / "data"),), hidden=[home / "data"])
    assert not shows(seen, home / "data/x")


def test_a_worktree_below_a_hidden_folder_is_still_there(home: Path) -> None:
    worktree = home / "state/work"
    make(worktree / "x", home / "state/checkpoint.json")
    seen = look(worktree, hidden=[home / "state"])
    assert shows(seen, worktree / "x")
    assert not shows(seen, home / "state/checkpoint.json")


def test_a_hidden_link_is_followed(home: Path, worktree: Path) -> None:
    make(home / "data/real/key")
    (home / "alias").symlink_to(home / "data/real")
    seen = look(worktree, readable=(str(home / "data"),), hidden=[home / "alias"])
    assert not shows(seen, home / "data/real/key")


def test_a_readable_folder_that_is_a_link_is_shown_under_both_names(
    home: Path, worktree: Path
) -> None:
    make(home / "data/x")
    (home / "alias").symlink_to(home / "data")
    seen = look(worktree, readable=(str(home / "alias"),))
    assert shows(seen, home / "alias/x")
    assert shows(seen, home / "data/x")


def test_a_missing_readable_folder_is_left_out(home: Path, worktree: Path) -> None:
    assert str(home / "gone") not in verbs(look(worktree, readable=(str(home / "gone"),)))


@pytest.mark.parametrize("name", ["/", "data", "/usr/../etc", "/proc/1", "/dev", "/sys", "/run/x"])
def test_what_may_never_be_shown(name: str, worktree: Path) -> None:
    with pytest.raises(InvalidInput, match="readable") as caught:
        look(worktree, readable=(name,))
    assert caught.value.hint


def test_a_folder_with_the_home_or_the_system_in_it_is_refused(home: Path) -> None:
    for folder in (home, home.parent, Path("/"), Path("/usr"), Path("/tmp"), Path(sys.prefix)):
        with pytest.raises(Refused, match="writable"):
            look(folder)
