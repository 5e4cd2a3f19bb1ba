"""Is the wheel whole? Build it, install it in an empty environment elsewhere, and play the demo.

Builds through the sdist with the build tools at hand and installs the pinned versions, so that
what is checked is what a user gets. What must never happen here: a look into the checkout by the
installed program.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = ("prompts", "templates")


def run(*argv: str | Path, cwd: Path, env: Mapping[str, str] | None = None) -> str:
    """Output of a command that must succeed; on failure, all it said and the end of the check."""
    words = [str(word) for word in argv]
    ran = subprocess.run(
        words,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
    )
    if ran.returncode:
        sys.exit(f"{ran.stdout}\nwheel check: {' '.join(words)} ended with {ran.returncode}")
    return ran.stdout


def megabytes(folder: Path) -> float:
    """What the files below a folder take, in units of 1,000,000 bytes."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sum(path.stat().st_size for path in files) / 1e6


def build_wheel(scratch: Path) -> Path:
    """Build sdist, then wheel from it."""
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", scratch, ROOT, cwd=scratch)
    (wheel,) = scratch.glob("*.whl")
    return wheel


def missing_from(wheel: Path) -> list[str]:
    """The prompts and templates of the checkout that did not make it into the wheel."""
    shipped = set(zipfile.ZipFile(wheel).namelist())
    listed = run("git", "ls-files", "-z", "--cached", "--", *FOLDERS, cwd=ROOT)
    wanted = [name for name in listed.split("\0") if name and not name.endswith(".gitkeep")]
    return [name for name in wanted if f"pmcodex/_data/{name}" not in shipped]


def install(wheel: Path, scratch: Path) -> tuple[Path, float]:
    """Install into a new environment: its programs' folder, and the MB it adds to an empty one."""
    pins = re.findall(r"^\S+==\S+", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    constraints = scratch / "constraints.txt"
    constraints.write_text("\n".join(pins))
    venv = scratch / "venv"
    run(sys.executable, "-m", "venv", venv, cwd=scratch)
    empty = megabytes(venv)
    pip = (venv / "bin" / "python", "-m", "pip", "install", "-qq", "--disable-pip-version-check")
    run(*pip, "--constraint", constraints, wheel, cwd=scratch)
    return venv / "bin", megabytes(venv) - empty


def stranger(scratch: Path) -> dict[str, str]:
    """The environment of somebody who has nothing but git, a home and the installed program."""
    home = scratch / "home"
    home.mkdir()
    (home / ".gitconfig").write_text("[user]\n\tname = Ada\n\temail = ada@example.org\n")
    return {
        "HOME": str(home),
        "TMPDIR": str(scratch),
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "CI": "true",
    }


def main() -> None:
    """Say what was checked, one line each."""
    with tempfile.TemporaryDirectory(prefix="pmcodex-wheel-") as folder:
        scratch = Path(folder)
        wheel = build_wheel(scratch)
        if missing := missing_from(wheel):
            sys.exit(f"wheel check: the wheel lacks {', '.join(missing)}")
        programs, size = install(wheel, scratch)
        elsewhere = scratch / "elsewhere"
        elsewhere.mkdir()
        env = stranger(scratch)
        version = run(programs / "pmcodex", "--version", cwd=elsewhere, env=env).strip()
        print(f"wheel: {wheel.name} answers {version!r}; {size:.0f} MB beyond an empty environment")
        run(programs / "pmcodex", "demo", cwd=elsewhere, env=env)
        print("wheel: pmcodex demo passes from the installed wheel")


if __name__ == "__main__":
    main()
