"""A sighting names the contact's row: half the size, and written in the order in which a listing comes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005_sightings_by_row"
down_revision = "0004_oauth_grants"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.rename_table("sightings", "sightings_by_id")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE sightings_by_id RENAME CONSTRAINT pk_sightings TO pk_sightings_by_id")
    op.create_table(
        "sightings",
        sa.Column("run_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("row_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "row_id", name="pk_sightings"),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO sightings (run_id, row_id) "
        "SELECT s.run_id, c.row_id FROM sightings_by_id s JOIN runs r ON r.run_id = s.run_id "
        "JOIN contacts c ON c.location_id = r.location_id AND c.contact_id = s.contact_id"
    )
    op.drop_table("sightings_by_id")
