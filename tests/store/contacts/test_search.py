"""The search box, the filters and the lists."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from hlcore.model.contact import Contact
from hlcore.model.search_text import fold_letters, readings
from hlcore.store import Vault
from hlcore.store.contacts import columns as contact_columns
from hlcore.store.contacts import search as contact_search
from hlcore.store.contacts import writes as contact_writes
from hlcore.store.contacts.search import ContactQuery

MakeContact = Callable[..., Contact]


@pytest.fixture
def filled(vault: Vault, location: str, make_contact: MakeContact, clock: Any) -> Vault:
    """Five invented people and one elsewhere."""
    given = [
        make_contact("ada", firstName="Ada", lastName="Okafor", email="ada@example.com", tags=["VIP"], assignedTo="u1"),
        make_contact("bjorn", firstName="Björn", lastName="Müller", phone="+49 (171) 123-4567", tags=["vip client"]),
        make_contact("percent", firstName="100%", lastName="_Sure_", email="p_c@example.com", source="import"),
        make_contact("nameless", email="mystery@example.com", additionalEmails=["second@example.org"]),
        make_contact("zed", firstName="Zed", companyName="Okafor & Partners", dateAdded="2026-01-02T00:00:00Z"),
    ]
    with vault.write() as tx:
        contact_writes.insert_contacts(tx, location, given, at=clock())
        contact_writes.insert_contacts(
            tx, "elsewhere", [make_contact("ada2", firstName="Ada", lastName="Elsewhere")], at=clock()
        )
    return vault


def found(vault: Vault, location: str, limit: int = 50, offset: int = 0, **query: Any) -> list[str]:
    """Ids of the page; the count must agree with it."""
    asked = ContactQuery((location,), **query)
    with vault.read() as tx:
        ids = [contact.contact_id for contact in contact_search.search(tx, asked, limit=limit, offset=offset)]
        if not offset and len(ids) < limit:
            assert contact_search.count_matching(tx, asked) == len(ids)
            assert sorted(contact.contact_id for contact in contact_search.iterate(tx, asked, chunk=2)) == sorted(ids)
    return ids


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("ada", ["ada"]),
        ("ADA okaf", ["ada"]),
        ("okafor", ["ada", "zed"]),
        ("okafor ada", ["ada"]),
        ("BJÖRN", ["bjorn"]),
        ("müll", ["bjorn"]),
        ("171 123", ["bjorn"]),
        ("(171) 123-45", ["bjorn"]),
        ("%", ["percent"]),
        ("_", ["percent"]),
        ("p_c@", ["percent"]),
        ("second@", ["nameless"]),
        ("vip", ["ada", "bjorn"]),
        ("#vip", ["ada", "bjorn"]),
        ("nameless", ["nameless"]),
        ("\\", []),
        ("'; --", []),
        ("zzz", []),
        ("ada\x00", ["ada"]),
        ("bjorn MULL", ["bjorn"]),
        ("Muller, Bjo\u0308rn", ["bjorn"]),
        ("0049 171 123", ["bjorn"]),
        ("0171 1234567", ["bjorn"]),
        ("björn +49 (0)171 123", ["bjorn"]),
        ("Ｏｋａｆｏｒ", ["ada", "zed"]),
        ("<mystery@example.com>", ["nameless"]),
        ("MYSTERY@EXAM", ["nameless"]),
    ],
)
def test_the_search_box_finds(filled: Vault, location: str, text: str, ids: list[str]) -> None:
    assert found(filled, location, text=text) == ids


PHONES_AS_TYPED = (
    "+1 (555) 123-4567",
    "5551234567",
    "0015551234567",
    "01115551234567",
    "(0) 555 123",
    "+1 555 12 34",
    "+49 171 123",
    "0171 1234567",
    "+3906123456",
    "555-12",
    "+1",
    "45",
)


def test_the_database_finds_whom_a_reading_means(
    vault: Vault, location: str, make_contact: MakeContact, clock: Any
) -> None:
    """What is tested first, and once for several readings, leaves nobody out and lets nobody in."""
    phones = ("+15551234567", "5551234567", "005551234567", "+491711234567", "01711234567", "0039 06 123456", "555123")
    names = (("Ann", "Lee"), ("Lee", "Ann-555-12"), ("Bo", "+1 45"))
    people = [
        make_contact(f"{first}-{phone}", firstName=first, lastName=last, phone=phone)
        for first, last in names
        for phone in phones
    ]
    with vault.write() as tx:
        contact_writes.insert_contacts(tx, location, people, at=clock())
    lines = {one.contact_id: contact_columns.search_text(one, one.name_key, one.phone_key) for one in people}
    for typed in (before + phone for before in ("", "Ann ", "ann lee ") for phone in PHONES_AS_TYPED):
        meant = {
            contact_id
            for contact_id, stored in lines.items()
            for reading in readings(typed)
            if all(any(fragment in stored for fragment in group) for group in reading)
        }
        assert (typed, set(found(vault, location, text=typed))) == (typed, meant)


@pytest.mark.parametrize("typed", ["José", "Jose", "JOSE", "Muñoz", "munoz", "mun\u0303oz", "Muñoz JO"])
def test_a_name_is_found_and_sorted_however_it_is_spelled(
    vault: Vault, location: str, make_contact: MakeContact, clock: Any, typed: str
) -> None:
    decomposed = ("Jose\u0301", "Mun\u0303oz")
    names = {"a": ("José", "Muñoz"), "b": ("Jona", "Zed"), "c": decomposed, "d": ("JOSE", "MUNOZ"), "e": ("Josf", "A")}
    with vault.write() as tx:
        people = [make_contact(key, firstName=first, lastName=last) for key, (first, last) in names.items()]
        contact_writes.insert_contacts(tx, location, people, at=clock())
    assert found(vault, location, text=typed) == ["a", "c", "d"]
    assert found(vault, location) == ["b", "a", "c", "d", "e"]


def test_letters_that_no_accent_tells_apart_are_alike(
    vault: Vault, location: str, make_contact: MakeContact, clock: Any
) -> None:
    names = ["Järvinen", "Lovász", "Yıldız", "Śliwa", "Łukasz", "Sørensen", "Đorđe", "Weiß", "Ægir", "Ｗｉｄｅ", "ﬁsh"]
    typed = ["jarvinen", "lovas", "yildiz", "SLIWA", "lukasz", "sorens", "dorde", "weiss", "aegir", "wide", "fish"]
    with vault.write() as tx:
        people = [make_contact(name, firstName=name) for name in names]
        contact_writes.insert_contacts(tx, location, people, at=clock())
    assert [found(vault, location, text=text) for text in typed] == [[name] for name in names]
    assert [found(vault, location, text=name) for name in names] == [[name] for name in names]


def test_tags_that_differ_by_an_accent_are_two_filters_but_one_search(
    vault: Vault, location: str, make_contact: MakeContact, clock: Any
) -> None:
    tags = {"a": ["résumé"], "b": ["resume"], "c": ["#resume"]}
    with vault.write() as tx:
        people = [make_contact(key, tags=values) for key, values in tags.items()]
        contact_writes.insert_contacts(tx, location, people, at=clock())
    assert found(vault, location, tag="résumé") == ["a"]
    assert found(vault, location, tag="Resume") == ["b"]
    assert found(vault, location, tag="#resume") == ["c"]
    assert found(vault, location, text="#RÉSUME") == ["a", "b", "c"]


def test_lists_are_by_name_and_the_nameless_by_their_address(filled: Vault, location: str) -> None:
    assert found(filled, location) == ["percent", "ada", "bjorn", "nameless", "zed"]
    assert found(filled, location, descending=True) == ["zed", "nameless", "bjorn", "ada", "percent"]


def test_contacts_without_a_date_come_last_either_way(filled: Vault, location: str) -> None:
    assert found(filled, location, sort="date_added")[0] == "zed"
    assert found(filled, location, sort="date_added", descending=True)[0] == "zed"


def test_a_tag_is_met_whole(filled: Vault, location: str) -> None:
    assert found(filled, location, tag="vip") == ["ada"]
    assert found(filled, location, tag="VIP client") == ["bjorn"]


@pytest.mark.parametrize(("filters", "ids"), [({"owner_id": "u1"}, ["ada"]), ({"source": "import"}, ["percent"])])
def test_filters_are_exact(filled: Vault, location: str, filters: dict[str, str], ids: list[str]) -> None:
    assert found(filled, location, **filters) == ids


def test_only_the_asked_statuses_are_listed(filled: Vault, location: str) -> None:
    with filled.write() as tx:
        contact_writes.set_status(tx, location, ["ada", "zed"], "deleted")
    assert found(filled, location, statuses=("deleted",)) == ["ada", "zed"]
    with filled.read() as tx:
        assert contact_search.count_by_status(tx, [location, "none"]) == {
            location: {"deleted": 2, "present": 3},
            "none": {},
        }


def test_pages_follow_each_other_without_gap(filled: Vault, location: str) -> None:
    pages = [found(filled, location, limit=2, offset=offset) for offset in (0, 2, 4, 6)]
    assert [contact_id for page in pages for contact_id in page] == found(filled, location)


def test_several_locations_are_one_list(filled: Vault, location: str) -> None:
    asked = ContactQuery((location, "elsewhere", "none"), text="ada")
    with filled.read() as tx:
        assert [contact.contact_id for contact in contact_search.search(tx, asked, limit=5)] == ["ada2", "ada"]
        assert [contact.contact_id for contact in contact_search.search(tx, asked, limit=1, offset=1)] == ["ada"]
        assert contact_search.count_matching(tx, asked) == 2


def test_nobody_is_found_in_no_location(filled: Vault) -> None:
    with filled.read() as tx:
        assert contact_search.search(tx, ContactQuery(()), limit=5) == []
        assert contact_search.count_matching(tx, ContactQuery(())) == 0


def test_counting_stops_at_the_cap(filled: Vault, location: str) -> None:
    with filled.read() as tx:
        assert contact_search.count_matching(tx, ContactQuery((location, "elsewhere")), cap=4) == 4
        assert contact_search.count_matching(tx, ContactQuery((location, "elsewhere")), cap=40) == 6


def test_filter_choices_are_what_contacts_have_or_had(
    filled: Vault, location: str, make_contact: MakeContact, clock: Any
) -> None:
    with filled.write() as tx:
        contact_writes.replace(
            tx, location, [make_contact("ada", tags=["later"])], at=clock.advance(hours=1), run_id=None
        )
        assert contact_search.filter_choices(tx, [location], "tag") == ["later", "VIP", "vip client"]
        assert contact_search.filter_choices(tx, [location], "owner_id") == ["u1"]
        assert contact_search.filter_choices(tx, ["none"], "source") == []
        assert contact_search.filter_choices(tx, [location], "tag", limit=1) == ["VIP"]


def test_a_change_is_found_by_its_new_words_only(
    filled: Vault, location: str, make_contact: MakeContact, clock: Any
) -> None:
    with filled.write() as tx:
        later = make_contact("ada", firstName="Adaeze")
        contact_writes.replace(tx, location, [later], at=clock() + timedelta(hours=1), run_id=None)
    assert found(filled, location, text="adaeze") == ["ada"]
    assert found(filled, location, text="ada@example.com") == []


@pytest.mark.parametrize("descending", [False, True])
def test_companies_are_sorted_as_names_are(
    vault: Vault, location: str, make_contact: MakeContact, clock: Any, descending: bool
) -> None:
    names = ["Österberg", "oak", "Zürich AG", "apple", "Élan", "ÉLAN 2", "E\u0301lan 3", "Łódź", "lodz 2", "Weiß",
             "weiss 2", "Åsa", "Ærø", "Яблоко", "яблоко 2", "Ωmega", "ωmega 2", "東京"]  # fmt: skip
    with vault.write() as tx:
        people = [make_contact(f"c{number:02d}", companyName=name) for number, name in enumerate(names)]
        contact_writes.insert_contacts(tx, location, people, at=clock())
    ids = sorted((f"c{at:02d}" for at in range(len(names))), key=lambda key: fold_letters(names[int(key[1:])]))
    shown = found(vault, location, sort="company", descending=descending)
    assert shown == (ids[::-1] if descending else ids)


@pytest.mark.parametrize(
    ("sort", "ids"),
    [
        ("email", ["ada", "nameless", "percent", "bjorn", "zed"]),
        ("company", ["zed", "ada", "bjorn", "nameless", "percent"]),
        ("status", ["zed", "ada", "bjorn", "nameless", "percent"]),
    ],
)
def test_who_has_no_value_to_sort_by_comes_last(filled: Vault, location: str, sort: str, ids: list[str]) -> None:
    with filled.write() as tx:
        contact_writes.set_status(tx, location, ["zed"], "deleted")
    assert found(filled, location, sort=sort) == ids
