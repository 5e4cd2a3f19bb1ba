"""The forges under contract: each site is a fresh project, its forge, and a person's plain git.

A new forge is one more class here and one more line in `SITES`.
"""

from __future__ import annotations

import itertools
import os
import subprocess
from pathlib import Path
from typing import Protocol

from pmcodex.forges.gitrefs import GitForge
from pmcodex.git.mirror import Mirror
from pmcodex.ports import Forge, Person


class Site(Protocol):
    """One project whose main holds README.md."""

    def forge(self, name: str = "Bot") -> Forge:
        """A fresh client that acts as `name` and shares nothing with the others."""
        ...

    def commit(self, branch: str, path: str, text: str) -> str:
        """A person commits one file on a branch (new ones start at main) and pushes it."""
        ...

    def delete(self, branch: str) -> None: ...

    def tip(self, branch: str) -> str:
        """The branch's sha as the remote has it; empty: it is not there."""
        ...

    def text(self, branch: str, path: str) -> str: ...


class Ticking:
    """A clock that moves one second a look and sleeps at once."""

    def __init__(self) -> None:
        self._time = itertools.count(1_700_000_000)

    def now(self) -> float:
        return float(next(self._time))

    def sleep(self, seconds: float) -> None:
        assert 0 <= seconds < 1


def run_git(folder: Path, *args: str) -> str:
    env = os.environ | {"LC_ALL": "C"}
    ran = subprocess.run(
        ["git", *args], cwd=folder, env=env, capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 0, f"git {' '.join(args)} failed: {ran.stderr}"
    return ran.stdout.strip()


class GitSite:
    """The embedded forge on `folder`, reached as `url`; people work in a clone of their own."""

    def __init__(self, folder: Path, url: str, scratch: Path) -> None:
        self.folder = folder
        self.url = url
        self._scratch = scratch
        self._clones = itertools.count()
        self._human = scratch / "human"
        run_git(scratch, "clone", "-q", str(folder), str(self._human))

    def mirror(self) -> Mirror:
        return Mirror.open(self.url, self._scratch / f"mirror-{next(self._clones)}")

    def forge(self, name: str = "Bot") -> GitForge:
        person = Person(name, f"{name.lower()}@example.org")
        return GitForge(self.mirror(), Ticking(), actor=person, branch_prefix="feature/")

    def commit(self, branch: str, path: str, text: str) -> str:
        run_git(self._human, "fetch", "-q", "--prune", "origin")
        start = f"origin/{branch}" if self.tip(branch) else "origin/main"
        run_git(self._human, "checkout", "-q", "-B", branch, start)
        place = self._human / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
        run_git(self._human, "add", path)
        run_git(self._human, "commit", "-q", "--allow-empty", "-m", f"Change {path}")
        self._publish(branch)
        return run_git(self._human, "rev-parse", "HEAD")

    def _publish(self, branch: str) -> None:
        run_git(self._human, "push", "-q", "origin", branch)

    def delete(self, branch: str) -> None:
        run_git(self.folder, "update-ref", "-d", f"refs/heads/{branch}")

    def tip(self, branch: str) -> str:
        return run_git(
            self.folder, "for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}"
        )

    def text(self, branch: str, path: str) -> str:
        return run_git(self.folder, "show", f"refs/heads/{branch}:{path}")


class OwnRemote(GitSite):
    """A repository without a remote, which is its own; a person works in it, on main."""

    def _publish(self, branch: str) -> None:
        if branch == "main":
            run_git(self.folder, "pull", "-q", "--ff-only", str(self._human), branch)
        else:
            super()._publish(branch)
