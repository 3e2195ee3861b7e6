"""The database: opening it, and its transactions.

SQLite runs in WAL: any number of readers beside one writer. `synchronous=NORMAL` keeps every committed transaction
when the process is killed; a power failure may cost the last ones, which the next run reads again.

Deliveries of webhooks land in a file of their own beside the vault's (`Vault.inbox`): their sender waits for the
answer, and a sync holds the one write lock again and again. In milliseconds at the 99th percentile of the answers, with
two cores that others use too, and over an empty route in the same run (tests/benchmarks/webhooks_burst.py): in the
vault's file, measured earlier, 1,041 (21 times); in a file of its own 28 to 46 (1.0 to 1.7 times) with rounds that know
no limit, 80 (1.3 times) when eleven threads wanted the two cores, and 11 to 19 (1.1 to 2 times) under HighLevel's.
There `synchronous=FULL` once took some 160. It is `NORMAL` as well: what a power failure may cost, the next listing
finds.
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
from hlcore.store import migrate
from hlcore.store.db_errors import BUSY_SECONDS, translated
from hlcore.store.dialects import lock, queue_up
from hlcore.store.text import dump_json

Tx = Connection

ALONE_SECONDS = 150
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
        self._opening = threading.Lock()
        self.dialect = engine.dialect.name

    def __repr__(self) -> str:
        return f"<Vault on {self.dialect}>"

    @classmethod
    def open(cls, url: str | URL) -> Vault:
        """The database at this SQLAlchemy address, brought to this version's tables. A SQLite file and its folder
        are made where they are missing; several processes may do this at once. Raises SchemaTooNew when a newer
        version wrote it, StoreError when it cannot be reached."""
        try:
            with translated():
                vault = cls(_engine(_address(url)))
                try:
                    migrate.upgrade(vault._engine)
                except BaseException:
                    vault.close()
                    raise
        except OSError as exc:
            raise StoreError(f"The folder of the database cannot be made or read ({exc.strerror}).") from exc
        return vault

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """A snapshot: everything read within sees one moment of the database. Writing is refused."""
        with translated(), self._engine.connect() as conn:
            if self.dialect == "postgresql":
                yield conn.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
                return
            conn.exec_driver_sql("PRAGMA query_only=ON")
            try:
                yield conn
            finally:
                conn.exec_driver_sql("PRAGMA query_only=OFF")

    @contextmanager
    def write(self, of: str = "") -> Iterator[Tx]:
        """One transaction: committed when the block ends, rolled back when it raises. Writers wait for each other at
        its start, so that no two can meet half-way over the same rows in another order (a deadlock), and nothing read
        within can become stale: for the whole vault; on PostgreSQL only for this location where `of` names it, and
        then nothing of another location may be written. A transaction within a transaction waits for itself. Raises
        StoreError, also when others write for half a minute."""
        with translated(), self._engine.connect().execution_options(hl_write=True) as conn, conn.begin():
            if self._queued:
                queue_up(conn, of)
            yield conn

    @property
    def inbox(self) -> Vault:
        """Where deliveries of webhooks are kept: on SQLite a file beside this one (`…-inbox.db`, made at first use, of
        the same tables), on PostgreSQL this very database, where its writers wait for none of the vault's. Raises
        StoreError."""
        with self._opening:
            if self._inbox is None:
                if self.dialect == "sqlite":
                    self._inbox = Vault.open(self._engine.url.set(database=str(self._beside())))
                else:
                    self._inbox = Vault(self._engine, queued=False)
            return self._inbox

    @property
    def has_inbox(self) -> bool:
        """Whether `inbox` exists already; asking makes none."""
        return self.dialect != "sqlite" or self._beside().exists()

    def _beside(self) -> Path:
        path = Path(self._engine.url.database or "")
        return path.with_name(f"{path.stem}-inbox{path.suffix}")

    @contextmanager
    def alone(self, name: str) -> Iterator[None]:
        """Nobody else, in any process that uses this database, is inside a block of the same name. The lock ends with
        the block or with the process, and keeps nobody from reading or writing. Raises StoreError."""
        if self.dialect == "postgresql":
            with translated(), self._engine.connect() as conn, conn.begin():
                lock(conn, f"alone:{name}")
                yield
            return
        path = Path(self._engine.url.database or "")
        with translated(), closing(sqlite3.connect(path.with_name(f"{path.stem}-{name}.lock"), ALONE_SECONDS)) as held:
            held.isolation_level = None
            held.execute("BEGIN EXCLUSIVE")
            yield

    def close(self) -> None:
        """No connection is left open. May be repeated; using the vault again opens new ones."""
        self._engine.dispose()
        if self._inbox is not None:
            self._inbox.close()

    def pending(self) -> list[str]:
        """The migrations that this version would still apply, oldest first. Changes nothing."""
        with self.read() as tx:
            return migrate.pending(tx)


def _address(url: str | URL) -> URL:
    try:
        found = make_url(url)
    except ArgumentError:
        raise StoreError("HLCORE_DATABASE_URL is not a database address.") from None
    if found.get_backend_name() == "postgresql":
        return found.set(drivername="postgresql+psycopg")
    if found.get_backend_name() != "sqlite":
        raise StoreError(f"Contact Vault runs on SQLite and PostgreSQL, not on {found.get_backend_name()}.")
    if not found.database or found.database == ":memory:":
        raise StoreError("A vault needs a file: SQLite in memory forgets everything.")
    return found


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "postgresql":
        return create_engine(
            url,
            hide_parameters=True,
            json_serializer=dump_json,
            pool_pre_ping=True,
            max_overflow=20,
            connect_args={"connect_timeout": 10, "options": "-c timezone=UTC"},
        )
    Path(url.database or "").expanduser().parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url,
        hide_parameters=True,
        json_serializer=dump_json,
        max_overflow=20,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, record: Any) -> None:
    """Two processes that make one new file WAL at once meet a lock that no busy timeout covers: try again."""
    connection.isolation_level = None
    give_up = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            for pragma in _PRAGMAS:
                connection.execute(f"PRAGMA {pragma}").fetchall()
        except sqlite3.OperationalError as exc:
            if "locked" not in str(exc) or time.monotonic() > give_up:
                raise
            time.sleep(0.02)
        else:
            return


def _begin_sqlite(conn: Connection) -> None:
    conn.exec_driver_sql("BEGIN IMMEDIATE" if conn.get_execution_options().get("hl_write") else "BEGIN")
