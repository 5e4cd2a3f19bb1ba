"""Law 3: whatever the instruction at which a run is killed, the next one ends where it would have.

SWEEP=full sweeps more variants (a lost checkpoint, two kills, another machine); every single
effect is swept in either size.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DRIVER = Path(__file__).with_name("sweep_driver.py")


def swept(folder: Path, size: str, seed: int = 1) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, str(DRIVER), str(folder), str(seed), size]
    return subprocess.run(argv, capture_output=True, text=True, timeout=3600)


def test_no_kill_makes_a_difference(
    tmp_path: Path, home: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    ran = swept(tmp_path, os.environ.get("SWEEP", "sampled"))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    last = ran.stdout.splitlines()[-1]
    with capfd.disabled():
        print(f"\n{last}", file=sys.stderr)
    found = re.fullmatch(r"swept (\d+) points and (\d+) variants in \d+ s, 0 differences", last)
    assert found is not None
    assert int(found[1]) > 300


def test_a_planted_breach_makes_a_difference(tmp_path: Path, home: Path) -> None:
    ran = swept(tmp_path, "planted")
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "developer" in ran.stdout
