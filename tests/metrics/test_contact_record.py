"""Everything held about one person."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from hlcore.errors import NotFound
from hlcore.metrics.contact_record import contact_record
from hlcore.model.contact import parse
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


def test_earlier_copies_are_told(story: Story) -> None:
    story.add("c1", firstName="Ana")
    story.clock.advance(hours=1)
    with story.vault.write() as tx:
        changed = json.dumps({"id": "c1", "locationId": AGENCY, "firstName": "Anna"}).encode()
        contact_writes.replace(tx, AGENCY, [parse(changed)], at=story.clock(), run_id=1)
    (version,) = contact_record(story.vault, "c1", now=story.clock())["versions"]
    assert (version["contact"]["firstName"], version["replaced_at"]) == ("Ana", "2026-03-02T10:00:00.000Z")


def test_records_stand_under_their_kind_and_vanished_ones_are_marked(story: Story) -> None:
    story.add("c1")
    with story.vault.write() as tx:
        for kind in ("note", "task", "opportunity", "appointment", "message"):
            raw = json.dumps({"id": f"{kind}1", "body": kind}).encode()
            records.put(tx, AGENCY, kind, [(f"{kind}1", "c1", raw)], at=story.clock())
        records.vanish_others(tx, AGENCY, "note", keep=[], contact_id="c1", at=story.clock())
    found = contact_record(story.vault, "c1", now=story.clock())
    assert found["notes"] == [{"id": "note1", "body": "note"}]
    assert [found[name][0]["body"] for name in ("tasks", "opportunities", "appointments", "messages")] == [
        "task", "opportunity", "appointment", "message",
    ]  # fmt: skip
    assert [each["id"] for each in found["vanished"]] == ["note1"]


def test_a_deletion_is_told_with_what_is_left(story: Story) -> None:
    story.lose("c1", days_ago=31)
    found = contact_record(story.vault, "c1", now=story.clock())
    assert (found["status"], found["deletion"]["days_left"]) == ("expired", 0)


def test_somebody_erased_is_an_id_and_a_status(story: Story) -> None:
    story.lose("c1", firstName="Ana")
    with story.vault.write() as tx:
        register.erased(tx, AGENCY, "c1", at=story.clock())
    found = contact_record(story.vault, "c1", now=story.clock())
    assert (found["status"], found["contact"]) == ("erased", None)
    assert "Ana" not in json.dumps(found)


def test_nobody_is_not_found(story: Story) -> None:
    with pytest.raises(NotFound):
        contact_record(story.vault, "nobody", now=story.clock())


def test_an_id_in_two_accounts_needs_the_account(story: Story) -> None:
    story.add("c1")
    story.add("c1", location_id=CLINIC)
    with pytest.raises(NotFound, match="Several"):
        contact_record(story.vault, "c1", now=story.clock())
    assert contact_record(story.vault, "c1", location_id=CLINIC, now=story.clock())["location_id"] == CLINIC
