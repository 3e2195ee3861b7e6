"""Which deliveries the route accepts, and that the answer never says why one is refused."""

from __future__ import annotations

import pytest

from hlcore.highlevel.webhook_signature import MAX_BODY_BYTES
from hlcore.sandbox.webhooks import SandboxEvent, SigningKeys
from hlcore.store import webhook_inbox
from hlcore.webhooks.receiver import PATH
from tests.webhooks.conftest import LOCATION, OTHER, World


def event(world: World, **payload: object) -> SandboxEvent:
    whole = {"type": "ContactUpdate", "locationId": LOCATION, "id": "c1", "webhookId": "w1", **payload}
    return SandboxEvent({name: value for name, value in whole.items() if value is not None}, world.sandbox.keys)


def inbox(world: World) -> list[webhook_inbox.Delivery]:
    with world.vault.inbox.read() as tx:
        return webhook_inbox.list_due(tx, at=world.clock.now(), limit=100)


def counted(world: World) -> dict[str, int]:
    """Return the counts, once the writer has stored them."""
    world.context.on_close_before_vault.pop()()
    return world.refused()


@pytest.mark.parametrize("headers", [{"current": True}, {"current": False, "legacy": True}], ids=["current", "legacy"])
def test_a_signed_delivery_is_in_the_inbox_byte_for_byte_when_it_is_answered(world: World, headers: dict) -> None:
    sent = event(world)
    assert world.post(sent, **headers) == 200
    assert [(delivery.webhook_id, delivery.raw) for delivery in inbox(world)] == [("w1", sent.body)]


def test_the_same_delivery_again_is_answered_alike_and_kept_once(world: World) -> None:
    assert [world.post(event(world)), world.post(event(world))] == [200, 200]
    assert len(inbox(world)) == 1
    assert counted(world) == {"duplicate": 1}


def test_a_delivery_that_was_dealt_with_stays_known(world: World) -> None:
    world.deliver(event(world))
    assert world.post(event(world)) == 200
    assert inbox(world) == []


def refusals(world: World) -> dict[str, tuple[bytes, dict[str, str]]]:
    good = event(world)
    forged = SandboxEvent(good.payload, SigningKeys())
    foreign = event(world, locationId=OTHER)
    return {
        "unsigned": (good.body, {}),
        "not available": (good.body, {"X-GHL-Signature": "N/A", "X-WH-Signature": "N/A"}),
        "tampered": (good.body.replace(b'"c1"', b'"c2"'), good.headers(legacy=True)),
        "signed by somebody else": (forged.body, forged.headers(legacy=True)),
        "another account": (foreign.body, foreign.headers()),
        "another app": ((other := event(world, appId="app8")).body, other.headers()),
        "no account": ((none := event(world, locationId=None)).body, none.headers()),
        "no event": ((odd := event(world, type=None)).body, odd.headers()),
    }


def test_whatever_is_refused_gets_the_same_answer_and_leaves_nothing_but_a_count(world: World) -> None:
    answers = {
        name: world.http.post(PATH, content=body, headers=headers) for name, (body, headers) in refusals(world).items()
    }
    assert {(answer.status_code, answer.content) for answer in answers.values()} == {(401, b"")}
    assert inbox(world) == []
    assert counted(world) == {"unsigned": 4, "foreign": 3, "malformed": 1}


def test_an_oversize_body_is_refused_without_being_read_to_its_end(world: World) -> None:
    taken = 0

    def endless() -> object:
        nonlocal taken
        for _ in range(4096):
            taken += 1
            yield b"x" * 1024

    answer = world.http.post(PATH, content=endless())
    assert (answer.status_code, answer.content) == (413, b"")
    sent = event(world, body="x" * MAX_BODY_BYTES)
    assert world.post(sent) == 413
    assert counted(world) == {"oversize": 2}


def test_other_methods_are_not_answered(world: World) -> None:
    assert world.http.get(PATH).status_code == 405


def test_a_disconnected_account_is_foreign_from_then_on(world: World) -> None:
    assert world.post(event(world)) == 200
    with world.vault.write() as tx:
        from hlcore.store import locations

        locations.disconnect(tx, LOCATION, world.clock.now())
    world.http.app.routes[0].endpoint.__self__._writer._connected_at = 0.0
    assert world.post(event(world, webhookId="w2")) == 401


def test_without_a_database_the_sender_is_asked_to_come_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from hlcore.errors import StoreError

    def refuse(*_: object) -> int:
        raise StoreError("The disk of the database is full.")

    with monkeypatch.context() as patched:
        patched.setattr(webhook_inbox, "add", refuse)
        assert world.post(event(world)) == 503
    assert world.post(event(world)) == 200
