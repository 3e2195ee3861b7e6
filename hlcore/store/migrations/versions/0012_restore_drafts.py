"""The draft of a restore has an address, so that it survives a reload."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012_restore_drafts"
down_revision = "0011_captured_at_deletion"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


def words(length: int) -> sa.types.TypeEngine[str]:
    """Text that sorts by code point on both databases."""
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "restore_drafts",
        sa.Column("draft_id", words(64), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("contacts", JSON, nullable=False),
        sa.Column("path", words(16), nullable=False),
        sa.Column("choices", JSON, nullable=False),
        sa.Column("job_ids", JSON, nullable=False),
        sa.PrimaryKeyConstraint("draft_id", name="pk_restore_drafts"),
    )
