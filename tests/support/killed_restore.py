"""Runs one restore job in a process of its own and dies, as by `kill -9`, at a chosen moment.

    python -m tests.support.killed_restore VAULT_URL API_URL TOKEN JOB_ID MOMENT [AHEAD]

Moments are counted over the whole job: before and after each line of the journal, around each request that writes, and
around writing down what came of a contact. MOMENT 0 never comes. "working" is printed when the job begins. AHEAD: so
many seconds the clock is fast; waits between two tries are then short, so that a storm of errors passes quickly."""

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
from hlcore.restore.execution import run
from hlcore.restore.job_context import JobContext
from hlcore.store import Vault
from tests.restore.conftest import LOCATION, SAM

HASTE = 25


class Ahead:
    """So many seconds fast, and in a hurry."""

    def __init__(self, seconds: float) -> None:
        self._ahead = timedelta(seconds=seconds)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def monotonic(self) -> float:
        return time.monotonic() * HASTE

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / HASTE)


class Death:
    """Comes at the chosen moment."""

    def __init__(self, moment: int) -> None:
        self._left = moment
        self._lock = threading.Lock()

    def around(self, owner: Any, name: str) -> None:
        """The moments before and after each call."""
        real: Callable[..., Any] = getattr(owner, name)

        def deadly(*args: Any, **named: Any) -> Any:
            self.pass_()
            result = real(*args, **named)
            self.pass_()
            return result

        setattr(owner, name, deadly)

    def pass_(self) -> None:
        with self._lock:
            self._left -= 1
            if not self._left:
                os.kill(os.getpid(), signal.SIGKILL)


def main(vault_url: str, api_url: str, token: str, job_id: int, moment: int, ahead: float | None = None) -> None:
    """The job is run, unless death comes first."""
    death = Death(moment)
    for owner, name in ((JobContext, "log_request"), (JobContext, "log_response"), (run, "record"), (run, "_keep")):
        death.around(owner, name)
    for name in ("create_contact", "update_contact", "create_note", "create_task", "create_opportunity", "add_tags"):
        death.around(Client, name)
    clock: Clock = SystemClock() if ahead is None else Ahead(ahead)
    retries = 1 if ahead is None else 6
    limiter = Limiter(clock)
    client = Client(LOCATION, lambda: token, base_url=api_url, limiter=limiter, clock=clock, retries=retries)
    vault = Vault.open(vault_url)
    print("working", flush=True)
    run.run_job(vault, client, job_id, now=clock.now, user=SAM)
    vault.close()


if __name__ == "__main__":
    main(*sys.argv[1:4], int(sys.argv[4]), int(sys.argv[5]), *map(float, sys.argv[6:]))  # type: ignore[arg-type]
