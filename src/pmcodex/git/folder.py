"""The mirror's folder: made in a temp place and renamed last, remembered refs, repair.

What must never happen here: a half-made mirror under the final name.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from pmcodex.errors import InvalidInput
from pmcodex.git.process import GitProcess, text
from pmcodex.git.remote import allows_partial, read_refs

_REMEMBERED = "pmcodex-refs.json"
_DAMAGED = "pmcodex-damaged"
_SHAPE = 1
_STALE_LOCK = 10.0
_OLDEST = (2, 38)
_LOOSE, _PACKS = 27, 50

LOOK = ("ls-remote", "--symref", "origin", "HEAD", "refs/heads/*", "refs/pmcodex/*")


def remembered(folder: Path) -> dict[str, str] | None:
    """The refs as of the last fetch or push; None where they are not known."""
    try:
        data = json.loads((folder / _REMEMBERED).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return dict(data["refs"]) if isinstance(data, dict) and data.get("shape") == _SHAPE else None


def remember(folder: Path, refs: Mapping[str, str]) -> None:
    """Keep the refs; the file is replaced whole or not at all."""
    handle, name = tempfile.mkstemp(dir=folder, prefix="pmcodex-refs-")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump({"shape": _SHAPE, "refs": dict(refs)}, file)
    Path(name).replace(folder / _REMEMBERED)


def mark_damaged(folder: Path) -> None:
    """Have the next `prepare` build the mirror anew."""
    (folder / _DAMAGED).touch()


def is_damaged(folder: Path) -> bool:
    """Whether the mirror was marked so."""
    return (folder / _DAMAGED).exists()


def prepare(folder: Path, url: str, timeout: float) -> None:
    """See that `folder` holds a mirror of `url`: keep the one that is there, or build it."""
    if _is_whole(folder, url):
        _drop_stale_locks(folder)
        _tidy(folder, timeout)
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        _build(scratch, url, timeout)
        if folder.exists():
            remove(folder)
        scratch.rename(folder)
    finally:
        if scratch.exists():
            remove(scratch)


def _is_whole(folder: Path, url: str) -> bool:
    if is_damaged(folder) or remembered(folder) is None:
        return False
    if not all((folder / name).exists() for name in ("HEAD", "objects", "refs")):
        return False
    try:
        config = (folder / "config").read_text("utf-8")
    except (OSError, ValueError):
        return False
    return f"\turl = {_quoted(url)}\n" in config


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _build(folder: Path, url: str, timeout: float) -> None:
    git = GitProcess(None, timeout)
    _require_version(git)
    seen = read_refs(text(git("ls-remote", "--symref", "--", url).out))
    wide = any(len(sha) == 64 for name, sha in seen.items() if name != "HEAD")
    kind = "sha256" if wide else "sha1"
    git("init", "-q", "--bare", "--template=", f"--object-format={kind}", str(folder))
    _configure(folder, url)
    remember(folder, {})


def _require_version(git: GitProcess) -> None:
    said = text(git("version").out)
    found = re.search(r"(\d+)\.(\d+)", said)
    if not found or (int(found[1]), int(found[2])) < _OLDEST:
        raise InvalidInput(
            f"pmcodex needs git 2.38 or newer; this is {said.strip()}", hint="install a newer git"
        )


_PARTIAL = "\tpromisor = true\n\tpartialclonefilter = blob:none\n"


def is_partial(folder: Path) -> bool:
    """Whether the mirror leaves blobs at the remote until they are read."""
    return _PARTIAL in (folder / "config").read_text("utf-8")


def forget_partial(folder: Path) -> None:
    """Have later fetches bring every blob."""
    config = (folder / "config").read_text("utf-8").replace(_PARTIAL, "")
    scratch = folder / "pmcodex-config"
    scratch.write_text(config, "utf-8")
    scratch.replace(folder / "config")


def _configure(folder: Path, url: str) -> None:
    with (folder / "config").open("a", encoding="utf-8") as file:
        file.write(
            f'[remote "origin"]\n\turl = {_quoted(url)}\n'
            "\tfetch = +refs/heads/*:refs/remotes/origin/*\n"
            "\tfetch = +refs/pmcodex/*:refs/pmcodex/remote/*\n"
            f"{_PARTIAL if allows_partial(url) else ''}"
        )


def _drop_stale_locks(folder: Path) -> None:
    """Remove what a killed git left. The caller holds the project's lock, so nobody uses them."""
    oldest = time.time() - _STALE_LOCK
    places = ("*.lock", "objects/*/*.lock", "objects/info/*/*.lock", "refs/**/*.lock", "gc.pid")
    for lock in (lock for place in (*places, "fast_import_crash_*") for lock in folder.glob(place)):
        try:
            if lock.stat().st_mtime < oldest:
                lock.unlink()
        except FileNotFoundError:
            continue


def _tidy(folder: Path, timeout: float) -> None:
    """Pack the mirror when it has become slow; by the measure that git's own gc takes."""
    loose = sum(1 for _ in folder.glob("objects/17/*"))
    packs = sum(1 for _ in folder.glob("objects/pack/*.pack"))
    if loose > _LOOSE or packs > _PACKS:
        GitProcess(folder, timeout)("gc", "-q", ok=None)


def remove(folder: Path) -> None:
    """Remove a folder of ours and all below it, even what was made read-only."""
    for root, names, _ in os.walk(folder):
        for place in (Path(root), *(Path(root, n) for n in names)):
            if not place.is_symlink():
                place.chmod(stat.S_IRWXU)
    shutil.rmtree(folder, ignore_errors=True)
