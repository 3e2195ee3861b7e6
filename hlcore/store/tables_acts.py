"""The tables of what happened and who did it: disappearances, restores, the journal, the audit log, usage."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, Named, Table, TypedColumns, text

from hlcore.store.tables import metadata
from hlcore.store.types import JsonValue, Moment, RowId, Words

_OPEN_ROW = text("ended_at IS NULL")


class DisappearanceColumns(TypedColumns):
    """The register: one row for each time a contact disappeared. `status` is that of the contact's life as far as
    facts are recorded; `expired` is never stored, it follows from the window and the clock."""

    disappearance_id = Column(RowId, primary_key=True, autoincrement=True)
    location_id: Named[str] = Column(Words(64))
    contact_id: Named[str] = Column(Words(64))
    status: Named[str] = Column(Words(16))  # suspected | deleted | … (`model.lifecycle`), or withdrawn
    cause: Named[str] = Column(Words(16), default="unknown")  # merge | bulk | unknown
    evidence: Named[str] = Column(Words(), default="")
    detected_by: Named[str] = Column(Words(16), default="listing")  # listing | watch | webhook
    last_seen_at = Column(Moment, nullable=False)
    detected_at = Column(Moment, nullable=False)
    deleted_at = Column(Moment, nullable=True)  # exact, from a webhook; else empty
    confirmed_at = Column(Moment, nullable=True)
    clock_from = Column(Moment, nullable=False)  # start of the recovery clock: deleted_at, else last_seen_at
    checks: Named[int] = Column(Integer, default=0)
    last_check: Named[str] = Column(Words(), default="")  # what the last GET said, in words
    incident_id = Column(BigInteger, nullable=True)
    ended_at = Column(Moment, nullable=True)  # returned, recreated, withdrawn
    new_contact_id: Named[str] = Column(Words(64), default="")
    winner_id: Named[str] = Column(Words(64), default="")  # of a merge


class IncidentColumns(TypedColumns):
    """Many disappearances that belong together."""

    incident_id = Column(RowId, primary_key=True, autoincrement=True)
    location_id: Named[str] = Column(Words(64))
    opened_at = Column(Moment, nullable=False)
    contacts: Named[int] = Column(Integer, default=0)
    known: Named[int] = Column(Integer, default=0)
    state: Named[str] = Column(Words(16), default="waiting")  # waiting | confirmed | dismissed
    evidence: Named[str] = Column(Words(), default="")


class JobColumns(TypedColumns):
    """One restore that a person asked for."""

    job_id = Column(RowId, primary_key=True, autoincrement=True)
    location_id: Named[str] = Column(Words(64))
    created_at = Column(Moment, nullable=False)
    created_by: Named[str] = Column(Words(255), default="")
    state: Named[str] = Column(Words(16), default="draft")  # draft | confirmed | running | paused | cancelled | done
    started_at = Column(Moment, nullable=True)
    heartbeat_at = Column(Moment, nullable=True)
    finished_at = Column(Moment, nullable=True)
    holder: Named[str] = Column(Words(128), default="")
    options = Column(JsonValue, nullable=True)


class JobItemColumns(TypedColumns):
    """One contact of a job: what was planned and what came of it."""

    job_id = Column(BigInteger, primary_key=True, autoincrement=False)
    contact_id: Named[str] = Column(Words(64), primary_key=True)
    position: Named[int] = Column(Integer, default=0)
    action: Named[str] = Column(Words(16))  # recreate | top_up | skip | use_native
    plan = Column(JsonValue, nullable=False)
    outcome: Named[str] = Column(Words(16), default="")  # recreated | topped_up | skipped | failed | ''
    new_contact_id: Named[str] = Column(Words(64), default="")
    verified = Column(Boolean, nullable=True)
    differences = Column(JsonValue, nullable=True)
    error: Named[str] = Column(Words(), default="")
    finished_at = Column(Moment, nullable=True)


class JournalColumns(TypedColumns):
    """Each write to HighLevel: written before it is sent, answered after. Open while `answered_at` is empty."""

    entry_id = Column(RowId, primary_key=True, autoincrement=True)
    location_id: Named[str] = Column(Words(64))
    job_id = Column(BigInteger, nullable=True)
    contact_id: Named[str] = Column(Words(64), default="")
    step: Named[str] = Column(Words(64))
    request = Column(JsonValue, nullable=True)  # endpoint and body
    sent_at = Column(Moment, nullable=False)
    answered_at = Column(Moment, nullable=True)
    status: Named[int] = Column(Integer, default=0)
    result_id: Named[str] = Column(Words(64), default="")
    note: Named[str] = Column(Words(), default="")


class AuditColumns(TypedColumns):
    """Who did what, when, with what outcome. Append-only, guarded by triggers."""

    audit_id = Column(RowId, primary_key=True, autoincrement=True)
    at = Column(Moment, nullable=False)
    actor: Named[str] = Column(Words(255))
    role: Named[str] = Column(Words(16), default="")
    act: Named[str] = Column(Words(32))  # connect | disconnect | restore | export | settings | view | sign_in
    location_id: Named[str] = Column(Words(64), default="")
    subject: Named[str] = Column(Words(), default="")
    outcome: Named[str] = Column(Words(16), default="done")  # done | refused | failed
    detail = Column(JsonValue, nullable=True)


class UsageColumns(TypedColumns):
    """Requests sent for a location on one day (UTC)."""

    location_id: Named[str] = Column(Words(64), primary_key=True)
    day: Named[str] = Column(Words(10), primary_key=True)
    requests: Named[int] = Column(Integer, default=0)
    daily_limit = Column(Integer, nullable=True)  # as HighLevel's headers said last
    daily_remaining = Column(Integer, nullable=True)


class LeaseColumns(TypedColumns):
    """Who works on what right now, so that two processes never do the same."""

    name: Named[str] = Column(Words(128), primary_key=True)
    holder: Named[str] = Column(Words(128))
    expires_at = Column(Moment, nullable=False)


disappearances = Table(
    "disappearances",
    metadata,
    DisappearanceColumns,
    Index(None, "location_id", "status", "clock_from"),
    Index(None, "location_id", "contact_id"),
    Index(None, "location_id", "detected_at"),
    Index(
        "uq_disappearances_open",
        "location_id",
        "contact_id",
        unique=True,
        sqlite_where=_OPEN_ROW,
        postgresql_where=_OPEN_ROW,
    ),
)
incidents = Table("incidents", metadata, IncidentColumns, Index(None, "location_id", "opened_at"))
jobs = Table("restore_jobs", metadata, JobColumns, Index(None, "location_id", "created_at"))
job_items = Table("restore_items", metadata, JobItemColumns, Index(None, "contact_id"))
journal = Table(
    "journal",
    metadata,
    JournalColumns,
    Index(None, "job_id"),
    Index(None, "location_id", "contact_id"),
    Index(None, "location_id", "result_id"),
)
audit = Table("audit", metadata, AuditColumns, Index(None, "at"))
usage = Table("api_usage", metadata, UsageColumns)
leases = Table("leases", metadata, LeaseColumns)
