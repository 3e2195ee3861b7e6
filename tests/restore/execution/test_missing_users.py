"""A user was removed in HighLevel after the plan: the contact is restored without that owner, as the receipt says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from hlcore.errors import HighLevelError
from hlcore.restore.execution.missing_users import DEPARTED
from tests.restore.conftest import World
from tests.support.contacts_with_records import (
    assert_nobody_reached,
    lost_contact_with_records,
    natively_restored,
    records_of,
)

CLOSED_SMS = {"dnd": False, "dndSettings": {"SMS": {"status": "permanent"}, "Email": {"status": "inactive"}}}


def owner(world: World) -> str:
    return next(iter(world.location.related.users))


def differing(row: dict[str, Any]) -> dict[str, str]:
    return {one["field"]: one["reason"] for one in row["differences"]}


def test_the_owner_is_left_out_and_told_and_all_else_is_back(world: World) -> None:
    ana = lost_contact_with_records(world, city="Köln", **CLOSED_SMS)
    world.confirm(ana)
    world.location.remove_user(owner(world))
    world.run()
    row = world.receipt()[ana]
    new = world.location.contacts[row["new_id"]]
    assert row["outcome"] == "recreated"
    assert differing(row) == {"assignedTo": DEPARTED}
    assert (new.get("assignedTo"), new["city"], new["tags"]) == (None, "Köln", ["vip"])
    assert new["dndSettings"]["SMS"]["status"] == "permanent"
    assert {key: len(held) for key, held in records_of(world, row["new_id"]).items()} == {
        "notes": 3,
        "tasks": 1,
        "deals": 1,
        "appointments": 1,
    }
    assert len(world.live()) == 1
    assert_nobody_reached(world)


class Strict(httpx.BaseTransport):
    """The same HighLevel, where whatever is written with this user in it is refused in these words."""

    def __init__(self, user_id: str, status: int, message: Any) -> None:
        self.user_id, self.status, self.message, self.inner = user_id, status, message, httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.method in ("POST", "PUT") and self.user_id.encode() in request.read():
            told = {"statusCode": self.status, "message": self.message, "error": "Refused", "traceId": "t"}
            return httpx.Response(self.status, json=told)
        return self.inner.handle_request(request)

    def close(self) -> None:
        self.inner.close()


WORDS = [
    (422, ["assignedTo is not a user of this location"]),
    (422, ["User not found"]),
    (400, "User not found"),
    (404, "User not found"),
    (400, "Invalid data"),
]


@pytest.fixture(params=WORDS, ids=str)
def strict(request: pytest.FixtureRequest, world: World) -> Iterator[World]:
    """The world before a HighLevel that takes nothing with Sam in it, once Sam is removed; Kim stays."""
    sam, _ = world.location.add_user("Sam"), world.location.add_user("Kim")
    with world.over(Strict(sam, *request.param), retries=2) as found:
        yield found


def sam_and_kim(world: World) -> tuple[str, str]:
    sam, kim = world.location.related.users
    return sam, kim


def test_however_highlevel_says_it_only_the_user_is_missing(world: World, strict: World) -> None:
    sam, kim = sam_and_kim(world)
    ana = lost_contact_with_records(world, city="Köln", followers=[sam, kim], **CLOSED_SMS)
    strict.confirm(ana)
    world.location.remove_user(sam)
    strict.run()
    row = strict.receipt()[ana]
    new = world.location.contacts[row["new_id"]]
    assert row["outcome"] == "recreated"
    told = differing(row)
    assert {name.partition(".")[0] for name in told} == {"assignedTo", "followers", "note", "task", "opportunity"}
    assert set(told.values()) == {DEPARTED}
    assert (new.get("assignedTo"), new["city"], new["tags"]) == (None, "Köln", ["vip"])
    assert new["followers"] == [kim]
    assert ("2 of 2 followers" in row["predicted"], "1 of 2 followers" in row["measured"]) == (True, True)
    assert new["dndSettings"]["SMS"]["status"] == "permanent"
    held = records_of(world, row["new_id"])
    assert {key: len(rows) for key, rows in held.items()} == {"notes": 3, "tasks": 1, "deals": 1, "appointments": 1}
    assert len(world.live()) == 1
    assert_nobody_reached(world)


def test_a_top_up_leaves_the_user_out_and_says_so(world: World, strict: World) -> None:
    sam, kim = sam_and_kim(world)
    ana, _ = natively_restored(world, with_records=False)
    world.location.edit(ana, assignedTo="", followers=[])
    strict.confirm(ana, path="top_up")
    world.location.remove_user(sam)
    strict.run()
    row = strict.receipt()[ana]
    assert row["outcome"] == "topped_up"
    assert set(differing(row).values()) == {DEPARTED}
    assert {"assignedTo", "followers"} <= {name.partition(".")[0] for name in differing(row)}
    held = records_of(world, ana)
    assert {key: len(rows) for key, rows in held.items()} == {"notes": 3, "tasks": 1, "deals": 1, "appointments": 1}
    assert kim not in world.location.contacts[ana]["followers"]
    assert_nobody_reached(world)


def test_the_users_are_asked_for_once_and_only_when_something_is_refused(world: World, strict: World) -> None:
    sam, _ = sam_and_kim(world)
    people = [lost_contact_with_records(world, number) for number in (1, 2, 3)]
    strict.confirm(*people)
    world.sandbox.ledger.clear()
    world.location.remove_user(sam)
    strict.run()
    assert len([one for one in world.sandbox.ledger if one.path.startswith("/users")]) <= 1
    assert {row["outcome"] for row in strict.receipt().values()} == {"recreated"}


def test_a_404_that_has_nothing_to_do_with_a_user_stays_an_error(world: World) -> None:
    ana = lost_contact_with_records(world)
    world.confirm(ana)
    world.location.faults.on("status", status=404, message="Thing not found", where="POST /contacts/")
    with pytest.raises(HighLevelError):
        world.run()
    world.location.faults.clear()
    world.run()
    assert world.receipt()[ana]["verified"]
    assert len(world.live()) == 1
