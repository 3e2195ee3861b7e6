"""Makes clients. In one process, all clients of a location share one limiter."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Unpack

from hlcore.settings import Settings

from .client import Client, ClientOptions
from .clock import Clock, SystemClock
from .limiter import Limiter

_lock = threading.Lock()
_limiters: dict[tuple[str, str, Clock], Limiter] = {}


def connect(
    location_id: str,
    token: Callable[[], str],
    settings: Settings,
    clock: Clock | None = None,
    *,
    spent_today: int = 0,
    **options: Unpack[ClientOptions],
) -> Client:
    """A client of this location at `settings.api_url`; no request was sent yet.

    `spent_today` (requests that earlier processes sent today) counts when this is the process' first client
    of the location; later ones share the limiter as it is."""
    used = clock or SystemClock()
    with _lock:
        key = (settings.api_url, location_id, used)
        if key not in _limiters:
            _limiters[key] = Limiter(
                used,
                per_10s=settings.requests_per_10s,
                per_day=settings.requests_per_day,
                interactive_share=settings.interactive_share,
                spent_today=spent_today,
            )
        limiter = _limiters[key]
    return Client(location_id, token, base_url=settings.api_url, limiter=limiter, clock=used, **options)
