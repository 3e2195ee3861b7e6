"""Refused sign-ins are counted for each person and hour, beside one line in the audit log, which cannot be changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010_refused_sign_ins"
down_revision = "0009_fold_accents"
branch_labels = None
depends_on = None

ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WORDS = sa.String(255).with_variant(sa.String(255, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "refused_sign_ins",
        sa.Column("actor", WORDS, nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("audit_id", ROW_ID, nullable=False),
        sa.PrimaryKeyConstraint("actor", "hour", name="pk_refused_sign_ins"),
    )
    op.create_index("ix_refused_sign_ins_audit_id", "refused_sign_ins", ["audit_id"])
