"""What deliveries lead to, from the route to the register of deletions."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hlcore.sandbox.webhooks import SandboxEvent
from hlcore.store import records, webhook_inbox
from tests.webhooks.conftest import LOCATION, World


def first(world: World) -> str:
    return next(iter(world.location.contacts))


def pending(world: World) -> int:
    with world.vault.inbox.read() as tx:
        return webhook_inbox.backlog(tx, at=world.clock.now() + timedelta(days=30))[0]


def test_a_deletion_stands_in_the_register_with_its_exact_time(world: World) -> None:
    lost = first(world)
    world.location.delete(lost)
    at = world.clock.now()
    world.clock.advance(seconds=2)
    world.deliver()
    row = world.row(lost)
    assert (row.status, row.deleted_at, row.clock_from, row.detected_by) == ("deleted", at, at, "webhook")
    assert world.status(lost) == "deleted"
    assert "webhook" in row.evidence


def test_a_repetition_and_a_listing_later_change_nothing(world: World) -> None:
    lost = first(world)
    world.location.delete(lost)
    events = world.new_events()
    world.deliver(*events)
    before = world.rows(lost)
    again = [
        SandboxEvent({**event.payload, "webhookId": f"again{n}"}, world.sandbox.keys) for n, event in enumerate(events)
    ]
    world.deliver(*events, *again)
    world.sync()
    assert world.rows(lost) == before


def test_a_late_message_gives_a_deletion_that_the_listing_found_its_exact_time(world: World) -> None:
    lost = first(world)
    world.location.delete(lost)
    at = world.clock.now()
    world.sync()
    found = world.row(lost)
    assert (found.status, found.deleted_at) == ("deleted", None)
    world.clock.advance(hours=7)
    world.deliver()
    row = world.row(lost)
    assert (row.deleted_at, row.clock_from, row.detected_by) == (at, at, "listing")
    assert (row.evidence, row.confirmed_at) == (found.evidence, found.confirmed_at)


def test_a_message_about_an_earlier_deletion_never_overwrites_a_newer_one(world: World) -> None:
    lost = first(world)
    world.location.delete(lost)
    old = world.new_events()
    world.clock.advance(hours=2)
    world.location.native_restore(lost)
    world.clock.advance(hours=2)
    world.location.delete(lost)
    at = world.clock.now()
    world.deliver()
    world.deliver(*old)
    assert [row.deleted_at for row in world.rows(lost)] == [at]


def test_a_deletion_that_was_undone_before_its_message_came_is_none(world: World) -> None:
    lost = first(world)
    world.location.delete(lost)
    world.location.native_restore(lost)
    world.deliver()
    assert (world.rows(lost), world.status(lost)) == ([], "present")
    assert pending(world) == 1
    for _ in range(6):
        world.clock.advance(hours=1)
        world.work()
    assert (world.rows(lost), world.status(lost), pending(world)) == ([], "present", 0)


def test_while_highlevel_still_shows_a_deleted_contact_it_is_asked_again(world: World) -> None:
    lost = first(world)
    event = SandboxEvent(
        {"type": "ContactDelete", "locationId": LOCATION, "id": lost, "timestamp": world.clock.now().isoformat()},
        world.sandbox.keys,
    )
    at = world.clock.now()
    world.deliver(event)
    assert world.rows(lost) == []
    world.location.delete(lost)
    world.clock.advance(seconds=6)
    world.work()
    assert world.row(lost).deleted_at == at


def test_a_native_restore_is_noticed_by_the_next_message_about_the_contact(world: World) -> None:
    lost = first(world)
    world.location.delete(lost)
    world.deliver()
    world.clock.advance(hours=1)
    world.location.native_restore(lost)
    world.location.edit(lost, city="Lyon")
    world.deliver()
    assert (world.status(lost), world.row(lost).status) == ("returned", "returned")


def test_a_person_made_and_deleted_between_two_looks_is_in_the_register_all_the_same(world: World) -> None:
    brief = world.location.create(firstName="Ida", lastName="Brief", email="ida@example.com")
    world.location.delete(brief)
    world.deliver(world.new_events()[-1])
    held = world.held(brief)
    assert held
    assert (held.status, held.name, held.email) == ("deleted", "Ida Brief", "ida@example.com")
    assert b"ContactDelete" not in held.raw
    assert b"webhookId" not in held.raw


def test_the_clock_of_such_a_person_starts_at_the_deletion_however_late_its_message_comes(world: World) -> None:
    brief = world.location.create(firstName="Ida", lastName="Brief")
    world.location.delete(brief)
    at = world.clock.now()
    world.clock.advance(hours=9)
    world.deliver(world.new_events()[-1])
    row = world.row(brief)
    assert (row.status, row.deleted_at, row.clock_from) == ("deleted", at, at)


def test_an_erased_person_stays_erased(world: World) -> None:
    from hlcore.store.deletions import register

    gone = first(world)
    with world.vault.write() as tx:
        register.erase_contact(tx, LOCATION, gone, at=world.clock.now())
    world.location.edit(gone, city="Lyon")
    world.deliver()
    world.location.delete(gone)
    world.deliver()
    held = world.held(gone)
    assert held is None or (held.status == "erased" and b"Lyon" not in held.raw)


def test_a_new_contact_is_in_the_copy_at_once_and_the_next_listing_agrees(world: World) -> None:
    new = world.location.create(firstName="Nia", lastName="New", email="nia@example.com", tags=["vip"])
    world.deliver()
    held = world.held(new)
    assert held
    assert (held.name, held.email, held.detail is not None) == ("Nia New", "nia@example.com", True)
    world.sync()
    assert world.status(new) == "present"


def test_a_change_is_searchable_at_once_and_the_next_listing_still_keeps_the_version(world: World) -> None:
    from hlcore.store.contacts import reads as contact_reads
    from hlcore.store.contacts import search as contact_search

    changed = first(world)
    world.location.edit(changed, firstName="Renamed", lastName="Person", tags=["fresh"])
    world.deliver()
    with world.vault.read() as tx:
        query = contact_search.ContactQuery((LOCATION,), text="renamed person", tag="fresh")
        assert [row.contact_id for row in contact_search.search(tx, query, limit=5)] == [changed]
    world.sync()
    with world.vault.read() as tx:
        assert [one.part for one in contact_reads.versions(tx, LOCATION, changed)] == ["row"]


def test_an_old_update_is_a_reason_to_look_never_news_by_itself(world: World) -> None:
    changed = first(world)
    world.location.edit(changed, city="Lyon")
    old = world.new_events()[0]
    world.clock.advance(hours=3)
    world.location.edit(changed, city="Riga")
    world.deliver()
    world.deliver(old)
    held = world.held(changed)
    assert held
    assert b"Riga" in (held.detail or b"")


@pytest.mark.parametrize("kind", ["note", "task", "opportunity", "appointment", "message"])
def test_what_happens_to_a_record_of_a_contact_is_in_the_copy(world: World, kind: str) -> None:
    owner = first(world)
    made = {
        "note": lambda: world.location.add_note(owner, "Called"),
        "task": lambda: world.location.add_task(owner, "Call back"),
        "opportunity": lambda: world.location.add_opportunity(owner, "Deal"),
        "appointment": lambda: world.location.add_appointment(owner, world.clock.now() + timedelta(days=1)),
        "message": lambda: world.location.add_message(owner, "Hello"),
    }[kind]()
    world.deliver()
    with world.vault.read() as tx:
        assert [row.record_id for row in records.list_for_contact(tx, LOCATION, owner, [kind])] == [made]


def test_what_vanishes_while_the_contact_lives_is_marked_and_what_dies_with_it_is_not(world: World) -> None:
    alive, dying = list(world.location.contacts)[:2]
    notes = {owner: world.location.add_note(owner, "Called") for owner in (alive, dying)}
    deal = world.location.add_opportunity(dying, "Deal")
    world.deliver()
    note = world.location.related.notes[alive].pop(notes[alive])
    world.location.emit("NoteDelete", note)
    world.location.delete(dying)
    world.deliver()
    with world.vault.read() as tx:
        vanished = {row.record_id: row.vanished_at is not None for row in records.list_for_contact(tx, LOCATION, alive)}
        kept = {row.record_id: row.vanished_at is not None for row in records.list_for_contact(tx, LOCATION, dying)}
    assert vanished == {notes[alive]: True}
    assert kept == {notes[dying]: False, deal: False}


def test_a_task_that_comes_without_its_contact_finds_it(world: World) -> None:
    owner = first(world)
    task = world.location.add_task(owner, "Call back")
    event = world.new_events()[0]
    bare = {name: value for name, value in event.payload.items() if name not in ("contactId", "body")}
    world.deliver(SandboxEvent(bare, world.sandbox.keys))
    with world.vault.read() as tx:
        assert [row.record_id for row in records.list_for_contact(tx, LOCATION, owner, ["task"])] == [task]


def test_a_merge_is_known_as_one_although_its_winner_is_told_of_last(world: World) -> None:
    winner, loser = list(world.location.contacts)[:2]
    world.location.edit(loser, email="loser@example.com")
    world.deliver()
    world.sync()
    world.clock.advance(minutes=5)
    world.location.merge(winner, loser)
    for event in world.new_events():
        world.deliver(event)
    row = world.row(loser)
    assert (row.cause, row.winner_id) == ("merge", winner)


def test_the_winner_that_is_told_of_last_proves_a_merge_that_was_only_probable(world: World) -> None:
    winner, loser = list(world.location.contacts)[:2]
    for contact_id, tags in ((winner, []), (loser, ["patient"])):
        world.location.edit(contact_id, phone="+4930123456", tags=tags)
    world.deliver()
    world.sync()
    world.clock.advance(minutes=5)
    world.location.merge(winner, loser)
    deleted, *others = world.new_events()
    world.deliver(deleted)
    world.deliver(*others)
    assert (world.row(loser).status, world.row(loser).winner_id) == ("merged", winner)


def test_a_change_told_of_after_a_deletion_proves_no_merge(world: World) -> None:
    holder, lost = list(world.location.contacts)[:2]
    for contact_id in (holder, lost):
        world.location.edit(contact_id, phone="+4930123456")
    world.deliver()
    world.sync()
    world.location.delete(lost)
    world.deliver()
    world.location.edit(holder, city="Ulm")
    world.deliver()
    assert (world.row(lost).status, world.row(lost).cause) == ("deleted", "merge")


def test_a_burst_of_deletions_is_a_bulk_action_from_its_first_one_on(world: World) -> None:
    gone = list(world.location.contacts)[:15]
    for contact_id in gone:
        world.location.delete(contact_id)
        world.clock.advance(seconds=3)
        world.deliver()
    assert {world.row(contact_id).cause for contact_id in gone} == {"bulk"}


def test_many_messages_about_one_contact_cost_one_request(world: World) -> None:
    changed = first(world)
    for number in range(20):
        world.location.edit(changed, city=f"City {number}")
    before = len(world.sandbox.ledger.entries)
    world.deliver()
    assert len(world.sandbox.ledger.entries) - before == 1


def test_when_highlevel_cannot_be_asked_the_message_waits(world: World) -> None:
    lost = first(world)
    world.location.delete(lost)
    world.location.faults.on("status", status=503)
    world.deliver()
    assert (world.rows(lost), pending(world)) == ([], 1)
    world.location.faults.clear()
    world.clock.advance(hours=2)
    world.work()
    assert (world.row(lost).status, pending(world)) == ("deleted", 0)


def test_a_body_is_forgotten_once_it_has_been_dealt_with(world: World) -> None:
    world.location.edit(first(world), city="Lyon")
    world.deliver()
    with world.vault.inbox.read() as tx:
        raws = tx.exec_driver_sql("SELECT count(*) FROM webhook_inbox WHERE raw IS NOT NULL").scalar_one()
        assert (
            raws,
            webhook_inbox.traffic_by_type(tx, [LOCATION], since=world.clock.now() - timedelta(hours=1))[0].count,
        ) == (0, 1)


def test_what_we_deleted_ourselves_stays_undone_when_highlevel_tells_of_it_and_in_a_listing(world: World) -> None:
    from hlcore.store.deletions import register

    gone = first(world)
    world.location.delete(gone)
    with world.vault.write() as tx:
        register.record_own_deletion(tx, LOCATION, gone, at=world.clock.now(), evidence="The restore was undone.")
    world.deliver()
    world.sync()
    assert [(row.status, row.cause) for row in world.rows(gone)] == [("undone", "undo")]
    assert world.status(gone) == "undone"
