"""The tables of what comes in and is not handled yet: webhook deliveries, and the quarantine. Part of `tables`."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, LargeBinary, Named, Table, TypedColumns

from hlcore.store.column_types import CleanText, RowId, UtcDateTime, metadata, partial_index


class InboxColumns(TypedColumns):
    """One webhook delivery. Waiting while `processed_at` is empty; then its body is deleted, its id stays to recognise
    a repetition."""

    webhook_id: Named[str] = Column(CleanText(80), primary_key=True)
    location_id: Named[str] = Column(CleanText(64), default="")  # '' for events of the whole agency
    type: Named[str] = Column(CleanText(48))
    sent_at = Column(UtcDateTime, nullable=True)  # by HighLevel; None: it named no time
    received_at = Column(UtcDateTime, nullable=False)
    due_at = Column(UtcDateTime, nullable=False)  # when it is to be processed (again)
    processed_at = Column(UtcDateTime, nullable=True)
    attempts: Named[int] = Column(Integer, default=0)
    error: Named[str] = Column(CleanText(), default="")
    raw = Column(LargeBinary, nullable=True)  # the exact body
    set_aside_at = Column(UtcDateTime, nullable=True)  # in quarantine since then; not due until somebody decides


class WebhookCountColumns(TypedColumns):
    """How many deliveries were refused or repeated on a day (UTC), without a word about their senders."""

    day: Named[str] = Column(CleanText(10), primary_key=True)
    kind: Named[str] = Column(CleanText(16), primary_key=True)  # unsigned | foreign | oversize | malformed | duplicate
    count: Named[int] = Column(Integer, default=0)


class QuarantineColumns(TypedColumns):
    """An item from outside that could not be handled. Never holds personal data; see store.quarantine."""

    item_id = Column(RowId, primary_key=True, autoincrement=True)
    location_id: Named[str] = Column(CleanText(64), default="")  # '' where it belongs to none
    kind: Named[str] = Column(CleanText(24))  # delivery | listing_row | contact | record | account | file
    reference: Named[str] = Column(CleanText(80))
    state: Named[str] = Column(CleanText(16))  # failing | waiting | retry | ignored
    first_seen_at = Column(UtcDateTime, nullable=False)
    last_seen_at = Column(UtcDateTime, nullable=False)
    attempts: Named[int] = Column(Integer, default=0)
    error: Named[str] = Column(CleanText(80), default="")  # the class of the exception
    place: Named[str] = Column(CleanText(160), default="")  # module:line


webhook_inbox = Table(
    "webhook_inbox",
    metadata,
    InboxColumns,
    partial_index(None, "due_at", where="processed_at IS NULL"),
    Index(None, "location_id", "received_at"),
)
webhook_counts = Table("webhook_counts", metadata, WebhookCountColumns)
quarantined_items = Table(
    "quarantined_items", metadata, QuarantineColumns, Index(None, "location_id", "kind", "reference", unique=True)
)
