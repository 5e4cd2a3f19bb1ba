"""Size: a change that is too big to be read with care."""

from __future__ import annotations

from pmcodex.reviewing.change import Change, Remark

NAME = "size"
WHY = "Small changes are reviewed well, large ones are waved through."


def look(change: Change) -> tuple[Remark, ...]:
    """A remark for each limit of the policy that the change is over."""
    limits = change.policy.limits
    files = len(change.diff.files)
    lines = sum(file.added + file.removed for file in change.diff.files)
    said = []
    if files > limits.files:
        said.append(f"{files} files changed; the policy's limit is {limits.files}")
    if lines > limits.lines:
        said.append(f"{lines} lines added and removed; the policy's limit is {limits.lines}")
    return tuple(Remark(NAME, "medium", message) for message in said)
