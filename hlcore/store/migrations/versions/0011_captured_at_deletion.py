"""The register keeps which kinds of records had been captured of a contact when it disappeared."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011_captured_at_deletion"
down_revision = "0010_refused_sign_ins"
branch_labels = None
depends_on = None

KINDS = ("detail", "note", "task", "opportunity", "appointment", "conversation", "message")
OWN = "location_id = disappearances.location_id AND kind = '{kind}'"
CAPTURED = f"SELECT 1 FROM captures WHERE {OWN} AND subject_id = disappearances.contact_id AND captured_at IS NOT NULL"
HELD = f"SELECT 1 FROM records WHERE {OWN} AND contact_id = disappearances.contact_id"
COVERED = (
    f"SELECT 1 FROM feeds JOIN contacts ON contacts.location_id = feeds.location_id WHERE feeds.{OWN} "
    "AND contacts.contact_id = disappearances.contact_id AND feeds.covered_at <= disappearances.last_seen_at "
    "AND COALESCE(contacts.date_added, contacts.first_seen_at) < feeds.covered_at"
)


def upgrade() -> None:
    op.add_column("disappearances", sa.Column("captured_kinds", sa.String(128), nullable=True))
    op.execute("UPDATE disappearances SET captured_kinds = ' '")
    for kind in KINDS:
        known = " OR ".join(f"EXISTS ({query})" for query in (CAPTURED, HELD, COVERED)).format(kind=kind)
        op.execute(f"UPDATE disappearances SET captured_kinds = captured_kinds || '{kind} ' WHERE {known}")
