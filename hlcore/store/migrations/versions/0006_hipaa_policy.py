"""Whether people are re-created on an account under HIPAA is decided by somebody, not by default."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006_hipaa_policy"
down_revision = "0005_sightings_by_row"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "locations", sa.Column("hipaa_recreate", sa.Boolean(), nullable=False, server_default=sa.false())
    )
