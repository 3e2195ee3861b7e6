"""Every reading request survives an answer of another shape: it returns something of its own type, or raises a
HighLevelError."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hlcore.errors import BrokenAnswer, HighLevelError
from hlcore.highlevel import ENDPOINTS, Client, Limiter
from tests.support.worlds import ManualClock

LOCATION = "locWrong000000000001"
CALLS: dict[str, Callable[[Client], Any]] = {
    "search_contacts": lambda client: client.search_contacts(),
    "contact": lambda client: client.contact("abc"),
    "find_duplicate": lambda client: client.find_duplicate(email="a@example.org"),
    "notes": lambda client: client.notes("abc"),
    "tasks": lambda client: client.tasks("abc"),
    "search_tasks": lambda client: client.search_tasks(),
    "appointments": lambda client: client.appointments("abc"),
    "search_opportunities": lambda client: client.search_opportunities(),
    "opportunity": lambda client: client.opportunity("abc"),
    "search_conversations": lambda client: client.search_conversations(),
    "messages": lambda client: client.messages("abc"),
    "export_messages": lambda client: client.export_messages(),
    "email": lambda client: client.email("abc"),
    "location": lambda client: client.location(),
    "custom_fields": lambda client: client.custom_fields(),
    "custom_values": lambda client: client.custom_values(),
    "tags": lambda client: client.tags(),
    "users": lambda client: client.users(),
    "pipelines": lambda client: client.pipelines(),
    "lost_reasons": lambda client: client.lost_reasons(),
    "businesses": lambda client: client.businesses(),
    "calendars": lambda client: client.calendars(),
    "workflows": lambda client: client.workflows(),
    "campaigns": lambda client: client.campaigns(),
}
KEYS = (
    *("contacts", "contact", "notes", "tasks", "events", "opportunities", "opportunity", "conversations", "messages"),
    *("location", "customFields", "customValues", "tags", "users", "pipelines", "lostReasons", "businesses"),
    *("calendars", "workflows", "campaigns", "total", "meta", "traceId", "nextCursor", "nextPage", "lastMessageId"),
)
INNER_KEYS = (*KEYS, "id", "sort", "searchAfter")
NO_OBJECTS = (b"", b" ", b"[]", b"null", b'"text"', b"7", b"true", b'["a","b"]', b"{", b"<html></html>", b"\xff\xfe")
TOTALS: tuple[Any, ...] = (None, "many", "-1", -1, 1.5, 10**30, "9" * 5000, [], {}, True)
OPTIONAL = {"find_duplicate"}
"""An empty answer of these means that there is nothing."""
every = pytest.mark.parametrize("name", CALLS)


def client_that_answers(body: bytes) -> Client:
    clock = ManualClock()
    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=body))
    return Client(
        LOCATION,
        lambda: "token",
        base_url="https://highlevel.example",
        limiter=Limiter(clock, per_10s=90, per_day=200_000, interactive_share=0),
        clock=clock,
        retries=0,
        transport=transport,
    )


def outcome(name: str, body: bytes) -> Any:
    with client_that_answers(body) as client:
        try:
            return CALLS[name](client)
        except HighLevelError as exc:
            return exc


def test_every_reading_request_is_among_them() -> None:
    assert set(CALLS) == {endpoint.name for endpoint in ENDPOINTS.values() if not endpoint.writes}


@every
def test_what_is_no_json_object_is_a_broken_answer(name: str) -> None:
    for body in NO_OBJECTS:
        found = outcome(name, body)
        assert isinstance(found, BrokenAnswer) or (name in OPTIONAL and found is None), body


@every
def test_an_object_without_what_was_asked_for_is_a_broken_answer(name: str) -> None:
    for body in (b"{}", b'{"message":"ok"}') if name != "email" else (b"{}",):
        found = outcome(name, body)
        assert isinstance(found, BrokenAnswer) or (name in OPTIONAL and found is None)


@every
def test_what_was_asked_for_in_another_shape_is_broken_or_nothing(name: str) -> None:
    for value in ("text", 7, True, {"a": 1}, ["a", "b"], [1, 2], None, []):
        found = outcome(name, json.dumps({**dict.fromkeys(KEYS, value), "total": 1}).encode())
        assert isinstance(found, (HighLevelError, bytes)) or _is_empty(found), value


def _is_empty(found: Any) -> bool:
    """Whether a page holds nothing that could pass for a record; odd elements of a search are kept apart."""
    rows = found[0] if isinstance(found, tuple) else getattr(found, "rows", found)
    return not rows


@every
def test_an_odd_total_is_no_total(name: str) -> None:
    rows = [{"id": "abc", "name": "A", "locationId": LOCATION}]
    answer: dict[str, Any] = {key: rows for key in KEYS if key.endswith("s")}
    for total in TOTALS:
        found = outcome(name, json.dumps({**answer, "total": total, "meta": {"total": total}}).encode())
        if name == "search_contacts":
            assert isinstance(found, BrokenAnswer)
        elif isinstance(found, tuple):
            assert found[2] is None
        else:
            assert getattr(found, "total", None) is None


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*KEYS, "id", "sort"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@every
@settings(max_examples=15, deadline=None)
@given(answer=st.dictionaries(st.sampled_from([*KEYS, "id", "data"]), values, max_size=6))
def test_any_json_is_an_answer_or_a_highlevel_error(name: str, answer: Any) -> None:
    outcome(name, json.dumps(answer).encode())
