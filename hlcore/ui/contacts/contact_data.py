"""Everything that the Contacts page shows about one contact, read in one snapshot and recorded in the audit log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

import streamlit as st

from hlcore.errors import NotFound
from hlcore.governance.audit import audited
from hlcore.governance.roles import Action, User
from hlcore.metrics.coverage import safe_since
from hlcore.metrics.deletions import DeletionView, deletions_of_contact
from hlcore.model.contact_diff import FieldChange, field_changes
from hlcore.model.contact_snapshot import ContactSnapshot
from hlcore.model.dnd import Consent, consent_of
from hlcore.model.json_codec import decode_lossy
from hlcore.model.lifecycle import LIVE, LOST, Status
from hlcore.model.recovery_window import RemainingTime
from hlcore.store import Tx, records
from hlcore.store.contacts import reads as contact_reads
from hlcore.store.contacts.reads import ContactVersion, StoredContact
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.records import Record
from hlcore.store.restores import jobs as restore_jobs
from hlcore.ui import session
from hlcore.ui.components import formatting
from hlcore.ui.components.contact_fields import Names, load_names

KINDS = ("note", "task", "opportunity", "appointment", "message")


@dataclass(frozen=True, slots=True)
class ContactData:
    """One contact: the copy, its earlier versions, its records, each disappearance (oldest first), its restores.
    `not_safe`: kinds of records that were never captured, or have changed since."""

    stored: StoredContact
    versions: Sequence[ContactVersion]
    records: Sequence[Record]
    disappearances: Sequence[DeletionView]
    restores: Sequence[Mapping[str, Any]]
    names: Names
    account: str
    tz: str
    is_demo: bool
    copy: ContactSnapshot | None
    not_safe: tuple[str, ...] = ()

    @property
    def contact(self) -> Mapping[str, Any]:
        """The fields of the last copy."""
        return self.copy.fields if self.copy is not None else {}

    @property
    def consent(self) -> Consent:
        """What all copies together say of do-not-disturb."""
        return self.copy.consent if self.copy is not None else consent_of({}, known=False)

    @property
    def is_live(self) -> bool:
        """Whether the contact is in HighLevel now, as far as is known."""
        return self.stored.status in LIVE

    @property
    def is_lost(self) -> bool:
        """Whether the contact is no longer in HighLevel and could be restored."""
        return self.stored.status in LOST

    @property
    def never_captured(self) -> tuple[str, ...]:
        """The kinds of which nobody knows what the contact had, because it is gone and they were never captured."""
        last = self.last_disappearance
        return last.row.not_captured if last is not None and not self.is_live else ()

    @property
    def last_disappearance(self) -> DeletionView | None:
        """The newest disappearance."""
        return self.disappearances[-1] if self.disappearances else None

    @property
    def status(self) -> str:
        """The status as people see it now."""
        return self.last_disappearance.status if self.last_disappearance and self.is_lost else self.stored.status

    @property
    def title(self) -> str:
        """What to call the contact: its name, else its address or id."""
        stored = self.stored
        return stored.name or stored.email or stored.phone or stored.contact_id

    @property
    def other_ids(self) -> dict[str, str]:
        """The ids under which the same person is kept besides: id → what its record is to this one."""
        own = self.stored.contact_id
        found = {row.new_contact_id: "new" for view in self.disappearances if (row := view.row).new_contact_id}
        for restore in self.restores:
            if restore["new_id"] and restore["new_id"] != restore["contact_id"]:
                found |= {restore["contact_id"]: "earlier"} if restore["new_id"] == own else {restore["new_id"]: "new"}
        return {contact_id: relation for contact_id, relation in found.items() if contact_id != own}

    @property
    def link(self) -> str:
        """The contact's page in HighLevel."""
        path = f"v2/location/{self.stored.location_id}/contacts/detail/{self.stored.contact_id}"
        return f"{session.settings().app_url}/{path}"


def load_contact_data(user: User, contact_id: str, location_id: str) -> ContactData:
    """Return the contact's record. Opening another one adds a line to the audit log. Raises NotAllowed, NotFound."""
    context, key = session.app_context(), f"{location_id}:{contact_id}"
    if st.session_state.get("viewed") == key:
        return _read(contact_id, location_id)
    with audited(
        context.vault,
        user,
        Action.VIEW,
        now=context.clock.now,
        location_id=location_id,
        subject=f"contact {contact_id}",
    ):
        data = _read(contact_id, location_id)
    st.session_state["viewed"] = key
    return data


def _read(contact_id: str, location_id: str) -> ContactData:
    context = session.app_context()
    with context.vault.read() as tx:
        stored = _find_stored(tx, contact_id, location_id)
        location = next(location for location in session.locations() if location.location_id == stored.location_id)
        ids = (stored.location_id, contact_id)
        versions = contact_reads.versions(tx, *ids)
        return ContactData(
            stored,
            versions,
            records.list_for_contact(tx, *ids, KINDS),
            deletions_of_contact(tx, *ids, context.clock.now()),
            restore_jobs.history_of_contact(tx, *ids),
            load_names(tx, [stored.location_id]),
            location.name,
            location.timezone,
            location.is_demo,
            _last_copy(stored, versions),
            _not_safe(tx, stored),
        )


def _not_safe(tx: Tx, stored: StoredContact) -> tuple[str, ...]:
    rows = deletion_queries.list_for_contact(tx, stored.location_id, stored.contact_id)
    lost = rows[-1] if rows and stored.status not in LIVE else None
    return tuple(kind for kind, at in safe_since(tx, stored, lost).items() if at is None)


def _last_copy(stored: StoredContact, versions: Sequence[ContactVersion]) -> ContactSnapshot | None:
    try:
        return stored.snapshot(versions)
    except ValueError:
        return None


def _find_stored(tx: Tx, contact_id: str, location_id: str) -> StoredContact:
    if location_id:
        stored = contact_reads.get(tx, location_id, contact_id)
    else:
        stored = next(iter(contact_reads.find_in_all_locations(tx, contact_id)), None)
    if stored is None or stored.status == Status.ERASED:
        raise NotFound("Nothing is held about this contact.", hint="Search for the person by name, e-mail or phone.")
    return stored


def change_steps(data: ContactData) -> list[tuple[datetime, tuple[FieldChange, ...]]]:
    """Return when the copies changed, and what, newest first. A search row and the answer of GET by id differ in shape,
    so each is compared with its own kind only; of two that tell the same change, one is kept."""
    steps: list[tuple[datetime, tuple[FieldChange, ...]]] = []
    for kind in ("row", "detail"):
        copies = [(at, value) for at, raw in _copies(data, kind) if isinstance(value := decode_lossy(raw), dict)]
        for (_, before), (at, after) in pairwise(copies):
            changed = field_changes(before, after)
            if changed and all(changed != known for _, known in steps if kind == "detail"):
                steps.append((at, changed))
    return sorted(steps, key=lambda step: step[0], reverse=True)


def _copies(data: ContactData, kind: str) -> list[tuple[datetime, bytes]]:
    """Return every copy of this kind with the moment it was first seen, oldest first, the present one last."""
    earlier = [(version.captured_at, version.raw) for version in data.versions if version.part == kind]
    stored = data.stored
    if kind == "row":
        return [*earlier, (stored.changed_at, stored.raw)]
    return [*earlier, (stored.detail_at, stored.detail)] if stored.detail_at and stored.detail else earlier


def window_text(left: RemainingTime, tz: str) -> str:
    """Return in a sentence until when HighLevel's own restore may be open."""
    if left.starts_at == left.ends_at:
        return "HighLevel offers no restore for this account; Contact Vault can create the person again."
    if not left.open:
        return f"HighLevel's own restore closed on {formatting.moment(left.ends_at, tz)}."
    until = formatting.moment(left.ends_at, tz)
    return f"HighLevel's own restore may be open until {until} ({formatting.time_left(left.open, left.days_left)})."
