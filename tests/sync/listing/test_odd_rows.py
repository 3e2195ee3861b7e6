"""One odd row of HighLevel's list is set aside and named; the others are kept, and no deletion is concluded from it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hlcore.highlevel.types import parse_search_page
from hlcore.store import quarantine
from tests.support.odd_answers import BROKEN, NUMBERS, Changing, with_bytes
from tests.sync.conftest import LOCATION, World

ODD: dict[str, Any] = {
    "null": None,
    "list": [1, 2],
    "no id": {"firstName": "A", "locationId": LOCATION},
    "number id": {"id": 12345},
    "long id": {"id": "x" * 65},
    "surrogate id": {"id": "abc\ud83d"},
    "NUL id": {"id": "abc\x00def"},
    "foreign": {"id": "foreign00000000000001", "locationId": "locOther000000000001"},
}
NO_CONTACTS: tuple[Any, ...] = (
    7,
    1.5,
    True,
    "contact",
    "",
    [],
    {},
    *({"id": odd} for odd in ("", " ", "..", None, [], {}, 5)),
)
SEARCH = "POST /contacts/search"


def set_aside(world: World) -> list[quarantine.QuarantinedItem]:
    with world.vault.read() as tx:
        return quarantine.list_items(tx, [LOCATION], kinds=(quarantine.LISTING_ROW,), limit=50)


@pytest.mark.parametrize("row", ODD.values(), ids=ODD.keys())
def test_a_row_turned_odd_stops_neither_copies_nor_deletions_and_is_no_deletion(world: World, row: Any) -> None:
    """The row of one living contact is odd from the second listing on, wherever it stands on its page."""
    world.sync()
    odd, gone = list(world.location.contacts)[49], list(world.location.contacts)[120]
    new = world.location.create(firstName="New", lastName="Person")

    def plant(answer: Any) -> Any:
        answer["contacts"] = [row if contact["id"] == odd else contact for contact in answer["contacts"]]
        return answer

    world.location.delete(gone)
    with world.client_over(Changing(SEARCH, plant)) as world.client:
        report = world.sync()
        assert (report.outcome, report.deleted, report.suspected) == ("complete", 1, 0)
        assert "odd row" in report.reason
        assert world.status(odd) == "present"
        assert new in world.stored_ids()
        assert [item.state for item in set_aside(world)] == [quarantine.WAITING]
        world.watch()
        world.sync()
    assert world.lost() == {gone}


@pytest.mark.parametrize("row", NO_CONTACTS, ids=json.dumps)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_page_keeps_its_rows_whatever_stands_among_them(row: Any, place: int) -> None:
    rows: list[Any] = [{"id": name, "searchAfter": [at, name]} for at, name in enumerate(["one", "two"])]
    page = parse_search_page(json.dumps({"contacts": [*rows[:place], row, *rows[place:]], "total": 3}).encode())
    assert (page.ids, page.total, page.next, page.size) == (["one", "two"], 3, [1, "two"], 3)
    assert [json.loads(odd) for odd in page.odd] == ([row] if place < 2 else [])  # the next page shows it again


@pytest.mark.parametrize("place", [0, 25, 50], ids=["first", "middle", "last"])
@pytest.mark.parametrize("row", [None, {"id": None}, {"id": "foreign1", "locationId": "x"}], ids=["null", "id", "away"])
def test_the_first_copy_of_an_account_with_odd_rows_on_every_page_is_full(world: World, place: int, row: Any) -> None:
    def plant(answer: Any) -> Any:
        answer["contacts"].insert(place, row)
        return answer

    with world.client_over(Changing(SEARCH, plant)) as world.client:
        report = world.sync()
    assert (report.outcome, report.seen, report.added) == ("complete", 200, 200)
    assert world.stored_ids() == set(world.location.contacts)
    assert "odd row" in report.reason


def test_a_contact_listed_twice_is_kept_once(world: World) -> None:
    def plant(answer: Any) -> Any:
        return {**answer, "contacts": answer["contacts"] + answer["contacts"][-1:], "total": answer["total"] + 1}

    with world.client_over(Changing(SEARCH, plant)) as world.client:
        report = world.sync()
    assert (report.outcome, report.added) == ("complete", 200)


def test_a_list_of_odd_rows_only_is_incomplete_and_concludes_nothing(world: World) -> None:
    world.sync()

    def plant(answer: Any) -> Any:
        return {**answer, "contacts": [str(contact["id"]) for contact in answer["contacts"]]}

    with world.client_over(Changing(SEARCH, plant)) as world.client:
        report = world.sync()
    assert report.outcome == "incomplete"
    assert world.lost() == set()


def test_an_account_that_shows_only_another_locations_contacts_is_refused(world: World) -> None:
    def plant(answer: Any) -> Any:
        for contact in answer["contacts"]:
            contact["locationId"] = "locOther000000000001"
        return answer

    with world.client_over(Changing(SEARCH, plant)) as world.client:
        report = world.sync()
    assert report.outcome == "refused"
    assert world.stored_ids() == set()
    assert "another location" in report.reason


def test_the_quarantine_forgets_a_row_that_is_right_again(world: World) -> None:
    with world.client_over(Changing(SEARCH, lambda answer: {**answer, "contacts": [None, *answer["contacts"]]})) as odd:
        plain, world.client = world.client, odd
        world.sync()
        assert set_aside(world)
    world.client = plain
    world.sync()
    assert not set_aside(world)


def test_an_odd_row_does_not_hide_a_deletion_from_the_watch(world: World) -> None:
    """The odd row counts for HighLevel but not for the vault: a deletion must not make the two equal."""
    odd, gone = list(world.location.contacts)[20], list(world.location.contacts)[120]

    def plant(answer: Any) -> Any:
        answer["contacts"] = [None if contact["id"] == odd else contact for contact in answer["contacts"]]
        return answer

    with world.client_over(Changing(SEARCH, plant)) as world.client:
        world.sync()
        world.watch()
        before = world.client.requests
        assert world.watch().outcome == "complete"
        assert world.client.requests - before <= 3
        world.location.delete(gone)
        assert world.watch().deleted == 1
    assert world.lost() == {gone}


@pytest.mark.parametrize("odd", BROKEN.values(), ids=BROKEN.keys())
def test_a_row_that_no_decoder_reads_is_set_aside_alone(world: World, odd: bytes) -> None:
    world.sync()
    broken, gone = list(world.location.contacts)[49], list(world.location.contacts)[51]
    world.location.delete(gone)
    new = world.location.create(firstName="New", lastName="Person")

    def plant(answer: Any) -> Any:
        row = next((row for row in answer["contacts"] if row["id"] == broken), None)
        return with_bytes(answer, row, "city", odd) if row else answer

    with world.client_over(Changing(SEARCH, plant)) as world.client:
        report = world.sync()
        assert (report.outcome, report.deleted, report.suspected) == ("complete", 1, 0)
        assert world.status(broken) == "present"
        assert new in world.stored_ids()
        assert [(item.reference, item.error) for item in set_aside(world)] == [(broken, "Unreadable")]
    assert world.lost() == {gone}


@pytest.mark.parametrize("odd", NUMBERS.values(), ids=NUMBERS.keys())
def test_a_row_with_a_number_that_is_no_json_is_kept(world: World, odd: bytes) -> None:
    def plant(answer: Any) -> Any:
        return with_bytes(answer, answer["contacts"][3], "city", odd) if answer["contacts"] else answer

    with world.client_over(Changing(SEARCH, plant)) as world.client:
        report = world.sync()
    assert (report.outcome, report.seen) == ("complete", 200)
    assert world.stored_ids() == set(world.location.contacts)


@pytest.mark.parametrize("odd", [b"NaN", b'"\xff"', b"many"], ids=repr)
def test_what_is_odd_around_the_rows_costs_no_row(world: World, odd: bytes) -> None:
    def plant(answer: Any) -> Any:
        return with_bytes(answer, answer, "meta", odd)

    with world.client_over(Changing(SEARCH, plant)) as world.client:
        report = world.sync()
    assert (report.outcome, report.seen) == ("complete", 200)


@pytest.mark.parametrize("odd", [b"NaN", b'"\xff"', b"many", b"[1,,2]"], ids=repr)
def test_an_odd_total_is_no_page(world: World, odd: bytes) -> None:
    with world.client_over(Changing(SEARCH, lambda answer: with_bytes(answer, answer, "total", odd))) as world.client:
        report = world.sync()
    assert report.outcome == "incomplete"
    assert world.lost() == set()
