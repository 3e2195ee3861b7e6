"""Time, injected: real in production, made up in tests."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from hlcore.errors import Cancelled

STEP = 0.25
"""Seconds between two looks at whether somebody asked to stop."""


class Clock(Protocol):
    """Where this room takes time from. Must be safe to use from several threads."""

    def now(self) -> datetime:
        """The moment, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Return after so many seconds."""
        ...


@dataclass(frozen=True, slots=True)
class SystemClock:
    """The computer's own clock. Any two are equal."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


TICK = 0.001
"""A shorter sleep would not move every clock."""


def stop_if(cancelled: Callable[[], bool] | None) -> None:
    """Raises Cancelled when somebody asked to stop."""
    if cancelled is not None and cancelled():
        raise Cancelled("Stopped on request")


def wait(clock: Clock, seconds: float, cancelled: Callable[[], bool] | None = None) -> None:
    """So many seconds have passed. Raises Cancelled within a quarter of a second of a wish to stop."""
    ends = clock.monotonic() + seconds
    stop_if(cancelled)
    while (left := ends - clock.monotonic()) > 0:
        clock.sleep(min(max(left, TICK), STEP))
        stop_if(cancelled)
