from __future__ import annotations

import httpx
import pytest

ONE = "/contacts/x"


def test_a_fault_strikes_as_often_and_only_where_it_was_switched_on(api, location):
    location.faults.on("status", status=503, times=2, where="POST /contacts/search")
    assert api.request("GET", ONE).status_code == 404
    assert [api.search().status_code for _ in range(3)] == [503, 503, 200]


def test_a_share_strikes_about_that_share(api, location):
    location.faults.on("status", status=500, share=0.3)
    struck = sum(api.request("GET", ONE).status_code == 500 for _ in range(200))
    assert 30 < struck < 90


@pytest.mark.parametrize("wait", [None, 3])
def test_429_comes_with_and_without_retry_after(api, location, wait):
    location.faults.on("too_many", times=1, retry_after=wait)
    answer = api.search()
    assert (answer.status_code, answer.headers.get("Retry-After")) == (429, None if wait is None else "3")


@pytest.mark.parametrize(
    ("kind", "status"),
    [("token_revoked", 401), ("invalid_jwt", 401), ("scope_401", 401), ("iam_401", 401), ("wrong_location", 403)],
)
def test_refusals_in_highlevels_words(api, location, kind, status):
    location.faults.on(kind, times=1)
    assert api.search().status_code == status
    assert api.search().status_code == 200


@pytest.mark.parametrize("kind", ["reset", "lost_answer", "lost_request"])
def test_a_cut_connection_is_an_error_to_the_client_and_the_next_request_works(wired, location, kind):
    location.faults.on(kind, times=1)
    with pytest.raises(httpx.TransportError):
        wired.search()
    assert wired.search().status_code == 200


def test_a_lost_answer_was_carried_out_a_lost_request_was_not(wired, location):
    location.faults.on("lost_answer", times=1)
    with pytest.raises(httpx.TransportError):
        wired.create(firstName="Ana")
    location.faults.on("lost_request", times=1)
    with pytest.raises(httpx.TransportError):
        wired.create(firstName="Eve")
    assert [contact["firstName"] for contact in location.contacts.values()] == ["Ana"]


@pytest.mark.parametrize("status", [500, 422])
def test_create_can_answer_an_error_although_it_was_done(api, location, status):
    location.faults.on("done_but", status=status, times=1, where="POST /contacts/")
    assert api.create(firstName="Ana").status_code == status
    assert len(location.contacts) == 1


def test_truncated_json_is_whole_http(wired, location):
    location.faults.on("truncated", times=1)
    answer = wired.search()
    with pytest.raises(ValueError):
        answer.json()


def test_html_comes_with_200(api, location):
    location.faults.on("html", times=1)
    answer = api.search()
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")


def test_an_emptied_location_says_total_0(api, location):
    location.fill(5)
    location.faults.on("empty", times=1)
    assert (api.search().json()["contacts"], api.search().json()["total"]) == ([], 5)


def test_totals_can_be_too_low_or_capped(api, location):
    location.fill(9)
    with location.faults.during("total_low", by=2):
        assert api.search().json()["total"] == 7
    with location.faults.during("total_cap", cap=4):
        assert api.search().json()["total"] == 4


def test_a_cursor_can_end_early(api, location):
    ids = location.fill(40)
    location.faults.on("ends_early", after=2)
    assert api.list_ids(limit=10) == ids[:15]


def test_a_cursor_can_repeat_a_page_once_or_for_ever(api, location):
    ids = location.fill(30)
    location.faults.on("repeats", at=2, times=3)
    first = api.search(sort=[{"field": "dateAdded", "direction": "asc"}])
    after = first.json()["contacts"][-1]["searchAfter"]
    again = api.search(sort=[{"field": "dateAdded", "direction": "asc"}], searchAfter=after)
    assert [row["id"] for row in again.json()["contacts"]] == ids[:10]


@pytest.mark.parametrize(("from_total", "total"), [(True, 38), (False, 40)])
def test_live_rows_can_be_omitted_from_rows_and_from_total(api, location, from_total, total):
    ids = location.fill(40)
    location.faults.on("omits", ids=[ids[3], ids[25]], total=from_total)
    assert api.search().json()["total"] == total
    assert api.list_ids() == [id_ for id_ in ids if id_ not in (ids[3], ids[25])]


def test_an_omitted_part_is_the_same_for_a_whole_listing(api, location):
    location.fill(200)
    location.faults.on("omits", part=0.1)
    assert api.list_ids() == api.list_ids()
    assert 0 < 200 - len(api.list_ids()) < 60


def test_rejects_an_unknown_fault(location):
    with pytest.raises(ValueError, match="no fault"):
        location.faults.on("gremlins")


def test_clearing_shows_what_the_lag_held_back(api, location):
    location.faults.lag = 3600
    location.create(firstName="Ana")
    location.faults.clear()
    assert api.search().json()["total"] == 1


def test_the_documented_budget_is_enforced_when_switched_on(api, location, clock, sandbox):
    location.rate_limit.enforced = True
    assert [api.request("GET", ONE).status_code for _ in range(101)] == [404] * 100 + [429]
    assert sandbox.ledger.rate_limited == 1
    clock.move(seconds=10)
    answer = api.request("GET", ONE)
    assert (answer.status_code, answer.headers["X-RateLimit-Remaining"]) == (404, "99")
    assert answer.headers["X-RateLimit-Daily-Remaining"] == str(200_000 - 101)


def test_a_budget_that_is_not_enforced_still_counts_what_was_too_much(api, sandbox):
    assert {api.request("GET", ONE).status_code for _ in range(105)} == {404}
    assert sandbox.ledger.over_limit == 5


def test_the_daily_budget_ends_and_comes_back_the_next_day(api, location, clock):
    location.rate_limit.enforced, location.rate_limit.daily = True, 2
    assert [api.request("GET", ONE).status_code for _ in range(3)] == [404, 404, 429]
    clock.move(days=1)
    assert api.request("GET", ONE).status_code == 404
