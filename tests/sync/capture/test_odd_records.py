"""One odd record of a list is set aside and named; the others are captured, and nothing counts as vanished."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import httpx
import pytest

from hlcore.errors import HighLevelError, VaultError
from hlcore.model.records import FEED_KINDS
from hlcore.store import Vault, quarantine, records
from hlcore.store.capture import feeds
from hlcore.store.capture import state as capture_state
from hlcore.sync.capture.contact_records import capture_records
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


def set_aside(copy: VaultComparison) -> int:
    """How many lists of records wait in quarantine."""
    with copy.world.vault.read() as tx:
        return quarantine.count_items(tx, [LOCATION], kinds=(quarantine.RECORD,))


def everything(copy: VaultComparison, kind: str) -> dict[str, bytes]:
    if kind in ("user", "pipeline", "custom_field"):
        with copy.world.vault.read() as tx:
            return {row.record_id: row.raw for row in records.list_of_kind(tx, LOCATION, kind)}
    return copy.stored(kind)


AT_ONCE_AND_ALONE = pytest.mark.parametrize(
    "kinds",
    [tuple(LISTS), *(pytest.param((kind,), marks=pytest.mark.slow) for kind in LISTS)],
    ids=["all at once", *LISTS],
)


@AT_ONCE_AND_ALONE
def test_odd_records_stop_no_other_and_nothing_vanishes(copy: VaultComparison, kinds: Sequence[str]) -> None:
    plain = copy.world.client
    copy.capture()
    held = {kind: everything(copy, kind) for kind in kinds}
    planted: set[str] = set()

    def plant(request: httpx.Request, answer: Any) -> Any:
        """Odd ones at the beginning and the end, and the first good one turned odd."""
        for kind in kinds:
            where, name = LISTS[kind]
            if f"{request.method} {request.url.path}".startswith(where) and isinstance(answer.get(name), list):
                answer[name] = [*ODD[:4], *answer[name][1:], *ODD[4:]]
                planted.add(kind)
        return answer

    copy.world.clock.advance(days=8)
    with copy.world.client_over(Changing("", plant, with_request=True)) as copy.world.client:
        report = copy.capture()
    assert planted == set(kinds)
    assert "odd records were set aside" in " ".join(report.notes)
    for kind in kinds:
        assert held[kind].keys() <= everything(copy, kind).keys()
        assert report.coverage.get(kind, 1.0) == 1.0
    assert set_aside(copy) >= len(kinds)
    copy.world.client = plain
    copy.world.clock.advance(days=8)
    copy.capture()
    assert set_aside(copy) == 0


@AT_ONCE_AND_ALONE
@pytest.mark.parametrize("odd", BROKEN.values(), ids=BROKEN.keys())
def test_a_record_that_no_decoder_reads_is_set_aside_alone(
    copy: VaultComparison, kinds: Sequence[str], odd: bytes
) -> None:
    copy.capture()
    held = {kind: everything(copy, kind) for kind in kinds}
    planted: set[str] = set()

    def plant(request: httpx.Request, answer: Any) -> Any:
        for kind in kinds:
            where, name = LISTS[kind]
            if f"{request.method} {request.url.path}".startswith(where) and answer.get(name):
                planted.add(kind)
                return with_bytes(answer, answer[name][0], "odd", odd)
        return answer

    copy.world.clock.advance(days=8)
    with copy.world.client_over(Changing("", plant, with_request=True)) as copy.world.client:
        report = copy.capture()
    assert planted == set(kinds)
    assert "set aside" in " ".join(report.notes)
    for kind in kinds:
        assert everything(copy, kind) == held[kind]
        assert report.coverage.get(kind, 1.0) == 1.0
    assert set_aside(copy) >= len(kinds)


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


class EmptyOfTheDeleted(httpx.HTTPTransport):
    """A HighLevel whose lists of a deleted contact's records are empty, or answer with this status."""

    def __init__(self, contact_id: str, status: int) -> None:
        super().__init__()
        self.contact_id, self.status = contact_id, status

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if self.contact_id not in str(request.url) or path == f"/contacts/{self.contact_id}":
            return super().handle_request(request)
        if self.status != 200:
            return httpx.Response(self.status, json={"statusCode": self.status, "message": "Contact not found"})
        empty = {name: [] for _, name in LISTS.values()}
        return httpx.Response(200, json={**empty, "total": 0, "meta": {"total": 0}})


@pytest.mark.parametrize("status", [200, 404, 400])
def test_what_is_asked_of_a_contact_that_is_gone_already_was_never_captured(copy: VaultComparison, status: int) -> None:
    gone, alive = copy.contact_ids[2], copy.contact_ids[3]
    copy.world.location.delete(gone)
    copy.world.clock.advance(minutes=1)
    plain = copy.world.client
    with copy.world.client_over(EmptyOfTheDeleted(gone, status)) as copy.world.client:
        for kind in ("note", "task", "opportunity", "appointment", "conversation", "message"):
            with contextlib.suppress(HighLevelError):
                capture_records(copy.world.location_context(), gone, kind)
            capture_records(copy.world.location_context(), alive, kind)
    copy.world.client = plain
    copy.world.location.delete(alive)
    copy.world.sync()
    assert copy.world.lost() == {gone, alive}
    kinds = ("detail", "note", "task", "opportunity", "appointment", "conversation", "message")
    assert copy.world.row(gone).not_captured == kinds
    assert copy.world.row(alive).not_captured == ("detail",)


def test_an_empty_list_counts_once_the_contact_is_seen_later(copy: VaultComparison) -> None:
    """Nothing more is asked for that: the next look proves that the contact was there."""
    nobody = copy.world.location.create(firstName="No", lastName="Records")
    copy.world.sync()
    copy.capture()
    copy.world.sync()
    copy.world.location.delete(nobody)
    copy.world.sync()
    assert copy.world.row(nobody).not_captured == ()


def test_references_of_earlier_versions_are_settled_too(copy: VaultComparison) -> None:
    one = copy.contact_ids[0]
    old = [f"note {one}", f"detail {one}", f"task {one}", f"note:{one}", f"detail:{one}", f"task:{one}"]
    with copy.world.vault.write() as tx:
        for reference in old:
            quarantine.set_aside(tx, LOCATION, quarantine.RECORD, reference, "KeyError", at=copy.world.clock.now())
    copy.world.clock.advance(days=8)
    copy.capture()
    with copy.world.vault.read() as tx:
        assert quarantine.references(tx, LOCATION, quarantine.RECORD) == frozenset()


@pytest.mark.parametrize("kind", ["task", "opportunity", "message"])
def test_a_reading_of_what_is_new_does_not_settle_what_was_odd_before(copy: VaultComparison, kind: str) -> None:
    where, name = LISTS[kind]

    def plant(answer: Any) -> Any:
        return {**answer, name: [None, *answer[name]]} if isinstance(answer.get(name), list) else answer

    with copy.world.client_over(Changing(where, plant)) as odd:
        plain, copy.world.client = copy.world.client, odd
        copy.capture()
    copy.world.client = plain
    copy.world.location.add_message(copy.contact_ids[0], "Hello again")
    copy.capture(again=False)
    with copy.world.vault.read() as tx:
        assert f"{kind}:list" in quarantine.references(tx, LOCATION, quarantine.RECORD)


def test_a_detail_that_cannot_be_read_is_set_aside_after_three_attempts(copy: VaultComparison) -> None:
    broken = copy.contact_ids[1]

    def plant(answer: Any) -> Any:
        return b"<html>" if answer.get("contact", {}).get("id") == broken else answer

    with copy.world.client_over(Changing(f"GET /contacts/{broken}", plant)) as copy.world.client:
        for attempts in (1, 2, 3):
            copy.capture(hours=2, again=False)
            with copy.world.vault.read() as tx:
                states = (quarantine.FAILING, quarantine.WAITING)
                (item,) = quarantine.list_items(tx, [LOCATION], states=states, limit=9)
            assert (item.reference, item.attempts) == (f"detail:{broken}", attempts)
        assert item.state == quarantine.WAITING
        for hours, asked in ((2, 0), (2, 0), (3, 1), (2, 0)):
            before = requests_for(copy, broken)
            copy.capture(hours=hours, again=False)
            assert bool(requests_for(copy, broken) - before) == bool(asked), "others need the requests"
        with copy.world.vault.write() as tx:
            quarantine.retry(tx, [item.item_id])
        before = requests_for(copy, broken)
        copy.capture(hours=2, again=False)
        assert requests_for(copy, broken) > before


def requests_for(copy: VaultComparison, contact_id: str) -> int:
    return sum(entry.path == f"/contacts/{contact_id}" for entry in copy.world.sandbox.ledger.entries)


def test_many_details_that_cannot_be_read_do_not_end_the_session(vault: Vault) -> None:
    with a_world(vault, people=40) as world:
        for contact_id in world.location.contacts:
            world.location.add_note(contact_id, "Note")
        world.sync()
        copy = VaultComparison(world, list(world.location.contacts))

        def plant(answer: Any) -> Any:
            return b"[]" if "contact" in answer else answer

        with world.client_over(Changing("GET /contacts/", plant)) as world.client:
            report = copy.capture(again=False)
        assert not report.unreachable
        assert report.coverage["detail"] == 0.0
        assert report.coverage["note"] == 1.0
