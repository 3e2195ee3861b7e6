"""Answers that are wrapped, typed or abbreviated otherwise than documented are understood; anything else is refused."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hlcore.errors import BrokenAnswer, ContractError, HighLevelError, Unreachable, WrongLocation
from hlcore.highlevel import json_slices
from tests.highlevel.conftest import Connect, error

ROWS = [{"id": "n1"}, {"id": "n2"}]
SLICES = [b'{"id":"n1"}', b'{"id":"n2"}']


def ok(body: Any) -> httpx.Response:
    return httpx.Response(200, json=body)


@pytest.mark.parametrize(
    "body",
    [{"notes": ROWS}, {"data": {"notes": ROWS}}, {"notes": {"notes": ROWS}}, {"data": {"notes": {"notes": ROWS}}}],
    ids=["as documented", "in data", "twice named", "both"],
)
def test_a_list_is_found_in_every_wrapper(hl: Connect, body: Any) -> None:
    assert hl(ok(body), retries=0)[0].notes("c1") == SLICES


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_contact_is_found_in_every_wrapper(hl: Connect, wrapped: bool) -> None:
    contact = {"contact": {"id": "c1", "city": "Rome"}}
    body = {"contact": contact} if wrapped else {"data": contact}
    assert hl(ok(body), retries=0)[0].contact("c1") == b'{"id":"c1","city":"Rome"}'


def test_a_null_list_is_an_empty_one(hl: Connect) -> None:
    assert hl(ok({"notes": None}), retries=0)[0].notes("c1") == []


@pytest.mark.parametrize("body", [{}, {"notes": {}}, {"notes": "none"}, {"data": None}, {"data": {"tasks": []}}])
def test_what_is_no_list_stays_broken(hl: Connect, body: Any) -> None:
    with pytest.raises(BrokenAnswer, match="no list of notes"):
        hl(ok(body), retries=0)[0].notes("c1")


def test_a_record_that_has_a_member_of_its_own_name_is_no_wrapper() -> None:
    raw = b'{"note":{"id":"n1","note":{"id":"inner"}}}'
    assert json_slices.find_object(raw, "note") == b'{"id":"n1","note":{"id":"inner"}}'


@pytest.mark.parametrize(
    ("reported", "means"),
    [(7, 7), ("7", 7), (7.0, 7), (0, 0), (-1, None), ("x", None), ("", None), (True, None), (None, None), (1.5, None)],
)
def test_a_number_may_be_a_text(reported: Any, means: int | None) -> None:
    assert json_slices.number(reported) == means


PLAIN = st.none() | st.booleans() | st.integers() | st.text()
NAMES = st.sampled_from(["notes", "data", "result", "id"])


@given(st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner)))
def test_any_json_is_a_list_or_broken(body: Any) -> None:
    try:
        found = json_slices.find_list(json.dumps(body).encode(), "notes")
    except BrokenAnswer:
        return
    assert isinstance(found, list)


@pytest.mark.parametrize(
    "answer",
    [
        ok({"contact": None}),
        ok({"contact": {}}),
        ok({"contact": []}),
        ok({}),
        httpx.Response(200, content=b""),
        error(404, "Contact not found"),
        error(404, "Not Found"),
        error(400, "No contact found"),
        httpx.Response(404, json={}),
        httpx.Response(404, json={"statusCode": 404, "traceId": "3f2c1b7e-01aa"}),
        httpx.Response(404, content=b""),
    ],
)
def test_nobody_holds_an_address_when_the_search_finds_nobody(hl: Connect, answer: httpx.Response) -> None:
    client, other = hl(answer)
    assert client.find_duplicate(email="mara@example.com") is None
    assert len(other.requests) == 1


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (error(404, "Cannot GET /contacts/search/duplicate"), ContractError),
        (error(404, "Location not found"), WrongLocation),
        (httpx.Response(404, content=b"<html>nginx</html>"), BrokenAnswer),
        (error(500, "Contact not found"), Unreachable),
        (ok({"contact": {"city": "Rome"}}), BrokenAnswer),
    ],
    ids=["no route", "no location", "proxy", "trouble", "nobody in particular"],
)
def test_nothing_else_means_that_nobody_holds_it(
    hl: Connect, answer: httpx.Response, kind: type[HighLevelError]
) -> None:
    with pytest.raises(kind):
        hl(answer, retries=0)[0].find_duplicate(phone="+15550100")


def test_opportunities_may_come_without_meta(hl: Connect) -> None:
    found = hl(ok({"opportunities": [{"id": "o1"}], "total": "1"}), retries=0)[0].search_opportunities()
    assert (found.rows, found.total, found.next) == ([b'{"id":"o1"}'], 1, None)


@pytest.mark.parametrize("total", [{}, {"total": None}, {"total": "many"}], ids=["left out", "null", "no number"])
def test_a_list_may_come_without_its_total(hl: Connect, total: dict[str, Any]) -> None:
    client, _ = hl(ok({"conversations": [], **total}), ok({"messages": [], **total}), retries=0)
    assert client.search_conversations().total is None
    assert client.export_messages() == ([], None, None)


def test_the_place_of_a_conversation_may_be_a_text(hl: Connect) -> None:
    body = {"conversations": [{"id": "v", "lastMessageDate": "171"}], "total": "1"}
    assert hl(ok(body), retries=0)[0].search_conversations().next == 171


def test_lost_reasons_come_from_as_many_pages_as_it_takes(hl: Connect) -> None:
    rows = [{"id": f"r{n}"} for n in range(130)]
    client, other = hl(ok({"lostReasons": rows[:100], "total": 130}), ok({"lostReasons": rows[100:], "total": 130}))
    assert len(client.lost_reasons()) == 130
    assert [request.url.params["skip"] for request in other.requests] == ["0", "100"]


def test_a_list_that_ignores_its_pages_is_whole_when_it_says_so(hl: Connect) -> None:
    client, other = hl(ok({"lostReasons": [{"id": f"r{n}"} for n in range(250)], "total": 250}))
    assert len(client.lost_reasons()) == 250
    assert len(other.requests) == 1
