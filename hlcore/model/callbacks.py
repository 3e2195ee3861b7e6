"""What a caller hands to work that takes long: a clock, a listener for progress, and a signal to stop.

Use cases receive these as arguments, so that none of them knows a screen or the system's clock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

Now = Callable[[], datetime]
"""Returns the current time in UTC."""

StopSignal = Callable[[], bool]
"""Polled while work goes on; returns True once it should stop."""


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` units of `stage` (total 0: not known yet); `note` in plain words."""

    stage: str
    done: int = 0
    total: int = 0
    note: str = ""

    @property
    def share(self) -> float | None:
        """The done share, 0 … 1; None while the total is not known."""
        return min(1.0, self.done / self.total) if self.total > 0 else None


Listener = Callable[[Progress], None]
"""Receives progress; may raise to stop the work."""


def ignore_progress(progress: Progress) -> None:
    """Do nothing: the default listener."""


def never() -> bool:
    """Return False: the default signal to stop."""
    return False
