"""One job in progress: what every step needs, and the journal that makes each of them safe to repeat.

A write is in the journal before it is sent. What became of it is written behind it: done (with the new id), refused,
surely not sent, or *unsure*. An entry that is unsure, or has no answer at all because the process died, is settled by
looking before anything is created again.

What becomes of one contact of a restore.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hlcore.highlevel import Client
from hlcore.model.restore.comparison import Difference
from hlcore.restore.plan import PlanItem
from hlcore.store import Tx, Vault
from hlcore.store.restores import journal
from hlcore.store.restores.journal import JournalEntry

CREATE = "create_contact"
FILL = "fill_gaps"
SETTINGS = "own_do_not_disturb"
CLOSE = "close_channels"
REOPEN = "reopen_channels"
TAGS = "add_tags"
RETRY = "try_again"
"""No request: somebody asked to try this contact again."""

UNSURE = "unsure"
LOOKED = "looked and not found yet"
"""HighLevel's search did not show it, but may still be behind."""
NOT_DONE = "looked: it was not done"
WRITTEN = "written"
FIRST_PAUSE = timedelta(seconds=30)
"""After a second failure without a refusal; doubled for each further one."""
_REFUSED = "refused"


@dataclass(slots=True)
class LocationUsers:
    """A location's users, once somebody had to know. `asked`: whether so; `there`: None where nobody can tell."""

    asked: bool = False
    there: frozenset[str] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True, slots=True)
class JobContext:
    """`lag`: how long HighLevel's search may not show what was just created. `lane`: people with neither e-mail nor
    phone are created one after the other, so that two of them with the same name are never mixed up. `users`: who was
    found to be there when HighLevel refused something."""

    vault: Vault
    client: Client
    location_id: str
    job_id: int
    now: Callable[[], datetime]
    lag: timedelta
    unaddressed_lock: threading.Lock = field(default_factory=threading.Lock)
    users: LocationUsers = field(default_factory=LocationUsers)

    def creates(self, contact_id: str) -> list[JournalEntry]:
        """Every create call that was ever sent for this lost contact, by any job, oldest first."""
        with self.vault.read() as tx:
            return creates(tx, self.location_id, contact_id)

    def waits_until(self, contact_id: str) -> datetime | None:
        """When this contact can be gone on with, where that is in the future; None: now."""
        entries = self.creates(contact_id)
        with self.vault.read() as tx:
            everything = journal.entries(tx, location_id=self.location_id, contact_id=contact_id)
        due = [one.sent_at + self.lag for one in everything if LOOKED in one.note]
        failures = [one for one in entries if one.note == NOT_DONE]
        if len(failures) > 1:
            due.append(failures[-1].sent_at + FIRST_PAUSE * 2 ** (len(failures) - 2))
        until = max(due, default=None)
        return until if until is not None and until > self.now() else None

    def attempt(self, contact_id: str, entries: Iterable[JournalEntry]) -> list[JournalEntry]:
        """Those of these entries that belong to the present attempt: of this job, since somebody last asked to try
        again. What HighLevel refused before may be taken now."""
        begun = self._begun(contact_id)
        return [one for one in entries if one.job_id == self.job_id and one.entry_id > begun]

    def is_retried(self, contact_id: str) -> bool:
        """Whether somebody asked to try this contact of the job again."""
        return bool(self._begun(contact_id))

    def _begun(self, contact_id: str) -> int:
        with self.vault.read() as tx:
            mine = journal.entries(tx, self.job_id, contact_id=contact_id)
        return max((one.entry_id for one in mine if one.step == RETRY), default=0)

    def entries_about(self, contact_id: str, of: str) -> list[JournalEntry]:
        """What any job ever sent on behalf of this lost contact to the living contact `of`, oldest first."""
        with self.vault.read() as tx:
            found = journal.entries(tx, location_id=self.location_id, contact_id=contact_id)
        return [one for one in found if (one.request or {}).get("id") == of]

    def log_request(
        self,
        item: PlanItem,
        step: str,
        body: Mapping[str, Any],
        *,
        of: str = "",
        own: Mapping[str, Any] | None = None,
    ) -> int:
        """The request is in the journal, about to be sent; `of`: the id in its path or the contact it is about; `own`:
        the settings to be written back afterwards. The entry's number."""
        request = {"body": dict(body), **({"id": of} if of else {}), **({"own": dict(own)} if own else {})}
        with self.vault.write() as tx:
            return journal.log_request(
                tx,
                location_id=self.location_id,
                job_id=self.job_id,
                contact_id=item.contact_id,
                step=step,
                request=request,
                at=self.now(),
            )

    def log_response(self, entry: int | JournalEntry, *, status: int = 0, result_id: str = "", note: str = "") -> None:
        """What became of the request is in the journal; of an entry that had an answer before, the status stays."""
        number, known = (entry, status) if isinstance(entry, int) else (entry.entry_id, status or entry.status)
        with self.vault.write() as tx:
            journal.log_response(tx, number, at=self.now(), status=known, result_id=result_id, note=note)


def creates(tx: Tx, location_id: str, contact_id: str) -> list[JournalEntry]:
    """Every create call that was ever sent for this lost contact, oldest first."""
    found = journal.entries(tx, location_id=location_id, contact_id=contact_id)
    return [one for one in found if one.step == CREATE]


def body_of(entry: JournalEntry) -> dict[str, Any]:
    """What was sent."""
    request = entry.request or {}
    found: dict[str, Any] = request.get("body", {})
    return found


def is_unsure(entry: JournalEntry) -> bool:
    """Whether nobody knows if it was done."""
    return not entry.result_id and (entry.answered_at is None or entry.note.startswith(UNSURE))


def refusal_note(fields: Iterable[str], *, state: str = "") -> str:
    """What the journal says of a refused request, so that the next one leaves the same things out."""
    told = f"{_REFUSED}: {', '.join(fields)}"
    return f"{state}; {told}" if state else told


def refused_fields(entry: JournalEntry) -> tuple[str, ...] | None:
    """The names a refusal told (none: it named nothing); None when the entry is no refusal."""
    _, found, names = entry.note.partition(f"{_REFUSED}:")
    if not found:
        return None
    return tuple(name.strip() for name in names.split(",") if name.strip())


REFUSED = "HighLevel refused this value."
CLOSED = frozenset({"dnd", "dndSettings"})


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What became of one contact. `raw`: the new contact as HighLevel shows it in the end."""

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
    """The contact exists under its new id. `body` is what HighLevel took."""

    contact_id: str
    body: dict[str, Any]
    at: datetime


ERASED = "It was erased for good at the person's request."
