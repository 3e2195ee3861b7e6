"""The record of one contact, and what a merge moved to its winner."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from hlcore.errors import NotFound
from hlcore.metrics.contact_record import contact_record, merge_of
from hlcore.model.contact import parse_contact
from hlcore.store import records
from hlcore.store.contacts import writes as contact_writes
from hlcore.store.deletions import register
from tests.metrics.conftest import AGENCY, CLINIC, Story


def test_the_contact_is_as_highlevel_sent_it(story: Story) -> None:
    story.add("c1", firstName="Ana", customFields=[{"id": "f", "value": 1.5}])
    found = contact_record(story.vault, "c1", now=story.clock())
    assert found["contact"] == {
        "id": "c1", "locationId": "agency", "firstName": "Ana", "customFields": [{"id": "f", "value": 1.5}],
    }  # fmt: skip
    assert (found["status"], found["versions"], found["deletion"], found["restores"]) == ("present", [], None, [])


def test_the_newest_answer_is_the_contact(story: Story) -> None:
    story.add("c1", firstName="row")
    with story.vault.write() as tx:
        later = story.clock() + timedelta(hours=1)
        contact_writes.store_detail(tx, AGENCY, "c1", b'{"id":"c1","firstName":"detail"}', at=later, run_id=None)
    found = contact_record(story.vault, "c1", now=story.clock())
    assert found["contact"]["firstName"] == "detail"
    assert found["copies"]["row"]["firstName"] == "row"


def test_earlier_copies_are_listed(story: Story) -> None:
    story.add("c1", firstName="Ana")
    story.clock.advance(hours=1)
    with story.vault.write() as tx:
        changed = json.dumps({"id": "c1", "locationId": AGENCY, "firstName": "Anna"}).encode()
        contact_writes.replace(tx, AGENCY, [parse_contact(changed)], at=story.clock(), run_id=1)
    (version,) = contact_record(story.vault, "c1", now=story.clock())["versions"]
    assert (version["contact"]["firstName"], version["replaced_at"]) == ("Ana", "2026-03-02T10:00:00.000Z")


def test_records_stand_under_their_kind_and_vanished_ones_are_marked(story: Story) -> None:
    story.add("c1")
    with story.vault.write() as tx:
        for kind in ("note", "task", "opportunity", "appointment", "message"):
            raw = json.dumps({"id": f"{kind}1", "body": kind}).encode()
            records.save(tx, AGENCY, kind, [(f"{kind}1", "c1", raw)], at=story.clock())
        records.mark_vanished(tx, AGENCY, "note", keep=[], contact_id="c1", at=story.clock())
    found = contact_record(story.vault, "c1", now=story.clock())
    assert found["notes"] == [{"id": "note1", "body": "note"}]
    assert [found[name][0]["body"] for name in ("tasks", "opportunities", "appointments", "messages")] == [
        "task", "opportunity", "appointment", "message",
    ]  # fmt: skip
    assert [each["id"] for each in found["vanished"]] == ["note1"]


def test_a_deletion_is_shown_with_what_is_left(story: Story) -> None:
    story.lose("c1", days_ago=31)
    found = contact_record(story.vault, "c1", now=story.clock())
    assert (found["status"], found["deletion"]["days_left"]) == ("expired", 0)


def test_an_erased_contact_is_an_id_and_a_status(story: Story) -> None:
    story.lose("c1", firstName="Ana")
    with story.vault.write() as tx:
        register.erase_contact(tx, AGENCY, "c1", at=story.clock())
    found = contact_record(story.vault, "c1", now=story.clock())
    assert (found["status"], found["contact"]) == ("erased", None)
    assert "Ana" not in json.dumps(found)


def test_an_unknown_contact_is_not_found(story: Story) -> None:
    with pytest.raises(NotFound):
        contact_record(story.vault, "nobody", now=story.clock())


def test_an_id_in_two_accounts_needs_the_account(story: Story) -> None:
    story.add("c1")
    story.add("c1", location_id=CLINIC)
    with pytest.raises(NotFound, match="Several"):
        contact_record(story.vault, "c1", now=story.clock())
    assert contact_record(story.vault, "c1", location_id=CLINIC, now=story.clock())["location_id"] == CLINIC


def lose_merge(story: Story, loser: str = "loser", winner: str = "winner") -> None:
    story.add(loser, firstName="Lou")
    story.add(winner, firstName="Win")
    row = story.suspect(loser)
    with story.vault.write() as tx:
        register.confirm(
            tx, row, at=story.clock(), status="merged", cause="merge", evidence="same e-mail", winner_id=winner
        )


def save_record(story: Story, record_id: str, contact_id: str, kind: str = "note") -> None:
    raw = json.dumps({"id": record_id, "contactId": contact_id, "body": f"about {record_id}"}).encode()
    with story.vault.write() as tx:
        records.save(tx, AGENCY, kind, [(record_id, contact_id, raw)], at=story.clock())


def test_the_winner_is_named_and_what_moved_is_listed(story: Story) -> None:
    lose_merge(story)
    for record_id in ("n1", "n2"):
        save_record(story, record_id, "loser")
    save_record(story, "n3", "winner")
    story.clock.advance(days=1)
    save_record(story, "n1", "winner")
    found = merge_of(story.vault, AGENCY, "loser")
    assert found is not None
    assert (found.winner, found.winner_is_live, found.counts) == ("Win", True, {"note": 1})
    assert [(record.record_id, record.title) for record in found.records] == [("n1", "about n1")]


def test_a_merge_that_moved_nothing_says_so(story: Story) -> None:
    lose_merge(story)
    save_record(story, "n1", "loser")
    found = merge_of(story.vault, AGENCY, "loser")
    assert found is not None
    assert found.counts == {}


def test_a_winner_that_was_deleted_later_is_not_there(story: Story) -> None:
    lose_merge(story)
    row = story.suspect("winner")
    with story.vault.write() as tx:
        register.confirm(tx, row, at=story.clock(), cause="unknown", evidence="404")
    found = merge_of(story.vault, AGENCY, "loser")
    assert found is not None
    assert not found.winner_is_live


def test_a_contact_that_was_deleted_lost_no_merge(story: Story) -> None:
    story.lose("gone")
    assert merge_of(story.vault, AGENCY, "gone") is None
