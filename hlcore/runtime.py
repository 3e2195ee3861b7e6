"""`Runtime`: one per dashboard process. Opens the vault in the background, runs the worker, and closes both.

Without any location ever connected (and DEMO=auto) it shows the demo, in a vault of its own; the real vault stays open
beside it, so that a location can be connected from there.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from enum import StrEnum

import structlog

from hlcore.accounts import connection
from hlcore.app_context import AppContext
from hlcore.demo.builder import open_demo
from hlcore.errors import StoreError, VaultError
from hlcore.log_privacy import describe_exception
from hlcore.model.callbacks import Progress
from hlcore.settings import Settings
from hlcore.store import locations
from hlcore.worker.background import BackgroundTasks
from hlcore.worker.loop import Worker

log = structlog.get_logger(__name__)
RETRY_SECONDS = 5.0
DEMO_GRACE_SECONDS = 30.0


class StartupStage(StrEnum):
    """How far the start has come."""

    OPENING = "opening"
    BUILDING = "building"  # the demo, at its first start
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class StartupStatus:
    """The start as the pages show it; `error` says what is wrong while `stage` is failed."""

    stage: StartupStage
    progress: Progress
    error: VaultError | None = None


class Runtime:
    """What one process shares: the context on show, the real one, the worker and the background tasks.

    `connection_error` says why the location named by the settings could not be connected.
    """

    def __init__(self, settings: Settings, *, context: AppContext | None = None) -> None:
        self.settings = settings
        self.tasks = BackgroundTasks()
        self.connection_error: VaultError | None = None
        self.worker: Worker | None = None
        self._shown: AppContext | None = context
        self._real: AppContext | None = context
        self._startup_status = StartupStatus(
            StartupStage.READY if context else StartupStage.OPENING, Progress("Opening the vault")
        )
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closing_demo: threading.Thread | None = None

    @property
    def context(self) -> AppContext | None:
        """The context on show; None until it is open."""
        return self._shown

    @property
    def real_context(self) -> AppContext | None:
        """The context of the real vault, also while the demo is on show."""
        return self._real

    @property
    def startup_status(self) -> StartupStatus:
        """How far the start has come."""
        return self._startup_status

    @property
    def shows_demo(self) -> bool:
        """Whether the demo is on show."""
        return self._shown is not None and self._shown is not self._real

    def start(self) -> None:
        """Open the vault in the background, and start the worker when it is open. May be repeated."""
        with self._lock:
            if self._thread is not None or self._shown is not None:
                return
            self._thread = threading.Thread(target=self._open, name="vault-opening", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End worker, tasks and databases; interrupted work continues at the next start."""
        self._stop.set()
        for thread in (self._thread, self._closing_demo):
            if thread is not None:
                thread.join(timeout=30)
        self.tasks.stop()
        if self.worker is not None:
            self.worker.stop()
        demo, real = self._shown if self.shows_demo else None, self._real
        self._shown = self._real = None
        for context in (demo, real):
            if context is not None:
                context.close()

    def switch_to_real(self) -> None:
        """Show the real vault instead of the demo once a location is connected. The demo's vault is kept. May be
        repeated."""
        with self._lock:
            demo, real = self._shown, self._real
            if demo is None or real is None or demo is real or not _was_ever_connected(real):
                return
            self._shown = real
            old_worker, self.worker = self.worker, None
        if old_worker is not None:
            self._start_worker()
        self._closing_demo = threading.Thread(
            target=_close_demo, args=(demo, old_worker, self._stop), name="demo-ends", daemon=True
        )
        self._closing_demo.start()

    def _open(self) -> None:
        while not self._stop.is_set():
            try:
                self._open_once()
            except VaultError as error:
                self._startup_status = StartupStatus(StartupStage.FAILED, Progress("Opening the vault"), error)
                log.error("vault_not_opened", kind=type(error).__name__, text=str(error))
            except Exception as error:
                failure = StoreError("Contact Vault could not start.", hint="The server's log names the place.")
                self._startup_status = StartupStatus(StartupStage.FAILED, Progress("Opening the vault"), failure)
                log.error("vault_not_opened", text=describe_exception(error))
            else:
                return
            self._stop.wait(RETRY_SECONDS)

    def _open_once(self) -> None:
        if self._real is None:
            self._real = AppContext.open(self.settings)
        self._connect_from_settings(self._real)
        self._shown = self._choose_context(self._real)
        self._startup_status = StartupStatus(StartupStage.READY, Progress("Ready", 1, 1))
        if self.settings.worker == "on" and self.worker is None and not self._stop.is_set():
            self._start_worker()

    def _start_worker(self) -> None:
        self.worker = Worker(lambda: self._shown)
        self.worker.start()

    def _connect_from_settings(self, real: AppContext) -> None:
        try:
            connection.connect_from_settings(real)
        except VaultError as error:
            self.connection_error = error
            log.warning("account_not_connected", kind=type(error).__name__, text=str(error))

    def _choose_context(self, real: AppContext) -> AppContext:
        if self.settings.demo == "off" or self.settings.location_id or _was_ever_connected(real):
            return real
        return open_demo(self.settings, listener=self._report_building)

    def _report_building(self, progress: Progress) -> None:
        self._startup_status = StartupStatus(StartupStage.BUILDING, progress)


def _close_demo(demo: AppContext, worker: Worker | None, stop: threading.Event) -> None:
    """Stop the demo's worker, and close the demo a little later, when no page reads it any more."""
    if worker is not None:
        worker.stop()
    stop.wait(DEMO_GRACE_SECONDS)
    demo.close()


def _was_ever_connected(context: AppContext) -> bool:
    with context.vault.read() as tx:
        return bool(locations.list_all(tx, connected_only=False))


_current: Runtime | None = None
_lock = threading.Lock()


def get_runtime() -> Runtime:
    """Return this process's runtime; creates and starts it at the first call. Raises SettingsError."""
    global _current  # noqa: PLW0603 - one per process is the point
    with _lock:
        if _current is None:
            _current = Runtime(Settings.load())
            _current.start()
        return _current


def set_runtime(new: Runtime | None) -> Runtime | None:
    """Make `new` this process's runtime and return the previous one, still open."""
    global _current
    with _lock:
        previous, _current = _current, new
    return previous
