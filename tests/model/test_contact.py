"""Contacts as HighLevel sends them: exact bytes in, searchable columns out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hlcore.model.contact import canonical_bytes, digest, parse_contact, peek_contact, same_content

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


def raw(**fields: Any) -> bytes:
    return json.dumps({"id": "c1", **fields}, ensure_ascii=False).encode()


def test_keeps_the_bytes_exactly() -> None:
    sent = b'{ "id":"c1" ,"firstName":"Zo\xc3\xab"}'
    assert parse_contact(sent).raw == sent
    assert parse_contact(sent).digest == digest(sent)


def test_prefers_the_name_as_typed_over_the_lower_cased_one() -> None:
    assert parse_contact(raw(firstName="mcdonald", firstNameRaw="McDonald", lastName="Ng")).name == "McDonald Ng"


@pytest.mark.parametrize(
    ("fields", "name"),
    [({"name": "A B"}, "A B"), ({"contactName": "C D"}, "C D"), ({}, ""), ({"firstName": None}, "")],
    ids=["name", "contactName", "nothing", "null"],
)
def test_finds_a_name_where_there_is_one(fields: dict[str, Any], name: str) -> None:
    assert parse_contact(raw(**fields)).name == name


def test_reads_additional_addresses_as_objects_and_as_texts() -> None:
    contact = parse_contact(raw(additionalEmails=[{"email": "A@x.test"}, "b@x.test"], additionalPhones=["+1 555"]))
    assert contact.other_emails == ("a@x.test", "b@x.test")
    assert contact.other_phones == ("+1 555",)


@pytest.mark.parametrize(
    "broken",
    [b"", b"[]", b'"x"', b"{}", b'{"id":""}', b'{"id":7}', b'{"id":"c1"', b"<html>"],
    ids=["empty", "array", "text", "no id", "empty id", "number", "cut", "html"],
)
def test_refuses_what_is_not_a_contact(broken: bytes) -> None:
    with pytest.raises(ValueError, match="not a contact"):
        parse_contact(broken)


@given(st.dictionaries(st.sampled_from(["firstName", "tags", "email", "dnd", "dateAdded", "source"]), json_values))
def test_no_odd_value_stops_the_copy(fields: dict[str, Any]) -> None:
    """Whatever type HighLevel puts into a field, the contact is taken in."""
    assert parse_contact(raw(**fields)).contact_id == "c1"


def test_a_lone_surrogate_does_not_stop_the_copy() -> None:
    assert parse_contact(b'{"id":"c1","firstName":"\\ud83d"}').contact_id == "c1"


def test_the_place_in_a_listing_is_not_content() -> None:
    assert same_content(raw(searchAfter=[1, "c1"]), raw(searchAfter=[2, "c1"]))


@given(st.dictionaries(st.text(max_size=8), json_values, max_size=5))
def test_key_order_is_not_content(fields: dict[str, Any]) -> None:
    fields["id"] = "c1"
    turned = dict(reversed(list(fields.items())))
    assert canonical_bytes(json.dumps(fields).encode()) == canonical_bytes(json.dumps(turned).encode())


@given(st.text(), st.text())
def test_a_changed_value_is_content(one: str, other: str) -> None:
    assert same_content(raw(note=one), raw(note=other)) == (one == other)


def test_bytes_that_cannot_be_read_agree_with_themselves_only() -> None:
    assert same_content(b'{"id":', b'{"id":')
    assert not same_content(b'{"id":', raw())
    assert not same_content(raw(), b'{"id":')


@given(
    st.dictionaries(st.sampled_from(["id", "locationId", "dateAdded", "firstName", "tags"]), json_values),
    st.sampled_from(
        [b"", b"{", b'"\\ud83d"', b'{"id":"c1","firstName":"\\ud83d"}', b'{"id":"c1","locationId":"\\ud83d"}']
    ),
)
def test_peeking_reads_the_same_as_parsing(fields: dict[str, Any], odd: bytes) -> None:
    """`peek_contact` reads what `parse_contact` reads, and refuses what it refuses."""
    for sent in (raw(**fields), json.dumps(fields).encode(), odd):
        try:
            whole = parse_contact(sent)
        except ValueError:
            with pytest.raises(ValueError, match="not a contact"):
                peek_contact(sent)
        else:
            glance = peek_contact(sent)
            assert (glance.contact_id, glance.location_id) == (whole.contact_id, whole.location_id)
            assert (glance.date_added, glance.raw, glance.digest) == (whole.date_added, whole.raw, whole.digest)
