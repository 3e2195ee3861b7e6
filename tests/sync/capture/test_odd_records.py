"""One odd record of a list is set aside and named; the others are captured, and nothing counts as vanished."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from hlcore.errors import VaultError
from hlcore.model.records import FEED_KINDS
from hlcore.store import Vault, quarantine, records
from hlcore.store.capture import feeds
from hlcore.store.capture import state as capture_state
from tests.support.odd_answers import BROKEN, Changing, with_bytes
from tests.support.vault_comparison import VaultComparison
from tests.sync.conftest import LOCATION, a_world

PEOPLE = 6
ODD: tuple[Any, ...] = (None, {}, {"id": None}, {"id": "x" * 65}, {"id": "a\x00b"}, {"id": "\ud83d"}, [], 7)
LISTS = {
    "note": ("GET /contacts/", "notes"),
    "appointment": ("GET /contacts/", "events"),
    "task": ("POST /locations/", "tasks"),
    "opportunity": ("GET /opportunities/search", "opportunities"),
    "conversation": ("GET /conversations/search", "conversations"),
    "message": ("GET /conversations/messages/export", "messages"),
    "user": ("GET /users/", "users"),
    "pipeline": ("GET /opportunities/pipelines", "pipelines"),
    "custom_field": ("GET /locations/", "customFields"),
}


@pytest.fixture
def copy(vault: Vault) -> Iterator[VaultComparison]:
    with a_world(vault, people=PEOPLE) as world:
        place = world.location
        place.add_user("Mara")
        place.add_pipeline("Sales")
        place.add_custom_field("One")
        for contact_id in place.contacts:
            world.clock.advance(seconds=20)
            place.add_note(contact_id, "Note")
            place.add_task(contact_id, "Call", body="about")
            place.add_opportunity(contact_id, "Deal", monetaryValue=5)
            place.add_appointment(contact_id, world.clock.now())
            place.add_message(contact_id, "Hello")
        world.sync()
        yield VaultComparison(world, list(place.contacts))


def everything(copy: VaultComparison, kind: str) -> dict[str, bytes]:
    if kind in ("user", "pipeline", "custom_field"):
        with copy.world.vault.read() as tx:
            return {row.record_id: row.raw for row in records.list_of_kind(tx, LOCATION, kind)}
    return copy.stored(kind)


@pytest.mark.parametrize("kind", LISTS)
def test_odd_records_stop_no_other_and_nothing_vanishes(copy: VaultComparison, kind: str) -> None:
    where, name = LISTS[kind]
    plain = copy.world.client
    copy.capture()
    held = everything(copy, kind)

    def plant(answer: Any) -> Any:
        """Odd ones at the beginning and the end, and the first good one turned odd."""
        if isinstance(answer.get(name), list):
            answer[name] = [*ODD[:4], *answer[name][1:], *ODD[4:]]
        return answer

    copy.world.clock.advance(days=8)
    with copy.world.client_over(Changing(where, plant)) as copy.world.client:
        report = copy.capture()
    assert "odd records were set aside" in " ".join(report.notes)
    assert held.keys() <= everything(copy, kind).keys()
    assert report.coverage[kind] == 1.0 if kind in report.coverage else True
    with copy.world.vault.read() as tx:
        assert quarantine.count_items(tx, [LOCATION], kinds=(quarantine.RECORD,))
    copy.world.client = plain
    copy.world.clock.advance(days=8)
    copy.capture()
    with copy.world.vault.read() as tx:
        assert not quarantine.count_items(tx, [LOCATION], kinds=(quarantine.RECORD,))


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize("odd", BROKEN.values(), ids=BROKEN.keys())
def test_a_record_that_no_decoder_reads_is_set_aside_alone(copy: VaultComparison, kind: str, odd: bytes) -> None:
    where, name = LISTS[kind]
    copy.capture()
    held = everything(copy, kind)

    def plant(answer: Any) -> Any:
        records = answer.get(name)
        return with_bytes(answer, records[0], "odd", odd) if isinstance(records, list) and records else answer

    copy.world.clock.advance(days=8)
    with copy.world.client_over(Changing(where, plant)) as copy.world.client:
        report = copy.capture()
    assert "set aside" in " ".join(report.notes)
    assert everything(copy, kind) == held
    assert report.coverage[kind] == 1.0 if kind in report.coverage else True
    with copy.world.vault.read() as tx:
        assert quarantine.count_items(tx, [LOCATION], kinds=(quarantine.RECORD,))


class Refusing(httpx.HTTPTransport):
    """A HighLevel that refuses the requests that begin with one of these, or all for `everything`."""

    def __init__(self, status: int, message: str, *where: str) -> None:
        super().__init__()
        self.answer, self.where = (status, message), where

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        name = f"{request.method} {request.url.path}"
        if any(name.startswith(each) for each in self.where):
            status, message = self.answer
            return httpx.Response(status, json={"statusCode": status, "message": message})
        return super().handle_request(request)


REFUSALS = [(401, "Invalid JWT"), (401, "Unauthorized"), (403, "Forbidden"), (403, "No access to this location.")]


@pytest.mark.parametrize("refusal", REFUSALS, ids=str)
def test_a_capture_that_is_refused_everywhere_captures_nothing_and_says_refused(
    copy: VaultComparison, refusal: tuple[int, str]
) -> None:
    with copy.world.client_over(Refusing(*refusal, "GET /", "POST /")) as copy.world.client, pytest.raises(VaultError):
        copy.capture()
    run = next(run for run in copy.world.runs() if run.kind == "capture")
    assert run.outcome == "refused"
    with copy.world.vault.read() as tx:
        assert all(feeds.get(tx, LOCATION, kind).covered_at is None for kind in FEED_KINDS)
        assert not capture_state.states_of_contact(tx, LOCATION, copy.contact_ids[0])


@pytest.mark.parametrize("refusal", REFUSALS, ids=str)
def test_a_kind_that_is_refused_alone_leaves_the_others_and_is_not_complete(
    copy: VaultComparison, refusal: tuple[int, str]
) -> None:
    with copy.world.client_over(Refusing(*refusal, "GET /opportunities/search")) as copy.world.client:
        report = copy.capture()
    assert not report.complete
    assert report.coverage["opportunity"] == 0.0
    assert report.coverage["note"] == report.coverage["task"] == 1.0
    with copy.world.vault.read() as tx:
        assert feeds.get(tx, LOCATION, "opportunity").covered_at is None


@pytest.mark.parametrize("refusal", REFUSALS, ids=str)
def test_one_contact_that_is_refused_alone_is_asked_for_later(copy: VaultComparison, refusal: tuple[int, str]) -> None:
    refused = copy.contact_ids[2]
    with copy.world.client_over(Refusing(*refusal, f"GET /contacts/{refused}/notes")) as copy.world.client:
        report = copy.capture()
    assert report.coverage["note"] == pytest.approx(1 - 1 / PEOPLE, abs=0.001)
    assert not report.complete
    assert set(copy.stored("note")) == set(copy.live("note")) - set(copy.world.location.related.notes[refused])


@pytest.mark.parametrize("kind", ["task", "opportunity", "conversation", "message"])
def test_a_feed_that_shows_nothing_is_not_believed_while_contacts_have_records(
    copy: VaultComparison, kind: str
) -> None:
    where, name = LISTS[kind]

    def empty(request: httpx.Request, answer: Any) -> Any:
        if request.url.params.get("contactId") or request.url.params.get("contact_id"):
            return answer
        return {name: [], "total": 0, "meta": {"total": 0}}

    with copy.world.client_over(Changing(where, empty, with_request=True)) as copy.world.client:
        copy.capture()
    assert set(copy.stored(kind)) == set(copy.live(kind))


@pytest.mark.parametrize("kind", ["task", "opportunity", "conversation", "message"])
@pytest.mark.parametrize("each", [1, pytest.param(120, marks=pytest.mark.slow)])
def test_a_feed_ends_while_records_keep_coming(copy: VaultComparison, kind: str, each: int) -> None:
    place, someone = copy.world.location, copy.contact_ids[0]
    where, _ = LISTS[kind]
    add = {
        "task": lambda: place.add_task(someone, "More", body="about"),
        "opportunity": lambda: place.add_opportunity(someone, "More"),
        "conversation": lambda: place.add_message(someone, "More"),
        "message": lambda: place.add_message(someone, "More"),
    }[kind]
    pages: list[int] = []

    def grow(answer: Any) -> Any:
        pages.append(1)
        if len(pages) > 500:
            raise AssertionError("the list does not end")
        for _ in range(each):
            copy.world.clock.advance(milliseconds=2)
            add()
        return answer

    with copy.world.client_over(Changing(where, grow)) as copy.world.client:
        copy.capture()
    assert len(pages) < 400
