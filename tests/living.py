"""A living project for tests of the engine: a bare remote, its embedded forge, and who works there.

Real git throughout. Ada works by plain git in a clone of her own; pmcodex through its edges. The
clock stands still unless a test moves it, and every git process is written down.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from pmcodex.apply import Edges
from pmcodex.core.actions import PullDraft, Role
from pmcodex.core.board import Card
from pmcodex.core.facts import Pull
from pmcodex.core.policy import SandboxLimits
from pmcodex.forges.gitrefs import GitForge
from pmcodex.git.mirror import Mirror
from pmcodex.observe import Seen, Sources, observe
from pmcodex.ports import PMCODEX, Forge, MergeEnd, Person, Ran
from pmcodex.round import Frame
from pmcodex.state.journal import Journal
from pmcodex.state.store import Store
from pmcodex.texts import load_templates

EVERY = tuple(Role)
TEMPLATES = load_templates()


@dataclass
class StillClock:
    """A clock that only a sleep, or a test, moves."""

    at: float = 1_700_000_000.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds


@dataclass
class ScriptedSandbox:
    """Runs nothing: writes what it was told to write, and ends as it was told to end."""

    writes: Mapping[str, str | None] = field(default_factory=dict)
    code: int = 0
    output: str = ""
    timed_out: bool = False
    ran: list[tuple[str, ...]] = field(default_factory=list)
    kind: str = "none"

    def run(self, argv: Sequence[str], folder: Path, limits: SandboxLimits, timeout: float) -> Ran:
        self.ran.append(tuple(argv))
        for path, text in self.writes.items():
            place = folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.unlink(missing_ok=True) if text is None else place.write_text(text, "utf-8")
        return Ran(self.code, self.output, 0.1, self.timed_out)


def plain_git(folder: Path, *args: str) -> str:
    ran = subprocess.run(
        ["git", *args], cwd=folder, env=os.environ | {"LC_ALL": "C"}, capture_output=True,
        text=True, timeout=60,
    )  # fmt: skip
    assert ran.returncode == 0, f"git {' '.join(args)} failed: {ran.stderr}"
    return ran.stdout.strip()


class Project:
    """One project at `remote`; `machine` is this one's name."""

    def __init__(self, remote: Path, scratch: Path) -> None:
        self.remote = remote
        self.scratch = scratch
        self.clock = StillClock()
        self.sandbox = ScriptedSandbox()
        self.store = self.fresh_store("state")
        self.journal = Journal(scratch / "state")
        self.git = Mirror.open(str(remote), scratch / "mirror.git")
        self.forge: Forge = self.forge_of(PMCODEX)
        self._ada = scratch / "ada"
        plain_git(scratch, "clone", "-q", str(remote), str(self._ada))

    def fresh_store(self, name: str) -> Store:
        """The checkpoint in a folder of that name, as the last `save` left it there."""
        folder = self.scratch / name
        folder.mkdir(exist_ok=True)
        store = Store(folder)
        store.load()
        return store

    def forge_of(self, person: Person) -> GitForge:
        return GitForge(self.git, self.clock, actor=person, branch_prefix="feature/")

    # --- people --------------------------------------------------------------------------------

    def commit(
        self, files: Mapping[str, str | bytes | None], branch: str = "main", email: str = ""
    ) -> str:
        """Ada (or whoever has that address) commits files (None: deleted) and pushes."""
        ada = self._ada
        plain_git(ada, "fetch", "-q", "--prune", "origin")
        plain_git(ada, "checkout", "-q", "-B", branch, self._start(branch))
        for path, text in files.items():
            place = ada / path
            if text is None:
                place.unlink()
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(text.encode() if isinstance(text, str) else text)
        plain_git(ada, "add", "-A")
        who = ("-c", f"user.email={email}") if email else ()
        plain_git(ada, *who, "commit", "-q", "--allow-empty", "-m", f"Change {len(files)} files")
        plain_git(ada, "push", "-q", "origin", branch)
        return plain_git(ada, "rev-parse", "HEAD")

    def _start(self, branch: str) -> str:
        return f"origin/{branch}" if self.tip(branch) else "origin/main"

    def push(self, branch: str, *commits: Mapping[str, str], machine: str = "here") -> str:
        """A branch as pmcodex on that machine makes it: its own commits, with their trailers."""
        from pmcodex.core.actions import FileEdit
        from pmcodex.core.guard import RoleGuard
        from pmcodex.ports import RefUpdate

        refs = self.git.sync()
        old = refs.get(f"refs/heads/{branch}", "")
        tip = old or refs["refs/heads/main"]
        for files in commits:
            edits = [FileEdit(path, text) for path, text in files.items()]
            message = f"Work\n\nPmcodex-Machine: {machine}\n"
            tip = self.git.commit(tip, edits, message, at=int(self.clock.now()))
        update = RefUpdate(f"refs/heads/{branch}", tip, old)
        assert self.git.push([update], RoleGuard("main", "feature/")).ended == "done"
        return tip

    def drop(self, branch: str) -> None:
        plain_git(self.remote, "update-ref", "-d", f"refs/heads/{branch}")

    def tip(self, branch: str) -> str:
        name = f"refs/heads/{branch}"
        return plain_git(self.remote, "for-each-ref", "--format=%(objectname)", name)

    def text(self, branch: str, path: str) -> str:
        return plain_git(self.remote, "show", f"refs/heads/{branch}:{path}")

    def refs(self) -> dict[str, str]:
        """Every ref of the remote."""
        lines = plain_git(self.remote, "for-each-ref", "--format=%(refname) %(objectname)")
        return dict(line.split(" ") for line in lines.splitlines())

    def pull(self, branch: str, title: str = "", body: str = "") -> Pull:
        """Open a pull as pmcodex."""
        return self.forge.open_pull(branch, PullDraft(title or branch, body, "main"))

    def merge(self, number: int) -> str:
        pull = next(pull for pull in self.forge.pulls() if pull.number == number)
        merged = self.forge.merge(number, expected_head=pull.head_sha, message=f"#{number}")
        assert merged.ended is MergeEnd.MERGED, merged
        return merged.sha

    # --- the engine ----------------------------------------------------------------------------

    def sources(self, machine: str = "here") -> Sources:
        return Sources(self.git, self.forge, self.store, machine)

    def look(self, *roles: Role) -> Seen:
        """Observe for these roles, or for every one of them."""
        return observe(self.sources(), roles or EVERY)

    def card(self, task_id: str = "T-0001") -> Card:
        card = self.look(Role.DEVELOPER).board.card(task_id)
        assert card is not None
        return card

    def edges(self) -> Edges:
        return Edges(self.git, self.forge, self.store, self.clock, cache(lambda: self.sandbox))

    def frame(self, **fields: object) -> Frame:
        frame = Frame(self.sources(), self.edges(), self.journal, TEMPLATES, "run-1", "sample")
        return replace(frame, **fields)  # type: ignore[arg-type]


class GitTrace:
    """Counts git processes of ours, by the trace that git itself writes."""

    def __init__(self, home: Path) -> None:
        self._log = home / "trace.json"
        with (home / "gitconfig").open("a", encoding="utf-8") as config:
            config.write(f"[trace2]\n\teventTarget = {self._log}\n")

    def restart(self) -> None:
        self._log.unlink(missing_ok=True)

    def commands(self) -> list[str]:
        """The verb of each git process that was started from outside git."""
        if not self._log.exists():
            return []
        events = [json.loads(line) for line in self._log.read_text("utf-8").splitlines()]
        return [
            event["name"]
            for event in events
            if event["event"] == "cmd_name" and "/" not in event["sid"]
        ]
