"""Copies of invented contacts, for hypothesis: everything that HighLevel was seen to send, and things it was not."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

texts = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), max_size=12)
junk = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), texts, st.lists(texts, max_size=2), st.just({}))
any_json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
"""Any JSON value, and the numbers that are none (NaN, Infinity)."""
CHANNELS = ("Call", "Email", "SMS", "WhatsApp", "GMB", "FB", "call", "email", "sms", "whatsApp", "gmb", "fb", "RCS")
channel = st.fixed_dictionaries(
    {"status": st.sampled_from(["active", "inactive", "permanent"])}, optional={"message": texts, "code": texts}
)
custom = st.fixed_dictionaries(
    {"id": st.sampled_from(["cf1", "cf2", "cf3", "gone"])},
    optional={
        "value": st.one_of(texts, st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.lists(texts))
    },
)
fields: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        **{
            name: st.one_of(texts, junk)
            for name in (
                *("firstName", "lastName", "name", "contactName", "firstNameRaw", "email", "phone", "companyName"),
                *("address1", "city", "state", "postalCode", "country", "website", "timezone", "gender", "source"),
                *("assignedTo", "dateOfBirth", "type", "unheardOf", "ssn"),
            )
        },
        "tags": st.one_of(st.lists(texts, max_size=4), junk),
        "customFields": st.one_of(st.lists(custom, max_size=4, unique_by=lambda one: one["id"]), junk),
        "dnd": st.one_of(st.booleans(), st.none()),
        "dndSettings": st.one_of(st.dictionaries(st.sampled_from(CHANNELS), channel, max_size=6), junk),
        "inboundDndSettings": st.one_of(st.just({"all": {"status": "active"}}), junk),
        "additionalEmails": st.lists(st.fixed_dictionaries({"email": texts}), max_size=2),
        "attributionSource": st.just({"url": "https://www.example.com"}),
        "dateAdded": st.just("2024-03-01T10:00:00.000Z"),
    },
)
