"""The client under faults: what is repeated, what never is, and what comes out byte for byte."""

from __future__ import annotations

import gzip
import logging
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from hlcore import errors
from hlcore.highlevel import Client, Limiter, Priority, SentRequest
from tests.highlevel.conftest import TOKEN, Connect, FakeClock, error, good_contact, page


class Cut(httpx.SyncByteStream):
    """A body that breaks off."""

    def __iter__(self) -> Iterator[bytes]:
        yield b'{"contact": {"id": '
        raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")


class Endless(httpx.SyncByteStream):
    def __iter__(self) -> Iterator[bytes]:
        while True:
            yield b" " * (1 << 20)


def cut(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, stream=Cut())


def truncated_gzip(_: httpx.Request) -> httpx.Response:
    whole = gzip.compress(good_contact("c1", note="x" * 500).content)
    return httpx.Response(200, headers={"Content-Encoding": "gzip"}, content=whole[: len(whole) // 2])


PASSING = {
    "429": error(429, "Too Many Requests"),
    "429 with wait": httpx.Response(429, headers={"Retry-After": "3"}, json={}),
    "500": error(500, "Internal server error"),
    "502 html": httpx.Response(502, html="<h1>Bad Gateway</h1>"),
    "503": httpx.Response(503),
    "504": httpx.Response(504),
    "refused": httpx.ConnectError("no"),
    "reset": httpx.ReadError("reset by peer"),
    "no answer": httpx.ReadTimeout("late"),
    "gone silent": httpx.RemoteProtocolError("Server disconnected without sending a response."),
    "broken off": cut,
    "truncated json": httpx.Response(200, content=good_contact().content[:20]),
    "truncated gzip": truncated_gzip,
    "bad gzip": lambda _: httpx.Response(
        200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(b"no gzip")
    ),
    "html with 200": httpx.Response(200, html="<!DOCTYPE html><h1>Just a moment</h1>"),
    "empty body": httpx.Response(200),
    "not an object": httpx.Response(200, json=["contact"]),
    "no contact": httpx.Response(200, json={"traceId": "3f2c1b7e"}),
    "null contact": httpx.Response(200, json={"contact": None}),
    "another contact": good_contact("c2"),
    "no text": httpx.Response(200, content=b'{"contact":{"id":"c1","n":"\xff"}}'),
    "scope for a moment": error(401, "The token is not authorized for this scope."),
}
UNSENT = {"429", "429 with wait", "refused", "scope for a moment"}


@pytest.mark.parametrize("fault", PASSING.values(), ids=list(PASSING))
def test_a_read_survives_what_passes(hl: Connect, fault: Any) -> None:
    client, other = hl(fault, good_contact("c1"))
    assert client.contact("c1") == b'{"id":"c1"}'
    assert client.requests == len(other.requests) == 2


@pytest.mark.parametrize("name", [name for name in PASSING if name != "another contact"])
def test_a_create_is_sent_again_only_when_it_surely_was_not_done(hl: Connect, name: str) -> None:
    client, other = hl(PASSING[name], httpx.Response(201, json={"contact": {"id": "new"}}))
    if name in UNSENT:
        assert client.create_contact({"firstName": "Ada"}) == b'{"id":"new"}'
        return
    with pytest.raises(errors.AnswerLost) as caught:
        client.create_contact({"firstName": "Ada"})
    assert len(other.requests) == 1
    assert caught.value.hint


def test_a_change_is_repeated_and_lost_only_when_it_stays_unclear(hl: Connect) -> None:
    client, other = hl(httpx.ReadTimeout("late"), good_contact("c1"))
    assert client.update_contact("c1", {"city": "Bonn"}) == b'{"id":"c1"}'
    client, other = hl(httpx.ReadTimeout("late"), retries=2)
    with pytest.raises(errors.AnswerLost):
        client.update_contact("c1", {"city": "Bonn"})
    assert len(other.requests) == 3


def test_a_change_that_never_left_is_not_lost(hl: Connect) -> None:
    client, _ = hl(httpx.ConnectError("no"), retries=1)
    with pytest.raises(errors.Unreachable) as caught:
        client.update_contact("c1", {"city": "Bonn"})
    assert not isinstance(caught.value, errors.AnswerLost)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 410, 413, 415, 422])
def test_what_will_not_change_is_asked_once(hl: Connect, status: int) -> None:
    client, other = hl(error(status, "Bad Request"))
    with pytest.raises(errors.HighLevelError):
        client.contact("c1")
    assert len(other.requests) == 1


def test_retries_end_with_the_last_error(hl: Connect) -> None:
    client, other = hl(error(503, "Service Unavailable"), retries=6)
    with pytest.raises(errors.Unreachable) as caught:
        client.contact("c1")
    assert (caught.value.status, caught.value.trace_id) == (503, "3f2c1b7e-01aa")
    assert len(other.requests) == 7


@pytest.mark.parametrize(("headers", "least"), [({}, 10.0), ({"Retry-After": "25"}, 25.0), ({"Retry-After": "1"}, 1.0)])
def test_a_429_is_waited_for_as_long_as_it_asks(
    hl: Connect, clock: FakeClock, headers: dict[str, str], least: float
) -> None:
    client, _ = hl(httpx.Response(429, headers=headers), good_contact("c1"))
    client.contact("c1")
    assert least <= clock.seconds <= least + 1


def test_a_429_holds_every_other_request_of_the_location_too(hl: Connect, clock: FakeClock) -> None:
    client, _ = hl(httpx.Response(429, headers={"Retry-After": "20"}), good_contact("c1"), retries=0)
    with pytest.raises(errors.RateLimited):
        client.contact("c1")
    client.with_priority(Priority.INTERACTIVE).contact("c1")
    assert clock.seconds >= 20


def test_a_429_that_stays_is_told(hl: Connect) -> None:
    client, _ = hl(error(429, "Too Many Requests"), retries=3)
    with pytest.raises(errors.RateLimited):
        client.contact("c1")


def test_a_429_of_the_day_is_not_waited_for(hl: Connect, clock: FakeClock) -> None:
    headers = {"X-RateLimit-Daily-Remaining": "0", "X-RateLimit-Limit-Daily": "200000"}
    client, other = hl(httpx.Response(429, headers=headers))
    with pytest.raises(errors.BudgetSpent):
        client.contact("c1")
    assert (len(other.requests), clock.seconds) == (1, 0.0)


def test_a_scope_that_stays_missing_is_named_after_a_second_try(hl: Connect) -> None:
    client, other = hl(error(401, "The token is not authorized for this scope."))
    with pytest.raises(errors.ScopeMissing, match=r"contacts\.readonly"):
        client.contact("c1")
    assert len(other.requests) == 2


def test_a_token_that_was_replaced_meanwhile_is_used(hl: Connect) -> None:
    tokens = ["pit-old", "pit-new"]
    client, other = hl(error(401, "Invalid JWT"), good_contact("c1"), token=lambda: tokens[min(1, len(other.requests))])
    client.contact("c1")
    assert [request.headers["Authorization"] for request in other.requests] == ["Bearer pit-old", "Bearer pit-new"]


@pytest.mark.parametrize("token", ["", "  ", "pit 1", "pit-é", "pit\n1"])
def test_a_token_that_fits_no_header_is_refused_before_anything_is_sent(hl: Connect, token: str) -> None:
    client, other = hl(good_contact("c1"), token=lambda: token)
    with pytest.raises(errors.TokenRefused):
        client.contact("c1")
    assert not other.requests


def test_every_request_carries_what_highlevel_demands(hl: Connect) -> None:
    client, other = hl(page("a"))
    client.search_contacts(limit=7, search_after=[5, "z"], sort=[{"field": "dateAdded", "direction": "asc"}])
    request = other.requests[0]
    assert str(request.url) == "https://hl.test/contacts/search"
    assert {name: request.headers[name] for name in ("Version", "Accept", "Content-Type", "Authorization")} == {
        "Version": "2021-07-28",
        "Accept": "application/json",
        "Content-Type": "application/json",
        "Authorization": f"Bearer {TOKEN}",
    }
    sort = [{"field": "dateAdded", "direction": "asc"}]
    assert other.bodies == [{"locationId": "loc1", "pageLimit": 7, "searchAfter": [5, "z"], "sort": sort}]


def test_rows_are_the_exact_bytes_even_with_half_an_emoji(hl: Connect) -> None:
    rows = [
        b'{ "id":"a",  "n" : 1.50, "searchAfter":[1,"a"]}',
        b'{"id":"b","firstName":"J\\u00f6\xf0\x9f\x98\x80","searchAfter":[2,"b"]}',
        b'{"id":"c","firstName":"cut \\ud83d","tags":[ "x" ,{}],"searchAfter":[1700000000123, "c"]}',
    ]
    for some in (rows[:2], rows):
        body = b'{"contacts" : [' + b" ,\n ".join(some) + b'] , "total":%d, "traceId":"t"}' % len(some)
        found = hl(httpx.Response(200, content=body))[0].search_contacts()
        assert found.rows == some
        assert found.ids == ["a", "b", "c"][: len(some)]
        assert (found.total, found.trace_id) == (len(some), "t")
    assert found.next == [1700000000123, "c"]


def test_an_empty_page_has_no_cursor(hl: Connect) -> None:
    found = hl(page(total=5))[0].search_contacts()
    assert (found.rows, found.total, found.next) == ([], 5, None)


@pytest.mark.parametrize(
    "body",
    [
        {"total": 1},
        {"contacts": None, "total": 1},
        {"contacts": {}, "total": 1},
        {"contacts": [{"id": "a", "searchAfter": [1]}]},
        {"contacts": [{"id": "a", "searchAfter": [1]}], "total": "some"},
        {"contacts": [{"id": "a", "searchAfter": [1]}], "total": True},
        {"contacts": [{"id": "a", "searchAfter": [1]}], "total": -1},
        {"statusCode": 401, "message": "Invalid JWT"},
    ],
    ids=lambda body: str(body)[:50],
)
def test_a_page_that_cannot_be_whole_is_broken(hl: Connect, body: dict[str, Any]) -> None:
    with pytest.raises(errors.BrokenAnswer):
        hl(httpx.Response(200, json=body), retries=1)[0].search_contacts()


@pytest.mark.parametrize(
    "row", [{"id": "b"}, {"id": "b", "searchAfter": []}, {"id": "b", "searchAfter": None}], ids=str
)
def test_a_page_without_a_cursor_on_its_last_row_is_the_last_one(hl: Connect, row: dict[str, Any]) -> None:
    body = {"contacts": [{"id": "a", "searchAfter": [1]}, row], "total": "2"}
    found = hl(httpx.Response(200, json=body), retries=0)[0].search_contacts()
    assert (found.ids, found.total, found.next) == (["a", "b"], 2, None)


def test_every_cut_of_a_page_is_broken(hl: Connect) -> None:
    whole = page("a", "b").content
    for end in range(len(whole)):
        with pytest.raises(errors.BrokenAnswer):
            hl(httpx.Response(200, content=whole[:end]), retries=0)[0].search_contacts()


def test_an_answer_without_end_is_given_up(hl: Connect) -> None:
    client, _ = hl(lambda _: httpx.Response(200, stream=Endless()), retries=0)
    with pytest.raises(errors.BrokenAnswer, match="64 MB"):
        client.contact("c1")


def test_a_redirect_is_never_followed(hl: Connect) -> None:
    client, other = hl(httpx.Response(307, headers={"Location": "https://elsewhere.test/contacts/c1"}))
    with pytest.raises(errors.BrokenAnswer):
        client.contact("c1")
    assert [request.url.host for request in other.requests] == ["hl.test"]


def test_a_gone_contact_is_gone_at_once(hl: Connect) -> None:
    client, other = hl(error(404, "Contact not found"))
    with pytest.raises(errors.Gone):
        client.contact("c1")
    assert len(other.requests) == 1


@pytest.mark.parametrize("body", [{"contact": None}, {"contact": {}}, {"traceId": "3f2c1b7e"}], ids=str)
def test_no_duplicate_is_none(hl: Connect, body: dict[str, Any]) -> None:
    client, other = hl(httpx.Response(200, json=body))
    assert client.find_duplicate(phone="+49 30 1") is None
    assert other.requests[0].url.query == b"locationId=loc1&number=%2B49+30+1"


def test_neither_log_nor_error_holds_token_or_person(hl: Connect, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    seen: list[SentRequest] = []
    steps = (error(500, "boom mara@holm.example"), error(422, "Holm is wrong"))
    client, _ = hl(*steps, on_request=seen.append)
    with pytest.raises(errors.Rejected) as caught:
        client.find_duplicate(email="mara@holm.example")
    reported = caplog.text + str(caught.value) + repr(caught.value) + repr(seen) + repr(client)
    assert "find_duplicate" in caplog.text
    assert not [secret for secret in (TOKEN, "mara", "holm", "Holm") if secret in reported]


def test_listeners_hear_of_every_request(hl: Connect) -> None:
    seen: list[SentRequest] = []
    client, _ = hl(httpx.ReadTimeout("late"), error(503, "no"), good_contact("c1"), on_request=seen.append)
    client.contact("c1")
    assert [(sent.endpoint, sent.method, sent.status, sent.attempt) for sent in seen] == [
        ("contact", "GET", 0, 1),
        ("contact", "GET", 503, 2),
        ("contact", "GET", 200, 3),
    ]


def test_a_wish_to_stop_ends_the_waiting(hl: Connect, clock: FakeClock) -> None:
    client, _ = hl(httpx.Response(429, headers={"Retry-After": "60"}), cancelled=lambda: clock.seconds > 2)
    with pytest.raises(errors.Cancelled):
        client.contact("c1")
    assert clock.seconds < 3


def test_another_priority_shares_counters_and_connections(hl: Connect) -> None:
    client, other = hl(good_contact("c1"))
    with client.with_priority(Priority.INTERACTIVE) as quick:
        quick.contact("c1")
    client.contact("c1")
    assert client.requests == quick.requests == len(other.requests) == 2
    assert client.limiter.spent_today == 2


def test_threads_share_one_client(clock: FakeClock) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return good_contact(request.url.path.rsplit("/", 1)[1])

    client = Client(
        "loc1",
        lambda: TOKEN,
        base_url="https://hl.test/",
        limiter=Limiter(clock),
        clock=clock,
        transport=httpx.MockTransport(answer),
    )
    found: list[bytes] = []
    threads = [
        threading.Thread(target=lambda n=n: found.extend(client.contact(f"c{n}-{i}") for i in range(20)))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    client.close()
    assert sorted(found) == sorted(b'{"id":"c%d-%d"}' % (n, i) for n in range(8) for i in range(20))
    assert client.requests == 160


@pytest.mark.parametrize(
    "url", ["ftp://hl.test", "https://", "https://user:pw@hl.test", "hl.test", "https://hl.test?x=1"]
)
def test_a_senseless_address_is_a_wrong_setting(clock: FakeClock, url: str) -> None:
    with pytest.raises(errors.SettingsError):
        Client("loc1", lambda: TOKEN, base_url=url, limiter=Limiter(clock), clock=clock)


@pytest.mark.parametrize("url", ["http://hl.test", "http://192.168.0.9:8000", "http://localhost.hl.test"])
def test_a_token_never_travels_in_plain_text(clock: FakeClock, url: str) -> None:
    with pytest.raises(errors.SettingsError, match="https://"):
        Client("loc1", lambda: TOKEN, base_url=url, limiter=Limiter(clock), clock=clock)
