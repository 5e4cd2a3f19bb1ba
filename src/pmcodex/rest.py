"""Rest: knowing in one look that nothing moved since a round found nothing to do.

For cron, which asks every half hour and mostly in vain. It loads next to nothing and reads two
values of the checkpoint as they are. What must never happen here: rest after a round that did,
refused or postponed anything, or on facts taken after the round's own.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from pmcodex import __version__
from pmcodex.core.actions import Role
from pmcodex.core.keys import digest
from pmcodex.ports import Git

REST = 900.0
"""Seconds for which an unmoved remote is believed: claims expire and sandboxes get installed."""


def idle_key(git: Git, roles: Sequence[Role], default_branch: str) -> str:
    """What a round's decision depends on, where pulls and refs are in one remote.

    Taken before anything else is looked at: what moves later makes another key.
    """
    parts = [f"{ref} {sha}" for ref, sha in sorted(git.sync().items())]
    return digest(__version__, ",".join(sorted(roles)), default_branch, *parts)


def rests(state: Path, key: str, now: float) -> bool:
    """Whether the last round with this key found nothing to do, not too long ago.

    A checkpoint that can't be read says no, and the round that follows looks after it.
    """
    try:
        point = json.loads((state / "checkpoint.json").read_bytes())
        return bool(point["idle"] == key and now < point["idle_until"] <= now + REST)
    except (OSError, ValueError, KeyError, TypeError):
        return False
