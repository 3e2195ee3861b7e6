"""Faults of the database, in words. Their own texts quote rows (PostgreSQL's "Failing row contains …"), so neither
the words nor the chain of causes hold them: only the kind of fault, and the constraint or column it names."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from hlcore.errors import StoreError

BUSY_SECONDS = 30
"""How long a writer waits for another one."""


@contextmanager
def translated() -> Iterator[None]:
    """Faults of the database leave the block as StoreError; everything else as it is."""
    try:
        yield
    except DBAPIError as exc:
        raise _explain(exc.orig) from None
    except (sqlite3.Error, psycopg.Error) as exc:
        raise _explain(exc) from None
    except SQLAlchemyError as exc:
        raise StoreError(f"The database could not be used ({type(exc).__name__}).") from exc


def _explain(fault: BaseException | None) -> StoreError:
    words = str(fault).lower()
    if "database is locked" in words or "lock timeout" in words:
        return StoreError(
            f"Another process has been writing to the database for more than {BUSY_SECONDS} seconds.",
            hint="Try again; if it lasts, look for a second Contact Vault on the same file.",
        )
    if "disk is full" in words or "no space left" in words:
        return StoreError("The disk of the database is full.", hint="Free some space; nothing that was kept is lost.")
    if "not a database" in words or "malformed" in words:
        return StoreError("The file is not a usable SQLite database.", hint="Put back a backup of the vault.")
    return StoreError(f"The database refused: {type(fault).__name__}{_where(fault)}.")


def _where(fault: BaseException | None) -> str:
    """What the fault is about, without any value."""
    if isinstance(fault, sqlite3.IntegrityError):
        return f" ({fault})"  # names tables and columns, or is a trigger's own words
    if isinstance(fault, psycopg.Error):
        named = (fault.sqlstate, fault.diag.table_name, fault.diag.column_name, fault.diag.constraint_name)
        return f" ({', '.join(filter(None, named))})" if any(named) else ""
    code = getattr(fault, "sqlite_errorname", None)
    return f" ({code})" if code else ""
