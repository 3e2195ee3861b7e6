"""Everything that the Contacts page shows about one person, read in one snapshot and recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

import streamlit as st

from hlcore.errors import NotFound
from hlcore.governance.audit import recorded
from hlcore.governance.roles import Action, User
from hlcore.metrics.contact_record import value_of
from hlcore.metrics.coverage import of_person
from hlcore.metrics.deletions import DeletionView, of_contact
from hlcore.model.contact_diff import Change, changes
from hlcore.model.contact_snapshot import ContactSnapshot, latest_snapshot
from hlcore.model.lifecycle import LIVE, LOST, Status
from hlcore.model.recovery_window import RemainingTime
from hlcore.store import Tx, records
from hlcore.store.contacts import reads as contact_reads
from hlcore.store.contacts import search as contact_search
from hlcore.store.contacts.reads import StoredContact, Version
from hlcore.store.records import Record
from hlcore.store.restores import jobs as restore_jobs
from hlcore.ui import session
from hlcore.ui.components import formatting
from hlcore.ui.components.contact_fields import Names, names_of

KINDS = ("note", "task", "opportunity", "appointment", "message")


@dataclass(frozen=True, slots=True)
class ContactData:
    """One person: the copy, everything before it, what belongs to it, each disappearance (oldest first), restores.
    `not_safe`: kinds of records that were never captured, or have changed since."""

    stored: StoredContact
    versions: Sequence[Version]
    records: Sequence[Record]
    times: Sequence[DeletionView]
    restores: Sequence[Mapping[str, Any]]
    names: Names
    tz: str
    is_demo: bool
    copy: ContactSnapshot | None
    not_safe: tuple[str, ...] = ()

    @property
    def contact(self) -> Mapping[str, Any]:
        """The fields of the last copy."""
        return self.copy.fields if self.copy is not None else {}

    @property
    def live(self) -> bool:
        """Whether the person is in HighLevel now, as far as is known."""
        return self.stored.status in LIVE

    @property
    def lost(self) -> bool:
        """Whether the person is no longer in HighLevel and could be restored."""
        return self.stored.status in LOST

    @property
    def last(self) -> DeletionView | None:
        """The newest disappearance."""
        return self.times[-1] if self.times else None

    @property
    def status(self) -> str:
        """The status as people see it now."""
        return self.last.status if self.last and self.lost else self.stored.status

    @property
    def title(self) -> str:
        """What the person is called; their address or id where there is no name."""
        held = self.stored
        return held.name or held.email or held.phone or held.contact_id

    @property
    def link(self) -> str:
        """The person's page in HighLevel."""
        place = f"v2/location/{self.stored.location_id}/contacts/detail/{self.stored.contact_id}"
        return f"{session.settings().app_url}/{place}"


def load_contact_data(who: User, contact_id: str, location_id: str) -> ContactData:
    """The person's record. Each time another one is opened the audit log has a line. Raises NotAllowed, NotFound."""
    here, key = session.app_context(), f"{location_id}:{contact_id}"
    if st.session_state.get("viewed") == key:
        return _read(contact_id, location_id)
    with recorded(
        here.vault, who, Action.VIEW, now=here.clock.now, location_id=location_id, subject=f"contact {contact_id}"
    ):
        found = _read(contact_id, location_id)
    st.session_state["viewed"] = key
    return found


def _read(contact_id: str, location_id: str) -> ContactData:
    here = session.app_context()
    with here.vault.read() as tx:
        stored = _held(tx, contact_id, location_id)
        place = next(one for one in session.locations() if one.location_id == stored.location_id)
        mine = (stored.location_id, contact_id)
        return ContactData(
            stored,
            contact_reads.versions(tx, *mine),
            records.of_contact(tx, *mine, KINDS),
            of_contact(tx, *mine, here.clock.now()),
            restore_jobs.of_contact(tx, *mine),
            names_of(tx, [stored.location_id]),
            place.timezone,
            place.is_demo,
            _last_copy(stored, rows_tell=contact_search.any_dnd_settings(tx, stored.location_id)),
            tuple(kind for kind, at in of_person(tx, stored).items() if at is None),
        )


def _last_copy(stored: StoredContact, *, rows_tell: bool) -> ContactSnapshot | None:
    try:
        return latest_snapshot(stored.raw, stored.detail, rows_tell_settings=rows_tell)
    except ValueError:
        return None


def _held(tx: Tx, contact_id: str, location_id: str) -> StoredContact:
    one = contact_reads.get(tx, location_id, contact_id) if location_id else None
    found = [one] if one else [] if location_id else contact_reads.find(tx, contact_id)
    if not found or found[0].status == Status.ERASED:
        raise NotFound("Nothing is held about this contact.", hint="Search for the person by name, e-mail or phone.")
    return found[0]


def steps_of(sheet: ContactData) -> list[tuple[datetime, tuple[Change, ...]]]:
    """When the copies changed, and what: newest first. A search row and the answer of GET by id differ in shape, so
    each is compared with its own kind only; of two that tell the same change, one is kept."""
    steps: list[tuple[datetime, tuple[Change, ...]]] = []
    for part in ("row", "detail"):
        copies = [(at, value) for at, raw in _copies(sheet, part) if isinstance(value := value_of(raw), dict)]
        for (_, before), (at, after) in pairwise(copies):
            found = changes(before, after)
            if found and all(found != known for _, known in steps if part == "detail"):
                steps.append((at, found))
    return sorted(steps, key=lambda step: step[0], reverse=True)


def _copies(sheet: ContactData, part: str) -> list[tuple[datetime, bytes]]:
    """Every copy of this kind with the moment it was first seen, oldest first, the present one last."""
    earlier = [(one.captured_at, one.raw) for one in sheet.versions if one.part == part]
    held = sheet.stored
    if part == "row":
        return [*earlier, (held.changed_at, held.raw)]
    return [*earlier, (held.detail_at, held.detail)] if held.detail_at and held.detail else earlier


def window_words(left: RemainingTime, tz: str) -> str:
    """Until when HighLevel's own restore may be open, in a sentence."""
    if left.starts_at == left.ends_at:
        return "HighLevel offers no restore for this account; Contact Vault can create the person again."
    if not left.open:
        return f"HighLevel's own restore closed on {formatting.moment(left.ends_at, tz)}."
    until = formatting.moment(left.ends_at, tz)
    return f"HighLevel's own restore may be open until {until} ({formatting.time_left(left.open, left.days_left)})."
