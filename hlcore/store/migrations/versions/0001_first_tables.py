"""The first tables: the copy of the contacts, the register of disappearances, restores, and who did what.

Stored versions are never changed, and the audit log only grows: the database itself refuses anything else.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001_first_tables"
down_revision = None
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def words(length: int | None = None) -> sa.types.TypeEngine[str]:
    """Text that sorts by code point on both databases."""
    if length is None:
        return sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    _create_the_copy()
    _create_the_register()
    _create_restores()
    _create_the_ledger()
    for table in ("contact_versions", "record_versions"):
        _refuse(table, "UPDATE", "a stored version is never changed")
    for act in ("UPDATE", "DELETE"):
        _refuse("audit", act, "the audit log only grows")
    if op.get_bind().dialect.name == "postgresql":
        _keep_bytes_uncompressed()


def _refuse(table: str, act: str, reason: str) -> None:
    """The database itself refuses this act on this table."""
    name = f"{table}_no_{act.lower()}"
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"CREATE TRIGGER {name} BEFORE {act} ON {table} BEGIN SELECT RAISE(ABORT, '{reason}'); END")
        return
    op.execute(
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{reason}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    acts = f"{act} OR TRUNCATE" if act == "DELETE" else act
    op.execute(f"CREATE TRIGGER {name} BEFORE {acts} ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {name}()")


def _keep_bytes_uncompressed() -> None:
    """JSON of one or two kilobytes gains little from compression, which costs more time than writing it."""
    for table in ("contact_bytes", "contact_details", "contact_versions", "records", "record_versions"):
        op.execute(f"ALTER TABLE {table} ALTER COLUMN raw SET STORAGE EXTERNAL")


def _create_the_copy() -> None:
    op.create_table(
        "locations",
        sa.Column("location_id", words(64), nullable=False),
        sa.Column("name", words(255), nullable=False),
        sa.Column("timezone", words(64), nullable=False),
        sa.Column("company_id", words(64), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=True),
        sa.Column("connected_at", MOMENT, nullable=False),
        sa.Column("disconnected_at", MOMENT, nullable=True),
        sa.Column("is_demo", sa.Boolean(), nullable=False),
        sa.Column("hipaa", sa.Boolean(), nullable=False),
        sa.Column("window_days", sa.Integer(), nullable=True),
        sa.Column("window_reason", words(), nullable=False),
        sa.Column("incident_floor", sa.Integer(), nullable=True),
        sa.Column("incident_share", sa.Float(), nullable=True),
        sa.Column("raw", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("location_id", name="pk_locations"),
    )
    op.create_table(
        "runs",
        sa.Column("run_id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("location_id", words(64), nullable=False),
        sa.Column("kind", words(16), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("heartbeat_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.Column("outcome", words(16), nullable=False),
        sa.Column("reason", words(), nullable=False),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("suspected", sa.Integer(), nullable=False),
        sa.Column("deleted", sa.Integer(), nullable=False),
        sa.Column("returned", sa.Integer(), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("resumed", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("checkpoint", JSON, nullable=True),
        sa.Column("holder", words(128), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name="pk_runs"),
    )
    op.create_index("ix_runs_location_id_kind_started_at", "runs", ["location_id", "kind", "started_at"])
    op.create_index(
        "uq_runs_open",
        "runs",
        ["location_id", "kind"],
        unique=True,
        sqlite_where=sa.text("finished_at IS NULL"),
        postgresql_where=sa.text("finished_at IS NULL"),
    )
    op.create_table(
        "sightings",
        sa.Column("run_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("contact_id", words(64), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "contact_id", name="pk_sightings"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "contacts",
        sa.Column("row_id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("location_id", words(64), nullable=False),
        sa.Column("contact_id", words(64), nullable=False),
        sa.Column("status", words(16), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("content_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("name", words(), nullable=False),
        sa.Column("name_key", words(), nullable=False),
        sa.Column("search", words(), nullable=False),
        sa.Column("email", words(), nullable=False),
        sa.Column("phone", words(), nullable=False),
        sa.Column("phone_key", words(32), nullable=False),
        sa.Column("email_hash", sa.Integer(), nullable=True),
        sa.Column("phone_hash", sa.Integer(), nullable=True),
        sa.Column("company", words(), nullable=False),
        sa.Column("owner_id", words(64), nullable=False),
        sa.Column("source", words(), nullable=False),
        sa.Column("tags", JSON, nullable=False),
        sa.Column("dnd", sa.Boolean(), nullable=False),
        sa.Column("has_dnd_settings", sa.Boolean(), nullable=False),
        sa.Column("date_added", MOMENT, nullable=True),
        sa.Column("date_updated", MOMENT, nullable=True),
        sa.Column("first_seen_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("detail_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("row_id", name="pk_contacts"),
    )
    op.create_index(
        "ix_contacts_email_hash",
        "contacts",
        ["email_hash"],
        sqlite_where=sa.text("email_hash IS NOT NULL"),
        postgresql_where=sa.text("email_hash IS NOT NULL"),
    )
    op.create_index("ix_contacts_location_id_contact_id", "contacts", ["location_id", "contact_id"], unique=True)
    op.create_index(
        "ix_contacts_location_id_date_added_contact_id", "contacts", ["location_id", "date_added", "contact_id"]
    )
    op.create_index("ix_contacts_location_id_status", "contacts", ["location_id", "status"])
    op.create_index(
        "ix_contacts_phone_hash",
        "contacts",
        ["phone_hash"],
        sqlite_where=sa.text("phone_hash IS NOT NULL"),
        postgresql_where=sa.text("phone_hash IS NOT NULL"),
    )
    op.create_table(
        "contact_bytes",
        sa.Column("row_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("row_id", name="pk_contact_bytes"),
    )
    op.create_table(
        "contact_details",
        sa.Column("row_id", ROW_ID, autoincrement=False, nullable=False),
        sa.Column("captured_at", MOMENT, nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("row_id", name="pk_contact_details"),
    )
    op.create_table(
        "contact_versions",
        sa.Column("version_id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("location_id", words(64), nullable=False),
        sa.Column("contact_id", words(64), nullable=False),
        sa.Column("part", words(8), nullable=False),
        sa.Column("captured_at", MOMENT, nullable=False),
        sa.Column("replaced_at", MOMENT, nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("version_id", name="pk_contact_versions"),
    )
    op.create_index("ix_contact_versions_location_id_contact_id", "contact_versions", ["location_id", "contact_id"])
    op.create_table(
        "aliases",
        sa.Column("location_id", words(64), nullable=False),
        sa.Column("kind", words(8), nullable=False),
        sa.Column("value", words(255), nullable=False),
        sa.Column("contact_id", words(64), nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("location_id", "kind", "value", "contact_id", name="pk_aliases"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_aliases_location_id_contact_id", "aliases", ["location_id", "contact_id"])
    op.create_table(
        "facets",
        sa.Column("location_id", words(64), nullable=False),
        sa.Column("kind", words(16), nullable=False),
        sa.Column("value", words(255), nullable=False),
        sa.PrimaryKeyConstraint("location_id", "kind", "value", name="pk_facets"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "records",
        sa.Column("location_id", words(64), nullable=False),
        sa.Column("kind", words(24), nullable=False),
        sa.Column("record_id", words(64), nullable=False),
        sa.Column("contact_id", words(64), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("captured_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("vanished_at", MOMENT, nullable=True),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("location_id", "kind", "record_id", name="pk_records"),
    )
    op.create_index("ix_records_location_id_contact_id_kind", "records", ["location_id", "contact_id", "kind"])
    op.create_table(
        "record_versions",
        sa.Column("version_id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("location_id", words(64), nullable=False),
        sa.Column("kind", words(24), nullable=False),
        sa.Column("record_id", words(64), nullable=False),
        sa.Column("contact_id", words(64), nullable=False),
        sa.Column("captured_at", MOMENT, nullable=False),
        sa.Column("replaced_at", MOMENT, nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("version_id", name="pk_record_versions"),
    )
    op.create_index(
        "ix_record_versions_location_id_kind_record_id", "record_versions", ["location_id", "kind", "record_id"]
    )


def _create_the_register() -> None:
    op.create_table(
        "disappearances",
        sa.Column("disappearance_id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("location_id", words(64), nullable=False),
        sa.Column("contact_id", words(64), nullable=False),
        sa.Column("status", words(16), nullable=False),
        sa.Column("cause", words(16), nullable=False),
        sa.Column("evidence", words(), nullable=False),
        sa.Column("detected_by", words(16), nullable=False),
        sa.Column("last_seen_at", MOMENT, nullable=False),
        sa.Column("detected_at", MOMENT, nullable=False),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.Column("confirmed_at", MOMENT, nullable=True),
        sa.Column("clock_from", MOMENT, nullable=False),
        sa.Column("checks", sa.Integer(), nullable=False),
        sa.Column("last_check", words(), nullable=False),
        sa.Column("incident_id", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("new_contact_id", words(64), nullable=False),
        sa.Column("winner_id", words(64), nullable=False),
        sa.PrimaryKeyConstraint("disappearance_id", name="pk_disappearances"),
    )
    op.create_index("ix_disappearances_location_id_contact_id", "disappearances", ["location_id", "contact_id"])
    op.create_index("ix_disappearances_location_id_detected_at", "disappearances", ["location_id", "detected_at"])
    op.create_index(
        "ix_disappearances_location_id_status_clock_from", "disappearances", ["location_id", "status", "clock_from"]
    )
    op.create_index(
        "uq_disappearances_open",
        "disappearances",
        ["location_id", "contact_id"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "incidents",
        sa.Column("incident_id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("location_id", words(64), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("contacts", sa.Integer(), nullable=False),
        sa.Column("known", sa.Integer(), nullable=False),
        sa.Column("state", words(16), nullable=False),
        sa.Column("evidence", words(), nullable=False),
        sa.PrimaryKeyConstraint("incident_id", name="pk_incidents"),
    )
    op.create_index("ix_incidents_location_id_opened_at", "incidents", ["location_id", "opened_at"])


def _create_restores() -> None:
    op.create_table(
        "restore_jobs",
        sa.Column("job_id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("location_id", words(64), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", words(255), nullable=False),
        sa.Column("state", words(16), nullable=False),
        sa.Column("started_at", MOMENT, nullable=True),
        sa.Column("heartbeat_at", MOMENT, nullable=True),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.Column("holder", words(128), nullable=False),
        sa.Column("options", JSON, nullable=True),
        sa.PrimaryKeyConstraint("job_id", name="pk_restore_jobs"),
    )
    op.create_index("ix_restore_jobs_location_id_created_at", "restore_jobs", ["location_id", "created_at"])
    op.create_table(
        "restore_items",
        sa.Column("job_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("contact_id", words(64), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("action", words(16), nullable=False),
        sa.Column("plan", JSON, nullable=False),
        sa.Column("outcome", words(16), nullable=False),
        sa.Column("new_contact_id", words(64), nullable=False),
        sa.Column("verified", sa.Boolean(), nullable=True),
        sa.Column("differences", JSON, nullable=True),
        sa.Column("error", words(), nullable=False),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("job_id", "contact_id", name="pk_restore_items"),
    )
    op.create_index("ix_restore_items_contact_id", "restore_items", ["contact_id"])
    op.create_table(
        "journal",
        sa.Column("entry_id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("location_id", words(64), nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=True),
        sa.Column("contact_id", words(64), nullable=False),
        sa.Column("step", words(64), nullable=False),
        sa.Column("request", JSON, nullable=True),
        sa.Column("sent_at", MOMENT, nullable=False),
        sa.Column("answered_at", MOMENT, nullable=True),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("result_id", words(64), nullable=False),
        sa.Column("note", words(), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name="pk_journal"),
    )
    op.create_index("ix_journal_job_id", "journal", ["job_id"])
    op.create_index("ix_journal_location_id_contact_id", "journal", ["location_id", "contact_id"])
    op.create_index("ix_journal_location_id_result_id", "journal", ["location_id", "result_id"])


def _create_the_ledger() -> None:
    op.create_table(
        "audit",
        sa.Column("audit_id", ROW_ID, autoincrement=True, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor", words(255), nullable=False),
        sa.Column("role", words(16), nullable=False),
        sa.Column("act", words(32), nullable=False),
        sa.Column("location_id", words(64), nullable=False),
        sa.Column("subject", words(), nullable=False),
        sa.Column("outcome", words(16), nullable=False),
        sa.Column("detail", JSON, nullable=True),
        sa.PrimaryKeyConstraint("audit_id", name="pk_audit"),
    )
    op.create_index("ix_audit_at", "audit", ["at"])
    op.create_table(
        "api_usage",
        sa.Column("location_id", words(64), nullable=False),
        sa.Column("day", words(10), nullable=False),
        sa.Column("requests", sa.Integer(), nullable=False),
        sa.Column("daily_limit", sa.Integer(), nullable=True),
        sa.Column("daily_remaining", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("location_id", "day", name="pk_api_usage"),
    )
    op.create_table(
        "leases",
        sa.Column("name", words(128), nullable=False),
        sa.Column("holder", words(128), nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )
