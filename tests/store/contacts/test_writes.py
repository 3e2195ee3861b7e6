"""Taking contacts in: exact bytes, versions that stay, columns derived from them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from hlcore.errors import NotFound, StoreError
from hlcore.model.contact import Contact, digest, parse_contact
from hlcore.store import Vault
from hlcore.store.contacts import reads as contact_reads
from hlcore.store.contacts import search as contact_search
from hlcore.store.contacts import writes as contact_writes
from hlcore.store.contacts.reads import StoredContact
from hlcore.store.contacts.search import Holder

MakeContact = Callable[..., Contact]


def stored(vault: Vault, location: str, contact_id: str) -> StoredContact:
    with vault.read() as tx:
        found = contact_reads.get(tx, location, contact_id)
    assert found is not None
    return found


def put(vault: Vault, location: str, at: datetime, *new: Contact) -> None:
    with vault.write() as tx:
        contact_writes.insert_contacts(tx, location, new, at=at)


def test_a_contact_is_held_byte_for_byte(vault: Vault, location: str, clock: Any) -> None:
    raw = '{ "id":"c1",\n\t"firstName" : "Zoë 😀", "x": "\\u0000\\ud83d\\ude00", "phone": 1e2 }'.encode()
    put(vault, location, clock(), parse_contact(raw))
    found = stored(vault, location, "c1")
    assert found.raw == raw
    assert found.digest == digest(raw)


def test_what_people_search_by_is_derived(vault: Vault, location: str, make_contact: MakeContact, clock: Any) -> None:
    put(
        vault,
        location,
        clock(),
        make_contact(
            "c1",
            firstName="Ada",
            lastName="Okafor",
            email="Ada@Example.com",
            phone="+1 (555) 010-00",
            tags=["VIP", "a"],
            assignedTo="u1",
            source="import",
            companyName="Okafor & Co",
            dnd=True,
            dndSettings={},
            dateAdded="2026-01-01T00:00:00.000Z",
        ),
    )
    found = stored(vault, location, "c1")
    assert (found.status, found.name, found.email) == ("present", "Ada Okafor", "ada@example.com")
    assert (found.phone_key, found.tags, found.owner_id, found.source) == ("155501000", ("VIP", "a"), "u1", "import")
    assert (found.company, found.dnd, found.has_dnd_settings, found.detail) == ("Okafor & Co", True, True, None)
    assert found.date_added == datetime.fromisoformat("2026-01-01T00:00:00Z")
    assert found.first_seen_at == found.seen_at == found.changed_at == clock()


@pytest.mark.parametrize(
    "name", ["Ada", "Zoë 😀👩‍👩‍👧", "محمد علي", "שלום", "=1+1", "O'Brien; DROP", "%_\\", "李 小龍", "a\u202eb", "\t"]
)
def test_names_of_the_world_survive(
    vault: Vault, location: str, make_contact: MakeContact, clock: Any, name: str
) -> None:
    put(vault, location, clock(), make_contact("c1", firstName=name))
    assert stored(vault, location, "c1").name == name.strip()


def test_nul_and_lone_surrogates_are_left_out_of_columns_but_not_of_bytes(
    vault: Vault, location: str, clock: Any
) -> None:
    raw = json.dumps({"id": "c1"}).encode()
    odd = "a\x00b\ud800c"
    contact = Contact(
        contact_id="c1",
        raw=raw,
        digest=digest(raw),
        name=odd,
        email=odd,
        phone=odd,
        company=odd,
        owner_id=odd,
        source=odd,
        tags=(odd, "fine"),
        other_emails=(odd,),
    )
    put(vault, location, clock(), contact)
    found = stored(vault, location, "c1")
    assert {found.name, found.email, found.phone, found.company, found.owner_id, found.source} == {"abc"}
    assert (found.tags, found.raw) == (("abc", "fine"), raw)


def test_values_of_any_length_are_held_and_found(
    vault: Vault, location: str, make_contact: MakeContact, clock: Any
) -> None:
    long = "x" * 5_000
    mail, other = f"{long}1@example.com", f"{long}2@example.com"
    put(
        vault,
        location,
        clock(),
        make_contact(
            "c1", firstName=long, email=mail, source=long, tags=[long], additionalEmails=[other], companyName=long
        ),
    )
    with vault.read() as tx:
        for asked, additional in ((mail, False), (other, True)):
            found = contact_search.find_holders(tx, location, emails=[asked], phone_keys=[])
            assert [(holder.contact_id, holder.value, holder.additional) for holder in found] == [
                ("c1", asked, additional)
            ]
        assert contact_search.find_holders(tx, location, emails=[f"{long}3@example.com"], phone_keys=[]) == []
        assert contact_search.count_matching(tx, contact_search.ContactQuery((location,), tag=long)) == 1


def test_of_a_contact_given_twice_the_last_counts(
    vault: Vault, location: str, make_contact: MakeContact, clock: Any
) -> None:
    put(vault, location, clock(), make_contact("c1", firstName="Old"), make_contact("c1", firstName="New"))
    assert stored(vault, location, "c1").name == "New"


def test_inserting_a_held_contact_is_refused_whole(
    vault: Vault, location: str, make_contact: MakeContact, clock: Any
) -> None:
    put(vault, location, clock(), make_contact("c1"))
    with pytest.raises(StoreError):
        put(vault, location, clock(), make_contact("c2"), make_contact("c1"))
    with vault.read() as tx:
        assert contact_search.count_by_status(tx, [location]) == {location: {"present": 1}}


def test_the_same_id_in_two_locations_is_two_contacts(vault: Vault, make_contact: MakeContact, clock: Any) -> None:
    put(vault, "a", clock(), make_contact("c1", firstName="Ada"))
    put(vault, "b", clock(), make_contact("c1", firstName="Bo"))
    with vault.read() as tx:
        assert [(contact.location_id, contact.name) for contact in contact_reads.find_in_all_locations(tx, "c1")] == [
            ("a", "Ada"),
            ("b", "Bo"),
        ]
        assert [contact.name for contact in contact_reads.get_many(tx, "a", ["c1", "none"])] == ["Ada"]


def test_held_tells_what_a_listing_compares_with(
    vault: Vault, location: str, make_contact: MakeContact, clock: Any
) -> None:
    contact = make_contact("c1", dateUpdated="2026-01-01T00:00:00Z")
    put(vault, location, clock(), contact)
    with vault.read() as tx:
        found = contact_reads.known_contacts(tx, location, ["c1", "none"])
    assert list(found) == ["c1"]
    assert found["c1"].digest == contact.digest
    assert (found["c1"].status, found["c1"].date_updated, found["c1"].seen_at) == (
        "present",
        contact.date_updated,
        clock(),
    )


def test_any_number_of_ids_can_be_asked_for(vault: Vault, location: str, make_contact: MakeContact, clock: Any) -> None:
    put(vault, location, clock(), make_contact("id69999"))
    with vault.read() as tx:
        assert list(contact_reads.known_contacts(tx, location, [f"id{number}" for number in range(70_000)])) == [
            "id69999"
        ]


def test_a_changed_contact_leaves_its_earlier_bytes(
    vault: Vault, location: str, make_contact: MakeContact, clock: Any
) -> None:
    before, after = make_contact("c1", firstName="Old"), make_contact("c1", firstName="New")
    put(vault, location, clock(), before)
    first = clock()
    with vault.write() as tx:
        contact_writes.replace(tx, location, [after], at=clock.advance(hours=1), run_id=7)
        (version,) = contact_reads.versions(tx, location, "c1")
    assert (version.raw, version.digest, version.part, version.run_id) == (before.raw, before.digest, "row", 7)
    assert (version.captured_at, version.replaced_at) == (first, clock())
    found = stored(vault, location, "c1")
    assert (found.raw, found.name, found.changed_at, found.first_seen_at) == (after.raw, "New", clock(), first)


def test_replacing_by_the_same_bytes_changes_nothing(
    vault: Vault, location: str, make_contact: MakeContact, clock: Any
) -> None:
    put(vault, location, clock(), make_contact("c1"))
    before = stored(vault, location, "c1")
    with vault.write() as tx:
        contact_writes.replace(tx, location, [make_contact("c1")], at=clock.advance(hours=1), run_id=None)
        assert contact_reads.versions(tx, location, "c1") == []
    assert stored(vault, location, "c1") == before


def test_replacing_an_unknown_contact_inserts_it(
    vault: Vault, location: str, make_contact: MakeContact, clock: Any
) -> None:
    with vault.write() as tx:
        contact_writes.replace(tx, location, [make_contact("c1", firstName="Ada")], at=clock(), run_id=None)
    assert stored(vault, location, "c1").name == "Ada"


def test_replacing_keeps_the_status(vault: Vault, location: str, make_contact: MakeContact, clock: Any) -> None:
    put(vault, location, clock(), make_contact("c1"))
    with vault.write() as tx:
        contact_writes.set_status(tx, location, ["c1"], "deleted")
        contact_writes.replace(tx, location, [make_contact("c1", firstName="Ada")], at=clock(), run_id=None)
    assert stored(vault, location, "c1").status == "deleted"


def test_stored_versions_cannot_be_changed(vault: Vault, location: str, make_contact: MakeContact, clock: Any) -> None:
    put(vault, location, clock(), make_contact("c1"))
    with vault.write() as tx:
        contact_writes.replace(tx, location, [make_contact("c1", firstName="Ada")], at=clock(), run_id=None)
    with pytest.raises(StoreError), vault.write() as tx:
        tx.exec_driver_sql("UPDATE contact_versions SET part = 'x'")


def test_a_detail_is_held_beside_the_row_and_its_earlier_bytes_stay(
    vault: Vault, location: str, make_contact: MakeContact, clock: Any
) -> None:
    put(vault, location, clock(), make_contact("c1"))
    first = clock.advance(hours=1)
    with vault.write() as tx:
        for number in (1, 1, 2):
            contact_writes.store_detail(tx, location, "c1", b'{"id":"c1","n":%d}' % number, clock())
            clock.advance(hours=1)
        (version,) = contact_reads.versions(tx, location, "c1")
    assert (version.part, version.raw, version.captured_at) == ("detail", b'{"id":"c1","n":1}', first)
    found = stored(vault, location, "c1")
    assert (found.detail, found.raw) == (b'{"id":"c1","n":2}', make_contact("c1").raw)
    assert found.seen_at == found.detail_at == first.replace(hour=first.hour + 2)


def test_a_detail_of_an_unknown_contact_is_refused(vault: Vault, location: str, clock: Any) -> None:
    with pytest.raises(NotFound), vault.write() as tx:
        contact_writes.store_detail(tx, location, "c1", b"{}", clock())


def holding(vault: Vault, location: str, email: str = "", phone: str = "", exclude: str = "") -> list[Holder]:
    with vault.read() as tx:
        return contact_search.find_holders(tx, location, emails=[email], phone_keys=[phone], exclude=exclude)


def test_who_holds_an_address_is_found_among_the_living(
    vault: Vault, location: str, make_contact: MakeContact, clock: Any
) -> None:
    put(
        vault,
        location,
        clock(),
        make_contact("c1", email="a@example.com", phone="+1 555 1"),
        make_contact("c2", additionalEmails=[{"email": "A@example.com"}], additionalPhones=[{"phone": "+1-555-1"}]),
        make_contact("c3", email="a@example.com"),
        make_contact("c4", email="b@example.com"),
    )
    with vault.write() as tx:
        contact_writes.set_status(tx, location, ["c3"], "deleted")
    found = holding(vault, location, "a@example.com", "15551")
    assert [(holder.contact_id, holder.field, holder.additional) for holder in found] == [
        ("c1", "email", False),
        ("c1", "phone", False),
        ("c2", "email", True),
        ("c2", "phone", True),
    ]
    assert [holder.contact_id for holder in holding(vault, location, "a@example.com", exclude="c1")] == ["c2"]
    assert holding(vault, "elsewhere", "a@example.com") == []


def test_an_additional_address_is_dated_from_when_it_was_first_seen_there(
    vault: Vault, location: str, make_contact: MakeContact, clock: Any
) -> None:
    put(vault, location, clock(), make_contact("c1", additionalEmails=["old@example.com", "gone@example.com"]))
    began = clock()
    later = make_contact("c1", additionalEmails=["old@example.com", "new@example.com"])
    with vault.write() as tx:
        contact_writes.replace(tx, location, [later], at=clock.advance(days=1), run_id=None)
    since = {name: [holder.since for holder in holding(vault, location, f"{name}@example.com")] for name in _NAMES}
    assert since == {"old": [began], "new": [clock()], "gone": []}


_NAMES = ("old", "new", "gone")
