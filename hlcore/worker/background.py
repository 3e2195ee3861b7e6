"""Tasks that a user starts on a page and that outlive the page: one thread per key.

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
    """The tasks of this process, by key; a finished one is kept until the next of its key."""

    def __init__(self) -> None:
        self._tasks: dict[str, BackgroundTask] = {}
        self._lock = threading.Lock()

    def start(self, key: str, work: Work) -> bool:
        """Run `work` in a thread; it is passed a function that says whether to stop. Returns False, and starts nothing,
        while a task of this key is running."""
        with self._lock:
            previous = self._tasks.get(key)
            if previous is not None and previous.running:
                return False
            task = BackgroundTask(key)
            task.thread = threading.Thread(target=self._run, args=(task, work), name=f"job-{key}", daemon=True)
            self._tasks[key] = task
            task.thread.start()
        return True

    def get(self, key: str) -> BackgroundTask | None:
        """Return the running or last task of this key."""
        return self._tasks.get(key)

    def running(self, key: str) -> bool:
        """Whether a task of this key is running now."""
        task = self._tasks.get(key)
        return task is not None and task.running

    def cancel(self, key: str) -> None:
        """Ask the task to stop, which it does at its next step."""
        task = self._tasks.get(key)
        if task is not None:
            task.stop.set()

    def forget(self, key: str) -> None:
        """Forget the finished task of this key, with its error."""
        with self._lock:
            task = self._tasks.get(key)
            if task is not None and not task.running:
                del self._tasks[key]

    def stop(self, timeout: float = 20.0) -> None:
        """Ask every task to stop and wait until it has ended, at most `timeout` seconds for each."""
        for task in list(self._tasks.values()):
            task.stop.set()
        for task in list(self._tasks.values()):
            if task.thread is not None and task.thread.is_alive():
                task.thread.join(timeout)

    @staticmethod
    def _run(task: BackgroundTask, work: Work) -> None:
        try:
            work(task.stop.is_set)
        except Cancelled:
            pass
        except VaultError as error:
            task.error = error
            log.warning("job_failed", key=task.key, kind=type(error).__name__)
        except Exception as error:
            task.error = VaultError("Something unexpected ended this work.", hint="It can be started again safely.")
            log.error("job_defect", key=task.key, text=describe_exception(error))
        finally:
            task.running = False
