"""Brings a database to this version's tables.

Each migration is one transaction together with the row that records it. Before each one the write lock is taken and
the recorded revision read again, so that of two processes that start at once only one applies it. The files are named
after their revisions, so that a vault that is up to date is opened without loading Alembic, let alone all migrations.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from hlcore.errors import SchemaTooNew

FOLDER = Path(__file__).parent / "migrations"
_LOCK = 0x636F6E7461637473  # one advisory lock of PostgreSQL for all vaults of a database


def upgrade(engine: Engine) -> None:
    """Apply every pending migration. May be repeated and run by several processes at once. Raises SchemaTooNew."""
    with engine.connect() as conn:
        if not pending(conn):
            return
    while _apply_next(engine):
        pass


def is_begun(engine: Engine) -> bool:
    """Return whether any migration was ever applied. Changes nothing."""
    with engine.connect() as conn:
        return _current(conn) is not None


def pending(conn: Connection) -> list[str]:
    """Return the revisions not yet applied, oldest first. Changes nothing. Raises SchemaTooNew."""
    current = _current(conn)
    known = revisions()
    if current is None:
        return list(known)
    if current not in known:
        raise SchemaTooNew("The database was written by a newer version of Contact Vault.")
    return list(known[known.index(current) + 1 :])


@cache
def revisions() -> tuple[str, ...]:
    """Return all revisions of this version, oldest first."""
    return tuple(sorted(path.stem for path in FOLDER.glob("versions/[0-9]*.py")))


def _apply_next(engine: Engine) -> bool:
    """Apply the oldest pending revision; return whether more are pending."""
    from alembic import command
    from alembic.config import Config

    with engine.connect().execution_options(hl_write=True) as conn, conn.begin():
        if conn.dialect.name == "postgresql":
            conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        missing = pending(conn)
        if not missing:
            return False
        config = Config()
        config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
        config.attributes["connection"] = conn
        command.upgrade(config, missing[0])
        return len(missing) > 1


def _current(conn: Connection) -> str | None:
    if not inspect(conn).has_table("alembic_version"):
        return None
    return conn.execute(text("SELECT max(version_num) FROM alembic_version")).scalar()
