"""What a contact's bytes say is compared by the bytes themselves, and only where they differ: no digest of it is kept."""

from __future__ import annotations

from alembic import op

revision = "0007_no_content_digest"
down_revision = "0006_hipaa_policy"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_column("contacts", "content_digest")
