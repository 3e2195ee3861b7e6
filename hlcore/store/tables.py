"""The tables, as SQLAlchemy knows them. Migrations create them; nothing else does.

Every moment is kept in UTC (`Moment`). `raw` columns hold the exact bytes HighLevel sent.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Named,
    String,
    Table,
    Text,
    TypeDecorator,
    TypedColumns,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s", "pk": "pk_%(table_name)s"}
)
JsonValue = JSON().with_variant(JSONB(), "postgresql")
RowId = BigInteger().with_variant(Integer(), "sqlite")


class Moment(TypeDecorator[datetime]):
    """An aware moment in, the same moment in UTC out. Refuses naive datetimes."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise TypeError("naive datetime: a moment needs its time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class LocationColumns(TypedColumns):
    """One connected sub-account."""

    location_id = Column(String(64), primary_key=True)
    name: Named[str] = Column(String(255), default="")
    timezone: Named[str] = Column(String(64), default="UTC")
    company_id: Named[str] = Column(String(64), default="")
    token = Column(LargeBinary, nullable=True)  # encrypted; see store.vault_key
    connected_at = Column(Moment, nullable=False)
    disconnected_at = Column(Moment, nullable=True)
    is_demo: Named[bool] = Column(Boolean, default=False)
    hipaa: Named[bool] = Column(Boolean, default=False)
    window_days = Column(Integer, nullable=True)  # None: the default of model.windows
    window_reason: Named[str] = Column(Text, default="")
    incident_floor = Column(Integer, nullable=True)  # None: the setting
    incident_share = Column(Float, nullable=True)
    raw = Column(LargeBinary, nullable=True)  # GET /locations/{id}, as sent


class RunColumns(TypedColumns):
    """One piece of work on a location. Open while `finished_at` is empty; `heartbeat_at` tells a dead one."""

    run_id = Column(RowId, primary_key=True, autoincrement=True)
    location_id: Named[str] = Column(String(64))
    kind: Named[str] = Column(String(16))  # listing | watch | capture | webhooks
    started_at = Column(Moment, nullable=False)
    heartbeat_at = Column(Moment, nullable=False)
    finished_at = Column(Moment, nullable=True)
    outcome: Named[str] = Column(String(16), default="")  # complete | incomplete | refused | ''
    reason: Named[str] = Column(Text, default="")
    seen: Named[int] = Column(Integer, default=0)
    added: Named[int] = Column(Integer, default=0)
    changed: Named[int] = Column(Integer, default=0)
    suspected: Named[int] = Column(Integer, default=0)
    deleted: Named[int] = Column(Integer, default=0)
    returned: Named[int] = Column(Integer, default=0)
    requests: Named[int] = Column(Integer, default=0)
    resumed: Named[int] = Column(Integer, default=0)
    total: Named[int] = Column(Integer, default=0)  # what HighLevel said the location holds (for progress)
    checkpoint = Column(JsonValue, nullable=True)  # where a killed run goes on
    holder: Named[str] = Column(String(128), default="")  # host:pid:start of the process that works on it


class SightingColumns(TypedColumns):
    """Which contacts an open listing has seen; emptied when the listing is concluded."""

    run_id = Column(BigInteger, primary_key=True, autoincrement=False)
    contact_id = Column(String(64), primary_key=True)


class ContactColumns(TypedColumns):
    """The latest copy of a contact. `raw` is the row of HighLevel's search exactly as sent, `detail` the
    answer of GET by id when it was captured. Narrow columns stand before the bytes so that comparing is cheap."""

    location_id = Column(String(64), primary_key=True)
    contact_id = Column(String(64), primary_key=True)
    digest: Named[bytes] = Column(LargeBinary(32))  # SHA-256 of raw
    content_digest: Named[bytes] = Column(LargeBinary(32))  # of the canonical form, without the cursor
    status: Named[str] = Column(String(16), default="present")
    name: Named[str] = Column(Text, default="")
    name_key: Named[str] = Column(Text, default="")  # folded for search and sort
    email: Named[str] = Column(Text, default="")  # lower-case
    phone: Named[str] = Column(Text, default="")
    phone_key: Named[str] = Column(String(32), default="")  # digits only
    company: Named[str] = Column(Text, default="")
    owner_id: Named[str] = Column(String(64), default="")
    source: Named[str] = Column(Text, default="")
    tags = Column(JsonValue, nullable=False)  # list of str
    dnd: Named[bool] = Column(Boolean, default=False)
    has_dnd_settings: Named[bool] = Column(Boolean, default=False)
    date_added = Column(Moment, nullable=True)
    date_updated = Column(Moment, nullable=True)
    first_seen_at = Column(Moment, nullable=False)
    seen_at = Column(Moment, nullable=False)  # last time it was added, changed, or read by id
    changed_at = Column(Moment, nullable=False)  # when the present bytes were captured
    detail_at = Column(Moment, nullable=True)
    raw: Named[bytes] = Column(LargeBinary)
    detail = Column(LargeBinary, nullable=True)


class AliasColumns(TypedColumns):
    """Additional e-mails (lower-case) and phones (digits) of a contact, for finding who holds one now. The primary
    ones are columns of the contact."""

    location_id = Column(String(64), primary_key=True)
    kind = Column(String(8), primary_key=True)  # email | phone
    value = Column(String(255), primary_key=True)
    contact_id = Column(String(64), primary_key=True)
    since = Column(Moment, nullable=False)  # when this contact was first seen with it


class VersionColumns(TypedColumns):
    """Earlier bytes of a contact. Append-only: a row is never changed."""

    version_id = Column(RowId, primary_key=True, autoincrement=True)
    location_id: Named[str] = Column(String(64))
    contact_id: Named[str] = Column(String(64))
    part: Named[str] = Column(String(8), default="row")  # row | detail
    captured_at = Column(Moment, nullable=False)  # when these bytes were first seen
    replaced_at = Column(Moment, nullable=False)  # when others took their place
    run_id = Column(BigInteger, nullable=True)
    digest: Named[bytes] = Column(LargeBinary(32))
    raw: Named[bytes] = Column(LargeBinary)


class RecordColumns(TypedColumns):
    """Anything that belongs to a contact or to the location: notes, tasks, opportunities, …, and the catalogues
    (users, custom fields, tags, pipelines). `contact_id` is empty for catalogues."""

    location_id = Column(String(64), primary_key=True)
    kind = Column(String(24), primary_key=True)
    record_id = Column(String(64), primary_key=True)
    contact_id: Named[str] = Column(String(64), default="")
    digest: Named[bytes] = Column(LargeBinary(32))
    captured_at = Column(Moment, nullable=False)
    seen_at = Column(Moment, nullable=False)
    vanished_at = Column(Moment, nullable=True)
    raw: Named[bytes] = Column(LargeBinary)


class RecordVersionColumns(TypedColumns):
    """Earlier bytes of a record. Append-only."""

    version_id = Column(RowId, primary_key=True, autoincrement=True)
    location_id: Named[str] = Column(String(64))
    kind: Named[str] = Column(String(24))
    record_id: Named[str] = Column(String(64))
    contact_id: Named[str] = Column(String(64), default="")
    captured_at = Column(Moment, nullable=False)
    replaced_at = Column(Moment, nullable=False)
    digest: Named[bytes] = Column(LargeBinary(32))
    raw: Named[bytes] = Column(LargeBinary)


class DisappearanceColumns(TypedColumns):
    """The register: one row for each time a contact disappeared. `status` is that of the contact's life as far as
    facts are recorded; `expired` is never stored, it follows from the window and the clock."""

    disappearance_id = Column(RowId, primary_key=True, autoincrement=True)
    location_id: Named[str] = Column(String(64))
    contact_id: Named[str] = Column(String(64))
    status: Named[str] = Column(String(16))  # suspected | deleted | merged | returned | recreated | erased | withdrawn
    cause: Named[str] = Column(String(16), default="unknown")  # merge | bulk | unknown
    evidence: Named[str] = Column(Text, default="")
    detected_by: Named[str] = Column(String(16), default="listing")  # listing | watch | webhook
    last_seen_at = Column(Moment, nullable=False)
    detected_at = Column(Moment, nullable=False)
    deleted_at = Column(Moment, nullable=True)  # exact, from a webhook; else empty
    confirmed_at = Column(Moment, nullable=True)
    clock_from = Column(Moment, nullable=False)  # start of the recovery clock: deleted_at, else last_seen_at
    checks: Named[int] = Column(Integer, default=0)
    last_check: Named[str] = Column(Text, default="")  # what the last GET said, in words
    incident_id = Column(BigInteger, nullable=True)
    ended_at = Column(Moment, nullable=True)  # returned, recreated, withdrawn
    new_contact_id: Named[str] = Column(String(64), default="")
    winner_id: Named[str] = Column(String(64), default="")  # of a merge


class IncidentColumns(TypedColumns):
    """Many disappearances that belong together."""

    incident_id = Column(RowId, primary_key=True, autoincrement=True)
    location_id: Named[str] = Column(String(64))
    opened_at = Column(Moment, nullable=False)
    contacts: Named[int] = Column(Integer, default=0)
    known: Named[int] = Column(Integer, default=0)
    state: Named[str] = Column(String(16), default="waiting")  # waiting | confirmed | dismissed
    evidence: Named[str] = Column(Text, default="")


class JobColumns(TypedColumns):
    """One restore that a person asked for."""

    job_id = Column(RowId, primary_key=True, autoincrement=True)
    location_id: Named[str] = Column(String(64))
    created_at = Column(Moment, nullable=False)
    created_by: Named[str] = Column(String(255), default="")
    state: Named[str] = Column(String(16), default="draft")  # draft | confirmed | running | paused | cancelled | done
    started_at = Column(Moment, nullable=True)
    heartbeat_at = Column(Moment, nullable=True)
    finished_at = Column(Moment, nullable=True)
    holder: Named[str] = Column(String(128), default="")
    options = Column(JsonValue, nullable=True)


class JobItemColumns(TypedColumns):
    """One contact of a job: what was planned and what came of it."""

    job_id = Column(BigInteger, primary_key=True, autoincrement=False)
    contact_id = Column(String(64), primary_key=True)
    position: Named[int] = Column(Integer, default=0)
    action: Named[str] = Column(String(16))  # recreate | top_up | skip | use_native
    plan = Column(JsonValue, nullable=False)
    outcome: Named[str] = Column(String(16), default="")  # recreated | topped_up | skipped | failed | ''
    new_contact_id: Named[str] = Column(String(64), default="")
    verified = Column(Boolean, nullable=True)
    differences = Column(JsonValue, nullable=True)
    error: Named[str] = Column(Text, default="")
    finished_at = Column(Moment, nullable=True)


class JournalColumns(TypedColumns):
    """Each write to HighLevel: written before it is sent, answered after. Open while `answered_at` is empty."""

    entry_id = Column(RowId, primary_key=True, autoincrement=True)
    location_id: Named[str] = Column(String(64))
    job_id = Column(BigInteger, nullable=True)
    contact_id: Named[str] = Column(String(64), default="")
    step: Named[str] = Column(String(64))
    request = Column(JsonValue, nullable=True)  # endpoint and body
    sent_at = Column(Moment, nullable=False)
    answered_at = Column(Moment, nullable=True)
    status: Named[int] = Column(Integer, default=0)
    result_id: Named[str] = Column(String(64), default="")
    note: Named[str] = Column(Text, default="")


class AuditColumns(TypedColumns):
    """Who did what, when, with what outcome. Append-only, guarded by triggers."""

    audit_id = Column(RowId, primary_key=True, autoincrement=True)
    at = Column(Moment, nullable=False)
    actor: Named[str] = Column(String(255))
    role: Named[str] = Column(String(16), default="")
    act: Named[str] = Column(String(32))  # connect | disconnect | restore | export | settings | view | sign_in
    location_id: Named[str] = Column(String(64), default="")
    subject: Named[str] = Column(Text, default="")
    outcome: Named[str] = Column(String(16), default="done")  # done | refused | failed
    detail = Column(JsonValue, nullable=True)


class UsageColumns(TypedColumns):
    """Requests sent for a location on one day (UTC)."""

    location_id = Column(String(64), primary_key=True)
    day = Column(String(10), primary_key=True)
    requests: Named[int] = Column(Integer, default=0)
    daily_limit = Column(Integer, nullable=True)  # as HighLevel's headers said last
    daily_remaining = Column(Integer, nullable=True)


class LeaseColumns(TypedColumns):
    """Who works on what right now, so that two processes never do the same."""

    name = Column(String(128), primary_key=True)
    holder: Named[str] = Column(String(128))
    expires_at = Column(Moment, nullable=False)


locations = Table("locations", metadata, LocationColumns)
runs = Table("runs", metadata, RunColumns, Index(None, "location_id", "kind", "started_at"))
sightings = Table("sightings", metadata, SightingColumns, sqlite_with_rowid=False)
contacts = Table(
    "contacts",
    metadata,
    ContactColumns,
    Index(None, "location_id", "status", "name_key", "contact_id"),
    Index(None, "location_id", "date_added", "contact_id"),
    Index(None, "location_id", "email"),
    Index(None, "location_id", "phone_key"),
)
aliases = Table("aliases", metadata, AliasColumns, Index(None, "location_id", "contact_id"), sqlite_with_rowid=False)
versions = Table("contact_versions", metadata, VersionColumns, Index(None, "location_id", "contact_id"))
records = Table("records", metadata, RecordColumns, Index(None, "location_id", "contact_id", "kind"))
record_versions = Table("record_versions", metadata, RecordVersionColumns, Index(None, "location_id", "kind", "record_id"))
disappearances = Table(
    "disappearances",
    metadata,
    DisappearanceColumns,
    Index(None, "location_id", "status", "clock_from"),
    Index(None, "location_id", "contact_id"),
    Index(None, "location_id", "detected_at"),
)
incidents = Table("incidents", metadata, IncidentColumns, Index(None, "location_id", "opened_at"))
jobs = Table("restore_jobs", metadata, JobColumns, Index(None, "location_id", "created_at"))
job_items = Table("restore_items", metadata, JobItemColumns, Index(None, "contact_id"))
journal = Table("journal", metadata, JournalColumns, Index(None, "job_id", "contact_id"))
audit = Table("audit", metadata, AuditColumns, Index(None, "at"))
usage = Table("api_usage", metadata, UsageColumns)
leases = Table("leases", metadata, LeaseColumns)

Row = dict[str, Any]
