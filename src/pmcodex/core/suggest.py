"""Did you mean: the known word nearest to an unknown one.

What must never happen here: acting on a guess. A suggestion is for a person to read.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(word: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """The known word most like `word`, letter case aside; empty where none is near enough.

    `cutoff` is difflib's ratio: 1 asks for the same letters, 0.6 forgives about a third.
    """
    by_fold = {choice.casefold(): choice for choice in known}
    found = get_close_matches(word.casefold(), by_fold, n=1, cutoff=cutoff)
    return by_fold[found[0]] if found else ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A question for a hint, or, where nothing is near, the list of what there is."""
    choices = sorted(known)
    if found := nearest(word, choices):
        return f"Did you mean {found}?"
    return f"Known are: {', '.join(choices)}." if choices else ""
