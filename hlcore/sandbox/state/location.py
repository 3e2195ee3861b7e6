"""A sub-account and its contacts, as its users work with them in HighLevel's own pages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hlcore.sandbox.ids import iso, moment
from hlcore.sandbox.state.invented_people import TAGS, People
from hlcore.sandbox.state.location_base import Item, LocationHost, RelatedData
from hlcore.sandbox.state.record import ContactRecord, Fields, digits, lowered, split_name
from hlcore.sandbox.state.related import Related
from hlcore.sandbox.state.search import Searcher
from hlcore.sandbox.state.search_index import SearchIndex

OWNED = ("opportunities", "appointments", "conversations", "messages")
Attached = dict[str, dict[str, Item]]


def detach(related: RelatedData, contact_ids: set[str]) -> dict[str, Attached]:
    """Remove and return the related data of these contacts, in one pass over the location's data."""
    found: dict[str, Attached] = {
        id_: {"notes": related.notes.pop(id_, {}), "tasks": related.tasks.pop(id_, {}), **{name: {} for name in OWNED}}
        for id_ in contact_ids
    }
    for name in OWNED:
        shelf: dict[str, Item] = getattr(related, name)
        for key in [key for key, item in shelf.items() if item["contactId"] in contact_ids]:
            item = shelf.pop(key)
            found[item["contactId"]][name][key] = item
    return found


def attach(related: RelatedData, contact_id: str, attached: Attached) -> None:
    """Put detached data back under this contact's id."""
    for name in ("notes", "tasks"):
        if attached[name]:
            getattr(related, name).setdefault(contact_id, {}).update(_moved(attached[name], contact_id))
    for name in OWNED:
        getattr(related, name).update(_moved(attached[name], contact_id))


def _moved(items: dict[str, Item], contact_id: str) -> dict[str, Item]:
    return {key: {**item, "contactId": contact_id} for key, item in items.items()}


@dataclass(frozen=True, slots=True)
class Trashed:
    """A deleted contact with everything that was attached to it."""

    record: ContactRecord
    attached: Attached
    at: str


@dataclass(slots=True)
class Walk:
    """The listing in progress, for the faults that depend on its pages."""

    page: int = 0
    cursor: list[Any] | None = None


class Contacts(Mapping[str, Fields]):
    """Id → the contact as GET by id answers it. Read-only: change contacts through `Location`."""

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
    """One sub-account. Every method takes effect at once; search may show it later (``faults.lag``)."""

    def __init__(self, host: LocationHost, id_: str, name: str, timezone: str) -> None:
        super().__init__(host, id_, name, timezone)
        self.records: dict[str, ContactRecord] = {}
        self.trash: dict[str, Trashed] = {}
        self.index = SearchIndex(self.records)
        self.searcher = Searcher(self.index)
        self.walk = Walk()
        self._by_email: dict[str, set[str]] | None = None
        self._by_phone: dict[str, set[str]] | None = None

    @property
    def contacts(self) -> Contacts:
        return Contacts(self.records)

    def create(self, **fields: Any) -> str:
        """A new contact, as a user would enter it: no value is refused, duplicates are allowed. Returns its id.

        ``id``, ``dateAdded`` and ``dateUpdated`` may be given; ``name`` is split into first and last."""
        with self.lock:
            id_ = str(fields.pop("id", "") or self.ids.next())
            if id_ in self.records:
                raise ValueError(f"contact {id_} exists")
            base: Fields = {"type": "lead", "dnd": False, "dateAdded": self.now()}
            whole = self._tidy({**base, **split_name(fields), "id": id_, "locationId": self.id})
            self._write(id_, None, ContactRecord.of(whole))
            self.emit("ContactCreate", self.contacts[id_])
            return id_

    def edit(self, id: str, **fields: Any) -> None:
        """Change these fields; None empties one. Custom fields are merged by id. Raises KeyError for no contact."""
        with self.lock:
            before = self.records[id]
            old = before.detail()
            whole = self._tidy({**old, **_merged(old, split_name(fields)), "dateUpdated": self.now()})
            self._write(id, before, ContactRecord.of({k: v for k, v in whole.items() if k != "name"}))
            new = self.contacts[id]
            self.emit("ContactUpdate", new)
            if old["tags"] != new["tags"]:
                self.emit("ContactTagUpdate", new)
            if (old.get("dnd"), old.get("dndSettings")) != (new.get("dnd"), new.get("dndSettings")):
                self.emit("ContactDndUpdate", new)

    def delete(self, *ids: str) -> None:
        """Move these contacts to the trash with everything attached, opportunities included."""
        with self.lock:
            found = detach(self.related, set(ids))
            for id_ in ids:
                record = self.records[id_]
                self._write(id_, record, None)
                self.trash[id_] = Trashed(record, found[id_], self.stamp())
                self.emit("ContactDelete", record.detail())
                for deal in found[id_]["opportunities"].values() if self.cascade_events else ():
                    self.emit("OpportunityDelete", deal)

    def native_restore(self, *ids: str, with_records: bool = True) -> None:
        """HighLevel's own restore: the same ids come back. Raises ValueError on a HIPAA account."""
        if self.hipaa:
            raise ValueError("HIPAA accounts have no restore")
        with self.lock:
            for id_ in ids:
                item = self.trash.pop(id_)
                self._write(id_, None, item.record)
                if with_records:
                    attach(self.related, id_, item.attached)

    def merge(self, winner: str, *losers: str) -> None:
        """Merge the losers into the winner for good. The winner keeps its own values and gains their e-mails and phones
        as additional ones, their tags, missing custom fields, and their related data."""
        with self.lock:
            mine = self.contacts[winner]
            found = detach(self.related, set(losers))
            for loser in losers:
                other = self.contacts[loser]
                mine = _absorb(mine, other)
                self._write(loser, self.records[loser], None)
                self.emit("ContactDelete", other)
                attach(self.related, winner, found[loser])
            gained = ("additionalEmails", "additionalPhones", "tags", "customFields")
            self.edit(winner, **{key: mine[key] for key in gained})

    def add_follower(self, contact_id: str, user_id: str) -> None:
        with self.lock:
            followers = self.contacts[contact_id]["followers"]
            if user_id not in followers:
                self.edit(contact_id, followers=[*followers, user_id])

    def fill(self, n: int, *, days: int = 700) -> list[str]:
        """Add n invented people at once, their dateAdded spread over the past days. Their ids, oldest first.

        No events and no lag: they have been there all along."""
        with self.lock:
            people = People(
                f"{self.ids.counter}:{self.id}",
                {id_: str(f["dataType"]) for id_, f in self.related.custom_fields.items()},
                self._user_ids(),
            )
            for tag in TAGS:
                self.add_tag(tag)
            ids = []
            for record in people.records(self.id, self.ids, self.now(), n, days):
                self.records[record[0]] = record[1]
                ids.append(record[0])
            self._forget_lookups()
            self.index.reset()
            return ids

    def with_email(self, email: object) -> set[str]:
        """Ids of the contacts with this e-mail address, in any spelling."""
        self._lookups()
        return set((self._by_email or {}).get(str(email or "").strip().lower(), ()))

    def with_phone(self, phone: object) -> set[str]:
        self._lookups()
        return set((self._by_phone or {}).get(digits(phone), ()))

    def load_records(self, records: Iterable[tuple[str, ContactRecord]]) -> None:
        """Replace all contacts (for loading a saved sandbox)."""
        self.records.clear()
        self.records.update(records)
        self._forget_lookups()
        self.index.reset()

    def _write(self, id_: str, before: ContactRecord | None, after: ContactRecord | None) -> None:
        if after is None:
            del self.records[id_]
        else:
            self.records[id_] = after
        lag = self.faults.lag
        self.index.changed(id_, before, after, self.now().timestamp() + lag if lag else None)
        for record, gained in ((before, False), (after, True)):
            if record is not None and self._by_email is not None:
                self._look_up(id_, record, gained)

    def _tidy(self, fields: Fields) -> Fields:
        """Dates as text, tags in lower case, empty custom fields gone."""
        added = moment(fields["dateAdded"])
        updated = moment(fields.get("dateUpdated") or added)
        values = [{"id": f["id"], "value": f["value"]} for f in fields.get("customFields") or () if _filled(f)]
        tags = lowered(fields.get("tags"))
        for tag in tags:
            self.add_tag(tag)
        return {
            **fields, "dateAdded": iso(added), "dateUpdated": iso(updated), "tags": tags, "customFields": values
        }  # fmt: skip

    def _user_ids(self) -> list[str]:
        return [id_ for id_, user in self.related.users.items() if not user["deleted"]]

    def _forget_lookups(self) -> None:
        self._by_email = self._by_phone = None

    def _lookups(self) -> None:
        if self._by_email is None:
            self._by_email, self._by_phone = {}, {}
            for id_, record in self.records.items():
                self._look_up(id_, record, True)

    def _look_up(self, id_: str, record: ContactRecord, gained: bool) -> None:
        row = record.row()
        for table, key in (
            (self._by_email, str(row.get("email", "")).strip().lower()),
            (self._by_phone, digits(row.get("phone"))),
        ):
            if not key or table is None:
                continue
            if gained:
                table.setdefault(key, set()).add(id_)
            elif id_ in table.get(key, ()):
                table[key].discard(id_)


def _filled(field: Fields) -> bool:
    return field.get("value") not in (None, "", [])


def _merged(old: Fields, new: Fields) -> Fields:
    """The new fields, with custom fields laid over the old ones by id."""
    if "customFields" not in new:
        return new
    values = {f["id"]: f for f in old.get("customFields", [])} | {f["id"]: f for f in new["customFields"] or ()}
    return {**new, "customFields": list(values.values())}


def _absorb(winner: Fields, loser: Fields) -> Fields:
    emails, phones = list(winner["additionalEmails"]), list(winner["additionalPhones"])
    if loser.get("email") and loser["email"] != winner.get("email"):
        emails.append({"email": loser["email"]})
    if loser.get("phone") and loser["phone"] != winner.get("phone"):
        phones.append({"phone": loser["phone"]})
    held = {f["id"] for f in winner["customFields"]}
    return {
        **winner,
        "additionalEmails": emails + loser["additionalEmails"],
        "additionalPhones": phones + loser["additionalPhones"],
        "tags": lowered(winner["tags"] + loser["tags"]),
        "customFields": winner["customFields"] + [f for f in loser["customFields"] if f["id"] not in held],
    }
