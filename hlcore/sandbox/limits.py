"""HighLevel's budget per location: 100 requests in 10 seconds and 200,000 a day (Authorization page)."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

DAY = 86_400.0


@dataclass(slots=True)
class Budget:
    """Counts always, refuses only when ``enforced``.

    ``real_time``: measure with the monotonic clock instead of the sandbox's own ``now``."""

    enforced: bool = False
    real_time: bool = False
    burst: int = 100
    interval: float = 10.0
    daily: int = 200_000
    recent: deque[float] = field(default_factory=deque)
    day: int = -1
    used_today: int = 0

    def take(self, now: datetime) -> bool:
        """Count one request; False when it is over the documented limit (and then it is not counted)."""
        at = time.monotonic() if self.real_time else now.timestamp()
        day = int(now.timestamp() // DAY)
        if day != self.day:
            self.day, self.used_today = day, 0
        while self.recent and not 0 <= at - self.recent[0] < self.interval:
            self.recent.popleft()
        within = len(self.recent) < self.burst and self.used_today < self.daily
        if within or not self.enforced:
            self.recent.append(at)
            self.used_today += 1
        return within

    def headers(self) -> dict[str, str]:
        """The header names are HighLevel's. A budget that is not enforced shows itself nearly full."""
        left = self.burst - len(self.recent) if self.enforced else self.burst - 1
        return {
            "X-RateLimit-Limit-Daily": str(self.daily),
            "X-RateLimit-Daily-Remaining": str(max(0, self.daily - self.used_today)),
            "X-RateLimit-Interval-Milliseconds": str(int(self.interval * 1000)),
            "X-RateLimit-Max": str(self.burst),
            "X-RateLimit-Remaining": str(max(0, left)),
        }
