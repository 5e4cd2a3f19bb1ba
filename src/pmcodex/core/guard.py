"""What a push may touch: law 1 as two small values, asked by the one function that pushes.

A role's push never names the default branch and rewrites only what pmcodex made. A merge, which
a person or the project's policy asked of the embedded forge, moves one base branch forward.
What must never happen here: a guard that trusts a name it did not compare.
"""

from __future__ import annotations

from dataclasses import dataclass

from pmcodex.core.keys import ROLLING_BRANCHES, task_of_branch
from pmcodex.ports import RefUpdate

FORGE_REF = "refs/pmcodex/forge"


@dataclass(frozen=True, slots=True)
class RoleGuard:
    """The guard of every role: task branches, rolling branches and the forge's own ref."""

    default_branch: str
    branch_prefix: str

    def refusal(self, update: RefUpdate, *, forced: bool, ours: bool) -> str:
        branch = update.ref.removeprefix("refs/heads/")
        if branch == self.default_branch or update.ref == self.default_branch:
            return f"pmcodex never pushes to the default branch ({self.default_branch})"
        if update.ref == FORGE_REF:
            return "the forge's record is never rewritten" if forced or not update.new else ""
        if not update.ref.startswith("refs/heads/"):
            return f"{update.ref} is not a branch of pmcodex"
        if branch in ROLLING_BRANCHES:
            if forced and not ours:
                return f"somebody else's commits are on {branch}; pmcodex never rewrites those"
            return ""
        if task_of_branch(self.branch_prefix, branch):
            return f"pmcodex never rewrites or deletes a task's branch ({branch})" if forced else ""
        return f"{branch} is not a branch of pmcodex"


@dataclass(frozen=True, slots=True)
class MergeGuard:
    """The guard of a merge on the embedded forge: base forward, the forge's ref, the head gone."""

    base: str
    head: str

    def refusal(self, update: RefUpdate, *, forced: bool, ours: bool) -> str:
        if update.ref == f"refs/heads/{self.head}" and self.head != self.base and not update.new:
            return ""
        if update.ref not in (f"refs/heads/{self.base}", FORGE_REF):
            return f"a merge into {self.base} does not touch {update.ref}"
        return f"a merge never rewrites {update.ref}" if forced or not update.new else ""
