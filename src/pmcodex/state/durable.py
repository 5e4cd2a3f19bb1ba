"""Files that a kill, a crash or a full disk leaves either old or new, never in between.

What must never happen here: opening the file that is being replaced, or leaving half a one.
"""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

from pmcodex.errors import InvalidInput, PmcodexError, TryLater

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR}


def replace(path: Path, data: bytes) -> None:
    """Make `data` the content of `path`, readable by its owner alone, on disk when this returns.

    Raises TryLater on a full disk and InvalidInput where writing is not allowed; the old file is
    as it was then.
    """
    fresh = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        try:
            _write(fresh, data)
            fresh.replace(path)
        except OSError:
            with suppress(OSError):
                fresh.unlink()
            raise
        _sync_folder(path.parent)
    except OSError as error:
        raise unwritable(path, error) from error


def sweep(path: Path) -> None:
    """Remove what writers of `path` that were killed left behind."""
    for fresh in path.parent.glob(f"{path.name}.*.tmp"):
        pid = fresh.name.removeprefix(f"{path.name}.").removesuffix(".tmp")
        if pid.isdigit() and not alive(int(pid)):
            with suppress(OSError):
                fresh.unlink()


def alive(pid: int) -> bool:
    """Whether a process of this machine has that id."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def private_folder(path: Path) -> Path:
    """The folder, made if need be, open to its owner alone. Its parents keep their modes."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)
        if path.stat().st_mode & 0o077:
            path.chmod(0o700)
    except OSError as error:
        raise unwritable(path, error) from error
    return path


def unwritable(path: Path, error: OSError) -> PmcodexError:
    """What to tell a person about a file or folder that can't be written."""
    reason = error.strerror or str(error)
    if error.errno in _FULL:
        return TryLater(
            f"{path} can't be written: {reason}",
            hint="Free some space (or raise the limit) and run it again; nothing was lost.",
        )
    if error.errno in _FORBIDDEN:
        return InvalidInput(
            f"{path} can't be written: {reason}",
            hint="Give this user the right to write there, or set WORKDIR_ROOT to another folder.",
        )
    return TryLater(f"{path} can't be written: {reason}", hint="Look at the disk, then try again.")


def _write(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
