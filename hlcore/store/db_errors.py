"""Translates errors of the database into StoreError.

Their own texts may quote rows (PostgreSQL's "Failing row contains …"), so neither the message nor the chain of causes
contains them: only the kind of error, and the constraint or column it names.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
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
    except (sqlite3.Error, psycopg.Error) as exc:
        raise _explain(exc) from None
    except SQLAlchemyError as exc:
        raise StoreError(f"The database could not be used ({type(exc).__name__}).") from exc


def _explain(error: BaseException | None) -> StoreError:
    text = str(error).lower()
    if "database is locked" in text or "lock timeout" in text:
        return StoreError(
            f"Another process has been writing to the database for more than {BUSY_SECONDS} seconds.",
            hint="Try again; if it lasts, look for a second Contact Vault on the same file.",
        )
    if "disk is full" in text or "no space left" in text:
        return StoreError("The disk of the database is full.", hint="Free some space; nothing stored is lost.")
    if "not a database" in text or "malformed" in text:
        return StoreError("The file is not a usable SQLite database.", hint="Restore a backup of the vault.")
    return StoreError(f"The database reported an error: {type(error).__name__}{_where(error)}.")


def _where(error: BaseException | None) -> str:
    """Return what the error is about, without any value."""
    if isinstance(error, sqlite3.IntegrityError):
        return f" ({error})"  # names tables and columns, or is a trigger's own text
    if isinstance(error, psycopg.Error):
        named = (error.sqlstate, error.diag.table_name, error.diag.column_name, error.diag.constraint_name)
        return f" ({', '.join(filter(None, named))})" if any(named) else ""
    code = getattr(error, "sqlite_errorname", None)
    return f" ({code})" if code else ""
