"""Two ways to do a thing, timed in turns (A B A B ...), so that a noisy machine wrongs neither.

Times are wall-clock seconds. A ratio is made per pair, of neighbours in time, and the median of
the ratios is what counts.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

Measure = Callable[[], float]
"""Does the thing once, however it is set up, and returns how long the thing itself took."""


@dataclass(frozen=True)
class Spread:
    """Median, least and most of a series."""

    mid: float
    low: float
    high: float

    def milliseconds(self) -> str:
        return f"{self.mid * 1e3:7.0f} ms ({self.low * 1e3:.0f} to {self.high * 1e3:.0f})"

    def times(self) -> str:
        return f"{self.mid:7.2f} x  ({self.low:.2f} to {self.high:.2f})"


@dataclass(frozen=True)
class Pairs:
    """What came of timing one thing against another."""

    one: Spread
    other: Spread
    ratio: Spread


def spread(series: Sequence[float]) -> Spread:
    """Sum up a series that is not empty."""
    return Spread(median(series), min(series), max(series))


def in_turns(one: Measure, other: Measure, rounds: int) -> Pairs:
    """Measure both in turns, after one uncounted pair; the ratio is one over other."""
    one(), other()
    pairs = [(one(), other()) for _ in range(rounds)]
    return Pairs(
        spread([first for first, _ in pairs]),
        spread([second for _, second in pairs]),
        spread([first / second for first, second in pairs]),
    )


def timed(
    argv: Sequence[str | Path], cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> float:
    """How long a command takes that must succeed and whose output is thrown away."""
    words = [str(word) for word in argv]
    start = time.perf_counter()
    ran = subprocess.run(
        words, cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    took = time.perf_counter() - start
    if ran.returncode:
        sys.exit(f"{ran.stdout}{ran.stderr}\n{' '.join(words)} ended with {ran.returncode}")
    return took


def pmcodex(*words: str) -> list[str]:
    """The command line of the installed program, as a user starts it."""
    return [str(Path(sys.executable).parent / "pmcodex"), *words]


def rounds(default: int) -> int:
    """How many pairs to time: BENCH_ROUNDS, else what the benchmark thinks enough."""
    return int(os.environ.get("BENCH_ROUNDS", default))
