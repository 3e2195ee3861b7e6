"""Who may put something into the inbox, and that nobody is told why not."""

from __future__ import annotations

import pytest

from hlcore.highlevel.webhook_signature import LARGEST_BODY
from hlcore.sandbox.webhooks import SandboxEvent, SigningKeys
from hlcore.store import webhook_inbox
from hlcore.webhooks.receiver import PATH
from tests.webhooks.conftest import LOCATION, OTHER, World


def event(world: World, **payload: object) -> SandboxEvent:
    whole = {"type": "ContactUpdate", "locationId": LOCATION, "id": "c1", "webhookId": "w1", **payload}
    return SandboxEvent({name: value for name, value in whole.items() if value is not None}, world.sandbox.keys)


def kept(world: World) -> list[webhook_inbox.Delivery]:
    with world.vault.inbox.read() as tx:
        return webhook_inbox.due(tx, at=world.clock.now(), limit=100)


def counted(world: World) -> dict[str, int]:
    """What is counted, once the counts have been kept."""
    world.context.on_close_before_vault.pop()()
    return world.refused()


@pytest.mark.parametrize("headers", [{"current": True}, {"current": False, "legacy": True}], ids=["current", "legacy"])
def test_a_signed_delivery_is_in_the_inbox_byte_for_byte_when_it_is_answered(world: World, headers: dict) -> None:
    told = event(world)
    assert world.post(told, **headers) == 200
    assert [(one.webhook_id, one.raw) for one in kept(world)] == [("w1", told.body)]


def test_the_same_delivery_again_is_answered_alike_and_kept_once(world: World) -> None:
    assert [world.post(event(world)), world.post(event(world))] == [200, 200]
    assert len(kept(world)) == 1
    assert counted(world) == {"duplicate": 1}


def test_a_delivery_that_was_dealt_with_stays_known(world: World) -> None:
    world.deliver(event(world))
    assert world.post(event(world)) == 200
    assert kept(world) == []


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
        name: world.door.post(PATH, content=body, headers=headers) for name, (body, headers) in refusals(world).items()
    }
    assert {(answer.status_code, answer.content) for answer in answers.values()} == {(401, b"")}
    assert kept(world) == []
    assert counted(world) == {"unsigned": 4, "foreign": 3, "malformed": 1}


def test_an_oversize_body_is_refused_without_being_read_to_its_end(world: World) -> None:
    taken = 0

    def endless() -> object:
        nonlocal taken
        for _ in range(4096):
            taken += 1
            yield b"x" * 1024

    answer = world.door.post(PATH, content=endless())
    assert (answer.status_code, answer.content) == (413, b"")
    told = event(world, body="x" * LARGEST_BODY)
    assert world.post(told) == 413
    assert counted(world) == {"oversize": 2}


def test_other_methods_are_not_answered(world: World) -> None:
    assert world.door.get(PATH).status_code == 405


def test_a_disconnected_account_is_foreign_from_then_on(world: World) -> None:
    assert world.post(event(world)) == 200
    with world.vault.write() as tx:
        from hlcore.store import locations

        locations.disconnect(tx, LOCATION, world.clock.now())
    world.door.app.routes[0].endpoint.__self__._keeper._known_at = 0.0
    assert world.post(event(world, webhookId="w2")) == 401


def test_without_a_database_the_sender_is_asked_to_come_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from hlcore.errors import StoreError

    def refuse(*_: object) -> int:
        raise StoreError("The disk of the database is full.")

    with monkeypatch.context() as patched:
        patched.setattr(webhook_inbox, "add", refuse)
        assert world.post(event(world)) == 503
    assert world.post(event(world)) == 200
