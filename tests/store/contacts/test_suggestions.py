"""The nearest names for a search that found nobody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hlcore.model.contact import Contact
from hlcore.store import Vault
from hlcore.store.contacts import writes as contact_writes
from hlcore.store.contacts.search import ContactQuery
from hlcore.store.contacts.suggestions import nearest_names

PEOPLE = ["Matti Järvinen", "Maria Jarvis", "John Smith", "Joan Smythe", "Śliwa Łukasz", "王小明", "X Æ"]


@pytest.fixture
def filled(vault: Vault, location: str, make_contact: Callable[..., Contact], clock: Any) -> Vault:
    with vault.write() as tx:
        people = [make_contact(name, firstName=name, tags=["vip"]) for name in PEOPLE]
        people += [make_contact("twin", firstName="John Smith"), make_contact("nameless", email="jon@example.com")]
        contact_writes.insert_contacts(tx, location, people, at=clock())
        contact_writes.insert_contacts(tx, "elsewhere", [make_contact("e", firstName="Jhon Smyth")], at=clock())
        contact_writes.set_status(tx, location, ["Maria Jarvis"], "deleted")
    return vault


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("jarvnien", "Matti Järvinen"),
        ("matti jaervinen", "Matti Järvinen"),
        ("jrvinen matti", "Matti Järvinen"),
        ("jarwi", "Maria Jarvis"),
        ("Jhon Smiht", "John Smith"),
        ("smythee", "Joan Smythe"),
        ("lukash sliwa", "Śliwa Łukasz"),
    ],
)
def test_the_nearest_name_comes_first_and_each_once(filled: Vault, location: str, typed: str, first: str) -> None:
    with filled.read() as tx:
        names = nearest_names(tx, ContactQuery((location,), typed))
    assert names[0] == first
    assert len(set(names)) == len(names) <= 5


@pytest.mark.parametrize("typed", ["", "zq", "qqqqqq", "0171 123456", "%%%", "xkcdxkcd xkcd"])
def test_nothing_near_is_nothing(filled: Vault, location: str, typed: str) -> None:
    with filled.read() as tx:
        assert nearest_names(tx, ContactQuery((location,), typed)) == []
        assert nearest_names(tx, ContactQuery((), "jarvnien")) == []


def test_only_people_whom_the_other_filters_allow_are_named(filled: Vault, location: str) -> None:
    with filled.read() as tx:
        assert nearest_names(tx, ContactQuery((location,), "jarvid", statuses=("deleted",))) == ["Maria Jarvis"]
        assert nearest_names(tx, ContactQuery((location,), "jon smith", tag="none")) == []
        assert nearest_names(tx, ContactQuery(("elsewhere",), "john smith")) == ["Jhon Smyth"]
