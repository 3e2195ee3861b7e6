"""The tables of what comes over the web: deliveries of webhooks, what was refused, and the grants of the OAuth app."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, LargeBinary, Named, Table, TypedColumns, text

from hlcore.store.tables import metadata
from hlcore.store.types import Moment, Words

_WAITING = text("processed_at IS NULL")


class InboxColumns(TypedColumns):
    """One delivery. Waiting while `processed_at` is empty; its body is forgotten then, its id is kept to know a
    repetition."""

    webhook_id: Named[str] = Column(Words(80), primary_key=True)
    location_id: Named[str] = Column(Words(64), default="")  # '' for events of the whole agency
    type: Named[str] = Column(Words(48))
    sent_at = Column(Moment, nullable=True)  # as HighLevel says; None: it does not
    received_at = Column(Moment, nullable=False)
    due_at = Column(Moment, nullable=False)  # when it is to be looked at (again)
    processed_at = Column(Moment, nullable=True)
    attempts: Named[int] = Column(Integer, default=0)
    error: Named[str] = Column(Words(), default="")
    raw = Column(LargeBinary, nullable=True)  # the exact body


class WebhookCountColumns(TypedColumns):
    """How many deliveries were refused or repeated on a day (UTC). No word about their senders."""

    day: Named[str] = Column(Words(10), primary_key=True)
    kind: Named[str] = Column(Words(16), primary_key=True)  # unsigned | foreign | oversize | malformed | duplicate
    count: Named[int] = Column(Integer, default=0)


class GrantColumns(TypedColumns):
    """What an installation of the OAuth app gave: the tokens of a location, or of a whole agency (company)."""

    kind: Named[str] = Column(Words(8), primary_key=True)  # location | company
    owner_id: Named[str] = Column(Words(64), primary_key=True)
    company_id: Named[str] = Column(Words(64), default="")
    tokens = Column(LargeBinary, nullable=True)  # encrypted; see store.grants
    expires_at = Column(Moment, nullable=False)  # of the access token
    obtained_at = Column(Moment, nullable=False)  # when a person installed the app
    refreshed_at = Column(Moment, nullable=False)
    generation: Named[int] = Column(Integer, default=1)  # grows with every pair that is stored
    claimed_by: Named[str] = Column(Words(160), default="")  # who is exchanging the refresh token right now
    claimed_at = Column(Moment, nullable=True)
    trouble: Named[str] = Column(Words(), default="")  # why a person must connect again; '' while all is well
    trouble_at = Column(Moment, nullable=True)


inbox = Table(
    "webhook_inbox",
    metadata,
    InboxColumns,
    Index(None, "due_at", sqlite_where=_WAITING, postgresql_where=_WAITING),
    Index(None, "location_id", "received_at"),
)
webhook_counts = Table("webhook_counts", metadata, WebhookCountColumns)
grants = Table("oauth_grants", metadata, GrantColumns)
