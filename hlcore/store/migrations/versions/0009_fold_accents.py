"""Names are searched and sorted without regard to accents: what holds a letter outside ASCII is folded again.

Most contacts have none and are left alone; a hundred thousand others take some seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from hlcore.model.contact import digits
from hlcore.model.search_text import fold_letters
from hlcore.store.text import checksum

revision = "0009_fold_accents"
down_revision = "0008_quarantine"
branch_labels = None
depends_on = None

CHUNK = 5_000
contacts = sa.table("contacts", *map(sa.column, ("row_id", "name", "name_key", "search", "phone", "phone_key", "phone_hash")))


def upgrade() -> None:
    bind = op.get_bind()
    key = contacts.c.row_id
    change = sa.update(contacts).where(key == sa.bindparam("row")).values(
        {name: sa.bindparam(f"new_{name}") for name in ("name_key", "search", "phone_key", "phone_hash")}
    )
    after = 0
    while rows := bind.execute(
        sa.select(*contacts.c).where(key > after, _is_wide(bind, contacts.c.search)).order_by(key).limit(CHUNK)
    ).all():
        bind.execute(change, [dict(_folded(row)) for row in rows])
        after = rows[-1].row_id


def _is_wide(bind: sa.Connection, column: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Return whether this text holds a letter outside ASCII: it then has more bytes than letters."""
    if bind.dialect.name == "postgresql":
        return sa.func.octet_length(column) > sa.func.length(column)
    return sa.func.length(sa.cast(column, sa.LargeBinary)) > sa.func.length(column)


def _folded(row: sa.Row[Any]) -> Iterator[tuple[str, Any]]:
    phone_key = digits(row.phone)
    yield "row", row.row_id
    yield "new_name_key", fold_letters(row.name) or row.name_key
    yield "new_search", "\n".join(line for old in row.search.split("\n") for line in _lines(old))
    yield "new_phone_key", phone_key
    yield "new_phone_hash", checksum(phone_key)


def _lines(line: str) -> list[str]:
    """Return a line of `search` folded; one of a tag stays, and is followed by one without its accents."""
    folded = fold_letters(line)
    return [line, f" {folded}"] if line.startswith("#") and folded != line else [folded]
