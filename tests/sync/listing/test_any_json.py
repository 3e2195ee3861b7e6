"""Whatever JSON stands in a contact's fields, and whatever one endpoint answers: the run ends, and the rest is kept."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hlcore.model.contact import parse_contact, peek_contact
from hlcore.store.contacts import reads as contact_reads
from tests.support.odd_answers import Changing
from tests.sync.conftest import LOCATION, World

FIELDS = (
    *("firstName", "lastName", "firstNameRaw", "name", "contactName", "companyName", "email", "phone", "assignedTo"),
    *("source", "tags", "dnd", "dndSettings", "dateAdded", "dateUpdated", "additionalEmails", "additionalPhones"),
    *("customFields", "followers", "businessId", "type", "address1"),
)
any_text = st.text(st.characters(), max_size=8)  # lone surrogates and NUL included
scalar = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | any_text
    | st.sampled_from([10**400, "x" * 5_000, "9999-12-31T23:59:59-05:00", {"id": "a"}])
)  # fmt: skip
any_json = st.recursive(
    scalar, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3), max_leaves=8
)
fields = st.dictionaries(
    st.sampled_from(FIELDS) | any_text.filter(lambda key: key not in ("id", "locationId")), any_json
)


@settings(max_examples=300, deadline=None)
@given(values=fields)
def test_any_json_in_any_field_is_read(values: dict[str, Any]) -> None:
    raw = json.dumps({**values, "id": "abc", "locationId": LOCATION}).encode()
    contact = parse_contact(raw)
    assert (contact.contact_id, peek_contact(raw).contact_id, contact.raw) == ("abc", "abc", raw)


@pytest.mark.parametrize("number", [b"1e999", b"9" * 5_000, b"-1e999"])
def test_a_number_beyond_every_type_is_read(number: bytes) -> None:
    for name in (b"tags", b"phone", b"dateAdded", b"dnd", b"other"):
        assert parse_contact(b'{"id":"abc","' + name + b'":' + number + b"}").contact_id == "abc"


def test_contacts_with_any_json_in_their_fields_are_all_stored(world: World) -> None:
    """One field of each of the 200 contacts holds something else in the list; one is nested beyond every decoder."""
    planted: dict[str, Any] = {}
    odd = [None, 7, -1.5, True, "", "x" * 5_000, "a\x00b", "\ud83d", [], {}, [None], {"a": [1]}, 10**400, ["\x00"]]

    def plant(answer: Any) -> Any:
        for contact in answer["contacts"]:
            number = planted.setdefault(contact["id"], len(planted))
            contact[FIELDS[number % len(FIELDS)]] = odd[number % len(odd)]
        return answer

    with world.client_over(Changing("POST /contacts/search", plant)) as world.client:
        report = world.sync()
        assert (report.outcome, report.seen) == ("complete", 200)
        gone = list(world.location.contacts)[7]
        world.location.delete(gone)
        world.watch()
        assert world.sync().outcome == "complete"
    assert world.lost() == {gone}
    with world.vault.read() as tx:
        assert len(contact_reads.get_many(tx, LOCATION, list(planted))) == 200


def test_a_row_nested_beyond_every_decoder_is_set_aside_alone(world: World) -> None:
    deep = b'{"id":"deep","locationId":"%s","x":%s}' % (LOCATION.encode(), b"[" * 3_000 + b"]" * 3_000)

    def plant(answer: Any) -> Any:
        return json.dumps({**answer, "contacts": ["deep", *answer["contacts"]]}).encode().replace(b'"deep"', deep, 1)

    with world.client_over(Changing("POST /contacts/search", plant)) as world.client:
        report = world.sync()
    assert (report.outcome, report.seen) == ("complete", 200)
    assert "unreadable" in report.reason


@pytest.mark.parametrize("answer", [{}, "text"], ids=json.dumps)
@pytest.mark.parametrize("where", ["GET /users/", "GET /opportunities/", "GET /locations/"])
def test_a_wrong_answer_of_one_endpoint_leaves_the_listing_complete(world: World, where: str, answer: Any) -> None:
    with world.client_over(Changing(where, lambda _: answer)) as world.client:
        report = world.sync()
    assert (report.outcome, report.seen) == ("complete", 200)
    assert "could not be read" in report.reason
