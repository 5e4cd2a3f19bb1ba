"""Fixtures of the command line: `main(argv)` in a real repository, or a real process."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from clihelp import Pm, Process, Said, Shop, command, task

from pmcodex.cli.main import main


@pytest.fixture
def pm(capsys: pytest.CaptureFixture[str], home: Path) -> Pm:
    def call(*argv: str) -> Said:
        capsys.readouterr()
        code = main(argv)
        out, err = capsys.readouterr()
        return Said(code, out, err)

    return call


@pytest.fixture
def process(home: Path) -> Process:
    def call(*argv: str, env: Mapping[str, str] | None = None, stdin: str = "") -> Said:
        ran = subprocess.run(
            command(*argv),
            env={**os.environ, **(env or {})},
            input=stdin.encode(),
            capture_output=True,
            timeout=60,
        )
        return Said(
            ran.returncode, ran.stdout.decode(errors="replace"), ran.stderr.decode(errors="replace")
        )

    return call


@pytest.fixture
def shop(project: Path, git: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> Shop:
    """The sample repository, with a policy of one check that always passes."""
    shop = Shop(project, git)
    shop.write({".llm-team.yml": 'version: 1\nchecks:\n  ok: "true"\n'}, "Add a policy")
    monkeypatch.chdir(project)
    return shop


@pytest.fixture
def worked(shop: Shop, pm: Pm) -> Shop:
    """Two tasks, and pull 1 open for the first."""
    shop.tasks(task("T-0001", "Editor settings"), task("T-0002", "Change log", recipe="changelog"))
    assert pm("developer").code == 0
    return shop
