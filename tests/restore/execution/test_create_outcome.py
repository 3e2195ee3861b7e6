"""A deleted contact is created once, whatever happens to the answer and whichever contact appeared meanwhile."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from hlcore.errors import HighLevelError, Unreachable
from hlcore.store import audit, locations
from tests.restore.conftest import LOCATION, World

PEOPLE = [
    pytest.param({"firstName": "Ana", "email": "ana@example.com"}, id="with-email"),
    pytest.param({"firstName": "Ana", "phone": "+14155550123"}, id="with-phone"),
    pytest.param({"firstName": "Ana"}, id="with-neither"),
]
ENDS = [
    pytest.param("done_but", {"status": 500}, id="500"),
    pytest.param("done_but", {"status": 422}, id="422"),
    pytest.param("lost_answer", {}, id="nothing"),
    pytest.param("truncated", {}, id="half-an-answer"),
    pytest.param("html", {}, id="a-web-page"),
]


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize(("fault", "options"), ENDS)
def test_a_contact_made_in_spite_of_its_answer_is_found_and_not_made_twice(
    world: World, person: dict[str, Any], fault: str, options: dict[str, Any]
) -> None:
    ana = world.lost(**person)
    world.confirm(ana)
    world.location.faults.on(fault, where="POST /contacts/", times=1, **options)
    world.run()
    assert len(world.live()) == 1
    assert world.receipt()[ana]["verified"]


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize(("fault", "options"), [("status", {"status": 500}), ("lost_request", {})], ids=["500", "cut"])
def test_a_contact_not_made_is_made_at_the_next_try(
    world: World, person: dict[str, Any], fault: str, options: dict[str, Any]
) -> None:
    ana = world.lost(**person)
    world.confirm(ana)
    world.location.faults.on(fault, where="POST /contacts/", times=1, **options)
    result = world.run()
    if result.pending:
        world.clock.advance(minutes=6)
        result = world.run()
    assert (result.state, len(world.live())) == ("done", 1)
    assert world.receipt()[ana]["verified"]


def test_one_with_neither_address_waits_for_the_lagging_search_instead_of_being_made_twice(world: World) -> None:
    ana = world.lost(firstName="Ana")
    world.confirm(ana)
    world.location.faults.lag = 240
    world.location.faults.on("lost_answer", where="POST /contacts/", times=1)
    first = world.run()
    assert (first.pending, first.state) == (1, "confirmed")
    assert first.resume_at is not None
    with world.vault.read() as tx:
        lines = audit.count(tx)
    assert world.run().pending == 1
    with world.vault.read() as tx:
        assert audit.count(tx) == lines, "an early try does nothing, and says nothing"
    world.clock.at = first.resume_at
    assert world.run().state == "done"
    assert len(world.live()) == 1
    assert world.receipt()[ana]["verified"]


def test_namesakes_with_neither_address_are_all_made_once_when_answers_are_lost(world: World) -> None:
    ids = [world.lost(firstName="Ana") for _ in range(6)]
    world.confirm(*ids)
    world.location.faults.on("lost_answer", where="POST /contacts/", share=0.5)
    result = world.run()
    while result.pending:
        assert result.resume_at is not None
        world.clock.at = result.resume_at
        world.location.faults.clear()
        result = world.run()
    made = {row["new_id"] for row in world.receipt().values()}
    assert (len(world.live()), len(made)) == (6, 6)


def test_an_older_namesake_with_the_same_phone_is_never_taken_for_ours(world: World) -> None:
    ana = world.lost(firstName="Ana", phone="+14155550123")
    world.confirm(ana)
    world.location.faults.on("lost_request", where="POST /contacts/", times=1)
    world.run()
    other = world.add(firstName="Ana", phone="+14155550123")
    world.clock.advance(minutes=6)
    world.run()
    row = world.receipt()[ana]
    assert (row["outcome"], row["new_id"]) == ("skipped", "")
    assert other in row["error"]


def test_a_failing_highlevel_ends_the_try_and_the_next_one_goes_on(world: World) -> None:
    ana = world.lost(firstName="Ana", email="ana@example.com")
    world.confirm(ana)
    world.location.faults.on("status", status=503)
    with pytest.raises(Unreachable):
        world.run()
    world.location.faults.clear()
    assert world.run().state == "done"
    assert world.receipt()[ana]["verified"]


def test_a_highlevel_that_keeps_failing_is_asked_less_and_less_often(world: World) -> None:
    ana = world.lost(firstName="Ana", email="ana@example.com")
    world.confirm(ana)
    world.location.faults.on("lost_request", where="POST /contacts/")
    waits = []
    while (result := world.run()).pending:
        assert result.resume_at is not None
        waits.append((result.resume_at - world.clock.now()).total_seconds())
        world.clock.at = result.resume_at
    assert waits[:3] == [30, 60, 120]
    assert (world.receipt()[ana]["outcome"], world.live()) == ("failed", [])


def test_a_living_duplicate_that_came_since_the_plan_is_not_touched(world: World) -> None:
    ana = world.lost(firstName="Ana", email="ana@example.com", city="Köln")
    world.confirm(ana)
    ben = world.add(firstName="Ben", email="ana@example.com")
    untouched = dict(world.location.contacts[ben])
    world.run()
    row = world.receipt()[ana]
    assert row["outcome"] == "skipped"
    assert ben in row["error"]
    assert (len(world.live()), world.location.contacts[ben]) == (1, untouched)


def test_a_duplicate_that_only_the_create_call_meets_is_not_touched(world: World) -> None:
    ana = world.lost(firstName="Ana", email="ana@example.com")
    world.confirm(ana)
    world.location.faults.on("status", status=422, where="GET /contacts/search/duplicate")
    world.add(firstName="Ben", email="ana@example.com")
    world.run()
    assert (world.receipt()[ana]["outcome"], len(world.live())) == ("skipped", 1)


def test_a_contact_that_somebody_else_brought_back_meanwhile_is_left_alone(world: World) -> None:
    ana = world.lost(firstName="Ana")
    world.confirm(ana)
    world.location.native_restore(ana)
    world.run()
    assert (world.receipt()[ana]["outcome"], len(world.live())) == ("skipped", 1)


def test_one_deleted_again_while_it_is_made_failed_and_can_be_made_again(world: World) -> None:
    ana = world.lost(firstName="Ana")
    world.confirm(ana)
    world.location.faults.on("gone", where="GET /contacts/")
    world.run()
    world.location.delete(*world.location.records)
    world.clock.advance(minutes=6)
    world.run()
    assert world.receipt()[ana]["outcome"] == "failed"
    world.location.faults.clear()
    assert world.restore(ana)[ana]["verified"]


def test_a_location_that_allows_duplicates_gets_none_from_us(world: World) -> None:
    world.location.allow_duplicates = True
    with world.vault.write() as tx:
        raw = world.client.location()
        at = world.clock.now()
        locations.connect(tx, LOCATION, name="x", timezone="UTC", company_id="", token=b"", at=at, raw=raw)
    ana = world.lost(firstName="Ana", email="ana@example.com")
    world.confirm(ana)
    world.location.faults.on("done_but", status=500, where="POST /contacts/", times=1)
    world.run()
    assert len(world.live()) == 1
    assert world.receipt()[ana]["verified"]


JUMPS = [{"minutes": 6}, {"hours": 5}, {"days": 3650}, {"minutes": -6}, {"hours": -5}, {"days": -3650}]


def _wrong_clocks() -> Iterator[Any]:
    """Every jump at every moment, with and without a listing; each with one sort of person, the others as slow."""
    moments = ("before", "before and back", "after")
    for at, case in enumerate(itertools.product(JUMPS, moments, (False, True))):
        chosen = (at + at // 6) % len(PEOPLE)  # so that each sort meets every moment, and each jump every sort
        for number, person in enumerate(PEOPLE):
            marks = () if number == chosen else (pytest.mark.slow,)
            yield pytest.param(*case, *person.values, marks=marks, id=f"{case}-{person.id}")


class Losing(httpx.HTTPTransport):
    """A HighLevel that creates the contact and whose answer is lost; `then` is called in between."""

    def __init__(self, then: Callable[[], None]) -> None:
        super().__init__()
        self.then = then

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = super().handle_request(request)
        if request.method == "POST" and request.url.path == "/contacts/":
            answer.read()
            self.then()
            raise httpx.ReadError("the answer is lost")
        return answer


@pytest.mark.parametrize(("jump", "when", "listed", "person"), _wrong_clocks())
def test_nobody_is_made_twice_while_our_clock_is_wrong(
    world: World, jump: dict[str, float], when: str, listed: bool, person: dict[str, Any]
) -> None:
    """HighLevel's clock is right, and its search lags. Ours jumps before the call is sent or after its answer was lost,
    and perhaps back; meanwhile a listing may store the new contact."""
    ana = world.lost(**person)
    world.add(firstName="Somebody", lastName="Else", dateAdded=world.clock.now())
    world.confirm(ana)
    world.sandbox.now = lambda: world.clock.at - world.clock.jumped

    def then() -> None:
        if when == "after":
            world.clock.jump(**jump)
        elif when == "before and back":
            world.clock.jump(**{name: -value for name, value in jump.items()})
        if listed:
            world.copy()

    if when != "after":
        world.clock.jump(**jump)
    world.location.faults.lag = 0 if listed else 240
    with world.over(Losing(then), retries=0) as losing, contextlib.suppress(HighLevelError):
        losing.run()
    for _ in range(12):
        result = world.run()
        if not result.pending:
            break
        assert result.resume_at is not None
        assert result.resume_at - world.clock.now() < timedelta(minutes=9)
        world.clock.advance(seconds=max(0, (result.resume_at - world.clock.now()).total_seconds()))
    assert len(world.live()) == 2
    assert world.receipt()[ana]["outcome"] == "recreated"
