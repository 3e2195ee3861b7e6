"""A place where deliveries of webhooks are safe before anything is done with them, and counts of refused ones."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003_webhook_inbox"
down_revision = "0002_captures"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def words(length: int | None = None) -> sa.types.TypeEngine[str]:
    """Text that sorts by code point on both databases."""
    if length is None:
        return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")



def upgrade() -> None:
    op.create_table(
        "webhook_inbox",
        sa.Column("webhook_id", words(80), nullable=False),
        sa.Column("location_id", words(64), nullable=False),
        sa.Column("type", words(48), nullable=False),
        sa.Column("sent_at", MOMENT, nullable=True),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("processed_at", MOMENT, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", words(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("webhook_id", name="pk_webhook_inbox"),
    )
    waiting = sa.text("processed_at IS NULL")
    op.create_index(
        "ix_webhook_inbox_due_at", "webhook_inbox", ["due_at"], sqlite_where=waiting, postgresql_where=waiting
    )
    op.create_index("ix_webhook_inbox_location_id_received_at", "webhook_inbox", ["location_id", "received_at"])
    op.create_table(
        "webhook_counts",
        sa.Column("day", words(10), nullable=False),
        sa.Column("kind", words(16), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "kind", name="pk_webhook_counts"),
    )
