"""Time, injected: the system's clock in production, a simulated one in tests."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from hlcore.errors import Cancelled

CANCEL_CHECK_SECONDS = 0.25
"""How often a wait checks whether it was cancelled."""


class Clock(Protocol):
    """A source of time. Must be safe to use from several threads."""

    def now(self) -> datetime:
        """The current time, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since an arbitrary moment; never goes back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Return after this many seconds."""
        ...


@dataclass(frozen=True, slots=True)
class SystemClock:
    """The system's clock. Any two are equal."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


SHORTEST_SLEEP = 0.001
"""Shorter sleeps would not advance every clock."""


def raise_if_cancelled(cancelled: Callable[[], bool] | None) -> None:
    """Raise Cancelled when `cancelled` says so."""
    if cancelled is not None and cancelled():
        raise Cancelled("Stopped on request")


def wait(clock: Clock, seconds: float, cancelled: Callable[[], bool] | None = None) -> None:
    """Wait this many seconds. Raises Cancelled within a quarter of a second after `cancelled` turns True."""
    deadline = clock.monotonic() + seconds
    raise_if_cancelled(cancelled)
    while (left := deadline - clock.monotonic()) > 0:
        clock.sleep(min(max(left, SHORTEST_SLEEP), CANCEL_CHECK_SECONDS))
        raise_if_cancelled(cancelled)
