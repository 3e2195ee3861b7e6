"""One restore job in progress, and the journal that makes each of its steps safe to repeat.

A write is in the journal before it is sent, and its outcome is added afterwards: done (with the new id), refused, not
sent, or *unsure*. An entry that is unsure, or has no answer because the process died, is resolved by looking at
HighLevel before anything is created again.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hlcore.errors import RunInProgress
from hlcore.location_context import LocationContext
from hlcore.model.moments import is_future
from hlcore.model.restore.comparison import Difference
from hlcore.restore.journal_entries import CREATE, LOOKED, NOT_DONE, RETRY
from hlcore.restore.plan import PlanItem
from hlcore.store import Tx
from hlcore.store.restores import journal
from hlcore.store.restores.journal import JournalEntry

FIRST_PAUSE = timedelta(seconds=30)
"""After a second failure without a refusal; doubled for each further one."""
DND_FIELDS = frozenset({"dnd", "dndSettings"})
VALUE_REFUSED = "HighLevel refused this value."
ERASED = "It was erased for good at the person's request."


@dataclass(frozen=True, slots=True)
class ItemResult:
    """The outcome of one contact. `raw`: the new contact as HighLevel shows it in the end."""

    outcome: str
    new_id: str = ""
    verified: bool | None = None
    differences: tuple[Difference, ...] = ()
    error: str = ""
    raw: bytes | None = None


@dataclass(frozen=True, slots=True)
class RetryAt:
    """Nothing can be done about this contact before this moment."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Created:
    """The contact exists under its new id. `body`: what HighLevel accepted; `at`: when it was sent."""

    contact_id: str
    body: dict[str, Any]
    at: datetime


@dataclass(slots=True)
class LocationUsers:
    """Ids of the location's users, loaded when first needed. `ids`: None when they cannot be known."""

    loaded: bool = False
    ids: frozenset[str] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class JournalCache:
    """Journal entries of the contacts that are being worked on, as stored. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._contacts: dict[str, dict[int, JournalEntry]] = {}

    def hold(self, contact_id: str, entries: Iterable[JournalEntry]) -> None:
        """Keep these entries of the contact until `drop`."""
        with self._lock:
            self._contacts[contact_id] = {entry.entry_id: entry for entry in entries}

    def drop(self, contact_id: str) -> None:
        """Forget the contact's entries."""
        with self._lock:
            self._contacts.pop(contact_id, None)

    def entries(self, contact_id: str) -> list[JournalEntry] | None:
        """Return the contact's entries, oldest first; None when they are not held."""
        with self._lock:
            held = self._contacts.get(contact_id)
            return None if held is None else list(held.values())

    def update(self, entry: JournalEntry) -> None:
        """Add or replace the entry where its contact is held."""
        with self._lock:
            if entry.contact_id in self._contacts:
                self._contacts[entry.contact_id][entry.entry_id] = entry


@dataclass(frozen=True, slots=True, kw_only=True)
class JobContext(LocationContext):
    """What the steps of one job share. `index_lag`: how long HighLevel's search may not show what was just created.
    `unaddressed_lock`: contacts with neither e-mail nor phone are created one at a time, so that two with the same name
    are never mixed up. `users`: looked up once HighLevel has refused something."""

    job_id: int
    index_lag: timedelta
    unaddressed_lock: threading.Lock = field(default_factory=threading.Lock)
    users: LocationUsers = field(default_factory=LocationUsers)
    journal_cache: JournalCache = field(default_factory=JournalCache)

    @contextmanager
    def attempt(self, contact_id: str) -> Iterator[None]:
        """Read the contact's journal once for all steps within the block, which one thread runs."""
        self.journal_cache.hold(contact_id, self._read_entries(contact_id))
        try:
            yield
        finally:
            self.journal_cache.drop(contact_id)

    def entries(self, contact_id: str) -> list[JournalEntry]:
        """Return everything that any job sent for this lost contact, oldest first."""
        held = self.journal_cache.entries(contact_id)
        return self._read_entries(contact_id) if held is None else held

    def create_entries(self, contact_id: str) -> list[JournalEntry]:
        """Return every create call that any job sent for this lost contact, oldest first."""
        return [entry for entry in self.entries(contact_id) if entry.step == CREATE]

    def entries_about(self, contact_id: str, target_id: str) -> list[JournalEntry]:
        """Return what any job sent for this lost contact to the living contact `target_id`, oldest first."""
        return [entry for entry in self.entries(contact_id) if (entry.request or {}).get("id") == target_id]

    def job_entries(self, contact_id: str, job_id: int) -> list[JournalEntry]:
        """Return what this job sent for the contact, oldest first."""
        return [entry for entry in self.entries(contact_id) if entry.job_id == job_id]

    def current_attempt(self, contact_id: str, entries: Iterable[JournalEntry]) -> list[JournalEntry]:
        """Return those of these entries that this job added since a user last asked to try again; what HighLevel
        refused before that may be accepted now."""
        start = self._attempt_start(contact_id)
        return [entry for entry in entries if entry.job_id == self.job_id and entry.entry_id > start]

    def is_retried(self, contact_id: str) -> bool:
        """Return whether a user asked to try this contact of the job again."""
        return bool(self._attempt_start(contact_id))

    def blocked_until(self, contact_id: str) -> datetime | None:
        """Return when work on this contact can continue; None: now."""
        entries = self.entries(contact_id)
        due = [until for entry in entries if (until := self.looked_until(entry)) is not None]
        failures = [entry for entry in entries if entry.step == CREATE and entry.note == NOT_DONE]
        if len(failures) > 1 and not is_future(failures[-1].sent_at, self.now()):
            due.append(failures[-1].sent_at + FIRST_PAUSE * 2 ** (len(failures) - 2))
        until = max(due, default=None)
        return until if until is not None and until > self.now() else None

    def looked_until(self, entry: JournalEntry) -> datetime | None:
        """Return when HighLevel's search will surely show what this request made, after a look that did not find it;
        None when nobody has looked yet, or at a moment in the future, which proves nothing. The lag runs from the look
        and not from the call, because the clock may have been set between the two."""
        looked_at = entry.answered_at if LOOKED in entry.note else None
        return None if looked_at is None or is_future(looked_at, self.now()) else looked_at + self.index_lag

    def log_request(
        self,
        item: PlanItem,
        step: str,
        body: Mapping[str, Any],
        *,
        target_id: str = "",
        own: Mapping[str, Any] | None = None,
        newest: tuple[str, Sequence[str]] | None = None,
    ) -> JournalEntry:
        """Write the request to the journal before it is sent. `target_id`: the living contact it is about; `own`: the
        settings to be written back afterwards; `newest`: a date of HighLevel's from before the call, and the ids of the
        contacts known that are newer. Raises RunInProgress when another process works on the contact."""
        request = {
            "body": dict(body),
            **({"id": target_id} if target_id else {}),
            **({"own": dict(own)} if own else {}),
            **({"newest": newest} if newest else {}),
        }
        with self.write() as tx:
            self._refuse_foreign_entries(tx, item.contact_id)
            entry = journal.log_request(
                tx,
                location_id=self.location_id,
                job_id=self.job_id,
                contact_id=item.contact_id,
                step=step,
                request=request,
                at=self.now(),
            )
        self.journal_cache.update(entry)
        return entry

    def log_response(self, entry: JournalEntry, *, status: int = 0, result_id: str = "", note: str = "") -> None:
        """Write the outcome of the request to the journal. An entry that had an answer before keeps its status."""
        with self.write() as tx:
            answered = journal.log_response(
                tx, entry.entry_id, at=self.now(), status=status or entry.status, result_id=result_id, note=note
            )
        self.journal_cache.update(answered)

    def _read_entries(self, contact_id: str) -> list[JournalEntry]:
        with self.vault.read() as tx:
            return journal.list_entries(tx, location_id=self.location_id, contact_id=contact_id)

    def _refuse_foreign_entries(self, tx: Tx, contact_id: str) -> None:
        """Raise RunInProgress when somebody else wrote to the contact's journal since the attempt began.

        Only one restore works on a location at a time. A process that slept for longer than its lease would create
        again what the one after it created already: what it knows of the contact is outdated."""
        held = self.journal_cache.entries(contact_id)
        if held is None:
            return
        known = held[-1].entry_id if held else 0
        if journal.last_entry_id(tx, self.location_id, contact_id) > known:
            raise RunInProgress("Another restore works on this location.")

    def _attempt_start(self, contact_id: str) -> int:
        entries = self.job_entries(contact_id, self.job_id)
        return max((entry.entry_id for entry in entries if entry.step == RETRY), default=0)
