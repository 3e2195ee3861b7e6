"""The tokens that installations of the OAuth app gave, and who is renewing one of them right now."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004_oauth_grants"
down_revision = "0003_webhook_inbox"
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
        "oauth_grants",
        sa.Column("kind", words(8), nullable=False),
        sa.Column("owner_id", words(64), nullable=False),
        sa.Column("company_id", words(64), nullable=False),
        sa.Column("tokens", sa.LargeBinary(), nullable=True),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("obtained_at", MOMENT, nullable=False),
        sa.Column("refreshed_at", MOMENT, nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("claimed_by", words(160), nullable=False),
        sa.Column("claimed_at", MOMENT, nullable=True),
        sa.Column("trouble", words(), nullable=False),
        sa.Column("trouble_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("kind", "owner_id", name="pk_oauth_grants"),
    )
