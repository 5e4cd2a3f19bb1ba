"""Natural keys: branch names, hidden markers, digests. Render and parse are inverse.

What must never happen here: a random or a clock-made key; the same facts give the same key.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

TASKS_BRANCH = "pmcodex/tasks"
BOOKKEEPING_BRANCH = "pmcodex/bookkeeping"
PLAN_BRANCH = "pmcodex/plan"
INIT_BRANCH = "pmcodex/init"
RENUMBER_BRANCH = "pmcodex/renumber"
ROLLING_BRANCHES = (TASKS_BRANCH, BOOKKEEPING_BRANCH, PLAN_BRANCH, INIT_BRANCH, RENUMBER_BRANCH)

READY_LABEL = "ready_for_integration"

_SLUG_LIMIT = 40
_MARKER = re.compile(r"^<!-- pmcodex:([a-z-]+)(?: ([^\s>]+))? -->$", re.MULTILINE)


def slug(title: str) -> str:
    """The kebab-case form of a title: small ASCII letters, digits and single dashes."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    return words[:_SLUG_LIMIT].rstrip("-") or "task"


def task_branch(prefix: str, task_id: str, title: str, attempt: int = 1) -> str:
    """The branch of a task's attempt: `feature/T-0001-ci-setup`, later `...-ci-setup-2`."""
    suffix = f"-{attempt}" if attempt > 1 else ""
    return f"{prefix}{task_id}-{slug(title)}{suffix}"


def task_of_branch(prefix: str, branch: str) -> str:
    """The task id a branch name carries, or an empty string."""
    if not branch.startswith(prefix):
        return ""
    found = re.match(r"(T-[0-9]{4,9})(?:-|\Z)", branch.removeprefix(prefix))
    return found.group(1) if found else ""


def number(task_id: str) -> int:
    """42 for T-0042."""
    return int(task_id.removeprefix("T-"))


def task_id(value: int) -> str:
    """T-0042 for 42."""
    return f"T-{value:04d}"


def digest(*parts: str) -> str:
    """Sixteen hex digits over the parts; parts can't run into each other."""
    state = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        state.update(len(data).to_bytes(8, "big"))
        state.update(data)
    return state.hexdigest()[:16]


def marker(kind: str, value: str = "") -> str:
    """A hidden marker: an HTML comment on a line of its own."""
    return f"<!-- pmcodex:{kind}{' ' + value if value else ''} -->"


def read_marker(body: str, kind: str) -> str | None:
    """The value of a marker in a body (empty where it carries none), or None if it isn't there.

    A quoted marker (`> <!-- ... -->`) is not a marker: only whole lines count.
    """
    for found in _MARKER.finditer(body.replace("\r\n", "\n")):
        if found.group(1) == kind:
            return found.group(2) or ""
    return None
