"""One odd delivery is set aside, and every other one is handled at the usual pace."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hlcore.errors import StoreError
from hlcore.governance.quarantine_decisions import ignore, try_again
from hlcore.governance.roles import Role, User
from hlcore.highlevel.webhook_signature import SIGNATURE, parse_event
from hlcore.sandbox.webhooks import SandboxEvent
from hlcore.store import quarantine, webhook_inbox
from hlcore.store.quarantine import QuarantinedItem
from hlcore.webhooks import contact_events, events
from hlcore.webhooks.receiver import PATH
from tests.webhooks.conftest import LOCATION, OTHER, World

SAM = User("sam@example.com", "Sam", Role.RESTORER, "oidc")
DEEP = b"[" * 40_000 + b"]" * 40_000


def post(world: World, payload: dict[str, Any] | bytes) -> int:
    """Deliver these bytes, or this payload with what each delivery has, truly signed."""
    if isinstance(payload, dict):
        payload = json.dumps({"type": "ContactDelete", "locationId": LOCATION, **payload}).encode()
    return world.http.post(PATH, content=payload, headers={SIGNATURE: world.sandbox.keys.sign(payload)}).status_code


def raw_event(members: bytes) -> bytes:
    return b'{"type":"ContactDelete","locationId":"' + LOCATION.encode() + b'",' + members + b"}"


def waiting(world: World) -> list[QuarantinedItem]:
    with world.vault.read() as tx:
        return quarantine.list_items(tx, [LOCATION], limit=1000)


def open_deliveries(world: World) -> int:
    """Return how many wait to be processed, now or later."""
    with world.vault.inbox.read() as tx:
        query = "SELECT count(*) FROM webhook_inbox WHERE processed_at IS NULL AND set_aside_at IS NULL"
        return int(tx.exec_driver_sql(query).scalar_one())


def work_for(world: World, minutes: int) -> None:
    for _ in range(minutes):
        world.work()
        world.clock.advance(minutes=1)


ODD: dict[str, Callable[[], dict[str, Any] | bytes]] = {
    "long id": lambda: {"id": "x" * 65},
    "number": lambda: {"id": 12345},
    "list": lambda: {"id": ["a"]},
    "object": lambda: {"id": {"$oid": "a"}},
    "null": lambda: {"id": None},
    "true": lambda: {"id": True},
    "no id": lambda: {"name": "Ada"},
    "half an emoji": lambda: {"id": "abc\ud83d"},
    "nul": lambda: {"id": "abc\x00def"},
    "a path": lambda: {"id": "../locations/x"},
    "an address": lambda: {"id": "a b?c#d"},
    "another record inside": lambda: raw_event(b'"contactId":"gone1","appointment":{"id":7}'),
    "an unreadable snapshot": lambda: raw_event(b'"id":"gone2","deep":' + DEEP),
    "a long number": lambda: raw_event(b'"id":1' + b"0" * 5_000),
    "a note of nobody": lambda: {"type": "NoteCreate", "id": 7, "contactId": "c1"},
    "a note for nobody": lambda: {"type": "NoteCreate", "id": "n1", "contactId": ["c1"]},
    "a message of nothing": lambda: {"type": "InboundMessage"},
}  # fmt: skip


@pytest.mark.parametrize("name", ["long id", "number", "an unreadable snapshot"])
def test_an_odd_delivery_is_set_aside_and_the_good_one_behind_it_is_handled(world: World, name: str) -> None:
    lost = next(iter(world.location.contacts))
    world.location.delete(lost)
    assert post(world, ODD[name]()) == 200
    for event in world.new_events():
        assert world.post(event) == 200
    world.work()
    assert world.status(lost) == "deleted"
    work_for(world, 3)
    (item,) = waiting(world)
    assert (item.kind, item.location_id) == ("delivery", LOCATION)
    assert item.place.startswith("hlcore.")
    assert open_deliveries(world) == 0


def test_635_deliveries_with_odd_ones_among_them_are_all_handled_at_once(world: World) -> None:
    """The odd ones stand in front: deletions are processed first."""
    makers = list(ODD.values())
    people = list(world.location.contacts)
    for number in range(635 - len(makers)):
        contact_id = people[number % len(people)]
        post(world, {"type": "ContactUpdate", "id": contact_id, "webhookId": f"good{number}"})
    lost = people[:5]
    world.location.delete(*lost)
    world.deliver(*world.new_events())
    for maker in makers:
        post(world, maker())
    work_for(world, 3)
    assert [world.status(contact_id) for contact_id in lost] == ["deleted"] * 5
    assert open_deliveries(world) == 0
    assert len(waiting(world)) == len(makers)
    assert {item.location_id for item in waiting(world)} == {LOCATION}


@pytest.mark.parametrize("error", [KeyError("Ada"), StoreError("odd")])
def test_any_exception_is_the_fault_of_one_delivery_alone(
    world: World, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    people = list(world.location.contacts)
    poison, others = people[0], people[1:20]
    record, refresh = contact_events._record_deletion, contact_events._refresh

    def failing(tx: Any, location_id: str, update: contact_events.ContactUpdate, *rest: Any) -> Any:
        if update.answer.contact_id == poison:
            raise error
        return (record if len(rest) == 2 else refresh)(tx, location_id, update, *rest)

    monkeypatch.setattr(contact_events, "_record_deletion", failing)
    monkeypatch.setattr(contact_events, "_refresh", failing)
    world.location.delete(poison, *others)
    world.deliver()
    assert {world.status(contact_id) for contact_id in others} == {"deleted"}
    assert world.status(poison) == "present"
    assert waiting(world) == [], "one attempt is not enough"
    work_for(world, 3)
    (item,) = waiting(world)
    assert (item.error, item.attempts) == (type(error).__name__, 3)
    assert "Ada" not in repr(item)


def test_of_two_deliveries_about_one_contact_only_the_odd_one_fails(world: World) -> None:
    lost = "never0000000000held1"
    post(world, raw_event(b'"id":"' + lost.encode() + b'","name":"Ada","deep":' + DEEP))
    post(world, {"id": lost, "name": "Ada", "webhookId": "good"})
    work_for(world, 3)
    assert world.status(lost) == "deleted"
    assert len(waiting(world)) <= 1


def test_an_exception_while_fetching_or_reading_records_is_one_deliverys_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = list(world.location.contacts)
    fetch = events.fetch_contact

    def fetch_but(client: Any, contact_id: str) -> Any:
        if contact_id == people[0]:
            raise UnicodeEncodeError("utf-8", "Ada", 0, 1, "surrogates")
        return fetch(client, contact_id)

    def capture(*_: Any) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(events, "fetch_contact", fetch_but)
    monkeypatch.setattr(events, "capture_records", capture)
    world.location.delete(people[1])
    post(world, {"type": "ContactUpdate", "id": people[0]})
    post(world, {"type": "NoteCreate", "id": "n1", "contactId": people[2]})
    world.deliver()
    assert world.status(people[1]) == "deleted"
    work_for(world, 3)
    assert sorted(item.error for item in waiting(world)) == ["UnicodeEncodeError", "ZeroDivisionError"]


def test_a_contact_of_another_account_is_asked_for_some_times_and_then_set_aside(world: World) -> None:
    foreign = next(iter(world.sandbox.locations[OTHER].contacts))
    lost = next(iter(world.location.contacts))
    post(world, {"type": "ContactUpdate", "id": foreign})
    world.location.delete(lost)
    world.deliver()
    assert world.status(lost) == "deleted"
    for _ in range(10):
        world.work()
        world.clock.advance(hours=1)
    assert world.held(foreign) is None
    assert open_deliveries(world) == 0


def test_a_broken_database_is_no_fault_of_a_delivery(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise StoreError("The disk of the database is full.")

    lost = next(iter(world.location.contacts))
    world.location.delete(lost)
    with monkeypatch.context() as patched:
        patched.setattr(events, "apply_contact_updates", refuse)
        patched.setattr(quarantine, "note_failure", refuse)
        world.deliver()
        work_for(world, 10)
    assert waiting(world) == []
    work_for(world, 2)
    assert world.status(lost) == "deleted"


def test_what_failed_in_between_and_worked_at_last_leaves_no_trace(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = next(iter(world.location.contacts))
    world.location.delete(lost)
    with monkeypatch.context() as patched:
        patched.setattr(contact_events, "_record_deletion", lambda *_: 1 // 0)
        world.deliver()
    work_for(world, 2)
    assert world.status(lost) == "deleted"
    with world.vault.read() as tx:
        assert quarantine.count_items(tx, [LOCATION], states=("failing", "waiting", "retry")) == 0


def test_a_delivery_that_is_tried_again_is_handled_when_the_fault_is_mended(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = next(iter(world.location.contacts))
    world.location.delete(lost)
    with monkeypatch.context() as patched:
        patched.setattr(contact_events, "_record_deletion", lambda *_: 1 // 0)
        world.deliver()
        work_for(world, 3)
    assert len(waiting(world)) == 1
    world.clock.advance(days=9)
    assert world.work() == 0, "nobody has decided yet"
    try_again(world.vault, SAM, [waiting(world)[0].item_id], now=world.clock.now)
    world.work()
    assert world.status(lost) == "deleted"
    with world.vault.read() as tx:
        assert quarantine.count_items(tx, [LOCATION], states=("failing", "waiting", "retry")) == 0


def test_an_ignored_delivery_is_done_with(world: World) -> None:
    post(world, {"id": 12345})
    world.work()
    ignore(world.vault, SAM, [item.item_id for item in waiting(world)], now=world.clock.now)
    assert waiting(world) == []
    assert open_deliveries(world) == 0


def test_outages_are_no_attempts_of_a_delivery(world: World) -> None:
    lost = next(iter(world.location.contacts))
    world.location.delete(lost)
    fault = world.location.faults.on("token_revoked")
    world.deliver()
    for _ in range(7):
        world.work()
        world.clock.advance(minutes=11)
    with world.vault.inbox.read() as tx:
        assert [delivery.attempts for delivery in webhook_inbox.list_due(tx, at=world.clock.now(), limit=9)] == [0]
    fault.off()
    world.work()
    assert world.status(lost) == "deleted"


def test_what_a_webhook_shows_is_no_evidence_about_the_rows_of_others(world: World) -> None:
    """A location's search rows tell channels only if a listing has shown it."""
    with world.vault.write() as tx:
        tx.exec_driver_sql("UPDATE contacts SET has_dnd_settings = false")
    settings = {"Email": {"status": "active"}}
    post(world, {"id": "never0000000000held2", "name": "Ada", "dndSettings": settings})
    post(world, {"type": "ContactUpdate", "id": next(iter(world.location.contacts)), "dndSettings": settings})
    world.work()
    assert world.status("never0000000000held2") == "deleted"
    with world.vault.read() as tx:
        query = "SELECT count(*) FROM contacts WHERE has_dnd_settings"
        assert tx.exec_driver_sql(query).scalar_one() == 0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
MEMBERS = ("id", "contactId", "messageId", "appointment", "webhookId", "timestamp", "dndSettings", "dateAdded", "tags")
TYPES = ("ContactDelete", "ContactUpdate", "NoteCreate", "TaskDelete", "AppointmentCreate", "InboundMessage", "X\x00")


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    payloads=st.lists(
        st.fixed_dictionaries({"type": st.sampled_from(TYPES)}, optional=dict.fromkeys(MEMBERS, JSON)), max_size=8
    )
)
def test_whatever_stands_in_a_delivery_the_good_ones_are_handled(world: World, payloads: list[dict[str, Any]]) -> None:
    lost = next(contact_id for contact_id in world.location.contacts if world.status(contact_id) == "present")
    world.location.delete(lost)
    for payload in payloads:
        post(world, payload)
    world.deliver()
    assert world.status(lost) == "deleted"
    for _ in range(9):
        world.clock.advance(hours=1)
        world.work()
    assert open_deliveries(world) == 0


@given(st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_reading_an_event_never_raises(body: bytes) -> None:
    parse_event(body)
    parse_event(b'{"type":"ContactDelete","id":' + body + b"}")


def test_a_sandbox_event_is_still_what_it_was(world: World) -> None:
    """Unreadable members leave the readable ones as they are."""
    event = parse_event(raw_event(b'"id":"c1","timestamp":"2026-03-02T09:00:00.000Z","deep":' + DEEP))
    plain = parse_event(raw_event(b'"id":"c1","timestamp":"2026-03-02T09:00:00.000Z"'))
    assert event
    assert plain
    assert (event.type, event.contact_id, event.sent_at) == (plain.type, plain.contact_id, plain.sent_at)
    assert SandboxEvent({"type": "ContactDelete", "id": "c1"}, world.sandbox.keys).type == event.type
