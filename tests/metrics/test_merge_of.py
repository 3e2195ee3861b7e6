"""A merge's loser is told with its winner and with what moved there."""

from __future__ import annotations

import json

from hlcore.metrics.contact_record import merge_of
from hlcore.store import records
from hlcore.store.deletions import register
from tests.metrics.conftest import AGENCY, Story


def merged(story: Story, loser: str = "loser", winner: str = "winner") -> None:
    story.add(loser, firstName="Lou")
    story.add(winner, firstName="Win")
    row = story.suspect(loser)
    with story.vault.write() as tx:
        register.confirm(
            tx, row, at=story.clock(), status="merged", cause="merge", evidence="same e-mail", winner_id=winner
        )


def keep(story: Story, record_id: str, contact_id: str, kind: str = "note") -> None:
    raw = json.dumps({"id": record_id, "contactId": contact_id, "body": f"about {record_id}"}).encode()
    with story.vault.write() as tx:
        records.put(tx, AGENCY, kind, [(record_id, contact_id, raw)], at=story.clock())


def test_the_winner_is_named_and_what_moved_is_listed(story: Story) -> None:
    merged(story)
    for one in ("n1", "n2"):
        keep(story, one, "loser")
    keep(story, "n3", "winner")
    story.clock.advance(days=1)
    keep(story, "n1", "winner")
    found = merge_of(story.vault, AGENCY, "loser")
    assert found is not None
    assert (found.winner, found.still_there, found.counts) == ("Win", True, {"note": 1})
    assert [(one.record_id, one.title) for one in found.records] == [("n1", "about n1")]


def test_a_merge_that_moved_nothing_says_so(story: Story) -> None:
    merged(story)
    keep(story, "n1", "loser")
    found = merge_of(story.vault, AGENCY, "loser")
    assert found is not None
    assert found.counts == {}


def test_a_winner_that_was_deleted_later_is_not_there(story: Story) -> None:
    merged(story)
    row = story.suspect("winner")
    with story.vault.write() as tx:
        register.confirm(tx, row, at=story.clock(), cause="unknown", evidence="404")
    found = merge_of(story.vault, AGENCY, "loser")
    assert found is not None
    assert not found.still_there


def test_whoever_was_simply_deleted_lost_no_merge(story: Story) -> None:
    story.lose("gone")
    assert merge_of(story.vault, AGENCY, "gone") is None
