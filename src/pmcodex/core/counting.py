"""Counting in words: "1 task", "2 tasks". What must never happen here: a noun of odd plural."""

from __future__ import annotations


def counted(count: int, noun: str) -> str:
    """A number with its noun, whose plural takes an s."""
    return f"{count} {noun}{'s' * (count != 1)}"
