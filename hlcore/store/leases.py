"""Who works on what right now, and when somebody else may take it over.

A holder is a process ('host:pid:start', more may follow after another ':'). It has lost its work when its process has
ended on this machine, or when it has given no sign of life for long enough. `is_held` decides that for rows that carry
a holder and a heartbeat of their own (runs, restore jobs); everything else is a named lease in the table `leases`,
which ends by itself at `expires_at`.
"""

from __future__ import annotations

import os
import socket
from datetime import datetime, timedelta
from functools import cache

import psutil
from sqlalchemy import ColumnElement, and_, delete, not_, or_, select, update

from hlcore.model.moments import is_recent
from hlcore.store.database import Tx
from hlcore.store.dialects import changed_rows, insert_into
from hlcore.store.tables import leases

SILENT_AFTER = timedelta(seconds=120)
LONGEST_LEASE = timedelta(minutes=10)
"""No lease lasts longer. One that would was taken under a wrong clock, and counts for nothing."""


def this_process() -> str:
    """Return the holder that stands for this process."""
    return _holder_of(os.getpid())


def is_gone(holder: str) -> bool:
    """Return whether the holder was a process of this machine that surely does not run any more."""
    host, pid, start = (*holder.split(":"), "", "", "")[:3]
    if host != this_process().split(":")[0] or not pid.isdigit():
        return False
    try:
        return _start_of(int(pid)) != start
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False


def is_held(holder: str, heartbeat_at: datetime | None, at: datetime) -> bool:
    """Return whether a living process holds it, heard from last at `heartbeat_at`; if not, it may be taken over.
    A heartbeat in the future is none."""
    return bool(holder) and is_recent(heartbeat_at, at, SILENT_AFTER) and not is_gone(holder)


def acquire(tx: Tx, name: str, holder: str, *, at: datetime, ttl: timedelta) -> bool:
    """Return whether `holder` has the lease until `at + ttl`: it was free, expired, its own, or its holder is gone."""
    if _take(tx, name, holder, at, ttl):
        return True
    other = current_holder(tx, name, at=at)
    return is_gone(other) and _take(tx, name, holder, at, ttl, instead_of=other)


def renew(tx: Tx, name: str, holder: str, *, at: datetime, ttl: timedelta) -> bool:
    """Extend the holder's lease until `at + ttl`; return False when it has lost it."""
    statement = update(leases).where(leases.c.name == name, leases.c.holder == holder, _is_valid(at))
    return changed_rows(tx, statement.values(expires_at=at + ttl)) == 1


def release(tx: Tx, name: str, holder: str) -> None:
    """Free the lease if it is the holder's. May be repeated."""
    tx.execute(delete(leases).where(leases.c.name == name, leases.c.holder == holder))


def current_holder(tx: Tx, name: str, *, at: datetime) -> str:
    """Return who has the lease at `at`; '' when nobody does."""
    query = select(leases.c.holder).where(leases.c.name == name, _is_valid(at))
    return tx.execute(query).scalar_one_or_none() or ""


def _take(tx: Tx, name: str, holder: str, at: datetime, ttl: timedelta, *, instead_of: str | None = None) -> bool:
    """Take the lease in one statement, so that of several processes only one succeeds."""
    insert = insert_into(tx, leases).values(name=name, holder=holder, expires_at=at + ttl)
    free = or_(leases.c.holder.in_((holder, instead_of or holder)), not_(_is_valid(at)))
    taken = {"holder": insert.excluded.holder, "expires_at": insert.excluded.expires_at}
    return changed_rows(tx, insert.on_conflict_do_update(index_elements=["name"], set_=taken, where=free)) == 1


def _is_valid(at: datetime) -> ColumnElement[bool]:
    return and_(leases.c.expires_at > at, leases.c.expires_at <= at + LONGEST_LEASE)


@cache
def _holder_of(pid: int) -> str:
    host = socket.gethostname().replace(":", "-")[:80] or "localhost"
    return f"{host}:{pid}:{_start_of(pid)}"


def _start_of(pid: int) -> str:
    return f"{psutil.Process(pid).create_time():.2f}"
