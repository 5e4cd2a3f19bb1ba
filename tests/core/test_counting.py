"""Numbers with their nouns."""

from __future__ import annotations

from pmcodex.core.counting import counted


def test_only_one_is_singular() -> None:
    said = [counted(count, "task") for count in (0, 1, 2)]
    assert said == ["0 tasks", "1 task", "2 tasks"]
