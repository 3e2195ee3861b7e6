"""What belongs to a contact: what of it is safe, and how far the feeds were read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002_captures"
down_revision = "0001_first_tables"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(JSONB(), "postgresql")
IS_DUE = sa.text("due_at IS NOT NULL")


def words(length: int | None = None) -> sa.types.TypeEngine[str]:
    """Text that sorts by code point on both databases."""
    if length is None:
        return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "captures",
        sa.Column("location_id", words(64), nullable=False),
        sa.Column("kind", words(24), nullable=False),
        sa.Column("subject_id", words(64), nullable=False),
        sa.Column("captured_at", MOMENT, nullable=True),
        sa.Column("due_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("location_id", "kind", "subject_id", name="pk_captures"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_captures_location_id_kind_captured_at", "captures", ["location_id", "kind", "captured_at"]
    )
    op.create_index(
        "ix_captures_due",
        "captures",
        ["location_id", "kind", "due_at"],
        sqlite_where=IS_DUE,
        postgresql_where=IS_DUE,
    )
    op.create_table(
        "feeds",
        sa.Column("location_id", words(64), nullable=False),
        sa.Column("kind", words(24), nullable=False),
        sa.Column("covered_at", MOMENT, nullable=True),
        sa.Column("walked_at", MOMENT, nullable=True),
        sa.Column("began_at", MOMENT, nullable=True),
        sa.Column("checkpoint", JSON, nullable=True),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("fails", sa.Integer(), nullable=False),
        sa.Column("refused_at", MOMENT, nullable=True),
        sa.Column("note", words(), nullable=False),
        sa.PrimaryKeyConstraint("location_id", "kind", name="pk_feeds"),
    )
    _believe_what_is_held()


def _believe_what_is_held() -> None:
    """Details that an earlier version read are captured."""
    op.execute(
        "INSERT INTO captures (location_id, kind, subject_id, captured_at) "
        "SELECT location_id, 'detail', contact_id, detail_at FROM contacts WHERE detail_at IS NOT NULL"
    )
