"""Puts earlier values of living contacts back: chosen fields of one, or what a period changed in many.

Earlier values are read from the vault alone, so looking costs no request. A revert is a job of its own, run like a
restore (`execution.apply_revert`). What it replaces is kept as a version, so that it can itself be reverted.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from hlcore.governance.audit import audited
from hlcore.governance.roles import Action, User
from hlcore.model.callbacks import Now
from hlcore.model.contact_snapshot import StoredCopy, latest_snapshot
from hlcore.model.custom_fields import FieldDefinition
from hlcore.model.json_codec import decode_object
from hlcore.model.lifecycle import LIVE
from hlcore.model.moments import EPOCH
from hlcore.model.reference_data import FieldCatalogue
from hlcore.model.restore.revert import FieldHistory, field_histories, revert_update
from hlcore.restore.plan import PlanItem
from hlcore.store import Tx, Vault, records
from hlcore.store.contacts import reads as contact_reads
from hlcore.store.contacts.reads import ContactVersion, StoredContact
from hlcore.store.restores import jobs as restore_jobs

KIND = "put_back"
MAX_CONTACTS = 10_000
"""Contacts of one period that are compared at most."""
CHUNK = 1000
REQUESTS = 3
"""Per contact: reading, writing, reading again."""
CHANGED_AGAIN = "It was changed again since; the newer value stays."


@dataclass(frozen=True, slots=True)
class ContactAt:
    """A living contact beside an earlier state of it. `histories`: the fields in which both differ, for a period only
    those that the period changed; `whole`: the earlier copy holds all fields."""

    contact_id: str
    name: str
    histories: tuple[FieldHistory, ...]
    then: Mapping[str, Any]
    now: Mapping[str, Any]
    whole: bool

    def chosen_histories(self, fields: Collection[str]) -> list[FieldHistory]:
        """Return those of these fields that differ and can be put back."""
        return [history for history in self.histories if history.field in fields and not history.obstacle]


@dataclass(frozen=True, slots=True)
class ChangedContacts:
    """What a period changed. `missing`: how many of its contacts are not in HighLevel any more; `truncated`: there were
    more than the limit."""

    contacts: tuple[ContactAt, ...]
    catalogue: FieldCatalogue
    missing: int = 0
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class RevertRequest:
    """These fields of these contacts are to be put back. `description`: what it is about, without personal data."""

    location_id: str
    contacts: Sequence[ContactAt]
    fields: Collection[str]
    description: str = ""


def contact_at(vault: Vault, location_id: str, contact_id: str, at: datetime) -> ContactAt | None:
    """Return the contact as it was at this moment beside today's copy; None where the vault did not hold it yet, or
    where it is not in HighLevel now."""
    with vault.read() as tx:
        contact = contact_reads.get(tx, location_id, contact_id)
        if contact is None or contact.status not in LIVE:
            return None
        versions = contact_reads.versions(tx, location_id, contact_id)
        return RevertContext.load(tx, location_id).contact_at(contact, versions, at)


def changed_contacts(
    vault: Vault, location_id: str, start: datetime, end: datetime, *, limit: int = MAX_CONTACTS
) -> ChangedContacts:
    """Return every living contact that changed from `start` until before `end`, with what can be put back. A change
    counts when Contact Vault noticed it. Raises ValueError when the period is empty."""
    if start >= end:
        raise ValueError("a period ends after it starts")
    with vault.read() as tx:
        ids = contact_reads.ids_changed_between(tx, location_id, start, end, limit=limit + 1)
        context, changed, gone = RevertContext.load(tx, location_id), list[ContactAt](), 0
        for first in range(0, min(len(ids), limit), CHUNK):
            chunk = ids[first : min(first + CHUNK, limit)]
            versions = contact_reads.versions_by_contact(tx, location_id, chunk)
            for contact in contact_reads.get_many(tx, location_id, chunk):
                gone += contact.status not in LIVE
                past = context.changed_in(contact, versions.get(contact.contact_id, []), start, end)
                if past is not None:
                    changed.append(past)
    return ChangedContacts(tuple(changed), context.catalogue, gone, len(ids) > limit)


def create_revert(vault: Vault, request: RevertRequest, user: User, now: Now) -> int:
    """Create a confirmed job that puts these fields back; return its number. Contacts in which none of them can be put
    back are left out. Raises NotAllowed, ValueError when there is nothing to do."""
    location_id, fields = request.location_id, request.fields
    subject = "putting fields back"
    with audited(vault, user, Action.RESTORE, now=now, location_id=location_id, subject=subject) as entry:
        with vault.read() as tx:
            catalogue = stored_catalogue(tx, location_id)
        items = [_item(past, fields, catalogue) for past in request.contacts if past.chosen_histories(fields)]
        if not items:
            raise ValueError("there is nothing to put back")
        with vault.write() as tx:
            job_id = restore_jobs.create_job(
                tx,
                location_id,
                by=user.email,
                at=now(),
                items=[(item.contact_id, KIND, item.dump()) for item in items],
                options={"kind": KIND, "fields": sorted(fields), "said": request.description},
            )
            restore_jobs.set_state(tx, job_id, "confirmed", at=now())
        entry.subject = f"job {job_id}"
        entry.add(kind=KIND, contacts=len(items), fields=len(set(fields)))
    return job_id


def stored_catalogue(tx: Tx, location_id: str) -> FieldCatalogue:
    """Return the location's custom fields and users as last copied."""
    fields, users = {}, set()
    for record in records.list_of_kind(tx, location_id, "custom_field", with_vanished=True):
        row = decode_object(record.raw)
        fields[record.record_id] = FieldDefinition(
            str(row.get("name") or ""), str(row.get("dataType") or ""), exists=record.vanished_at is None
        )
    for record in records.list_of_kind(tx, location_id, "user"):
        if decode_object(record.raw).get("deleted") is not True:
            users.add(record.record_id)
    return FieldCatalogue(fields or None, frozenset(users) if users else None)


def _item(past: ContactAt, fields: Collection[str], catalogue: FieldCatalogue) -> PlanItem:
    chosen = [history.field for history in past.chosen_histories(fields)]
    update = revert_update(past.then, past.now, chosen, catalogue, whole=past.whole)
    return PlanItem(
        contact_id=past.contact_id,
        name=past.name,
        action="put_back",
        reason="",
        will_return=tuple(chosen),
        will_be_lost=tuple(update.obstacles.values()),
        requests=REQUESTS,
        body={"put": update.body, "expected": update.expected},
    )


@dataclass(frozen=True, slots=True)
class RevertContext:
    """What comparing copies needs."""

    catalogue: FieldCatalogue

    @classmethod
    def load(cls, tx: Tx, location_id: str) -> RevertContext:
        return cls(stored_catalogue(tx, location_id))

    def contact_at(self, contact: StoredContact, versions: Sequence[ContactVersion], at: datetime) -> ContactAt | None:
        then, now = self._state(contact, versions, at), self._state(contact, versions, None)
        if then is None or now is None:
            return None
        (fields_then, whole), (fields_now, _) = then, now
        histories = field_histories(fields_then, fields_now, self.catalogue, whole=whole)
        name = contact.name or contact.email or contact.phone or contact.contact_id
        return ContactAt(contact.contact_id, name, histories, fields_then, fields_now, whole)

    def changed_in(
        self, contact: StoredContact, versions: Sequence[ContactVersion], start: datetime, end: datetime
    ) -> ContactAt | None:
        """Return what the period changed beside today's values; None when nothing is left of it."""
        after = self._state(contact, versions, end)
        past = self.contact_at(contact, versions, start) if contact.status in LIVE else None
        if past is None or after is None:
            return None
        at_end = {
            history.field: history.now
            for history in field_histories(past.then, after[0], self.catalogue, whole=past.whole)
        }
        histories = tuple(
            history
            if at_end[history.field] == history.now
            else replace(history, obstacle=history.obstacle or CHANGED_AGAIN)
            for history in past.histories
            if history.field in at_end
        )
        return replace(past, histories=histories) if histories else None

    def _state(
        self, contact: StoredContact, versions: Sequence[ContactVersion], at: datetime | None
    ) -> tuple[Mapping[str, Any], bool] | None:
        """Return the contact's fields at this moment (None: now), and whether the copy holds all of them."""
        copies = [version.copy for version in versions]
        copies += [copy for copy in (contact.row_copy, contact.detail_copy) if copy is not None]
        known = [copy for copy in copies if at is None or copy.at is None or copy.at < at]
        row, detail = _newest(known, by_id=False), _newest(known, by_id=True)
        if row is None:
            return (decode_object(detail.raw), True) if detail is not None else None
        try:
            snapshot = latest_snapshot(row, detail, earlier=[copy for copy in known if copy not in (row, detail)])
        except ValueError:
            return None
        return snapshot.fields, detail is not None


def _newest(copies: Sequence[StoredCopy], *, by_id: bool) -> StoredCopy | None:
    """Return the newest of these rows or details, which are in the order in which they came."""
    same = [(copy.at or EPOCH, number, copy) for number, copy in enumerate(copies) if copy.by_id is by_id]
    return max(same, key=lambda entry: entry[:2])[2] if same else None
