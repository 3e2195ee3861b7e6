"""The one Office of this process: opened in the background, so that the server answers at once; closed at shutdown.

With no account ever connected (and DEMO=auto) it is the demo, in a vault of its own; the real vault stays open beside
it, so that an account can be connected from there.
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
from hlcore.model.progress import Progress
from hlcore.settings import Settings
from hlcore.store import locations
from hlcore.worker.background import BackgroundTasks
from hlcore.worker.loop import Worker

log = structlog.get_logger(__name__)
RETRY_SECONDS = 5.0
GRACE_SECONDS = 30.0


class StartupStage(StrEnum):
    """How far the start has come."""

    OPENING = "opening"
    BUILDING = "building"  # the demo, at its first start
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class StartupStatus:
    """The start as people see it; `error` says what is wrong while `stage` is failed."""

    stage: StartupStage
    progress: Progress
    error: VaultError | None = None


class Runtime:
    """What one process shares: the Office on show, the real one, the worker and the jobs that people started."""

    def __init__(self, settings: Settings, *, context: AppContext | None = None) -> None:
        self.settings = settings
        self.tasks = BackgroundTasks()
        self.connection_error: VaultError | None = None  # why the account named by the settings could not be connected
        self.worker: Worker | None = None
        self._shown: AppContext | None = context
        self._real: AppContext | None = context
        self._opening = StartupStatus(
            StartupStage.READY if context else StartupStage.OPENING, Progress("Opening the vault")
        )
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._retiring: threading.Thread | None = None

    @property
    def context(self) -> AppContext | None:
        """The Office on show; None until it is open."""
        return self._shown

    @property
    def real_context(self) -> AppContext | None:
        """The Office of the real vault, also while the demo is on show."""
        return self._real

    @property
    def startup_status(self) -> StartupStatus:
        """How far the start has come."""
        return self._opening

    @property
    def shows_demo(self) -> bool:
        """Whether what is on show is the demo."""
        return self._shown is not None and self._shown is not self._real

    def start(self) -> None:
        """The vault is being opened in the background, and the worker begins as soon as it is. May be repeated."""
        with self._lock:
            if self._thread is not None or self._shown is not None:
                return
            self._thread = threading.Thread(target=self._open, name="vault-opening", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Worker, jobs and databases have ended; interrupted work goes on at the next start."""
        self._stop.set()
        for thread in (self._thread, self._retiring):
            if thread is not None:
                thread.join(timeout=30)
        self.tasks.stop()
        if self.worker is not None:
            self.worker.stop()
        for context in {id(found): found for found in (self._shown, self._real) if found is not None}.values():
            context.close()
        self._shown = self._real = None

    def switch_to_real(self) -> None:
        """Once an account is connected the real vault is on show. The demo's own vault stays where it is. May be
        repeated."""
        with self._lock:
            demo, real = self._shown, self._real
            if demo is None or real is None or demo is real or not _was_ever_connected(real):
                return
            self._shown = real
            busy, self.worker = self.worker, None
        if busy is not None:
            self._start_worker()
        self._retiring = threading.Thread(target=_retire, args=(demo, busy, self._stop), name="demo-ends", daemon=True)
        self._retiring.start()

    def _open(self) -> None:
        while not self._stop.is_set():
            try:
                self._open_once()
            except VaultError as error:
                self._opening = StartupStatus(StartupStage.FAILED, Progress("Opening the vault"), error)
                log.error("vault_not_opened", kind=type(error).__name__, text=str(error))
            except Exception as error:
                failure = StoreError("Contact Vault could not start.", hint="The server's log names the place.")
                self._opening = StartupStatus(StartupStage.FAILED, Progress("Opening the vault"), failure)
                log.error("vault_not_opened", text=describe_exception(error))
            else:
                return
            self._stop.wait(RETRY_SECONDS)

    def _open_once(self) -> None:
        if self._real is None:
            self._real = AppContext.open(self.settings)
        self._connect_from_settings(self._real)
        self._shown = self._choose(self._real)
        self._opening = StartupStatus(StartupStage.READY, Progress("Ready", 1, 1))
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

    def _choose(self, real: AppContext) -> AppContext:
        if self.settings.demo == "off" or self.settings.location_id or _was_ever_connected(real):
            return real
        return open_demo(self.settings, listener=self._tell)

    def _tell(self, progress: Progress) -> None:
        self._opening = StartupStatus(StartupStage.BUILDING, progress)


def _retire(demo: AppContext, busy: Worker | None, stop: threading.Event) -> None:
    """The demo's worker has ended, and a little later, when nobody's page reads it any more, the demo too."""
    if busy is not None:
        busy.stop()
    stop.wait(GRACE_SECONDS)
    demo.close()


def _was_ever_connected(context: AppContext) -> bool:
    with context.vault.read() as tx:
        return bool(locations.all(tx, connected_only=False))


_current: Runtime | None = None
_making = threading.Lock()


def get_runtime() -> Runtime:
    """This process's house, made and started when there is none yet. Raises SettingsError."""
    global _current  # noqa: PLW0603 - one per process is the point
    with _making:
        if _current is None:
            _current = Runtime(Settings.load())
            _current.start()
        return _current


def set_runtime(new: Runtime | None) -> Runtime | None:
    """From now on `house()` is this one; the one before is returned, still open."""
    global _current
    with _making:
        before, _current = _current, new
    return before
