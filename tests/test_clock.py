"""The system's clock: now is now, and a sleep of nothing is no error."""

from __future__ import annotations

import time

from pmcodex.clock import SystemClock
from pmcodex.ports import Clock


def test_now_is_the_epochs_seconds() -> None:
    clock: Clock = SystemClock()
    before = time.time()
    assert before <= clock.now() <= time.time()


def test_sleep_waits_at_least_as_long_as_asked_and_takes_what_is_past() -> None:
    clock = SystemClock()
    began = time.monotonic()
    clock.sleep(0.02)
    assert time.monotonic() - began >= 0.02
    clock.sleep(-5)
