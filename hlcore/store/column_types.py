"""What the tables are made of: their registry, and column types that mean the same on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Index, Integer, MetaData, String, Text, TypeDecorator, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

from hlcore.store.text import clean, fit

metadata = MetaData(naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s", "pk": "pk_%(table_name)s"})
JsonValue = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
RowId = BigInteger().with_variant(Integer(), "sqlite")


def partial_index(name: str | None, *columns: str, where: str, unique: bool = False) -> Index:
    """Return an index over those rows only for which `where` holds."""
    return Index(name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where))


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment in, the same moment in UTC out; None for a stored value that is no moment. Raises TypeError for
    naive datetimes."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise TypeError("naive datetime: a moment needs its time zone")
        return value.astimezone(UTC)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None] | None:
        """Read as the type does, and count what SQLite holds in its place as none: it checks no type."""
        read = super().result_processor(dialect, coltype)
        if read is None or dialect.name != "sqlite":
            return read

        def read_tolerantly(value: Any) -> datetime | None:
            try:
                return read(value)
            except (ValueError, TypeError):
                return None

        return read_tolerantly

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class CleanText(TypeDecorator[str]):
    """Text that both databases accept: without NUL and lone surrogates, never longer than its column."""

    impl = String
    cache_ok = True

    def __init__(self, length: int | None = None) -> None:
        super().__init__(length)
        self.limit = length

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[str]:
        order = "C" if dialect.name == "postgresql" else None  # lists come in the same order on both
        return dialect.type_descriptor(String(self.limit, order) if self.limit else Text(collation=order))

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        return fit(value, self.limit) if self.limit else clean(value)


def column_type_differs(context: Any, found: Any, wanted: Any, found_type: Any, wanted_type: Any) -> bool | None:
    """Tell Alembic whether a column of the database has another type than the code says; None: Alembic decides."""
    if not isinstance(wanted_type, CleanText):
        return None
    return not isinstance(found_type, String) or found_type.length != wanted_type.limit
