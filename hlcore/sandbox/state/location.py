"""A location and its contacts, with what its users do to them in HighLevel's own pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hlcore.sandbox.ids import iso, parse_moment
from hlcore.sandbox.state.invented_people import TAGS, ContactGenerator
from hlcore.sandbox.state.location_base import Item, LocationHost, RelatedData
from hlcore.sandbox.state.record import ContactRecord, Fields, digits, normalize_tags, split_name
from hlcore.sandbox.state.related import Related
from hlcore.sandbox.state.search import Searcher
from hlcore.sandbox.state.search_index import SearchIndex

KINDS_BY_ID = ("opportunities", "appointments", "conversations", "messages")
Attached = dict[str, dict[str, Item]]


def detach(related: RelatedData, contact_ids: set[str]) -> dict[str, Attached]:
    """Remove the records of these contacts and return them by contact id, in one pass over the location's data."""
    detached: dict[str, Attached] = {}
    for id_ in contact_ids:
        detached[id_] = {"notes": related.notes.pop(id_, {}), "tasks": related.tasks.pop(id_, {})}
        detached[id_] |= {name: {} for name in KINDS_BY_ID}
    for name in KINDS_BY_ID:
        items: dict[str, Item] = getattr(related, name)
        for key in [key for key, item in items.items() if item["contactId"] in contact_ids]:
            item = items.pop(key)
            detached[item["contactId"]][name][key] = item
    return detached


def attach(related: RelatedData, contact_id: str, attached: Attached) -> None:
    """Put detached records back, under this contact's id."""
    for name in ("notes", "tasks"):
        if attached[name]:
            getattr(related, name).setdefault(contact_id, {}).update(_with_contact_id(attached[name], contact_id))
    for name in KINDS_BY_ID:
        getattr(related, name).update(_with_contact_id(attached[name], contact_id))


def _with_contact_id(items: dict[str, Item], contact_id: str) -> dict[str, Item]:
    return {key: {**item, "contactId": contact_id} for key, item in items.items()}


@dataclass(frozen=True, slots=True)
class TrashedContact:
    """A deleted contact and its records; ``at``: when it was deleted."""

    record: ContactRecord
    attached: Attached
    at: str


@dataclass(slots=True)
class SearchProgress:
    """How far the latest listing has come, for the faults that depend on its pages."""

    page: int = 0
    cursor: list[Any] | None = None


class Contacts(Mapping[str, Fields]):
    """Read-only mapping of ids to contacts as GET by id answers them. `SandboxLocation` changes them."""

    def __init__(self, records: dict[str, ContactRecord]) -> None:
        self._records = records

    def __getitem__(self, id_: str) -> Fields:
        return self._records[id_].detail()

    def __iter__(self) -> Iterator[str]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)

    def __contains__(self, id_: object) -> bool:
        return id_ in self._records


class SandboxLocation(Related):
    """One location. Every method takes effect at once; search may show it later (``faults.lag``)."""

    def __init__(self, host: LocationHost, id_: str, name: str, timezone: str) -> None:
        super().__init__(host, id_, name, timezone)
        self.records: dict[str, ContactRecord] = {}
        self.trash: dict[str, TrashedContact] = {}
        self.index = SearchIndex(self.records)
        self.searcher = Searcher(self.index)
        self.search_progress = SearchProgress()
        self._by_email: dict[str, set[str]] | None = None
        self._by_phone: dict[str, set[str]] | None = None

    @property
    def contacts(self) -> Contacts:
        return Contacts(self.records)

    def create(self, **fields: Any) -> str:
        """Create a contact as a user would, without refusing values or duplicates; return its id.

        ``id``, ``dateAdded`` and ``dateUpdated`` may be given; ``name`` is split into first and last name."""
        with self.lock:
            id_ = str(fields.pop("id", "") or self.ids.next())
            if id_ in self.records:
                raise ValueError(f"contact {id_} exists")
            defaults: Fields = {"type": "lead", "dnd": False, "dateAdded": self.now()}
            contact = self._normalize({**defaults, **split_name(fields), "id": id_, "locationId": self.id})
            self._write(id_, None, ContactRecord.from_fields(contact))
            self.emit("ContactCreate", self.contacts[id_])
            return id_

    def edit(self, id: str, **fields: Any) -> None:
        """Change these fields; None empties one. Custom fields are merged by id. Raises KeyError for an unknown id."""
        with self.lock:
            before = self.records[id]
            old = before.detail()
            changes = _merge_custom_fields(old, split_name(fields))
            contact = self._normalize({**old, **changes, "dateUpdated": self.now()})
            self._write(id, before, ContactRecord.from_fields({k: v for k, v in contact.items() if k != "name"}))
            new = self.contacts[id]
            self.emit("ContactUpdate", new)
            if old["tags"] != new["tags"]:
                self.emit("ContactTagUpdate", new)
            if (old.get("dnd"), old.get("dndSettings")) != (new.get("dnd"), new.get("dndSettings")):
                self.emit("ContactDndUpdate", new)

    def delete(self, *ids: str) -> None:
        """Move these contacts to the trash with all their records, opportunities included."""
        with self.lock:
            detached = detach(self.related, set(ids))
            for id_ in ids:
                record = self.records[id_]
                self._write(id_, record, None)
                self.trash[id_] = TrashedContact(record, detached[id_], self.now_iso())
                self.emit("ContactDelete", record.detail())
                for opportunity in detached[id_]["opportunities"].values() if self.cascade_events else ():
                    self.emit("OpportunityDelete", opportunity)

    def native_restore(self, *ids: str, with_records: bool = True) -> None:
        """Restore deleted contacts as HighLevel does, under the same ids. Raises ValueError for a HIPAA location."""
        if self.hipaa:
            raise ValueError("HIPAA locations have no restore")
        with self.lock:
            for id_ in ids:
                trashed = self.trash.pop(id_)
                self._write(id_, None, trashed.record)
                if with_records:
                    attach(self.related, id_, trashed.attached)

    def merge(self, winner: str, *losers: str) -> None:
        """Merge the losers into the winner; they do not go to the trash. The winner keeps its own values and gains
        their e-mails and phones as additional ones, their tags, the custom fields it lacks, and their records."""
        with self.lock:
            merged = self.contacts[winner]
            detached = detach(self.related, set(losers))
            for loser in losers:
                contact = self.contacts[loser]
                merged = _merge_contacts(merged, contact)
                self._write(loser, self.records[loser], None)
                self.emit("ContactDelete", contact)
                attach(self.related, winner, detached[loser])
            changed = ("additionalEmails", "additionalPhones", "tags", "customFields")
            self.edit(winner, **{key: merged[key] for key in changed})

    def add_follower(self, contact_id: str, user_id: str) -> None:
        with self.lock:
            followers = self.contacts[contact_id]["followers"]
            if user_id not in followers:
                self.edit(contact_id, followers=[*followers, user_id])

    def fill(self, n: int, *, days: int = 700) -> list[str]:
        """Add n invented contacts at once, their dateAdded spread over the past days; return their ids, oldest first.

        There are no events and no lag, as if they had always been there."""
        with self.lock:
            generator = ContactGenerator(
                f"{self.ids.counter}:{self.id}",
                {id_: str(field["dataType"]) for id_, field in self.related.custom_fields.items()},
                self._user_ids(),
            )
            for tag in TAGS:
                self.add_tag(tag)
            ids = []
            for id_, record in generator.records(self.id, self.ids, self.now(), n, days):
                self.records[id_] = record
                ids.append(id_)
            self._clear_lookups()
            self.index.reset()
            return ids

    def with_email(self, email: object) -> set[str]:
        """Return the ids of the contacts with this e-mail address, ignoring case and spaces around it."""
        self._build_lookups()
        return set((self._by_email or {}).get(str(email or "").strip().lower(), ()))

    def with_phone(self, phone: object) -> set[str]:
        """Return the ids of the contacts with this phone number, comparing digits only."""
        self._build_lookups()
        return set((self._by_phone or {}).get(digits(phone), ()))

    def load_records(self, records: Iterable[tuple[str, ContactRecord]]) -> None:
        """Replace all contacts by those of a saved sandbox."""
        self.records.clear()
        self.records.update(records)
        self._clear_lookups()
        self.index.reset()

    def _write(self, id_: str, before: ContactRecord | None, after: ContactRecord | None) -> None:
        if after is None:
            del self.records[id_]
        else:
            self.records[id_] = after
        lag = self.faults.lag
        self.index.record_change(id_, before, after, self.now().timestamp() + lag if lag else None)
        for record, is_new in ((before, False), (after, True)):
            if record is not None and self._by_email is not None:
                self._update_lookups(id_, record, add=is_new)

    def _normalize(self, fields: Fields) -> Fields:
        """Return the fields with dates as text, tags in lower case and no empty custom fields."""
        added = parse_moment(fields["dateAdded"])
        updated = parse_moment(fields.get("dateUpdated") or added)
        given = fields.get("customFields") or ()
        values = [{"id": field["id"], "value": field["value"]} for field in given if _has_value(field)]
        tags = normalize_tags(fields.get("tags"))
        for tag in tags:
            self.add_tag(tag)
        return {
            **fields, "dateAdded": iso(added), "dateUpdated": iso(updated), "tags": tags, "customFields": values
        }  # fmt: skip

    def _user_ids(self) -> list[str]:
        return [id_ for id_, user in self.related.users.items() if not user["deleted"]]

    def _clear_lookups(self) -> None:
        self._by_email = self._by_phone = None

    def _build_lookups(self) -> None:
        if self._by_email is None:
            self._by_email, self._by_phone = {}, {}
            for id_, record in self.records.items():
                self._update_lookups(id_, record, add=True)

    def _update_lookups(self, id_: str, record: ContactRecord, *, add: bool) -> None:
        row = record.row()
        for table, key in (
            (self._by_email, str(row.get("email", "")).strip().lower()),
            (self._by_phone, digits(row.get("phone"))),
        ):
            if not key or table is None:
                continue
            if add:
                table.setdefault(key, set()).add(id_)
            elif id_ in table.get(key, ()):
                table[key].discard(id_)


def _has_value(field: Fields) -> bool:
    return field.get("value") not in (None, "", [])


def _merge_custom_fields(old: Fields, new: Fields) -> Fields:
    """Return the new fields; their custom fields replace the old ones with the same id and keep the others."""
    if "customFields" not in new:
        return new
    fields = [*old.get("customFields", []), *(new["customFields"] or ())]
    return {**new, "customFields": list({field["id"]: field for field in fields}.values())}


def _merge_contacts(winner: Fields, loser: Fields) -> Fields:
    emails, phones = list(winner["additionalEmails"]), list(winner["additionalPhones"])
    if loser.get("email") and loser["email"] != winner.get("email"):
        emails.append({"email": loser["email"]})
    if loser.get("phone") and loser["phone"] != winner.get("phone"):
        phones.append({"phone": loser["phone"]})
    known = {field["id"] for field in winner["customFields"]}
    return {
        **winner,
        "additionalEmails": emails + loser["additionalEmails"],
        "additionalPhones": phones + loser["additionalPhones"],
        "tags": normalize_tags(winner["tags"] + loser["tags"]),
        "customFields": winner["customFields"] + [field for field in loser["customFields"] if field["id"] not in known],
    }
