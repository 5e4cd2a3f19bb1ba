"""Addresses that are fine, and a remote's answers, read."""

from __future__ import annotations

from pathlib import Path

import pytest

from pmcodex.git.remote import address, is_race, read_refs, rejection, standing
from pmcodex.ports import RefUpdate

A, B = "a" * 40, "b" * 40


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/a/b.git", "https://ada@host/a", "http://127.0.0.1:80/x", "git://h/x",
        "ssh://git@host:22/a", "git@github.com:a/b.git", "host:a/b", "[::1]:a", "file:///x/y",
        "/absolute/path", "/with:colon/x", "/with@at/x",
    ],
)  # fmt: skip
def test_ordinary_addresses_stay_as_they_are(url: str) -> None:
    assert address(url) == url


def test_paths_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert address(".") == str(tmp_path)
    assert address("a/b") == str(tmp_path / "a/b")
    assert address("~/a") == str(tmp_path / "a")


def test_only_refs_at_the_place_they_claim_are_read() -> None:
    out = (
        f"ref: refs/heads/main\tHEAD\n{A}\tHEAD\n{A}\trefs/heads/main\n"
        f"{B}\trefs/tags/refs/heads/x\n"
        f"{B}\trefs/remotes/origin/HEAD\n{B}\trefs/pmcodex/forge\n"
    )
    refs = {"HEAD": "refs/heads/main", "refs/heads/main": A, "refs/pmcodex/forge": B}
    assert read_refs(out) == refs
    assert read_refs(f"{A}\tHEAD\n") == {}


def test_standing_of_a_push() -> None:
    updates = [RefUpdate("refs/heads/x", A, ""), RefUpdate("refs/heads/y", "", B)]
    assert standing(updates, {"refs/heads/x": A}) == "new"
    assert standing(updates, {"refs/heads/y": B}) == "old"
    assert standing(updates, {"refs/heads/x": A, "refs/heads/y": B}) == "other"


def test_rejections_in_the_remotes_words() -> None:
    out = (
        f"To x\n!\t{A}:refs/heads/y\t[remote rejected] (atomic push failure)\n"
        f"!\t{A}:refs/heads/x\t[remote rejected] (protected branch)\nDone\n"
    )
    assert rejection(out, "failed to push", "/x") == "the remote refused the push: protected branch"
    hooked = f"!\t{A}:refs/heads/x\t[remote rejected] (pre-receive hook declined)\n"
    assert rejection(hooked, "not on Fridays", "ssh://h/x").endswith("declined; not on Fridays")
    dirty = f"!\t{A}:refs/heads/main\t[remote rejected] (Working directory has unstaged changes)\n"
    assert "in /a/b and" in rejection(dirty, "", "file:///a/b")
    assert not is_race(dirty)
    assert is_race("[rejected] (stale info)")
