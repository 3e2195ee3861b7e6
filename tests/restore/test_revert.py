"""Earlier values of living contacts are put back: only the chosen ones, never over something newer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from hlcore.errors import NotAllowed
from hlcore.governance.roles import Role, User
from hlcore.model.contact import parse_contact
from hlcore.restore.revert import RevertRequest, changed_contacts, contact_at, create_revert
from hlcore.store.contacts import writes as contact_writes
from hlcore.store.restores import journal
from tests.restore.conftest import LOCATION, SAM, World

FIELDS: dict[str, Any] = {"firstName": "Ada", "city": "Kiel", "source": "fair", "tags": ["vip"]}


def resync(world: World) -> None:
    """A listing takes in what is there now."""
    page = world.client.search_contacts()
    with world.vault.write() as tx:
        contact_writes.replace(
            tx, LOCATION, [parse_contact(raw) for raw in page.rows], at=world.clock.now(), run_id=None
        )


def somebody(world: World, number: int = 0, **fields: Any) -> str:
    return world.add(**{**FIELDS, "email": f"p{number}@example.com", "phone": f"+1415555{number:04d}", **fields})


def edited(world: World, contact_id: str, **fields: Any) -> Any:
    """Somebody edits the contact an hour later, and a listing notices; the moment just before."""
    world.clock.advance(hours=1)
    before = world.clock.now()
    world.clock.advance(minutes=1)
    world.location.edit(contact_id, **fields)
    resync(world)
    world.clock.advance(minutes=1)
    return before


def back(world: World, before: Any, contact_id: str, *fields: str) -> dict[str, Any]:
    """These fields of the moment are put back; the receipt's row."""
    past = contact_at(world.vault, LOCATION, contact_id, before)
    assert past is not None
    world.job_id = create_revert(world.vault, RevertRequest(LOCATION, [past], fields), SAM, world.clock.now)
    world.run()
    return world.receipt()[contact_id]


def test_only_the_chosen_field_is_put_back(world: World) -> None:
    ada = somebody(world)
    world.copy(details=True)
    before = edited(world, ada, city="Bonn", source="web")
    then = dict(world.location.contacts[ada])
    row = back(world, before, ada, "city")
    now = dict(world.location.contacts[ada])
    assert (row["outcome"], row["verified"], row["differences"]) == ("put_back", True, [])
    assert now["city"] == "Kiel"
    assert {**now, "city": 0, "dateUpdated": 0} == {**then, "city": 0, "dateUpdated": 0}


def test_exactly_one_update_with_the_one_field_is_sent(world: World) -> None:
    ada = somebody(world)
    world.copy(details=True)
    before = edited(world, ada, city="Bonn", source="web")
    back(world, before, ada, "city")
    with world.vault.read() as tx:
        (entry,) = journal.list_entries(tx, world.job_id)
    assert entry.request == {"body": {"city": "Kiel"}, "id": ada}


def test_tags_come_back_as_the_whole_list(world: World) -> None:
    ada = somebody(world, tags=["vip", "lead"])
    world.copy(details=True)
    before = edited(world, ada, tags=["spam"])
    assert back(world, before, ada, "tags")["verified"]
    assert sorted(world.location.contacts[ada]["tags"]) == ["lead", "vip"]


def test_one_custom_field_comes_back_and_the_others_stay(world: World) -> None:
    one, other = world.location.add_custom_field("Budget"), world.location.add_custom_field("Note")
    ada = somebody(world, customFields=[{"id": one, "value": "10"}, {"id": other, "value": "a"}])
    world.copy(details=True)
    before = edited(world, ada, customFields=[{"id": one, "value": "99"}, {"id": other, "value": "b"}])
    assert back(world, before, ada, f"customFields.{one}")["verified"]
    values = {each["id"]: each["value"] for each in world.location.contacts[ada]["customFields"]}
    assert values == {one: "10", other: "b"}


def test_something_newer_is_never_overwritten(world: World) -> None:
    ada = somebody(world)
    world.copy(details=True)
    before = edited(world, ada, city="Bonn")
    world.location.edit(ada, city="Rome")
    row = back(world, before, ada, "city")
    assert row["outcome"] == "skipped"
    assert "city" in row["error"]
    assert world.location.contacts[ada]["city"] == "Rome"


def test_a_channel_that_was_closed_since_is_not_offered(world: World) -> None:
    ada = somebody(world)
    world.copy(details=True)
    before = edited(world, ada, dnd=True)
    past = contact_at(world.vault, LOCATION, ada, before)
    assert past is not None
    assert past.chosen_histories({"dnd"}) == []
    with pytest.raises(ValueError, match="nothing"):
        create_revert(world.vault, RevertRequest(LOCATION, [past], {"dnd"}), SAM, world.clock.now)


def test_putting_back_can_be_put_back(world: World) -> None:
    ada = somebody(world)
    world.copy(details=True)
    before = edited(world, ada, city="Bonn")
    again = world.clock.now()
    world.clock.advance(minutes=5)
    back(world, before, ada, "city")
    world.clock.advance(minutes=5)
    assert back(world, again, ada, "city")["verified"]
    assert world.location.contacts[ada]["city"] == "Bonn"


def test_a_deleted_contact_is_left_alone(world: World) -> None:
    ada = somebody(world)
    world.copy(details=True)
    before = edited(world, ada, city="Bonn")
    world.location.delete(ada)
    row = back(world, before, ada, "city")
    assert (row["outcome"], row["error"]) == ("skipped", "It is not in HighLevel any more.")


def test_an_email_that_somebody_else_holds_now_is_not_taken(world: World) -> None:
    ada = somebody(world)
    world.copy(details=True)
    before = edited(world, ada, email="new@example.com")
    world.add(firstName="Bob", email="p0@example.com")
    row = back(world, before, ada, "email")
    assert row["outcome"] in ("skipped", "failed")
    assert world.location.contacts[ada]["email"] == "new@example.com"


def test_a_killed_job_goes_on_and_writes_once(world: World) -> None:
    """The update was done, and the process died before it could say so."""
    ada = somebody(world)
    world.copy(details=True)
    before = edited(world, ada, city="Bonn")
    past = contact_at(world.vault, LOCATION, ada, before)
    assert past is not None
    world.job_id = create_revert(world.vault, RevertRequest(LOCATION, [past], {"city"}), SAM, world.clock.now)
    with world.vault.write() as tx:
        contact_writes.store_detail(tx, LOCATION, ada, world.client.contact(ada), world.clock.now())
        journal.log_request(
            tx, location_id=LOCATION, job_id=world.job_id, contact_id=ada, step="put_back",
            request={"body": {"city": "Kiel"}, "id": ada}, at=world.clock.now(),
        )  # fmt: skip
    world.location.edit(ada, city="Kiel")
    world.sandbox.ledger.clear()
    world.run()
    assert world.receipt()[ada]["verified"]
    with world.vault.read() as tx:
        assert len(journal.list_entries(tx, world.job_id)) == 1


def test_a_period_shows_what_an_import_changed(world: World) -> None:
    people = [somebody(world, at) for at in range(5)]
    world.copy(details=True)
    world.clock.advance(hours=3)
    start = world.clock.now()
    world.clock.advance(minutes=5)
    for one in people[:3]:
        world.location.edit(one, city="WRONG", source="import")
    resync(world)
    world.clock.advance(minutes=5)
    end = world.clock.now()
    world.clock.advance(minutes=5)
    world.location.edit(people[0], city="Rome")
    world.location.edit(people[4], city="Later")
    resync(world)
    found = changed_contacts(world.vault, LOCATION, start, end)
    assert {one.contact_id for one in found.contacts} == set(people[:3])
    by_id = {one.contact_id: one for one in found.contacts}
    assert [one.field for one in by_id[people[0]].chosen_histories({"city", "source"})] == ["source"]
    world.job_id = create_revert(world.vault, RevertRequest(LOCATION, found.contacts, {"city"}), SAM, world.clock.now)
    world.run()
    cities = [world.location.contacts[one]["city"] for one in people]
    assert cities == ["Rome", "Kiel", "Kiel", "Kiel", "Later"]
    assert [world.location.contacts[one]["source"] for one in people[:3]] == ["import"] * 3


def test_a_period_without_changes_shows_nobody(world: World) -> None:
    somebody(world)
    world.copy(details=True)
    at = world.clock.now()
    assert changed_contacts(world.vault, LOCATION, at - timedelta(days=1), at + timedelta(days=1)).contacts == ()


def test_before_the_first_copy_there_is_nothing_to_put_back(world: World) -> None:
    ada = somebody(world)
    world.copy(details=True)
    assert contact_at(world.vault, LOCATION, ada, world.clock.now() - timedelta(days=1)) is None


def test_a_viewer_may_not(world: World) -> None:
    ada = somebody(world)
    world.copy(details=True)
    past = contact_at(world.vault, LOCATION, ada, edited(world, ada, city="Bonn"))
    assert past is not None
    viewer = User("mara@example.com", "Mara", Role.VIEWER, "oidc")
    with pytest.raises(NotAllowed):
        create_revert(world.vault, RevertRequest(LOCATION, [past], {"city"}), viewer, world.clock.now)
