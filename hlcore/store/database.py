"""The database: opening it, and its transactions.

SQLite runs in WAL: any number of readers beside one writer. `synchronous=NORMAL` keeps every committed transaction
when the process is killed; a power failure may lose the last ones, which the next run reads again.

Webhook deliveries are stored in a file of their own (`Vault.inbox`), because their sender waits for the answer while a
sync takes the one write lock again and again. Measured at the 99th percentile (tests/benchmarks/webhooks_burst.py):
1,041 ms in the vault's file, 11 to 46 ms in their own, 80 ms with eleven threads on two cores.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from hlcore.errors import StoreError
from hlcore.model.search_text import fold_letters
from hlcore.private_files import FILE_MODE, close_to_others, make_folder, make_private_file
from hlcore.store import migrate
from hlcore.store.db_errors import BUSY_SECONDS, translate_errors
from hlcore.store.dialects import lock, queue_writer
from hlcore.store.text import dump_json, load_json

Tx = Connection

EXCLUSIVE_WAIT_SECONDS = 150
PLAN_CACHE_MODE = "force_custom_plan"
"""PostgreSQL plans each statement for the tables as they are. A plan that was made while a table was empty and kept for
a prepared statement compares every row with every other once a listing has filled the table."""
_PRAGMAS = (
    f"busy_timeout={BUSY_SECONDS * 1000}",
    "page_size=8192",
    "journal_mode=WAL",
    "synchronous=NORMAL",
    "wal_autocheckpoint=8000",  # 64 MB: pages that change again and again are copied once
    "journal_size_limit=67108864",
    "cache_size=-32768",
)


class Vault:
    """One database. Safe to share between threads; each transaction has its own connection."""

    def __init__(self, engine: Engine, *, queued: bool = True) -> None:
        self._engine = engine
        self._queued = queued and engine.dialect.name == "postgresql"
        self._inbox: Vault | None = None
        self._inbox_lock = threading.Lock()
        self.dialect = engine.dialect.name

    def __repr__(self) -> str:
        return f"<Vault on {self.dialect}>"

    @classmethod
    def open(cls, url: str | URL) -> Vault:
        """Open the database at this SQLAlchemy URL and bring it to this version's tables. Creates a missing SQLite file
        and its folder; several processes may do this at once. Raises SchemaTooNew when a newer version wrote it,
        StoreError when it cannot be reached."""
        try:
            with translate_errors():
                vault = cls(_engine(_address(url)))
                try:
                    migrate.upgrade(vault._engine)
                except BaseException:
                    vault.close()
                    raise
        except OSError as exc:
            raise _unusable(exc) from None
        return vault

    @classmethod
    def exists(cls, url: str | URL) -> bool:
        """Whether a vault was ever made at this address. Creates and changes nothing: an empty SQLite file is not even
        opened, because SQLite would delete what is left of its log. Raises StoreError when that cannot be told."""
        address = _address(url)
        if address.get_backend_name() == "sqlite":
            path = Path(address.database or "").expanduser()
            if not path.exists() or not path.stat().st_size:
                return False
        with translate_errors():
            engine = _engine(address)
            try:
                return migrate.is_begun(engine)
            finally:
                engine.dispose()

    @classmethod
    def left_traces(cls, url: str | URL) -> bool:
        """Whether files beside a missing SQLite vault show that there was one: its log or its inbox."""
        address = _address(url)
        path = Path(address.database or "").expanduser()
        names = (f"{path.name}-wal", f"{path.stem}-inbox{path.suffix}")
        return address.get_backend_name() == "sqlite" and any(path.with_name(name).exists() for name in names)

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """Open a read-only transaction: everything read within sees one moment of the database."""
        with translate_errors(), self._engine.connect() as conn:
            if self.dialect == "postgresql":
                yield conn.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
                return
            conn.exec_driver_sql("PRAGMA query_only=ON")
            try:
                yield conn
            finally:
                conn.exec_driver_sql("PRAGMA query_only=OFF")

    @contextmanager
    def write(self, location_id: str = "") -> Iterator[Tx]:
        """Open a transaction: committed when the block ends, rolled back when it raises.

        Writers wait for each other at its start, so that no two deadlock over the same rows and nothing read within
        becomes stale. On SQLite they wait for the whole vault; on PostgreSQL only for writers of `location_id`, where
        given, and then nothing of another location may be written. Never open one within another: it waits for itself.
        Raises StoreError, also when others write for half a minute.
        """
        with translate_errors(), self._engine.connect().execution_options(hl_write=True) as conn, conn.begin():
            if self._queued:
                queue_writer(conn, location_id)
            yield conn

    @property
    def inbox(self) -> Vault:
        """The vault of webhook deliveries: on SQLite a file beside this one (`…-inbox.db`, created at first use, with
        the same tables), on PostgreSQL this database, where its writers do not wait for the vault's. Raises
        StoreError."""
        with self._inbox_lock:
            if self._inbox is None:
                if self.dialect == "sqlite":
                    self._inbox = Vault.open(self._engine.url.set(database=str(self._inbox_path())))
                else:
                    self._inbox = Vault(self._engine, queued=False)
            return self._inbox

    @property
    def has_inbox(self) -> bool:
        """Whether `inbox` exists already. Creates nothing."""
        return self.dialect != "sqlite" or self._inbox_path().exists()

    def _inbox_path(self) -> Path:
        path = Path(self._engine.url.database or "")
        return path.with_name(f"{path.stem}-inbox{path.suffix}")

    @contextmanager
    def exclusive(self, name: str) -> Iterator[None]:
        """Hold a lock of this name against all processes that use this database. It ends with the block or the process,
        and keeps nobody from reading or writing. Raises StoreError."""
        if self.dialect == "postgresql":
            with translate_errors(), self._engine.connect() as conn, conn.begin():
                lock(conn, f"alone:{name}")
                yield
            return
        path = Path(self._engine.url.database or "")
        lock_file = path.with_name(f"{path.stem}-{name}.lock")
        try:
            make_private_file(lock_file)
        except OSError as exc:
            raise _unusable(exc) from None
        with translate_errors(), closing(sqlite3.connect(lock_file, EXCLUSIVE_WAIT_SECONDS)) as connection:
            connection.isolation_level = None
            connection.execute("BEGIN EXCLUSIVE")
            yield

    def close(self) -> None:
        """Close all connections. May be repeated; using the vault again opens new ones."""
        self._engine.dispose()
        if self._inbox is not None:
            self._inbox.close()

    def pending(self) -> list[str]:
        """Return the migrations that this version would still apply, oldest first. Changes nothing."""
        with self.read() as tx:
            return migrate.pending(tx)


def _address(url: str | URL) -> URL:
    try:
        address = make_url(url)
    except ArgumentError:
        raise StoreError("HLCORE_DATABASE_URL is not a database address.") from None
    if address.get_backend_name() == "postgresql":
        return address.set(drivername="postgresql+psycopg")
    if address.get_backend_name() != "sqlite":
        raise StoreError(f"Contact Vault runs on SQLite and PostgreSQL, not on {address.get_backend_name()}.")
    if not address.database or address.database == ":memory:":
        raise StoreError("A vault needs a file: SQLite in memory forgets everything.")
    return address


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "postgresql":
        return create_engine(
            url,
            hide_parameters=True,
            json_serializer=dump_json,
            pool_pre_ping=True,
            max_overflow=20,
            connect_args={"connect_timeout": 10, "options": f"-c timezone=UTC -c plan_cache_mode={PLAN_CACHE_MODE}"},
        )
    _make_private(Path(url.database or ""))
    engine = create_engine(
        url,
        hide_parameters=True,
        json_serializer=dump_json,
        json_deserializer=load_json,
        max_overflow=20,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _unusable(error: OSError) -> StoreError:
    if isinstance(error, PermissionError):
        return StoreError(
            "This user may not write the database's file or folder, or it belongs to another user and is open to all.",
            hint="Check the owner of the path in HLCORE_DATABASE_URL and of the folder around it.",
        )
    return StoreError(f"The folder of the database cannot be made or read ({error.strerror}).")


def _make_private(database: Path) -> None:
    """Leave the file of the database existing, and it and its neighbours closed to other users of the machine: SQLite
    gives the files that it makes beside it the same permissions. The folder is made private too if it is new; one that
    exists may hold more than the database. Raises OSError."""
    make_folder(database.parent)
    make_private_file(database)
    for ending in ("-wal", "-shm", "-journal"):
        close_to_others(database.with_name(database.name + ending), FILE_MODE)
    for lock_file in database.parent.glob(f"{database.stem}-*.lock"):
        close_to_others(lock_file, FILE_MODE)


def _prepare_sqlite(connection: sqlite3.Connection, record: Any) -> None:
    """Set the pragmas, and add the function `hl_fold`. Two processes that switch one new file to WAL at once meet a
    lock that no busy timeout covers: try again."""
    connection.isolation_level = None
    connection.create_function("hl_fold", 1, fold_letters, deterministic=True)
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            for pragma in _PRAGMAS:
                connection.execute(f"PRAGMA {pragma}").fetchall()
        except sqlite3.OperationalError as exc:
            if "locked" not in str(exc) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _begin_sqlite(conn: Connection) -> None:
    conn.exec_driver_sql("BEGIN IMMEDIATE" if conn.get_execution_options().get("hl_write") else "BEGIN")
