"""What could not be handled is set aside where people can see it, and keeps nothing else waiting."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008_quarantine"
down_revision = "0007_no_content_digest"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def words(length: int) -> sa.types.TypeEngine[str]:
    """Text that sorts by code point on both databases."""
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "quarantined_items",
        sa.Column(
            "item_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False, autoincrement=True
        ),
        sa.Column("location_id", words(64), nullable=False),
        sa.Column("kind", words(24), nullable=False),
        sa.Column("reference", words(80), nullable=False),
        sa.Column("state", words(16), nullable=False),
        sa.Column("first_seen_at", MOMENT, nullable=False),
        sa.Column("last_seen_at", MOMENT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", words(80), nullable=False),
        sa.Column("place", words(160), nullable=False),
        sa.PrimaryKeyConstraint("item_id", name="pk_quarantined_items"),
    )
    op.create_index(
        "ix_quarantined_items_location_id_kind_reference",
        "quarantined_items",
        ["location_id", "kind", "reference"],
        unique=True,
    )
    op.add_column("webhook_inbox", sa.Column("set_aside_at", MOMENT, nullable=True))
