"""Runs one restore job in a process of its own and dies, as by `kill -9`, at a chosen moment.

    python -m tests.support.killed_restore VAULT_URL API_URL TOKEN JOB_ID MOMENT [AHEAD]

Moments are counted over the whole job: before and after each journal entry, each request that writes and each recorded
outcome. MOMENT 0 never comes. "working" is printed when the job begins. AHEAD: seconds by which the clock is fast;
waits between two tries are then short, so that a storm of errors passes quickly.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from hlcore.highlevel import Client, Clock, Limiter, SystemClock
from hlcore.location_context import LocationContext
from hlcore.restore.execution import outcomes, run
from hlcore.restore.job_context import JobContext
from hlcore.store import Vault
from tests.restore.conftest import LOCATION, SAM

SPEED = 25


class FastClock:
    """A clock that is fast by this many seconds and hurries through waits."""

    def __init__(self, seconds: float) -> None:
        self.offset = timedelta(seconds=seconds)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def monotonic(self) -> float:
        return time.monotonic() * SPEED

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / SPEED)


class KillSwitch:
    """Kills the process at the chosen moment; safe for several threads."""

    def __init__(self, moment: int) -> None:
        self._left = moment
        self._lock = threading.Lock()

    def wrap(self, owner: Any, name: str) -> None:
        """Count the moments before and after each call of this method."""
        real: Callable[..., Any] = getattr(owner, name)

        def counted(*args: Any, **named: Any) -> Any:
            self.count_down()
            result = real(*args, **named)
            self.count_down()
            return result

        setattr(owner, name, counted)

    def count_down(self) -> None:
        with self._lock:
            self._left -= 1
            if not self._left:
                os.kill(os.getpid(), signal.SIGKILL)


def main(vault_url: str, api_url: str, token: str, job_id: int, moment: int, ahead: float | None = None) -> None:
    """Run the job, unless the process is killed first."""
    kill_switch = KillSwitch(moment)
    for owner, name in (
        (JobContext, "log_request"),
        (JobContext, "log_response"),
        (run, "record_outcome"),
        (outcomes, "_store_contact"),
    ):
        kill_switch.wrap(owner, name)
    for name in ("create_contact", "update_contact", "create_note", "create_task", "create_opportunity", "add_tags"):
        kill_switch.wrap(Client, name)
    clock: Clock = SystemClock() if ahead is None else FastClock(ahead)
    retries = 1 if ahead is None else 6
    limiter = Limiter(clock)
    client = Client(LOCATION, lambda: token, base_url=api_url, limiter=limiter, clock=clock, retries=retries)
    vault = Vault.open(vault_url)
    print("working", flush=True)
    run.run_job(LocationContext(vault, client, LOCATION, clock.now), job_id, SAM)
    vault.close()


if __name__ == "__main__":
    main(*sys.argv[1:4], int(sys.argv[4]), int(sys.argv[5]), *map(float, sys.argv[6:]))  # type: ignore[arg-type]
