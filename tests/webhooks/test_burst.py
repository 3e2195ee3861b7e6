"""Many deliveries at the same moment share a transaction, and each has its own answer, when its own event is safe."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
import weakref
from collections.abc import Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest

from hlcore.errors import StoreError
from hlcore.highlevel.webhook_signature import SIGNATURE
from hlcore.sandbox.webhooks import SandboxEvent, SigningKeys
from hlcore.store import Tx, webhook_inbox
from hlcore.store.webhook_inbox import Delivery
from hlcore.webhooks.receiver import InboxWriter
from hlcore.worker.loop import collect_garbage
from tests.webhooks.conftest import LOCATION, World

T = TypeVar("T")


class Gate:
    """Blocks writes to the inbox until it opens; `sizes` are the deliveries of each transaction."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sizes: list[int] = []
        self.reached, self.open = threading.Event(), threading.Event()
        self._add = webhook_inbox.add
        monkeypatch.setattr(webhook_inbox, "add", self._wait_and_add)

    def _wait_and_add(self, tx: Tx, found: Sequence[Delivery]) -> int:
        self.sizes.append(len(found))
        self.reached.set()
        assert self.open.wait(30)
        return self._add(tx, found)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    return Gate(monkeypatch)


@pytest.fixture
def writer(world: World) -> Iterator[InboxWriter]:
    found = InboxWriter(world.context)
    found.start()
    yield found
    found.stop()


def run(story: Coroutine[Any, Any, T]) -> T:
    """Run the coroutine in a loop of its own: a browser's may be running in this thread."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, story).result()


def event(world: World, name: str, keys: SigningKeys | None = None, kind: str = "ContactUpdate") -> SandboxEvent:
    return SandboxEvent(
        {"type": kind, "locationId": LOCATION, "id": "c1", "webhookId": name}, keys or world.sandbox.keys
    )


def submit(writer: InboxWriter, sandbox_event: SandboxEvent) -> asyncio.Future[int]:
    return writer.submit(sandbox_event.body, {SIGNATURE: sandbox_event.headers()["X-GHL-Signature"]})


def inbox_ids(world: World) -> list[str]:
    with world.vault.inbox.read() as tx:
        return sorted(delivery.webhook_id for delivery in webhook_inbox.list_due(tx, at=world.clock.now(), limit=100))


async def while_busy(
    gate: Gate, writer: InboxWriter, world: World, events: Sequence[SandboxEvent]
) -> list[asyncio.Future[int]]:
    """Submit these events while another delivery is being stored, then open the gate."""
    answers = [submit(writer, event(world, "first"))]
    await asyncio.to_thread(gate.reached.wait, 30)
    answers += [submit(writer, sandbox_event) for sandbox_event in events]
    gate.open.set()
    return answers


def test_what_comes_while_one_is_being_kept_is_kept_together(gate: Gate, writer: InboxWriter, world: World) -> None:
    async def play() -> list[int]:
        events = [event(world, f"w{number}") for number in range(9)]
        return await asyncio.gather(*await while_busy(gate, writer, world, events))

    assert run(play()) == [200] * 10
    assert gate.sizes == [1, 9]
    assert inbox_ids(world) == ["first", *(f"w{number}" for number in range(9))]


def test_each_of_them_gets_its_own_answer(gate: Gate, writer: InboxWriter, world: World) -> None:
    async def play() -> list[int]:
        events = [
            event(world, "good"),
            event(world, "forged", SigningKeys()),
            event(world, "good"),
            event(world, "first"),
        ]
        return await asyncio.gather(*await while_busy(gate, writer, world, events))

    assert run(play()) == [200, 200, 401, 200, 200]
    assert inbox_ids(world) == ["first", "good"]
    writer.stop()
    assert world.refused() == {"unsigned": 1, "duplicate": 2}


def test_whoever_is_answered_finds_the_delivery_in_the_inbox(gate: Gate, writer: InboxWriter, world: World) -> None:
    found: dict[str, list[str]] = {}

    async def play() -> None:
        names = ["w1", "w2", "w3"]
        answers = await while_busy(gate, writer, world, [event(world, name) for name in names])
        for name, answer in zip(["first", *names], answers, strict=True):
            answer.add_done_callback(lambda _, name=name: found.update({name: inbox_ids(world)}))
        await asyncio.gather(*answers)
        await asyncio.sleep(0)

    run(play())
    assert {name for name, there in found.items() if name in there} == {"first", "w1", "w2", "w3"}


def test_what_cannot_be_kept_is_kept_when_it_comes_again(
    writer: InboxWriter, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise StoreError("The disk of the database is full.")

    async def play() -> list[int]:
        return await asyncio.gather(*(submit(writer, event(world, name)) for name in ("w1", "w2", "w3")))

    with monkeypatch.context() as patched:
        patched.setattr(webhook_inbox, "add", refuse)
        assert run(play()) == [503, 503, 503]
    assert inbox_ids(world) == []
    assert run(play()) == [200, 200, 200]
    assert inbox_ids(world) == ["w1", "w2", "w3"]


def test_a_sender_that_has_gone_keeps_no_other_from_its_answer(gate: Gate, writer: InboxWriter, world: World) -> None:
    async def play() -> list[int]:
        first, gone, other = await while_busy(gate, writer, world, [event(world, "gone"), event(world, "other")])
        gone.cancel()
        return [await first, await other]

    assert run(play()) == [200, 200]
    assert inbox_ids(world) == ["first", "gone", "other"]


def test_a_server_that_has_ended_keeps_nothing_from_being_kept(gate: Gate, writer: InboxWriter, world: World) -> None:
    async def leave() -> None:
        submit(writer, event(world, "first"))
        await asyncio.to_thread(gate.reached.wait, 30)

    async def come_again() -> int:
        return await submit(writer, event(world, "second"))

    run(leave())
    gate.open.set()
    assert run(come_again()) == 200
    assert inbox_ids(world) == ["first", "second"]


@pytest.mark.parametrize("name", ["w\x00null", "w\ud800half", "wü猫", "w" * 300], ids=["nul", "half", "words", "long"])
def test_odd_ids_are_kept_once(writer: InboxWriter, world: World, name: str) -> None:
    body = json.dumps({"type": "ContactUpdate", "locationId": LOCATION, "webhookId": name}).encode()
    signatures = {SIGNATURE: world.sandbox.keys.sign(body)}

    async def play() -> list[int]:
        return await asyncio.gather(*(writer.submit(body, signatures) for _ in range(3)))

    assert run(play()) == [200, 200, 200]
    assert len(inbox_ids(world)) == 1


class Knot:
    """Points to itself: only the collector gives it back."""

    def __init__(self) -> None:
        self.own = self


def test_what_lives_is_looked_at_by_the_collector_once_and_given_back_the_next_time() -> None:
    knot = Knot()
    seen = weakref.ref(knot)
    collect_garbage()
    del knot
    gc.collect()
    assert seen() is not None
    collect_garbage()
    assert seen() is None
    gc.unfreeze()
