"""The client against the sandbox, over real connections on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from hlcore import errors
from hlcore.highlevel import Client, Limiter, SystemClock
from hlcore.sandbox import Sandbox, SandboxLocation, serve


@pytest.fixture(scope="module")
def world() -> Iterator[tuple[Sandbox, str]]:
    sandbox = Sandbox(seed=3)
    with serve(sandbox) as server:
        yield sandbox, server.url


@pytest.fixture
def location(world: tuple[Sandbox, str]) -> SandboxLocation:
    found = world[0].add_location(f"loc{len(world[0].locations)}", "Test")
    found.fill(230)
    return found


@pytest.fixture
def client(world: tuple[Sandbox, str], location: SandboxLocation) -> Iterator[Client]:
    clock = SystemClock()
    token = world[0].token_of(location.id)
    with Client(location.id, lambda: token, base_url=world[1], limiter=Limiter(clock), clock=clock) as made:
        yield made


def test_a_walk_sees_every_contact_once(client: Client, location: SandboxLocation) -> None:
    ids: list[str] = []
    cursor: list[Any] | None = None
    while True:
        page = client.search_contacts(search_after=cursor, limit=100, sort=[{"field": "dateAdded", "direction": "asc"}])
        ids += page.ids
        if not page.rows:
            break
        cursor = page.next
    assert sorted(ids) == sorted(location.contacts)
    assert page.total == len(ids) == 230


def test_a_life_of_a_contact(client: Client, world: tuple[Sandbox, str]) -> None:
    body = {"firstName": "Ada", "email": "ada@holm.example", "phone": "+4930901820", "dnd": True}
    made = client.create_contact(body)
    contact_id = str(json.loads(made)["id"])
    with pytest.raises(errors.Duplicate) as caught:
        client.create_contact(body)
    assert caught.value.contact_id == contact_id
    assert client.find_duplicate(phone="+4930901820") is not None
    client.create_note(contact_id, {"body": "called"})
    task = {"title": "call", "dueDate": "2026-05-01T10:00:00Z", "completed": False}
    client.create_task(contact_id, task)
    client.add_tags(contact_id, ["VIP"])
    assert (len(client.notes(contact_id)), len(client.tasks(contact_id))) == (1, 1)
    client.delete_contact(contact_id)
    with pytest.raises(errors.Gone):
        client.contact(contact_id)
    assert client.find_duplicate(email="ada@holm.example") is None
    assert not world[0].ledger.messages_sent


@pytest.mark.parametrize(
    ("body", "fields"),
    [({"firstName": "A", "gender2": "x"}, ("gender2",)), ({"firstName": "A", "phone": "12"}, ("phone",))],
    ids=["unknown property", "phone"],
)
def test_a_refusal_names_the_field(client: Client, body: dict[str, Any], fields: tuple[str, ...]) -> None:
    with pytest.raises(errors.Rejected) as caught:
        client.create_contact(body)
    assert caught.value.fields == fields


def test_a_deleted_contact_is_gone_under_both_statuses(client: Client, location: SandboxLocation) -> None:
    first, second = list(location.contacts)[:2]
    location.delete(first, second)
    for status, each in ((404, first), (400, second)):
        location.faults.deleted_status = status
        with pytest.raises(errors.Gone):
            client.contact(each)


@pytest.mark.parametrize("kind", ["reset", "truncated", "html", "lost_answer", "lost_request", "scope_401"])
def test_a_search_survives_a_fault_on_a_real_connection(client: Client, location: SandboxLocation, kind: str) -> None:
    location.faults.on(kind, times=1)
    assert len(client.search_contacts(limit=500).ids) == 230


@pytest.mark.parametrize("kind", ["reset", "truncated", "html", "lost_answer"])
def test_a_create_whose_answer_is_lost_was_done_once(client: Client, location: SandboxLocation, kind: str) -> None:
    location.faults.on(kind, times=1, where="POST /contacts/")
    with pytest.raises(errors.AnswerLost):
        client.create_contact({"firstName": "Ada", "email": "ada@holm.example"})
    assert len(location.contacts) == 231
    assert client.find_duplicate(email="ada@holm.example") is not None


def test_many_threads_stay_within_an_enforced_limit(world: tuple[Sandbox, str], location: SandboxLocation) -> None:
    location.rate_limit.enforced, location.rate_limit.burst, location.rate_limit.interval = True, 40, 0.3
    location.rate_limit.real_time = True
    clock = SystemClock()
    token = world[0].token_of(location.id)
    ids = list(location.contacts)[:120]
    with Client(location.id, lambda: token, base_url=world[1], limiter=Limiter(clock), clock=clock) as client:
        client.location()
        with ThreadPoolExecutor(12) as pool:
            found = list(pool.map(client.contact, ids))
        assert (len(found), client.requests) == (120, 121)


def test_every_list_of_the_account_can_be_read(
    client: Client, world: tuple[Sandbox, str], location: SandboxLocation
) -> None:
    contact_id = next(iter(location.contacts))
    before = len(world[0].ledger.off_contract)
    lists = [
        *(client.custom_fields(), client.custom_values(), client.users(), client.tags(), client.pipelines()),
        *(client.businesses(), client.calendars(), client.workflows(), client.campaigns()),
        *(client.notes(contact_id), client.tasks(contact_id), client.appointments(contact_id)),
        *(client.search_tasks(), client.search_opportunities().rows, client.search_conversations().rows),
        client.export_messages()[0],
    ]
    assert all(isinstance(row, bytes) for each in lists for row in each)
    assert client.location().startswith(b"{")
    assert world[0].ledger.off_contract[before:] == []
