"""The tables, as SQLAlchemy knows them. Only migrations create or change them.

Every moment is stored in UTC (`UtcDateTime`), every text is one that both databases accept (`CleanText`). `raw` columns
hold the exact bytes HighLevel sent.

Why a contact is two rows: people search, sort, count and compare the narrow `contacts`; the bytes are in
`contact_bytes` under the same `row_id`. Both grow at their end, so that a page of 500 touches few places on disk, and a
query over a million contacts reads some 400 MB instead of 2 GB: a substring search or a sort by name takes a fraction
of a second without an index (measured: an index by name or e-mail costs a third of the speed of inserting, each).
E-mail and phone are looked up by a 4-byte checksum (`email_hash`, `phone_hash`) whose index stays small; the value is
compared too.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    Named,
    Table,
    TypedColumns,
    false,
)

from hlcore.store.column_types import CleanText, JsonValue, RowId, UtcDateTime, metadata, partial_index
from hlcore.store.inbox_tables import quarantined_items, webhook_counts, webhook_inbox

__all__ = ["metadata", "quarantined_items", "webhook_counts", "webhook_inbox"]


class LocationColumns(TypedColumns):
    """One connected location (a sub-account of HighLevel)."""

    location_id: Named[str] = Column(CleanText(64), primary_key=True)
    name: Named[str] = Column(CleanText(255), default="")
    timezone: Named[str] = Column(CleanText(64), default="UTC")
    company_id: Named[str] = Column(CleanText(64), default="")
    token = Column(LargeBinary, nullable=True)  # encrypted; see store.encryption
    connected_at = Column(UtcDateTime, nullable=False)
    disconnected_at = Column(UtcDateTime, nullable=True)
    is_demo: Named[bool] = Column(Boolean, default=False)
    hipaa: Named[bool] = Column(Boolean, default=False)
    hipaa_recreate: Named[bool] = Column(Boolean, default=False, server_default=false())
    window_days = Column(Integer, nullable=True)  # None: the default of model.recovery_window
    window_reason: Named[str] = Column(CleanText(), default="")
    incident_floor = Column(Integer, nullable=True)  # None: the setting
    incident_share = Column(Float, nullable=True)
    raw = Column(LargeBinary, nullable=True)  # GET /locations/{id}, as sent


class UsageColumns(TypedColumns):
    """Requests sent for a location on one day (UTC)."""

    location_id: Named[str] = Column(CleanText(64), primary_key=True)
    day: Named[str] = Column(CleanText(10), primary_key=True)
    requests: Named[int] = Column(Integer, default=0)
    daily_limit = Column(Integer, nullable=True)  # as HighLevel's headers last said
    daily_remaining = Column(Integer, nullable=True)


class GrantColumns(TypedColumns):
    """The tokens that an installation of the OAuth app gave, for a location or a whole agency (company)."""

    kind: Named[str] = Column(CleanText(8), primary_key=True)  # location | company
    owner_id: Named[str] = Column(CleanText(64), primary_key=True)
    company_id: Named[str] = Column(CleanText(64), default="")
    tokens = Column(LargeBinary, nullable=True)  # encrypted; see store.encryption
    expires_at = Column(UtcDateTime, nullable=False)  # of the access token
    obtained_at = Column(UtcDateTime, nullable=False)  # when a person installed the app
    refreshed_at = Column(UtcDateTime, nullable=False)
    generation: Named[int] = Column(Integer, default=1)  # grows with every stored pair
    claimed_by: Named[str] = Column(CleanText(160), default="")  # who is exchanging the refresh token right now
    claimed_at = Column(UtcDateTime, nullable=True)
    trouble: Named[str] = Column(CleanText(), default="")  # why a person must connect again; '' while all is well
    trouble_at = Column(UtcDateTime, nullable=True)


locations = Table("locations", metadata, LocationColumns)
api_usage = Table("api_usage", metadata, UsageColumns)
oauth_grants = Table("oauth_grants", metadata, GrantColumns)


class RunColumns(TypedColumns):
    """One run on a location. Open while `finished_at` is empty; an old `heartbeat_at` tells that it died."""

    run_id = Column(RowId, primary_key=True, autoincrement=True)
    location_id: Named[str] = Column(CleanText(64))
    kind: Named[str] = Column(CleanText(16))  # listing | watch | capture | webhooks
    started_at = Column(UtcDateTime, nullable=False)
    heartbeat_at = Column(UtcDateTime, nullable=False)
    finished_at = Column(UtcDateTime, nullable=True)
    outcome: Named[str] = Column(CleanText(16), default="")  # complete | incomplete | refused | ''
    reason: Named[str] = Column(CleanText(), default="")
    seen: Named[int] = Column(Integer, default=0)
    added: Named[int] = Column(Integer, default=0)
    changed: Named[int] = Column(Integer, default=0)
    suspected: Named[int] = Column(Integer, default=0)
    deleted: Named[int] = Column(Integer, default=0)
    returned: Named[int] = Column(Integer, default=0)
    requests: Named[int] = Column(Integer, default=0)
    resumed: Named[int] = Column(Integer, default=0)
    total: Named[int] = Column(Integer, default=0)  # what HighLevel said the location holds (for progress)
    checkpoint = Column(JsonValue, nullable=True)  # where a killed run continues
    holder: Named[str] = Column(CleanText(128), default="")  # host:pid:start of the process that works on it


class SightingColumns(TypedColumns):
    """Which contacts an open listing has seen; deleted when the listing is concluded."""

    run_id = Column(BigInteger, primary_key=True, autoincrement=False)
    row_id = Column(BigInteger, primary_key=True, autoincrement=False)  # of the contact: a listing comes in that order


class LeaseColumns(TypedColumns):
    """Who works on what right now, so that two processes never do the same."""

    name: Named[str] = Column(CleanText(128), primary_key=True)
    holder: Named[str] = Column(CleanText(128))
    expires_at = Column(UtcDateTime, nullable=False)


runs = Table(
    "runs",
    metadata,
    RunColumns,
    Index(None, "location_id", "kind", "started_at"),
    partial_index("uq_runs_open", "location_id", "kind", unique=True, where="finished_at IS NULL"),
)
sightings = Table("sightings", metadata, SightingColumns, sqlite_with_rowid=False)
leases = Table("leases", metadata, LeaseColumns)


class ContactColumns(TypedColumns):
    """The latest copy of a contact: what people search, sort and compare by. Its bytes are in `contact_bytes`."""

    row_id = Column(RowId, primary_key=True, autoincrement=True)
    location_id: Named[str] = Column(CleanText(64))
    contact_id: Named[str] = Column(CleanText(64))
    status: Named[str] = Column(CleanText(16), default="present")
    digest: Named[bytes] = Column(LargeBinary(32))  # SHA-256 of the bytes
    name: Named[str] = Column(CleanText(), default="")
    name_key: Named[str] = Column(CleanText(), default="")  # folded for sorting; e-mail or phone where there is no name
    search: Named[str] = Column(CleanText(), default="")  # all that the search box looks in; see store.contacts.columns
    email: Named[str] = Column(CleanText(), default="")  # lower-case
    phone: Named[str] = Column(CleanText(), default="")
    phone_key: Named[str] = Column(CleanText(32), default="")  # digits only
    email_hash = Column(Integer, nullable=True)  # CRC-32 of email, None without one
    phone_hash = Column(Integer, nullable=True)
    company: Named[str] = Column(CleanText(), default="")
    owner_id: Named[str] = Column(CleanText(64), default="")
    source: Named[str] = Column(CleanText(), default="")
    tags = Column(JsonValue, nullable=False)  # list of str
    dnd: Named[bool] = Column(Boolean, default=False)
    has_dnd_settings: Named[bool] = Column(Boolean, default=False)
    date_added = Column(UtcDateTime, nullable=True)
    date_updated = Column(UtcDateTime, nullable=True)
    first_seen_at = Column(UtcDateTime, nullable=False)
    seen_at = Column(UtcDateTime, nullable=False)  # last time it was added, changed, or read by id
    changed_at = Column(UtcDateTime, nullable=False)  # when the present bytes were captured
    detail_at = Column(UtcDateTime, nullable=True)  # when `contact_details` was captured; None: not yet


class ContactBytesColumns(TypedColumns):
    """The row of HighLevel's search exactly as sent."""

    row_id = Column(RowId, primary_key=True, autoincrement=False)
    raw: Named[bytes] = Column(LargeBinary)


class DetailColumns(TypedColumns):
    """The answer of GET by id exactly as sent."""

    row_id = Column(RowId, primary_key=True, autoincrement=False)
    captured_at = Column(UtcDateTime, nullable=False)
    digest: Named[bytes] = Column(LargeBinary(32))
    raw: Named[bytes] = Column(LargeBinary)


class VersionColumns(TypedColumns):
    """Earlier bytes of a contact. Append-only: a row is never changed."""

    version_id = Column(RowId, primary_key=True, autoincrement=True)
    location_id: Named[str] = Column(CleanText(64))
    contact_id: Named[str] = Column(CleanText(64))
    part: Named[str] = Column(CleanText(8), default="row")  # row | detail
    captured_at = Column(UtcDateTime, nullable=False)  # when these bytes were first seen
    replaced_at = Column(UtcDateTime, nullable=False)  # when other bytes replaced them
    run_id = Column(BigInteger, nullable=True)
    digest: Named[bytes] = Column(LargeBinary(32))
    raw: Named[bytes] = Column(LargeBinary)


class FacetColumns(TypedColumns):
    """Each tag, owner and source that a contact of the location ever had: the choices of the filters."""

    location_id: Named[str] = Column(CleanText(64), primary_key=True)
    kind: Named[str] = Column(CleanText(16), primary_key=True)  # tag | owner_id | source
    value: Named[str] = Column(CleanText(255), primary_key=True)


class AliasColumns(TypedColumns):
    """Additional e-mails (lower-case) and phones (digits) of a contact. The primary ones are columns of the contact."""

    location_id: Named[str] = Column(CleanText(64), primary_key=True)
    kind: Named[str] = Column(CleanText(8), primary_key=True)  # email | phone
    value: Named[str] = Column(CleanText(255), primary_key=True)
    contact_id: Named[str] = Column(CleanText(64), primary_key=True)
    since = Column(UtcDateTime, nullable=False)  # when this contact was first seen with it


contacts = Table(
    "contacts",
    metadata,
    ContactColumns,
    Index(None, "location_id", "contact_id", unique=True),
    Index(None, "location_id", "status"),
    Index(None, "location_id", "date_added", "contact_id"),
    partial_index(None, "email_hash", where="email_hash IS NOT NULL"),
    partial_index(None, "phone_hash", where="phone_hash IS NOT NULL"),
)
contact_bytes = Table("contact_bytes", metadata, ContactBytesColumns)
contact_details = Table("contact_details", metadata, DetailColumns)
contact_versions = Table("contact_versions", metadata, VersionColumns, Index(None, "location_id", "contact_id"))
facets = Table("facets", metadata, FacetColumns, sqlite_with_rowid=False)
aliases = Table("aliases", metadata, AliasColumns, Index(None, "location_id", "contact_id"), sqlite_with_rowid=False)


class RecordColumns(TypedColumns):
    """Anything that belongs to a contact (notes, tasks, opportunities, …) or to the location (reference data: users,
    custom fields, tags, pipelines). `contact_id` is empty for reference data."""

    location_id: Named[str] = Column(CleanText(64), primary_key=True)
    kind: Named[str] = Column(CleanText(24), primary_key=True)
    record_id: Named[str] = Column(CleanText(64), primary_key=True)
    contact_id: Named[str] = Column(CleanText(64), default="")
    digest: Named[bytes] = Column(LargeBinary(32))
    captured_at = Column(UtcDateTime, nullable=False)
    seen_at = Column(UtcDateTime, nullable=False)
    vanished_at = Column(UtcDateTime, nullable=True)
    raw: Named[bytes] = Column(LargeBinary)


class RecordVersionColumns(TypedColumns):
    """Earlier bytes of a record. Append-only."""

    version_id = Column(RowId, primary_key=True, autoincrement=True)
    location_id: Named[str] = Column(CleanText(64))
    kind: Named[str] = Column(CleanText(24))
    record_id: Named[str] = Column(CleanText(64))
    contact_id: Named[str] = Column(CleanText(64), default="")
    captured_at = Column(UtcDateTime, nullable=False)
    replaced_at = Column(UtcDateTime, nullable=False)
    digest: Named[bytes] = Column(LargeBinary(32))
    raw: Named[bytes] = Column(LargeBinary)


class CaptureColumns(TypedColumns):
    """When each kind of record of a contact was captured. `subject_id` is the contact; for the kind 'email' the message
    whose text is read. `captured_at`: when the read began; `due_at`: since when it is due (again)."""

    location_id: Named[str] = Column(CleanText(64), primary_key=True)
    kind: Named[str] = Column(CleanText(24), primary_key=True)
    subject_id: Named[str] = Column(CleanText(64), primary_key=True)
    captured_at = Column(UtcDateTime, nullable=True)
    due_at = Column(UtcDateTime, nullable=True)


class FeedColumns(TypedColumns):
    """How far the feed of a kind over the whole location, or a list of reference data, was read. It covers contacts
    added to HighLevel before `covered_at`."""

    location_id: Named[str] = Column(CleanText(64), primary_key=True)
    kind: Named[str] = Column(CleanText(24), primary_key=True)
    covered_at = Column(UtcDateTime, nullable=True)  # begin of the last complete read of news
    walked_at = Column(UtcDateTime, nullable=True)  # begin of the last complete read of everything
    began_at = Column(UtcDateTime, nullable=True)  # of the read under way
    checkpoint = Column(JsonValue, nullable=True)
    rows: Named[int] = Column(Integer, default=0)  # of the last complete read
    fails: Named[int] = Column(Integer, default=0)  # failed reads in a row
    refused_at = Column(UtcDateTime, nullable=True)  # HighLevel refused this token
    note: Named[str] = Column(CleanText(), default="")


records = Table("records", metadata, RecordColumns, Index(None, "location_id", "contact_id", "kind"))
record_versions = Table(
    "record_versions", metadata, RecordVersionColumns, Index(None, "location_id", "kind", "record_id")
)
captures = Table(
    "captures",
    metadata,
    CaptureColumns,
    Index(None, "location_id", "kind", "captured_at"),
    partial_index("ix_captures_due", "location_id", "kind", "due_at", where="due_at IS NOT NULL"),
    sqlite_with_rowid=False,
)
feeds = Table("feeds", metadata, FeedColumns)


class DisappearanceColumns(TypedColumns):
    """The register: one row for each time a contact disappeared. `status` is the recorded state of the contact;
    `expired` is never stored, it follows from the window and the clock."""

    disappearance_id = Column(RowId, primary_key=True, autoincrement=True)
    location_id: Named[str] = Column(CleanText(64))
    contact_id: Named[str] = Column(CleanText(64))
    status: Named[str] = Column(CleanText(16))  # suspected | deleted | … (`model.lifecycle`), or withdrawn
    cause: Named[str] = Column(CleanText(16), default="unknown")  # merge | bulk | unknown
    evidence: Named[str] = Column(CleanText(), default="")
    detected_by: Named[str] = Column(CleanText(16), default="listing")  # listing | watch | webhook
    last_seen_at = Column(UtcDateTime, nullable=False)
    detected_at = Column(UtcDateTime, nullable=False)
    deleted_at = Column(UtcDateTime, nullable=True)  # exact, from a webhook; else empty
    confirmed_at = Column(UtcDateTime, nullable=True)
    clock_from = Column(UtcDateTime, nullable=False)  # start of the recovery clock: deleted_at, else last_seen_at
    checks: Named[int] = Column(Integer, default=0)
    last_check: Named[str] = Column(CleanText(), default="")  # what the last GET answered, in words
    incident_id = Column(BigInteger, nullable=True)
    ended_at = Column(UtcDateTime, nullable=True)  # returned, recreated, withdrawn
    new_contact_id: Named[str] = Column(CleanText(64), default="")
    winner_id: Named[str] = Column(CleanText(64), default="")  # of a merge
    captured_kinds: Column[str] = Column(CleanText(128), nullable=True)  # of records, at that time: " detail note "


class IncidentColumns(TypedColumns):
    """A bulk deletion above the location's threshold."""

    incident_id = Column(RowId, primary_key=True, autoincrement=True)
    location_id: Named[str] = Column(CleanText(64))
    opened_at = Column(UtcDateTime, nullable=False)
    contacts: Named[int] = Column(Integer, default=0)
    known: Named[int] = Column(Integer, default=0)
    state: Named[str] = Column(CleanText(16), default="waiting")  # waiting | confirmed | dismissed
    evidence: Named[str] = Column(CleanText(), default="")


disappearances = Table(
    "disappearances",
    metadata,
    DisappearanceColumns,
    Index(None, "location_id", "status", "clock_from"),
    Index(None, "location_id", "contact_id"),
    Index(None, "location_id", "detected_at"),
    partial_index("uq_disappearances_open", "location_id", "contact_id", unique=True, where="ended_at IS NULL"),
)
incidents = Table("incidents", metadata, IncidentColumns, Index(None, "location_id", "opened_at"))


class JobColumns(TypedColumns):
    """One restore that a person ordered."""

    job_id = Column(RowId, primary_key=True, autoincrement=True)
    location_id: Named[str] = Column(CleanText(64))
    created_at = Column(UtcDateTime, nullable=False)
    created_by: Named[str] = Column(CleanText(255), default="")
    # draft | confirmed | running | paused | cancelled | done
    state: Named[str] = Column(CleanText(16), default="draft")
    started_at = Column(UtcDateTime, nullable=True)
    heartbeat_at = Column(UtcDateTime, nullable=True)
    finished_at = Column(UtcDateTime, nullable=True)
    holder: Named[str] = Column(CleanText(128), default="")
    options = Column(JsonValue, nullable=True)


class JobItemColumns(TypedColumns):
    """One contact of a job: the plan and the outcome."""

    job_id = Column(BigInteger, primary_key=True, autoincrement=False)
    contact_id: Named[str] = Column(CleanText(64), primary_key=True)
    position: Named[int] = Column(Integer, default=0)
    action: Named[str] = Column(CleanText(16))  # recreate | top_up | skip | use_native
    plan = Column(JsonValue, nullable=False)
    outcome: Named[str] = Column(CleanText(16), default="")  # recreated | topped_up | skipped | failed | ''
    new_contact_id: Named[str] = Column(CleanText(64), default="")
    verified = Column(Boolean, nullable=True)
    differences = Column(JsonValue, nullable=True)
    error: Named[str] = Column(CleanText(), default="")
    finished_at = Column(UtcDateTime, nullable=True)


class DraftColumns(TypedColumns):
    """A restore that is being planned: ids and decisions, under the number in the page's address."""

    draft_id: Named[str] = Column(CleanText(64), primary_key=True)
    changed_at = Column(UtcDateTime, nullable=False)
    contacts = Column(JsonValue, nullable=False)  # [[location_id, contact_id], …]
    path: Named[str] = Column(CleanText(16))
    choices = Column(JsonValue, nullable=False)
    job_ids = Column(JsonValue, nullable=False)  # what it became; empty until it is confirmed


class JournalColumns(TypedColumns):
    """Each write to HighLevel, logged before it is sent. Open while `answered_at` is empty."""

    entry_id = Column(RowId, primary_key=True, autoincrement=True)
    location_id: Named[str] = Column(CleanText(64))
    job_id = Column(BigInteger, nullable=True)
    contact_id: Named[str] = Column(CleanText(64), default="")
    step: Named[str] = Column(CleanText(64))
    request = Column(JsonValue, nullable=True)  # endpoint and body
    sent_at = Column(UtcDateTime, nullable=False)
    answered_at = Column(UtcDateTime, nullable=True)
    status: Named[int] = Column(Integer, default=0)
    result_id: Named[str] = Column(CleanText(64), default="")
    note: Named[str] = Column(CleanText(), default="")


restore_jobs = Table("restore_jobs", metadata, JobColumns, Index(None, "location_id", "created_at"))
restore_items = Table("restore_items", metadata, JobItemColumns, Index(None, "contact_id"))
restore_drafts = Table("restore_drafts", metadata, DraftColumns)
journal = Table(
    "journal",
    metadata,
    JournalColumns,
    Index(None, "job_id"),
    Index(None, "location_id", "contact_id"),
    Index(None, "location_id", "result_id"),
)


class AuditColumns(TypedColumns):
    """Who did what, when, with what outcome. Append-only, guarded by triggers."""

    audit_id = Column(RowId, primary_key=True, autoincrement=True)
    at = Column(UtcDateTime, nullable=False)
    actor: Named[str] = Column(CleanText(255))
    role: Named[str] = Column(CleanText(16), default="")
    act: Named[str] = Column(CleanText(32))  # connect | disconnect | restore | export | settings | view | sign_in
    location_id: Named[str] = Column(CleanText(64), default="")
    subject: Named[str] = Column(CleanText(), default="")
    outcome: Named[str] = Column(CleanText(16), default="done")  # done | refused | failed | stopped
    detail = Column(JsonValue, nullable=True)


class RefusedSignInColumns(TypedColumns):
    """How often a person was turned away within an hour (UTC), beside the one line about it in the audit log."""

    actor: Named[str] = Column(CleanText(255), primary_key=True)
    hour = Column(UtcDateTime, primary_key=True)
    count: Named[int] = Column(Integer)
    audit_id: Named[int] = Column(RowId)


audit = Table("audit", metadata, AuditColumns, Index(None, "at"))
refused_sign_ins = Table("refused_sign_ins", metadata, RefusedSignInColumns, Index(None, "audit_id"))
