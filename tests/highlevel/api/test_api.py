"""What the other calls ask and how they read the answers."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from hlcore.errors import BrokenAnswer
from tests.highlevel.conftest import Connect


def ok(**body: Any) -> httpx.Response:
    return httpx.Response(200, json=body)


def test_businesses_come_from_as_many_pages_as_it_takes(hl: Connect) -> None:
    first, second = [{"id": f"b{n}"} for n in range(100)], [{"id": "b100"}]
    client, other = hl(ok(businesses=first), ok(businesses=second))
    assert len(client.businesses()) == 101
    assert [request.url.params["skip"] for request in other.requests] == ["0", "100"]


def test_businesses_that_repeat_their_page_are_broken(hl: Connect) -> None:
    with pytest.raises(BrokenAnswer, match="same page"):
        hl(ok(businesses=[{"id": f"b{n}"} for n in range(100)]))[0].businesses()


def test_opportunities_go_on_with_both_parts_of_the_cursor(hl: Connect) -> None:
    meta = {"total": 2, "nextPageUrl": "https://x", "startAfter": 17, "startAfterId": "o1"}
    end = {"total": 2, "nextPageUrl": None, "startAfter": 18, "startAfterId": "o2"}
    client, other = hl(ok(opportunities=[{"id": "o1"}], meta=meta), ok(opportunities=[{"id": "o2"}], meta=end))
    first = client.search_opportunities()
    last = client.search_opportunities(cursor=first.next)
    assert (first.total, last.next) == (2, None)
    asked = dict(other.requests[1].url.params)
    assert asked == {"location_id": "loc1", "limit": "100", "status": "all", "startAfter": "17", "startAfterId": "o1"}


@pytest.mark.parametrize("wrapped", [True, False], ids=["as it is", "as documented"])
def test_messages_are_read_wrapped_and_flat(hl: Connect, wrapped: bool) -> None:
    inner = {"lastMessageId": "m1", "nextPage": True, "messages": [{"id": "m1"}]}
    found = hl(ok(messages=inner) if wrapped else ok(**inner))[0].messages("v1")
    assert (found.rows, found.next) == ([b'{"id":"m1"}'], "m1")


def test_the_last_page_of_messages_has_no_next(hl: Connect) -> None:
    inner = {"lastMessageId": "m1", "nextPage": False, "messages": [{"id": "m1"}]}
    assert hl(ok(messages=inner))[0].messages("v1").next is None


def test_the_export_of_messages_ends_with_a_null_cursor(hl: Connect) -> None:
    client, other = hl(ok(messages=[{"id": "m1"}], nextCursor="x", total=2), ok(messages=[], nextCursor=None, total=2))
    assert client.export_messages(extra={"channel": "Email"}) == ([b'{"id":"m1"}'], "x", 2)
    assert client.export_messages(cursor="x") == ([], None, 2)
    assert other.requests[0].url.params["channel"] == "Email"
    assert other.requests[0].headers["Version"] == "2021-04-15"


@pytest.mark.parametrize(
    ("row", "following"),
    [({"id": "v", "sort": [170]}, 170), ({"id": "v", "lastMessageDate": 171}, 171), ({"id": "v"}, None)],
    ids=["sort", "date", "neither"],
)
def test_conversations_go_on_after_the_sort_value(hl: Connect, row: dict[str, Any], following: int | None) -> None:
    assert hl(ok(conversations=[row], total=1))[0].search_conversations().next == following


def test_an_appointment_never_notifies_anybody(hl: Connect) -> None:
    client, other = hl(ok(id="e1"))
    client.create_appointment({"calendarId": "k1", "contactId": "c1", "toNotify": True})
    assert other.bodies[0]["toNotify"] is False


def test_a_business_is_set_for_fifty_at_a_time(hl: Connect) -> None:
    client, other = hl(ok(success=True))
    client.set_business([f"c{n}" for n in range(120)], None)
    assert [len(body["ids"]) for body in other.bodies] == [50, 50, 20]
    assert all(body["businessId"] is None for body in other.bodies)


def test_lists_are_exact_slices(hl: Connect) -> None:
    raw = b'{"notes": [ {"id":"n1", "body" : "a"} ,{"id":"n2"}], "traceId":"x"}'
    assert hl(httpx.Response(200, content=raw))[0].notes("c1") == [b'{"id":"n1", "body" : "a"}', b'{"id":"n2"}']


def test_a_list_under_another_name_is_broken(hl: Connect) -> None:
    with pytest.raises(BrokenAnswer, match="no list of events"):
        hl(ok(appointments=[]), retries=0)[0].appointments("c1")


def test_the_location_is_always_the_clients_own(hl: Connect) -> None:
    client, other = hl(httpx.Response(201, json={"contact": {"id": "n"}}))
    client.create_contact({"locationId": "elsewhere", "firstName": "Ada"})
    assert json.loads(other.requests[0].content)["locationId"] == "loc1"
