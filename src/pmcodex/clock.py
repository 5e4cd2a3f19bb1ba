"""Clock: the one room that looks at the time.

What must never happen here: anything but now and sleep. Everything else is given a `ports.Clock`.
"""

from __future__ import annotations

import time


class SystemClock:
    """The machine's own clock, for `ports.Clock`."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Wait; zero and less return at once."""
        time.sleep(max(0.0, seconds))
