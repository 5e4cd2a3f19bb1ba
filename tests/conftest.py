"""Shared ground for tests: no real home, no real state folder, no user's git, fixed identity.

Every test starts with HOME and the state folder pointing below /dev/null, where nothing can be
made: a test that forgets to ask for `home` (or for a repository, which asks for it) fails loudly
instead of touching the machine of whoever runs it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Protocol

import pytest

NOWHERE = "/dev/null/this-test-forgot-to-ask-for-the-home-fixture"
_OURS = ("GIT_", "GH_", "GITHUB_", "LLM_", "OLLAMA_", "XDG_")
_NAMES = {"PROJECT_CLONE_URL", "DEFAULT_BRANCH", "WORKDIR_ROOT", "SSH_AUTH_SOCK", "EMAIL"}
_DATE = "2024-01-01T00:00:00+0000"
_CONFIG = """\
[user]
\tname = Ada Human
\temail = ada@example.org
[init]
\tdefaultBranch = main
[commit]
\tgpgSign = false
[gc]
\tauto = 0
[maintenance]
\tauto = false
"""


class RunGit(Protocol):
    """Run git in a folder as Ada, at a fixed date; its output, stripped. Fails on exit code."""

    def __call__(self, folder: Path, *args: str, text: str | None = None) -> str: ...


def _isolate(patch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(_OURS) or name in _NAMES:
            patch.delenv(name)
    for name in ("HOME", "WORKDIR_ROOT", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        patch.setenv(name, NOWHERE)
    patch.setenv("GIT_CONFIG_GLOBAL", f"{NOWHERE}/gitconfig")
    patch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    _isolate(monkeypatch)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, _nowhere: None) -> Path:
    """A home folder with a git identity, and a state folder (WORKDIR_ROOT, `state` below it)."""
    folder = tmp_path / "home"
    (folder / "state").mkdir(parents=True)
    config = folder / "gitconfig"
    config.write_text(_CONFIG, encoding="utf-8")
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("WORKDIR_ROOT", str(folder / "state"))
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(folder / name.lower()))
    return folder


@pytest.fixture
def state(home: Path) -> Path:
    """The state folder that WORKDIR_ROOT names."""
    return home / "state"


def _run(folder: Path, *args: str, text: str | None = None) -> str:
    env = os.environ | {"GIT_AUTHOR_DATE": _DATE, "GIT_COMMITTER_DATE": _DATE, "LC_ALL": "C"}
    ran = subprocess.run(
        ["git", *args], cwd=folder, env=env, input=text, capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, f"git {' '.join(args)} failed: {ran.stderr}"
    return ran.stdout.strip()


@pytest.fixture
def git(home: Path) -> RunGit:
    """Plain git for arranging and looking: `git(folder, "log", "--oneline")`."""
    return _run


@pytest.fixture(scope="session")
def _template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template")
    (folder / "gitconfig").write_text(_CONFIG, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        _isolate(patch)
        patch.setenv("GIT_CONFIG_GLOBAL", str(folder / "gitconfig"))
        work = folder / "work"
        work.mkdir()
        _run(work, "init", "-q")
        (work / "README.md").write_text("# Sample\n", encoding="utf-8")
        _run(work, "add", "README.md")
        _run(work, "commit", "-q", "-m", "Start")
        _run(folder, "clone", "-q", "--bare", "work", "remote.git")
        _run(folder / "remote.git", "remote", "remove", "origin")
    return folder


@pytest.fixture
def empty_remote(tmp_path: Path, git: RunGit) -> Path:
    """A bare repository without a commit; its HEAD names main."""
    folder = tmp_path / "empty.git"
    git(tmp_path, "init", "-q", "--bare", str(folder))
    return folder


@pytest.fixture
def remote(tmp_path: Path, home: Path, _template: Path) -> Path:
    """A bare repository whose main has one commit by Ada: README.md."""
    return Path(shutil.copytree(_template / "remote.git", tmp_path / "remote.git"))


@pytest.fixture
def project(tmp_path: Path, home: Path, _template: Path) -> Path:
    """A working repository without a remote, main checked out and clean: README.md."""
    return Path(shutil.copytree(_template / "work", tmp_path / "project"))


@pytest.fixture
def clone(tmp_path: Path, remote: Path, git: RunGit) -> Path:
    """A working clone of `remote`, main checked out and clean."""
    folder = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(remote), str(folder))
    return folder
