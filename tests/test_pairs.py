"""The benchmarks time in turns, compare neighbours and don't count the first pair."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
from pairs import in_turns, spread, timed


def series(log: list[str], name: str, times: list[float]) -> Callable[[], float]:
    left = iter(times)

    def measure() -> float:
        log.append(name)
        return next(left)

    return measure


def test_pairs_are_taken_in_turns_and_compared_as_neighbours() -> None:
    log: list[str] = []
    slow = series(log, "A", [99, 2, 20, 6])
    fast = series(log, "B", [1, 1, 10, 2])
    found = in_turns(slow, fast, 3)
    assert "".join(log) == "ABABABAB"
    assert (found.one.mid, found.other.mid) == (6, 2)
    assert (found.ratio.low, found.ratio.mid, found.ratio.high) == (2, 2, 3)


def test_a_spread_reads_well() -> None:
    found = spread([0.010, 0.0301, 0.020])
    assert found.milliseconds().split() == ["20", "ms", "(10", "to", "30)"]
    assert found.times().split() == ["0.02", "x", "(0.01", "to", "0.03)"]


def test_a_command_that_fails_is_not_timed() -> None:
    assert timed([sys.executable, "-c", "pass"]) > 0
    with pytest.raises(SystemExit, match="boom"):
        timed([sys.executable, "-c", "raise SystemExit('boom')"])
