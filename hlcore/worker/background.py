"""Work that a person starts on a page and that outlives the page: a thread of this process, one for each key.

A script run can be cut off by the next click, so nothing long happens inside one. Progress is read from the database.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from hlcore.errors import Cancelled, VaultError
from hlcore.log_privacy import describe_exception

log = structlog.get_logger(__name__)
Work = Callable[[Callable[[], bool]], None]


@dataclass
class BackgroundTask:
    """One piece of work. `error` is what ended it, if anything did."""

    key: str
    running: bool = True
    error: VaultError | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None


class BackgroundTasks:
    """The jobs of this process, by key; a finished one is kept until the next of its key."""

    def __init__(self) -> None:
        self._jobs: dict[str, BackgroundTask] = {}
        self._lock = threading.Lock()

    def start(self, key: str, work: Work) -> bool:
        """`work` runs in a thread and is given a question to ask now and then: shall I stop? False, and nothing
        new runs, while one of this key is running."""
        with self._lock:
            before = self._jobs.get(key)
            if before is not None and before.running:
                return False
            job = BackgroundTask(key)
            job.thread = threading.Thread(target=self._run, args=(job, work), name=f"job-{key}", daemon=True)
            self._jobs[key] = job
            job.thread.start()
        return True

    def get(self, key: str) -> BackgroundTask | None:
        """The running or last job of this key."""
        return self._jobs.get(key)

    def running(self, key: str) -> bool:
        """Whether a job of this key is running now."""
        job = self._jobs.get(key)
        return job is not None and job.running

    def cancel(self, key: str) -> None:
        """The job has been asked to stop; it does so at its next step."""
        job = self._jobs.get(key)
        if job is not None:
            job.stop.set()

    def forget(self, key: str) -> None:
        """The finished job of this key, with its error, is no longer remembered."""
        with self._lock:
            job = self._jobs.get(key)
            if job is not None and not job.running:
                del self._jobs[key]

    def stop(self, timeout: float = 20.0) -> None:
        """Every job has been asked to stop and has ended, or `timeout` seconds have passed for each."""
        for job in list(self._jobs.values()):
            job.stop.set()
        for job in list(self._jobs.values()):
            if job.thread is not None and job.thread.is_alive():
                job.thread.join(timeout)

    @staticmethod
    def _run(job: BackgroundTask, work: Work) -> None:
        try:
            work(job.stop.is_set)
        except Cancelled:
            pass
        except VaultError as error:
            job.error = error
            log.warning("job_failed", key=job.key, kind=type(error).__name__)
        except Exception as error:
            job.error = VaultError("Something unexpected ended this work.", hint="It can be started again safely.")
            log.error("job_defect", key=job.key, text=describe_exception(error))
        finally:
            job.running = False
