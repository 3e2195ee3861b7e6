"""Translates errors of the database into StoreError.

Their own texts may quote rows (PostgreSQL's "Failing row contains …"), so neither the message nor the chain of causes
contains them: only the kind of error, and the constraint or column it names.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from hlcore.errors import StoreError

BUSY_SECONDS = 30
"""How long a writer waits for another one before it fails."""


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise errors of the database as StoreError; let all others through."""
    try:
        yield
    except DBAPIError as exc:
        raise _explain(exc.orig) from None
    except _driver_errors() as exc:
        raise _explain(exc) from None
    except SQLAlchemyError as exc:
        raise StoreError(f"The database could not be used ({type(exc).__name__}).") from exc


def _driver_errors() -> tuple[type[Exception], ...]:
    """Return the errors that come from a driver directly. A process without PostgreSQL has not loaded psycopg."""
    return (sqlite3.Error, sys.modules["psycopg"].Error) if "psycopg" in sys.modules else (sqlite3.Error,)


_FAULTS: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (
        ("database is locked", "lock timeout", "55p03"),
        f"Another process has been writing to the database for more than {BUSY_SECONDS} seconds.",
        "Try again; if it lasts, look for a second Contact Vault on the same file.",
    ),
    (
        ("disk is full", "no space left", "53100"),
        "The disk of the database is full.",
        "Free some space; nothing stored is lost.",
    ),
    (("not a database", "malformed"), "The file is not a usable SQLite database.", "Restore a backup of the vault."),
    (
        ("readonly database", "25006"),
        "The database cannot be written: its file, folder or disk is read-only.",
        "Check the permissions of the path in HLCORE_DATABASE_URL, and that the disk is not mounted read-only.",
    ),
    (
        ("unable to open database file",),
        "The file of the database cannot be opened.",
        "Check that the path in HLCORE_DATABASE_URL is a file that this user may read and write.",
    ),
    (
        ("disk i/o error",),
        "The disk of the database reports an error.",
        "Check the disk, its free space and quota, and that the folder of the database is still there.",
    ),
)
"""What an error's text or SQLSTATE contains, what is said about it, and what helps."""
_CONNECTION_CLASSES = ("08", "28", "3D", "57")


def _explain(error: BaseException | None) -> StoreError:
    state = getattr(error, "sqlstate", None) or ""
    text = f"{error} {state}".lower()
    for parts, message, hint in _FAULTS:
        if any(part in text for part in parts):
            return StoreError(message, hint=hint)
    psycopg = sys.modules.get("psycopg")
    if (
        psycopg is not None
        and isinstance(error, psycopg.OperationalError)
        and (not state or state.startswith(_CONNECTION_CLASSES))
    ):
        return StoreError(
            "The database cannot be reached, or does not admit this user.",
            hint="Check that PostgreSQL runs, and host, port, user and password in HLCORE_DATABASE_URL.",
        )
    return StoreError(f"The database reported an error: {type(error).__name__}{_where(error)}.")


def _where(error: BaseException | None) -> str:
    """Return what the error is about, without any value."""
    if isinstance(error, sqlite3.IntegrityError):
        return f" ({error})"  # names tables and columns, or is a trigger's own text
    psycopg = sys.modules.get("psycopg")
    if psycopg is not None and isinstance(error, psycopg.Error):
        named = (error.sqlstate, error.diag.table_name, error.diag.column_name, error.diag.constraint_name)
        return f" ({', '.join(filter(None, named))})" if any(named) else ""
    code = getattr(error, "sqlite_errorname", None)
    return f" ({code})" if code else ""
