"""Addresses of remotes, and what they answer, read: pure text work.

What must never happen here: a process, or a secret repeated in a message.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from pmcodex.errors import InvalidInput
from pmcodex.ports import RefUpdate

_SCHEMES = ("file", "git", "http", "https", "ssh")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_SCP = re.compile(r"(?:[^/:@]+@)?(?:\[[^\]/]+\]|[^/:@\[]+):")
_TOKEN = re.compile(
    r"(gh[a-z]_|github_pat_|glpat-|x-access-token|x-token|oauth2|[0-9a-f]{40}$)|.{30,}",
    re.IGNORECASE,
)
_SECRET_IN_QUERY = re.compile(r"[?&;](\w+[_-])?(token|password|secret|key)=", re.IGNORECASE)
_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def is_sha(name: str) -> bool:
    """Whether this is a full object id, SHA-1 or SHA-256."""
    return bool(_SHA.fullmatch(name))


def address(url: str) -> str:
    """The address as git gets it: a path becomes absolute, all else stays.

    Raises InvalidInput for transports other than paths, file, git, http, https and ssh, for
    option-like names and for addresses that carry a secret (which is not repeated).
    """
    _refuse_secret(url)
    if not url or re.match(r"([^/@:]*@)?-", url) or any(ord(c) < 32 for c in url):
        raise InvalidInput(
            f"{url!r} is not an address of a git repository",
            hint="use a path, or a file, ssh or https address",
        )
    scheme = _SCHEME.match(url)
    foreign = re.match(r"[A-Za-z0-9]+::", url) or (scheme and scheme[1].lower() not in _SCHEMES)
    if foreign or (scheme and re.match(r"([^/@]*@)?-", url[scheme.end() :])):
        raise InvalidInput(
            f"pmcodex does not speak the transport of an address like {url.split(':')[0]}:...",
            hint="use a path, or a file, ssh or https address",
        )
    if scheme or _SCP.match(url):
        return url
    return str(Path(url).expanduser().absolute().resolve())


def _refuse_secret(url: str) -> None:
    scheme = _SCHEME.match(url)
    user, found, _ = url[scheme.end() :].split("/")[0].rpartition("@") if scheme else ("", "", "")
    web = bool(scheme) and scheme[1].lower() != "ssh" if scheme else False
    secret = found and (":" in user or (web and _TOKEN.match(user)))
    if secret or re.match(r"[^/@:]+:[^/@]+@[^/@:]+:", url) or _SECRET_IN_QUERY.search(url):
        raise InvalidInput(
            "the repository's address carries a password or token",
            hint="take it out of the address and use GH_TOKEN or a git credential helper",
        )


def is_local(url: str) -> bool:
    """Whether an address (as `address` gives it) is a folder of this machine."""
    return url.startswith(("/", "file://"))


def local_folder(url: str) -> str:
    """The folder a local address names."""
    return urlsplit(url).path if url.startswith("file://") else url


def allows_partial(url: str) -> bool:
    """Whether a partial clone may be asked for; git ignores the wish for a plain path."""
    return not url.startswith("/")


def read_refs(out: str) -> dict[str, str]:
    """`git ls-remote --symref` as full ref -> sha, and "HEAD" -> the default branch's full name."""
    refs: dict[str, str] = {}
    for line in out.splitlines():
        value, _, name = line.partition("\t")
        if name == "HEAD" and value.startswith("ref: refs/heads/"):
            refs["HEAD"] = value.removeprefix("ref: ")
        elif name.startswith(("refs/heads/", "refs/pmcodex/")) and is_sha(value):
            refs[name] = value
    return refs


def with_default(refs: dict[str, str], url: str) -> dict[str, str]:
    """The refs with HEAD meaning the default branch.

    In a folder that people work in, HEAD is merely what is checked out: there `main`, else
    `master`, counts, where it exists.
    """
    if is_local(url) and (Path(local_folder(url)) / ".git").exists():
        usual = ("refs/heads/main", "refs/heads/master")
        default = next((name for name in usual if name in refs), refs.get("HEAD", ""))
        return {**refs, "HEAD": default} if default else refs
    return refs


def push_arguments(updates: Sequence[RefUpdate], url: str, *, atomic: bool) -> list[str]:
    """The arguments of the one push: every update by compare-and-swap, all or none."""
    leases = [f"--force-with-lease={u.ref}:{u.expected}" for u in updates]
    moves = [f"{u.new}:{u.ref}" for u in updates]
    return [
        "push",
        "--porcelain",
        "--no-verify",
        *(["--atomic"] if atomic else []),
        # A repository that is its own remote has a branch checked out: bring the files along.
        *([_UPDATE_FILES] if is_local(url) else []),
        *leases,
        "origin",
        *moves,
    ]


_UPDATE_FILES = (
    "--receive-pack=git -c receive.denyCurrentBranch=updateInstead"
    " -c core.fsmonitor=false receive-pack"
)


def standing(updates: Sequence[RefUpdate], refs: Mapping[str, str]) -> str:
    """Where the remote stands towards a push: "new" (all there), "old" (none moved), "other"."""
    if all(refs.get(u.ref, "") == u.new for u in updates):
        return "new"
    return "old" if all(refs.get(u.ref, "") == u.expected for u in updates) else "other"


_RACE = re.compile(
    r"stale info|cannot lock ref|failed to (lock|update ref)|already exists|but expected"
    r"|incorrect old value|fetch first",
    re.IGNORECASE,
)
_DIRTY = re.compile(
    r"unstaged changes|staged changes|could not update working tree|up-to-date check failed",
    re.IGNORECASE,
)


def is_race(words: str) -> bool:
    """Whether a rejection only says that somebody else was moving the ref."""
    return bool(_RACE.search(words)) and not _DIRTY.search(words)


def rejection(out: str, err: str, url: str) -> str:
    """Why the remote rejected a push, as one sentence."""
    if _DIRTY.search(out + err):
        return (
            f"the branch is checked out in {local_folder(url)} and its files have changes that are"
            " not committed: commit or stash them there, then merge again"
        )
    said = [m[1] for m in re.finditer(r"^!\t.*\[(?:remote )?rejected\] \((.*)\)$", out, re.M)]
    own = [w for w in said if not re.search(r"atomic (push|transaction)", w)]
    hook = any("hook declined" in w for w in own)
    words = "; ".join(dict.fromkeys([*own, err] if hook and err else own or [err]))
    return f"the remote refused the push: {words or 'it gave no reason'}"
