"""Every room stands on its floor, and each rule of `floors` fails on a planted breach."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from floors import breaches

SOURCE = Path(__file__).parents[1] / "src" / "pmcodex"

# What takes a tenth of a second or more to load and has no part in answering --help.
HEAVY = {"git", "github", "pydantic", "yaml", "rich", "markdown_it", "detect_secrets", "unidiff"}


def test_every_module_stands_on_its_floor() -> None:
    assert breaches(SOURCE) == []


PLANTED = [
    ("newcomer.py", "", "has no place"),
    ("core/x.py", "from pmcodex.roles import planner", "imports upward, roles"),
    ("core/x.py", "def f():\n    import pmcodex.decide", "imports upward, decide"),
    ("core/x.py", "if TYPE_CHECKING:\n    from ..git import Repo", "imports upward, git"),
    ("errors.py", "from pmcodex.core import keys", "imports upward, core.keys"),
    ("errors.py", "from . import decide", "imports upward, decide"),
    ("decide.py", "from pmcodex import observe", "imports upward, observe"),
    ("git/mirror.py", "from pmcodex.forges import gitrefs", "imports upward, forges"),
    ("apply.py", "from pmcodex.cli import main", "imports upward, cli"),
    ("clock.py", "from pmcodex.state.store import Store", "imports upward, state.store"),
    ("git/mirror.py", "from pmcodex.state.store import f", "its neighbour state.store"),
    ("git/mirror.py", "from git.repo import Repo", "imports git"),
    ("rules/size.py", "from pmcodex.recipes.ci import f", "imports its neighbour recipes"),
    ("roles/planner.py", "from pmcodex.roles.developer import f", "its equal roles.developer"),
    ("roles/planner.py", "from . import developer", "its equal roles.developer"),
    ("roles/planner.py", "import pmcodex.roles.developer", "its equal roles.developer"),
    ("recipes/x.py", "from pmcodex.recipes.ci import f", "its equal recipes.ci"),
    ("roles/planner.py", "import git", "imports git"),
    ("forges/gitrefs.py", "from git.repo import Repo", "imports git"),
    ("forges/gitrefs.py", "def f():\n    import github", "imports github"),
    ("round.py", "import ollama", "imports ollama"),
    ("wiring.py", "import httpx", "imports httpx"),
    ("sandbox.py", "from subprocess import run", "imports subprocess"),
    (
        "git/mirror.py",
        "import importlib\nimportlib.import_module('subprocess')",
        "imports subprocess",
    ),
    ("git/mirror.py", "import os\nos.execvp('git', [])", "starts a process with os.execvp"),
    (
        "git/mirror.py",
        "import asyncio\nasyncio.create_subprocess_exec()",
        "starts a process with asyncio",
    ),
    ("clock.py", "import filelock", "imports filelock"),
    ("round.py", "import typer", "imports typer"),
    ("round.py", "from rich.table import Table", "imports rich"),
    ("cli/x.py", "import click", "imports click"),
    ("core/x.py", "import os", "imports os on a pure floor"),
    ("core/x.py", "import io\nio.StringIO(), io.open('x')", "imports io on a pure floor"),
    ("core/x.py", "import signal\nsignal.signal(1, f)", "imports signal on a pure floor"),
    ("core/x.py", "from os import path", "imports os.path on a pure floor"),
    ("core/x.py", "from io import open", "imports io.open on a pure floor"),
    ("decide.py", "import time", "imports time on a pure floor"),
    ("settle.py", "from random import choice", "imports random.choice on a pure floor"),
    ("rules/x.py", "from pathlib import Path", "imports pathlib.Path on a pure floor"),
    ("rules/x.py", "import pathlib", "imports pathlib on a pure floor"),
    ("ports.py", "import os", "imports os on a pure floor"),
    ("roles/x.py", "from urllib.request import urlopen", "imports urllib.request.urlopen"),
    ("roles/x.py", "def f():\n    return open('x').read()", "calls open()"),
    ("recipes/x.py", "print('hello')", "calls print()"),
    ("core/x.py", "from datetime import datetime\ndatetime.now()", "reads the clock"),
    ("core/x.py", "import datetime\ndatetime.date.today()", "reads the clock"),
]


def plant(source: Path, file: str, text: str) -> None:
    standing = "decide observe sandbox state/store git/mirror core/keys recipes/ci roles/developer"
    for stood in standing.split():
        sown = source / f"{stood}.py"
        sown.parent.mkdir(parents=True, exist_ok=True)
        sown.touch()
    for package in ("", "core", "cli", "forges", "roles", "rules", "recipes", "git", "state"):
        (source / package).mkdir(exist_ok=True)
        (source / package / "__init__.py").touch()
    (source / "cli/main.py").touch()
    (source / "forges/gitrefs.py").touch()
    (source / file).write_text(text)


@pytest.mark.parametrize(("file", "text", "sentence"), PLANTED)
def test_a_planted_breach_is_found(tmp_path: Path, file: str, text: str, sentence: str) -> None:
    plant(tmp_path, file, text)
    found = breaches(tmp_path)
    assert found
    assert sentence in found[0]
    assert found[0].startswith(file.removesuffix(".py").replace("/", "."))


ALLOWED = [
    ("core/x.py", "from io import StringIO\nfrom pathlib import PurePosixPath"),
    ("core/x.py", "import io, signal\nio.StringIO()\nsignal.Signals(9)"),
    ("core/x.py", "from pmcodex.core import keys\nfrom pmcodex.ports import Git"),
    ("core/x.py", "from urllib.parse import quote\nfrom datetime import datetime, UTC"),
    ("ports.py", "from pathlib import Path\nfrom pmcodex.core.keys import digest"),
    ("recipes/__init__.py", "from pmcodex.recipes import ci"),
    ("roles/x.py", "from pmcodex.recipes import RECIPES"),
    ("forges/gitrefs.py", "import random\nfrom pmcodex.git.mirror import GitRoom"),
    ("cli/x.py", "import typer\nimport rich\nfrom pmcodex import decide, observe"),
]


@pytest.mark.parametrize(("file", "text"), ALLOWED)
def test_what_the_floors_allow(tmp_path: Path, file: str, text: str) -> None:
    plant(tmp_path, file, text)
    assert breaches(tmp_path) == []


@pytest.mark.skipif(not (SOURCE / "cli" / "main.py").exists(), reason="waits for cli.main")
def test_nothing_heavy_is_imported_to_show_the_help() -> None:
    argv = [sys.executable, "-X", "importtime", "-m", "pmcodex", "--help"]
    shown = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60)
    loaded = {line.rpartition("|")[2].strip() for line in shown.stderr.splitlines()}
    assert "pmcodex.cli.main" in loaded
    assert loaded & HEAVY == set()
