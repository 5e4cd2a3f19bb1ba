"""A working folder as a project: its top, its remote, who works in it. Only reads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pmcodex.errors import InvalidInput
from pmcodex.git.process import GitProcess, text
from pmcodex.ports import Person


@dataclass(frozen=True, slots=True)
class LocalRepository:
    """A repository on this machine.

    `folder` is the top of its files (of the repository itself, where it is bare), `origin` the
    address of its remote of that name (empty: it has none), `user` whom git's configuration names
    (parts may be empty).
    """

    folder: Path
    origin: str
    user: Person

    @property
    def url(self) -> str:
        """The project's remote: a repository without one is its own remote."""
        return self.origin or str(self.folder)


def describe_repository(path: Path) -> LocalRepository | None:
    """The repository that a path lies in; None where it lies in none.

    Raises InvalidInput where git won't read it.
    """
    if not path.is_dir():
        return None
    git = GitProcess(None, 30)
    at = ("-C", str(path.resolve()))
    asked = ("--is-bare-repository", "--absolute-git-dir", "--show-toplevel")
    found = git(*at, "rev-parse", *asked, ok=None)
    # In a bare repository there is no top level: git answers the first two and complains.
    if len(found.lines) < 2:
        if "not a git repository" in found.err:
            return None
        raise InvalidInput(f"git can't read the repository at {path}: {found.err}")
    folder = Path(found.lines[-1])
    settings = _settings(git, at)
    origin = _absolute(settings.get("remote.origin.url", ""), folder)
    return LocalRepository(folder, origin, _user(settings))


def user_at(path: Path) -> Person:
    """Whom git's configuration names in a folder that need not be a repository."""
    return _user(_settings(GitProcess(None, 30), ("-C", str(path.resolve()))))


def why_committable(folder: Path, name: str) -> str:
    """Why `git add --all` in a repository's top would take a file: it is tracked or not ignored.

    Empty: it would not.
    """
    git, at = GitProcess(None, 30), ("-C", str(folder))
    if git(*at, "ls-files", "-z", "--", name, ok=(0, 128)).out:
        return "it is tracked by git"
    ignored = git(*at, "check-ignore", "--quiet", "--", name, ok=(0, 1, 128))
    return "git does not ignore it" if ignored.code == 1 else ""


def _user(settings: dict[str, str]) -> Person:
    return Person(settings.get("user.name", ""), settings.get("user.email", ""))


def _settings(git: GitProcess, at: tuple[str, ...]) -> dict[str, str]:
    wanted = r"^(remote\.origin\.url|user\.(name|email))$"
    out = text(git(*at, "config", "-z", "--get-regexp", wanted, ok=(0, 1)).out)
    pairs = (record.partition("\n") for record in out.split("\0") if record)
    return {name: value for name, _, value in pairs}


def _absolute(origin: str, folder: Path) -> str:
    """A remote given as a relative path is relative to the repository that names it."""
    return str((folder / origin).resolve()) if origin.startswith(("./", "../")) else origin
