"""The ground the tests stand on: isolation that is forgotten must fail, not leak."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.mark.parametrize("name", ["HOME", "WORKDIR_ROOT", "XDG_STATE_HOME", "GIT_CONFIG_GLOBAL"])
def test_without_home_nothing_can_be_made(name: str) -> None:
    with pytest.raises(OSError, match="Not a directory"):
        Path(os.environ[name]).mkdir(parents=True)


def test_home_is_in_the_test_folder(home: Path, tmp_path: Path) -> None:
    assert tmp_path in Path(os.environ["WORKDIR_ROOT"]).parents
    assert Path.home() == home


def test_clone_is_clean_and_on_main(clone: Path, git) -> None:
    assert git(clone, "status", "--porcelain", "--branch").startswith("## main")
    assert git(clone, "log", "-1", "--format=%an %ae %s") == "Ada Human ada@example.org Start"
