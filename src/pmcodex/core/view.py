"""View: what a role is given to decide on. Facts, policy and texts; nothing that can act."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pmcodex.core.board import Board
from pmcodex.core.facts import Pull, PullState, Snapshot
from pmcodex.core.policy import Policy
from pmcodex.core.templates import Templates


@dataclass(frozen=True, slots=True)
class View:
    """One round's facts for a role. `now` is in seconds since the epoch, `me` our author name.

    `only_pull` narrows Checker and Reviewer to one pull (0: all). `project` is the repository's
    name. `again`: checks are wanted anew, whatever outcomes they have, and what a person
    declined is wanted after all. `set_aside` holds the ids of tasks that this round is done with,
    and why (empty: an outcome told it).
    """

    snapshot: Snapshot
    board: Board
    policy: Policy
    templates: Templates
    now: float
    me: str
    project: str = "project"
    only_pull: int = 0
    again: bool = False
    set_aside: Mapping[str, str] = field(default_factory=dict)

    def open_pull(self, branch: str) -> Pull | None:
        """The open pull of a branch, if there is one."""
        return next(
            (
                pull
                for pull in self.snapshot.pulls
                if pull.head == branch and pull.state is PullState.OPEN
            ),
            None,
        )
