"""Wiring: the only room that names concrete edges and puts them together.

What must never happen here: a decision about the project, or an edge that is built before a
command needs it.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pmcodex.clock import SystemClock
from pmcodex.errors import InvalidInput
from pmcodex.ports import PMCODEX, Clock, Forge, Git, Person, Sandbox

if TYPE_CHECKING:
    from pmcodex.config.loading import Loaded
    from pmcodex.core.actions import Role
    from pmcodex.git.local import LocalRepository
    from pmcodex.observe import Sources
    from pmcodex.round import Frame
    from pmcodex.state.journal import Journal
    from pmcodex.state.store import Store


@dataclass(frozen=True)
class Session:
    """One command's outside: settings, the project's address and its edges, made when asked for.

    `person` is who a human's verbs (approve, merge, comment) are recorded as.
    """

    loaded: Loaded
    url: str
    person: Person
    folder: Path
    clock: Clock
    local: LocalRepository | None = None

    @property
    def project(self) -> str:
        """The repository's name: the last part of its address."""
        return self.url.rstrip("/").rsplit("/", 1)[-1].removesuffix(".git") or "project"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def machine(self) -> str:
        """Who claims: this host and this state folder, so that two of either are told apart."""
        from pmcodex.core.keys import digest

        return f"{socket.gethostname()}-{digest(str(self.folder))[:6]}"

    @cached_property
    def git(self) -> Git:
        from pmcodex.git.mirror import Mirror

        return Mirror.open(self.url, self.folder / "mirror.git")

    @cached_property
    def store(self) -> Store:
        from pmcodex.state.store import Store

        store = Store(self.state)
        store.load()
        return store

    @cached_property
    def journal(self) -> Journal:
        from pmcodex.core.redaction import Redactor
        from pmcodex.state.journal import Journal

        return Journal(self.state, Redactor(self.loaded.settings.secrets()))

    def forge(self, actor: Person = PMCODEX) -> Forge:
        """The project's forge, acting as a role or as a person."""
        from pmcodex.forges.gitrefs import GitForge

        return GitForge(
            self.git,
            self.clock,
            actor=actor,
            branch_prefix="feature/",
            default_branch=self.loaded.settings.default_branch,
        )

    def sandbox(self) -> Sandbox:
        """The safest place for project code that this machine has."""
        from pmcodex.sandbox.walls import find_sandbox

        settings = self.loaded.settings
        return find_sandbox(
            allow_none=settings.allow_unsandboxed,
            tool_path=settings.check_path or os.environ.get("PATH", ""),
            hidden=[self.folder],
        )

    def sandbox_for_code(self) -> Sandbox:
        """The same, for running code in it. Raises Refused where it has no walls nor may lack."""
        from pmcodex.sandbox.walls import NoSandbox

        sandbox = self.sandbox()
        if isinstance(sandbox, NoSandbox):
            sandbox.require_allowed()
        return sandbox

    def sources(self, forge: Forge) -> Sources:
        """What `observe` looks at."""
        from pmcodex.observe import Sources

        default_branch = self.loaded.settings.default_branch
        return Sources(self.git, forge, self.store, self.machine, default_branch)

    def idle_key(self, roles: Sequence[Role]) -> str:
        """The facts on which these roles may rest; empty: this project's forge allows none."""
        from pmcodex.rest import idle_key

        return idle_key(self.git, roles, self.loaded.settings.default_branch)

    def rests(self, key: str) -> bool:
        """Whether nothing moved since a round with these facts found nothing to do."""
        from pmcodex.rest import rests

        return rests(self.state, key, self.clock.now())

    def frame(self, *, dry_run: bool = False, only_pull: int = 0, idle_key: str = "") -> Frame:
        """A round's frame over these edges, acting as pmcodex."""
        from pmcodex.apply import Edges
        from pmcodex.round import Frame
        from pmcodex.state.journal import new_run_id
        from pmcodex.texts import load_templates

        forge = self.forge()
        return Frame(
            self.sources(forge),
            Edges(self.git, forge, self.store, self.clock, cache(self.sandbox_for_code)),
            self.journal,
            load_templates(),
            new_run_id(self.clock.now(), os.urandom(4)),
            self.project,
            dry_run,
            only_pull,
            idle_key=idle_key,
        )

    @contextmanager
    def locked(self, command: str, patience: float = 0.0) -> Iterator[None]:
        """Hold the project's lock on this machine. Raises `Held` where another run has it.

        Waits as long as PMCODEX_LOCK_WAIT says, and at least `patience` seconds.
        """
        from pmcodex.state.lock import project_lock

        wait = max(self.loaded.settings.lock_wait, patience)
        with project_lock(self.state, command, now=self.clock.now(), wait=wait):
            yield


def open_session(
    repo: str | None, env: Mapping[str, str], here: Path, clock: Clock | None = None
) -> Session:
    """Find the project a command is about: `--repo`, else PROJECT_CLONE_URL, else this folder.

    Raises InvalidInput where there is none, or where a setting is wrong.
    """
    from pmcodex.config.loading import load_settings
    from pmcodex.git.local import describe_repository, user_at
    from pmcodex.state.store import state_folder

    named = Path(repo) if repo and Path(repo).exists() else None
    local = describe_repository(named or here)
    folders = [here] + ([local.folder] if local is not None else [])
    loaded = load_settings(env, folders, {"PROJECT_CLONE_URL": None if named else repo})
    settings = loaded.settings
    url = settings.project_clone_url
    if named is not None or not url:
        if local is None:
            raise InvalidInput(
                f"{named or here} is not in a git repository",
                hint="go to one, name one with --repo, or set PROJECT_CLONE_URL",
            )
        url = local.url
    else:
        local = None
    person = local.user if local is not None else user_at(here)
    name = settings.actor or person.name or env.get("USER", "") or "maintainer"
    folder = state_folder(settings.workdir_root, url)
    actor = Person(name, person.email or f"{name}@localhost")
    return Session(loaded, url, actor, folder, clock or SystemClock(), local)
