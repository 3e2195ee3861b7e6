"""How long work tells whoever waits: an injected listener, so that no use case knows a screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` units of `stage` (total 0: not known yet); `note` in plain words."""

    stage: str
    done: int = 0
    total: int = 0
    note: str = ""

    @property
    def share(self) -> float | None:
        """Done share between 0 and 1; None while the total is not known."""
        return min(1.0, self.done / self.total) if self.total > 0 else None


Listener = Callable[[Progress], None]


def silent(progress: Progress) -> None:
    """A listener that nobody listens to."""
