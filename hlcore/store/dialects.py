"""Many rows at once: the few places where SQLite and PostgreSQL are spoken to differently.

Lists of ids travel as one value (a JSON array, a PostgreSQL array), so that no limit on bound parameters is ever
met. Rows are written by `executemany` on SQLite and by COPY on PostgreSQL.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    CursorResult,
    Double,
    Executable,
    Integer,
    Table,
    Text,
    any_,
    cast,
    column,
    func,
    literal,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite

from hlcore.errors import NotFound
from hlcore.store.column_types import CleanText, UtcDateTime
from hlcore.store.db_errors import BUSY_SECONDS

CHUNK = 5_000
_MOMENT = "%04d-%02d-%02d %02d:%02d:%02d.%06d"  # half the time of isoformat
_QUEUE = 0x636F6E7461637477  # the advisory lock of PostgreSQL for which a vault's writers queue


def is_postgres(tx: Connection) -> bool:
    """Whether this transaction is on PostgreSQL (else SQLite)."""
    return tx.dialect.name == "postgresql"


def among(tx: Connection, what: ColumnElement[Any], values: Iterable[str]) -> ColumnElement[bool]:
    """`what IN values`, for any number of texts, as one bound value."""
    if is_postgres(tx):
        return what == any_(literal(list(values), ARRAY(Text)))
    return what.in_(select(column("value")).select_from(_json_each(values)))


def among_numbers(tx: Connection, what: ColumnElement[Any], values: Iterable[int]) -> ColumnElement[bool]:
    """`what IN values`, for any number of whole numbers, as one bound value."""
    if is_postgres(tx):
        return what == any_(literal(list(values), postgresql.ARRAY(postgresql.BIGINT)))
    return what.in_(select(column("value")).select_from(_json_each(values)))


def contains(tx: Connection, what: ColumnElement[str], part: str) -> ColumnElement[bool]:
    """Whether `part` stands anywhere in `what`, letter by letter (no pattern characters)."""
    return func.strpos(what, part) > 0 if is_postgres(tx) else func.instr(what, part) > 0


def seconds(tx: Connection, moment: ColumnElement[Any]) -> ColumnElement[float]:
    """Seconds since 1970 of a moment's column, with their fraction."""
    if is_postgres(tx):
        return cast(func.extract("epoch", moment), Double)
    return (func.julianday(moment) - 2440587.5) * 86_400.0


def insert_rows(tx: Connection, table: Table, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """These rows are in the table. Values are taken as the database's own (see `moment_value`): no types are
    converted, every column without a value of its own must be named."""
    if not rows:
        return
    if not is_postgres(tx):
        tx.exec_driver_sql(_insert_sql(table.name, tuple(names)), rows)
        return
    raw = tx.connection.driver_connection
    assert raw is not None
    into = f"COPY {table.name} ({', '.join(names)}) FROM STDIN (FORMAT BINARY)"
    with raw.cursor() as cursor, cursor.copy(into) as copy:
        copy.set_types([_copy_type(table.c[name]) for name in names])
        for row in rows:
            copy.write_row(row)


def insert_new(tx: Connection, table: Table, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Those of these rows whose key is not there yet are inserted. Values as for `insert_rows`."""
    if rows:
        marks = ", ".join(("%s" if is_postgres(tx) else "?",) * len(names))
        into = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks}) ON CONFLICT DO NOTHING"  # noqa: S608
        tx.exec_driver_sql(into, rows)


def update_rows(tx: Connection, table: Table, names: Sequence[str], key: str, rows: Sequence[Sequence[Any]]) -> None:
    """Each row (its values in the order of `names`, then its key) is changed. Values as for `insert_rows`."""
    if not rows:
        return
    if not is_postgres(tx):
        tx.exec_driver_sql(_update_sql(table.name, tuple(names), key, "?"), rows)
        return
    written = {at for at, name in enumerate(names) if isinstance(table.c[name].type, JSON)}
    plain = [[value[1:].decode() if at in written else value for at, value in enumerate(row)] for row in rows]
    tx.exec_driver_sql(_update_sql(table.name, tuple(names), key, "%s"), [tuple(row) for row in plain])


def insert_missing(tx: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Rows whose key is not there yet are inserted; the others are left as they are."""
    if rows:
        insert = postgresql.insert if is_postgres(tx) else sqlite.insert
        tx.execute(insert(table).on_conflict_do_nothing(), list(rows))


def upsert(tx: Connection, table: Table, rows: Sequence[dict[str, Any]], *, keep: Iterable[str] = ()) -> None:
    """Rows are inserted, or overwrite those with the same primary key, except the columns named in `keep`."""
    if not rows:
        return
    statement = (postgresql.insert if is_postgres(tx) else sqlite.insert)(table)
    keys = [key.name for key in table.primary_key]
    fixed = {*keys, *keep}
    values = {name: statement.excluded[name] for name in rows[0] if name not in fixed}
    tx.execute(statement.on_conflict_do_update(index_elements=keys, set_=values), list(rows))


def next_ids(tx: Connection, table: Table, count: int) -> Sequence[int]:
    """So many unused row ids, ascending, for rows that this transaction inserts."""
    key = next(iter(table.primary_key))
    if is_postgres(tx):
        sequence = f"{table.name}_{key.name}_seq"
        drawn = text(f"SELECT nextval('{sequence}') FROM generate_series(1, :count)")  # noqa: S608
        return sorted(tx.execute(drawn, {"count": count}).scalars())
    first = tx.execute(select(func.coalesce(func.max(key), 0))).scalar_one() + 1
    return range(first, first + count)


def json_value(tx: Connection, written: bytes) -> bytes | str:
    """JSON as `insert_rows` wants it; the bytes must be clean (see `store.words`). PostgreSQL's binary form of a
    jsonb value is its text behind a version byte."""
    return b"\x01" + written if is_postgres(tx) else written.decode()


def moment_value(tx: Connection, value: datetime | None) -> datetime | str | None:
    """A moment as the database keeps it, for `insert_rows`. Refuses naive ones."""
    if value is None:
        return None
    if value.tzinfo is None:
        raise TypeError("naive datetime: a moment needs its time zone")
    if is_postgres(tx):
        return value
    at = value if value.tzinfo is UTC else value.astimezone(UTC)
    return _MOMENT % (at.year, at.month, at.day, at.hour, at.minute, at.second, at.microsecond)


def changed_rows(tx: Connection, statement: Executable, parameters: Any = None) -> int:
    """Execute; how many rows were touched."""
    result: CursorResult[Any] = tx.execute(statement, parameters, execution_options={"preserve_rowcount": True})
    return result.rowcount


def one_changed(tx: Connection, statement: Executable, what: str) -> None:
    """Execute; raises NotFound, naming `what`, unless a row was touched."""
    if not changed_rows(tx, statement):
        raise NotFound(f"There is no such {what} in this vault.")


def lock(tx: Connection, name: str) -> None:
    """Until this transaction ends nobody else holds the lock of this name. SQLite's one writer needs none."""
    if is_postgres(tx):
        tx.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})


def queue_up(tx: Connection, location_id: str) -> None:
    """Until this PostgreSQL transaction ends no other one is in this queue: the location's, or with '' the vault's,
    which nobody shares with any location's. Waits for at most `BUSY_SECONDS`, as does every lock after it."""
    patience = "SELECT set_config('lock_timeout', :patience, true)"
    whole, shared = "pg_advisory_xact_lock(:whole)", "pg_advisory_xact_lock_shared(:whole)"
    locks = f"{shared}, pg_advisory_xact_lock(hashtextextended(:name, 0))" if location_id else whole
    given = {"patience": f"{BUSY_SECONDS}s", "whole": _QUEUE, "name": f"writing:{location_id}"}
    wanted = ("patience", "whole", "name") if location_id else ("patience", "whole")
    tx.execute(text(f"{patience}, {locks}"), {name: given[name] for name in wanted})


def chunked(values: Sequence[Any], size: int = CHUNK) -> Iterable[Sequence[Any]]:
    """The values in parts of at most `size`."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def _json_each(values: Iterable[Any]) -> Any:
    return func.json_each(json.dumps(list(values))).table_valued("value")


@lru_cache(maxsize=64)
def _insert_sql(table: str, names: tuple[str, ...]) -> str:
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608


@lru_cache(maxsize=64)
def _update_sql(table: str, names: tuple[str, ...], key: str, mark: str) -> str:
    return f"UPDATE {table} SET {', '.join(f'{name} = {mark}' for name in names)} WHERE {key} = {mark}"  # noqa: S608


def _copy_type(wanted: Column[Any]) -> str:
    """The type under which COPY in its binary form takes this column's values."""
    kinds = (
        (UtcDateTime, "timestamptz"),
        (CleanText, "text"),
        (Boolean, "bool"),
        (BigInteger, "int8"),
        (Integer, "int4"),
    )
    return next((name for kind, name in kinds if isinstance(wanted.type, kind)), "bytea")
