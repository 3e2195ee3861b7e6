"""Undoing a restore deletes exactly what it created and what was not touched since."""

from __future__ import annotations

from typing import Any

import pytest

from hlcore.errors import HighLevelError, NotAllowed, NotFound
from hlcore.governance.roles import Role, User
from hlcore.metrics.deletions import deletions_json
from hlcore.model.records import record_ids
from hlcore.restore.undo import create_undo, preview
from hlcore.store import audit, locations, records
from hlcore.store.contacts import search as contact_search
from hlcore.store.contacts import writes as contact_writes
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.deletions import register
from hlcore.store.deletions.stats import tally_deletions
from hlcore.store.restores import journal
from hlcore.sync.integrity import check_integrity
from tests.restore.conftest import LOCATION, SAM, World


def undo(world: World) -> dict[str, dict[str, Any]]:
    """The last restore is undone: the receipt by the lost contact's id."""
    world.job_id = create_undo(world.vault, world.job_id, SAM, world.clock.now)
    world.run()
    return world.receipt()


def restored(world: World, *names: str) -> list[tuple[str, str]]:
    """People who were lost and re-created: (old id, new id) each."""
    old = [world.lost(firstName=name, email=f"{name.lower()}@example.com", tags=["vip"]) for name in names]
    found = world.restore(*old)
    assert all(found[one]["verified"] for one in old)
    world.clock.advance(minutes=30)
    return [(one, found[one]["new_id"]) for one in old]


def test_what_nobody_touched_is_deleted_and_the_person_is_lost_again(world: World) -> None:
    ((old, new),) = restored(world, "Ada")
    row = undo(world)[old]
    assert (row["outcome"], row["error"]) == ("undone", "")
    assert new not in world.location.contacts
    assert world.status(old) == "deleted"
    assert world.status(new) == "undone"
    with world.vault.read() as tx:
        last = deletion_queries.list_for_contact(tx, LOCATION, old)[-1]
        assert (last.status, last.ended_at, last.new_contact_id) == ("deleted", None, "")
        ours = deletion_queries.list_for_contact(tx, LOCATION, new)[-1]
        assert (ours.status, ours.cause, ours.ended_at) == ("undone", "undo", world.clock.now())


def test_only_the_person_is_a_loss_afterwards_not_what_was_deleted_again(world: World) -> None:
    ((old, new),) = restored(world, "Ada")
    undo(world)
    found = deletions_json(world.vault, [LOCATION], world.clock.now())
    assert [row["contact_id"] for row in found] == [old]
    with world.vault.read() as tx:
        place = locations.get(tx, LOCATION)
        assert place is not None
        told = tally_deletions(tx, place, world.clock.now())
        assert contact_search.count_by_status(tx, [LOCATION])[LOCATION] == {"deleted": 1, "undone": 1}
    assert (told.deleted_7, told.recreated_30, told.at_risk + told.closed) == (0, 0, 1)
    assert check_integrity(world.vault, LOCATION).problems == []
    assert [
        row["contact_id"] for row in deletions_json(world.vault, [LOCATION], world.clock.now(), status="undone")
    ] == [new]


def test_what_was_deleted_again_and_is_listed_all_the_same_returns(world: World) -> None:
    ((_, new),) = restored(world, "Ada")
    undo(world)
    with world.vault.write() as tx:
        register.mark_returned(tx, LOCATION, new, at=world.clock.now())
    assert world.status(new) == "returned"


def test_a_deletion_that_a_sync_had_noticed_meanwhile_is_no_loss_either(world: World) -> None:
    ((old, new),) = restored(world, "Ada")
    world.location.delete(new)
    world.job_id = create_undo(world.vault, world.job_id, SAM, world.clock.now)
    with world.vault.write() as tx:
        journal.log_request(
            tx, location_id=LOCATION, job_id=world.job_id, contact_id=old, step="delete_contact",
            request={"body": {}, "id": new}, at=world.clock.now(),
        )  # fmt: skip
    world.miss(new, days=0)
    world.run()
    assert world.status(new) == "undone"


def test_what_was_deleted_again_is_not_restored_itself(world: World) -> None:
    ((_, new),) = restored(world, "Ada")
    undo(world)
    item = world.planned(new, "recreate")
    assert (item.action, item.body) == ("skip", None)
    assert "was undone" in item.reason


def test_whoever_was_undone_can_be_restored_again(world: World) -> None:
    ((old, new),) = restored(world, "Ada")
    undo(world)
    row = world.restore(old)[old]
    assert (row["outcome"], row["verified"]) == ("recreated", True)
    assert row["new_id"] not in (old, new)


@pytest.mark.parametrize(
    ("touch", "word"),
    [
        (lambda world, new: world.location.edit(new, city="Kiel"), "city"),
        (lambda world, new: world.location.edit(new, tags=["vip", "called"]), "tags"),
        (lambda world, new: world.client.create_note(new, {"body": "called her"}), "note"),
        (
            lambda world, new: world.client.create_task(
                new, {"title": "call", "dueDate": "2026-05-01T10:00:00Z", "completed": False}
            ),
            "task",
        ),
    ],
)
def test_what_somebody_touched_stays_with_the_reason(world: World, touch: Any, word: str) -> None:
    (ada, bob) = restored(world, "Ada", "Bob")
    touch(world, ada[1])
    rows = undo(world)
    assert rows[ada[0]]["outcome"] == "skipped"
    assert word in rows[ada[0]]["error"]
    assert ada[1] in world.location.contacts
    assert world.status(ada[0]) == "recreated"
    assert rows[bob[0]]["outcome"] == "undone"


def test_what_was_read_again_since_and_is_the_same_is_untouched(world: World) -> None:
    ((old, new),) = restored(world, "Ada")
    with world.vault.write() as tx:
        contact_writes.store_detail(tx, LOCATION, new, world.client.contact(new), world.clock.now())
    assert undo(world)[old]["outcome"] == "undone"


def test_a_change_that_the_vault_has_copied_since_is_seen(world: World) -> None:
    ((old, new),) = restored(world, "Ada")
    world.location.edit(new, city="Kiel")
    with world.vault.write() as tx:
        contact_writes.store_detail(tx, LOCATION, new, world.client.contact(new), world.clock.now())
    assert "city" in undo(world)[old]["error"]


def with_records(world: World) -> tuple[str, str]:
    """Somebody with a note and a task, lost, and re-created with both: (old id, new id)."""
    old = world.add(firstName="Rae", email="rae@example.com", tags=["vip"])
    note = world.client.create_note(old, {"body": "Likes tea"})
    task = world.client.create_task(
        old, {"title": "Call", "body": "", "dueDate": "2026-05-01T10:00:00Z", "completed": False}
    )
    world.copy(details=True)
    with world.vault.write() as tx:
        for kind, raw in (("note", note), ("task", task)):
            records.save(tx, LOCATION, kind, [(record_ids(raw)[0], old, raw)], at=world.clock.now())
    world.lose(old)
    row = world.restore(old)[old]
    assert (row["outcome"], row["verified"]) == ("recreated", True)
    assert len(world.client.notes(row["new_id"])) == 1
    world.clock.advance(minutes=30)
    return old, row["new_id"]


def test_what_the_restore_itself_attached_is_no_touch(world: World) -> None:
    old, new = with_records(world)
    row = undo(world)[old]
    assert (row["outcome"], row["error"]) == ("undone", "")
    assert new not in world.location.contacts


def test_a_note_of_the_restore_that_somebody_edited_is_a_touch(world: World) -> None:
    old, new = with_records(world)
    (note,) = world.client.notes(new)
    world.client.update_note(new, record_ids(note)[0], {"body": "Likes coffee"})
    row = undo(world)[old]
    assert row["outcome"] == "skipped"
    assert new in world.location.contacts


def test_contacts_that_the_restore_did_not_make_are_never_deleted(world: World) -> None:
    alive = world.add(firstName="Zed", email="zed@example.com")
    lost = world.lost(firstName="Ada", email="zed@example.com")
    other = world.lost(firstName="Bob", email="bob@example.com")
    assert world.restore(lost, other)[lost]["outcome"] == "skipped"
    world.clock.advance(minutes=30)
    assert set(undo(world)) == {other}
    assert alive in world.location.contacts


def test_somebody_else_was_quicker(world: World) -> None:
    ((old, new),) = restored(world, "Ada")
    world.location.delete(new)
    row = undo(world)[old]
    assert row["outcome"] == "skipped"
    assert "Somebody else" in row["error"]


def test_a_lost_answer_is_settled_by_looking(world: World) -> None:
    ((old, new),) = restored(world, "Ada")
    world.location.faults.on("lost_answer", share=1, where="DELETE /contacts/")
    row = undo(world)[old]
    assert row["outcome"] == "undone"
    assert new not in world.location.contacts


def test_every_delete_is_in_the_journal_and_the_undo_in_the_audit_log(world: World) -> None:
    ((old, new),) = restored(world, "Ada")
    undo(world)
    with world.vault.read() as tx:
        (entry,) = [one for one in journal.list_entries(tx, world.job_id) if one.step == "delete_contact"]
        lines = [one.subject for one in audit.list_entries(tx, limit=20)]
    assert (entry.contact_id, entry.request["id"], entry.note) == (old, new, "deleted")
    assert any(one.startswith("undo of job") for one in lines)


def test_a_killed_undo_goes_on_where_it_was(world: World) -> None:
    """The delete was done, and the process died before it could say so."""
    ((old, new),) = restored(world, "Ada")
    world.job_id = create_undo(world.vault, world.job_id, SAM, world.clock.now)
    with world.vault.write() as tx:
        journal.log_request(
            tx, location_id=LOCATION, job_id=world.job_id, contact_id=old, step="delete_contact",
            request={"body": {}, "id": new}, at=world.clock.now(),
        )  # fmt: skip
    world.location.delete(new)
    assert world.run().state == "done"
    assert world.receipt()[old]["outcome"] == "undone"
    assert world.status(old) == "deleted"


def test_it_is_undone_once(world: World) -> None:
    restored(world, "Ada")
    first = world.job_id
    create_undo(world.vault, first, SAM, world.clock.now)
    with pytest.raises(NotFound, match="already"):
        create_undo(world.vault, first, SAM, world.clock.now)


def test_a_viewer_may_not(world: World) -> None:
    restored(world, "Ada")
    viewer = User("mara@example.com", "Mara", Role.VIEWER, "oidc")
    with pytest.raises(NotAllowed):
        create_undo(world.vault, world.job_id, viewer, world.clock.now)


def test_the_preview_counts_and_asks_nothing(world: World) -> None:
    restored(world, "Ada", "Bob")
    before = world.client.requests
    told = preview(world.vault, world.job_id)
    assert (told.created, told.stays, told.refusal) == (2, 0, "")
    assert world.client.requests == before


def test_while_highlevel_is_away_nothing_is_concluded(world: World) -> None:
    ((old, new),) = restored(world, "Ada")
    world.job_id = create_undo(world.vault, world.job_id, SAM, world.clock.now)
    world.location.faults.on("status", share=1, where="GET /contacts/", status=503)
    with pytest.raises(HighLevelError):
        world.run()
    assert world.receipt()[old]["outcome"] == ""
    assert new in world.location.contacts


def test_whoever_was_undone_comes_back_with_the_records_too(world: World) -> None:
    old, _ = with_records(world)
    undo(world)
    row = world.restore(old)[old]
    assert (row["outcome"], row["verified"]) == ("recreated", True)
    assert (len(world.client.notes(row["new_id"])), len(world.client.tasks(row["new_id"]))) == (1, 1)


def test_who_came_back_natively_besides_lives_twice_until_the_restore_is_undone(world: World) -> None:
    ((old, new), (other, _)) = restored(world, "Ada", "Bo")
    world.location.native_restore(old)
    world.returned(old)
    with world.vault.read() as tx:
        (twin,) = deletion_queries.list_twins(tx, [LOCATION], limit=9)
        assert deletion_queries.list_twins(tx, [LOCATION], contact_id=other, limit=9) == []
        assert deletion_queries.list_twins(tx, [LOCATION], contact_id=new, limit=9) == [twin]
        assert deletion_queries.count_twins(tx, LOCATION) == 1
    assert (twin.contact_id, twin.new_contact_id) == (old, new)
    found = world.receipt()
    assert "lives twice" in found[old]["lives_twice"]
    assert found[other]["lives_twice"] == ""
    world.job_id = create_undo(world.vault, world.job_id, SAM, world.clock.now, only=[old])
    world.run()
    assert {one: row["outcome"] for one, row in world.receipt().items()} == {old: "undone"}
    assert (world.status(old), world.status(new), world.status(other)) == ("returned", "undone", "recreated")
    assert old in world.location.contacts
    with world.vault.read() as tx:
        assert deletion_queries.count_twins(tx, LOCATION) == 0
        assert deletion_queries.list_for_contact(tx, LOCATION, old)[-1].status == "returned"
