"""SQL that SQLite and PostgreSQL spell differently: conditions, writing many rows at once, locks.

Lists of ids are bound as one value (a JSON array, a PostgreSQL array), so that no limit on bound parameters is ever
met. Many rows are written by `executemany` on SQLite and by COPY on PostgreSQL.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache
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
    LargeBinary,
    Table,
    Text,
    any_,
    case,
    cast,
    column,
    func,
    literal,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite

from hlcore.errors import NotFound
from hlcore.model.search_text import fold_letters
from hlcore.store.column_types import CleanText, UtcDateTime
from hlcore.store.db_errors import BUSY_SECONDS

CHUNK = 5_000
_MOMENT = "%04d-%02d-%02d %02d:%02d:%02d.%06d"  # half the time of isoformat
_ALPHABETS = (*range(0xC0, 0x250), *range(0x370, 0x530))  # Latin, Greek, Cyrillic
_ACCENTS = "".join(map(chr, range(0x300, 0x370)))
_WRITERS = 0x636F6E7461637477  # the advisory lock of PostgreSQL for which a vault's writers queue


def is_postgres(tx: Connection) -> bool:
    """Return whether this transaction is on PostgreSQL (else SQLite)."""
    return tx.dialect.name == "postgresql"


def among(tx: Connection, subject: ColumnElement[Any], values: Iterable[str]) -> ColumnElement[bool]:
    """Return `subject IN values`, for any number of texts, as one bound value."""
    if is_postgres(tx):
        return subject == any_(literal(list(values), ARRAY(Text)))
    return subject.in_(select(column("value")).select_from(_json_each(values)))


def among_numbers(tx: Connection, subject: ColumnElement[Any], values: Iterable[int]) -> ColumnElement[bool]:
    """Return `subject IN values`, for any number of whole numbers, as one bound value."""
    if is_postgres(tx):
        return subject == any_(literal(list(values), postgresql.ARRAY(postgresql.BIGINT)))
    return subject.in_(select(column("value")).select_from(_json_each(values)))


def contains(tx: Connection, subject: ColumnElement[str], part: str) -> ColumnElement[bool]:
    """Return whether `part` occurs in `subject`, compared letter by letter (no wildcards)."""
    return func.strpos(subject, part) > 0 if is_postgres(tx) else func.instr(subject, part) > 0


def folded(tx: Connection, subject: ColumnElement[str]) -> ColumnElement[str]:
    """Return a text as it is sorted by, as `model.search_text.fold_letters`, on PostgreSQL for the letters of alphabets
    alone. Cheap where a text is ASCII."""
    if not is_postgres(tx):
        is_wide = func.length(cast(subject, LargeBinary)) > func.length(subject)
        return case((is_wide, func.hl_fold(subject)), else_=func.lower(subject))
    letters, pairs = _foldings()
    plain: ColumnElement[str] = func.normalize(subject, text("NFKD"))
    for letter, written in pairs:
        plain = func.replace(plain, letter, written)
    plain = func.translate(plain, "".join(letters) + _ACCENTS, "".join(letters.values()))
    return func.lower(case((func.octet_length(subject) > func.length(subject), plain), else_=subject))


def seconds(tx: Connection, moment: ColumnElement[Any]) -> ColumnElement[float]:
    """Return a moment as seconds since 1970, with their fraction."""
    if is_postgres(tx):
        return cast(func.extract("epoch", moment), Double)
    return (func.julianday(moment) - 2440587.5) * 86_400.0


def insert_into(tx: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT that can be given an `ON CONFLICT` clause."""
    return postgresql.insert(table) if is_postgres(tx) else sqlite.insert(table)


def insert_rows(tx: Connection, table: Table, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Insert these rows. Values are stored as they are (see `moment_value`, `json_value`); every column without a
    default in the database must be named."""
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
    """Insert those of these rows whose key does not exist yet. Values as for `insert_rows`."""
    if rows:
        marks = ", ".join(("%s" if is_postgres(tx) else "?",) * len(names))
        into = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks}) ON CONFLICT DO NOTHING"  # noqa: S608
        tx.exec_driver_sql(into, rows)


def update_rows(tx: Connection, table: Table, names: Sequence[str], key: str, rows: Sequence[Sequence[Any]]) -> None:
    """Update by key; each row holds its values in the order of `names`, then its key. Values as for `insert_rows`."""
    if not rows:
        return
    if not is_postgres(tx):
        tx.exec_driver_sql(_update_sql(table.name, tuple(names), key, "?"), rows)
        return
    json_at = {at for at, name in enumerate(names) if isinstance(table.c[name].type, JSON)}
    plain = [[value[1:].decode() if at in json_at else value for at, value in enumerate(row)] for row in rows]
    tx.exec_driver_sql(_update_sql(table.name, tuple(names), key, "%s"), [tuple(row) for row in plain])


def insert_missing(tx: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert those of these rows whose key does not exist yet, with conversion of types and defaults of columns."""
    if rows:
        tx.execute(insert_into(tx, table).on_conflict_do_nothing(), list(rows))


def upsert(tx: Connection, table: Table, rows: Sequence[dict[str, Any]], *, keep: Iterable[str] = ()) -> None:
    """Insert these rows or overwrite those with the same primary key, except the columns named in `keep`."""
    if not rows:
        return
    insert = insert_into(tx, table)
    keys = [key.name for key in table.primary_key]
    fixed = {*keys, *keep}
    values = {name: insert.excluded[name] for name in rows[0] if name not in fixed}
    tx.execute(insert.on_conflict_do_update(index_elements=keys, set_=values), list(rows))


def next_ids(tx: Connection, table: Table, count: int) -> Sequence[int]:
    """Return `count` unused row ids, ascending, for rows that this transaction inserts."""
    key = next(iter(table.primary_key))
    if is_postgres(tx):
        sequence = f"{table.name}_{key.name}_seq"
        drawn = text(f"SELECT nextval('{sequence}') FROM generate_series(1, :count)")  # noqa: S608
        return sorted(tx.execute(drawn, {"count": count}).scalars())
    first = tx.execute(select(func.coalesce(func.max(key), 0))).scalar_one() + 1
    return range(first, first + count)


def json_value(tx: Connection, written: bytes) -> bytes | str:
    """Return JSON as `insert_rows` takes it; the bytes must be clean (see `store.text`). PostgreSQL's binary form of a
    jsonb value is its text behind a version byte."""
    return b"\x01" + written if is_postgres(tx) else written.decode()


def moment_value(tx: Connection, value: datetime | None) -> datetime | str | None:
    """Return a moment as `insert_rows` takes it. Raises TypeError for a naive one."""
    if value is None:
        return None
    if value.tzinfo is None:
        raise TypeError("naive datetime: a moment needs its time zone")
    if is_postgres(tx):
        return value
    at = value if value.tzinfo is UTC else value.astimezone(UTC)
    return _MOMENT % (at.year, at.month, at.day, at.hour, at.minute, at.second, at.microsecond)


def changed_rows(tx: Connection, statement: Executable, parameters: Any = None) -> int:
    """Execute the statement; return how many rows it touched."""
    result: CursorResult[Any] = tx.execute(statement, parameters, execution_options={"preserve_rowcount": True})
    return result.rowcount


def change_one(tx: Connection, statement: Executable, what: str) -> None:
    """Execute the statement. Raises NotFound, naming `what`, when it touched no row."""
    if not changed_rows(tx, statement):
        raise NotFound(f"There is no such {what} in this vault.")


def lock(tx: Connection, name: str) -> None:
    """Hold the lock of this name until the transaction ends. SQLite has one writer and needs none."""
    if is_postgres(tx):
        tx.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})


def queue_writer(tx: Connection, location_id: str) -> None:
    """Let no other PostgreSQL writer of this location in until the transaction ends; with '' none of the whole vault.
    Waits for at most `BUSY_SECONDS`, as does every lock after it."""
    timeout = "SELECT set_config('lock_timeout', :timeout, true)"
    parameters: dict[str, Any] = {"timeout": f"{BUSY_SECONDS}s", "vault": _WRITERS}
    locks = "pg_advisory_xact_lock(:vault)"
    if location_id:
        locks = "pg_advisory_xact_lock_shared(:vault), pg_advisory_xact_lock(hashtextextended(:name, 0))"
        parameters["name"] = f"writing:{location_id}"
    tx.execute(text(f"{timeout}, {locks}"), parameters)


def chunked(values: Sequence[Any], size: int = CHUNK) -> Iterable[Sequence[Any]]:
    """Yield the values in parts of at most `size`."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


@cache
def _foldings() -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Return the letters that are folded to one letter, and those folded to several."""
    found = {letter: fold_letters(letter) for letter in map(chr, _ALPHABETS) if letter.isalpha()}
    changed = {letter: base for letter, base in found.items() if base not in ("", letter)}
    single = {letter: base for letter, base in changed.items() if len(base) == 1}
    return single, [(letter, base) for letter, base in changed.items() if len(base) > 1]


def _json_each(values: Iterable[Any]) -> Any:
    return func.json_each(json.dumps(list(values))).table_valued("value")


@lru_cache(maxsize=64)
def _insert_sql(table: str, names: tuple[str, ...]) -> str:
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608


@lru_cache(maxsize=64)
def _update_sql(table: str, names: tuple[str, ...], key: str, mark: str) -> str:
    return f"UPDATE {table} SET {', '.join(f'{name} = {mark}' for name in names)} WHERE {key} = {mark}"  # noqa: S608


def _copy_type(target: Column[Any]) -> str:
    """Return the PostgreSQL type under which binary COPY takes this column's values."""
    kinds = (
        (UtcDateTime, "timestamptz"),
        (CleanText, "text"),
        (Boolean, "bool"),
        (BigInteger, "int8"),
        (Integer, "int4"),
    )
    return next((name for kind, name in kinds if isinstance(target.type, kind)), "bytea")
