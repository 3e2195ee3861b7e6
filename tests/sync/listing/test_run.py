"""Rounds as stories: what is there is copied, what goes is noticed, nothing else is."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from hlcore.accounts.connection import save_location
from hlcore.errors import Cancelled
from hlcore.model.callbacks import Progress
from hlcore.model.deletion_causes import FORMER_PROOF
from hlcore.store import runs
from hlcore.store.contacts import reads as contact_reads
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.deletions import register
from hlcore.sync.location_record import read_location_record
from hlcore.sync.run_context import SyncRules
from tests.support.worlds import ManualClock
from tests.sync.conftest import LOCATION, World


def test_the_first_sync_copies_everybody(world: World) -> None:
    report = world.sync()
    assert (report.outcome, report.seen, report.added, report.deleted) == ("complete", 200, 200, 0)
    assert world.stored_ids() == set(world.location.contacts)


def test_each_copy_is_byte_for_byte_what_was_sent(world: World) -> None:
    sent = world.client.search_contacts(limit=50, sort=[{"field": "dateAdded", "direction": "asc"}])
    world.sync()
    with world.vault.read() as tx:
        kept = {row.contact_id: row.raw for row in contact_reads.get_many(tx, LOCATION, sent.ids)}
    assert kept == dict(zip(sent.ids, sent.rows, strict=True))


def test_a_second_sync_without_changes_changes_nothing(world: World) -> None:
    world.sync()
    report = world.sync()
    assert (report.added, report.changed, report.deleted, report.reason) == (0, 0, 0, "")


def test_a_change_keeps_the_earlier_bytes(world: World) -> None:
    contact_id = next(iter(world.location.contacts))
    world.sync()
    world.location.edit(contact_id, companyName="New & Co")
    assert world.sync().changed == 1
    with world.vault.read() as tx:
        earlier = contact_reads.versions(tx, LOCATION, contact_id)
        now = contact_reads.get(tx, LOCATION, contact_id)
    assert now
    assert b"New & Co" in now.raw
    assert [b"New & Co" in version.raw for version in earlier] == [False]


@pytest.mark.parametrize("count", [1, 37], ids=["one", "many"])
def test_exactly_the_deleted_ones_are_deleted(world: World, count: int) -> None:
    world.sync()
    gone = list(world.location.contacts)[3 : 3 + count]
    world.location.delete(*gone)
    report = world.sync()
    assert (report.outcome, report.deleted) == ("complete", count)
    assert world.lost() == set(gone)


def test_contacts_that_come_and_go_during_the_listing_are_neither_lost_nor_doubled(world: World) -> None:
    """Every page is followed by a deletion before the cursor, one behind it, and a new contact."""
    world.sync()
    victims = iter(list(world.location.contacts))
    behind = iter(reversed(list(world.location.contacts)))

    def life(page: int) -> None:
        world.location.delete(next(victims), next(behind))
        world.location.create(firstName=f"New {page}", email=f"new{page}@example.org")

    world.location.faults.between_pages = life
    world.sync()
    world.location.faults.between_pages = None
    report = world.sync()
    assert report.outcome == "complete"
    assert world.stored_ids() - world.lost() == set(world.location.contacts)


def test_a_deleted_contact_that_comes_back_is_returned(world: World) -> None:
    world.sync()
    contact_id = next(iter(world.location.contacts))
    world.location.delete(contact_id)
    world.sync()
    world.location.native_restore(contact_id)
    assert world.sync().returned == 1
    assert world.status(contact_id) == "returned"
    assert world.lost() == set()


class Cutting(httpx.HTTPTransport):
    """A HighLevel that cuts texts by length: where ✂ stands, half an emoji is left."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        body = response.read().replace("✂".encode(), rb"\ud83d")
        return httpx.Response(response.status_code, content=body)


def test_half_an_emoji_in_a_contact_that_is_asked_for_by_id_stops_no_sync(world: World) -> None:
    cut = world.location.create(firstName="cut ✂", lastName="Off")
    with world.client_over(Cutting()) as world.client:
        world.sync()
        world.location.delete(cut)
        world.sync()
        assert world.lost() == {cut}
        world.location.native_restore(cut)
        assert world.sync().returned == 1
        assert world.status(cut) == "returned"


def test_an_account_whose_name_ends_in_half_an_emoji_can_be_connected(world: World) -> None:
    world.location.name = "Holm & ✂"
    with world.client_over(Cutting()) as client:
        account = read_location_record(client)
    assert account.name == "Holm & "
    with world.vault.write() as tx:
        save_location(tx, account, token=None, at=world.clock.now())


def test_a_lagging_index_that_still_lists_the_dead_revives_nobody(world: World) -> None:
    world.sync()
    contact_id = next(iter(world.location.contacts))
    world.location.delete(contact_id)
    world.sync()
    world.location.faults.lag = 10_000_000
    assert world.sync().returned == 0
    assert contact_id in world.lost()


class Slow(httpx.HTTPTransport):
    """A HighLevel that needs a second for each answer."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__()
        self.clock = clock

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.clock.advance(seconds=1)
        return super().handle_request(request)


def test_a_stopped_sync_goes_on_behind_its_last_page(world: World) -> None:
    told: list[Progress] = []
    world.client = world.client_over(Slow(world.clock))
    with pytest.raises(Cancelled):
        world.sync(listener=told.append, cancelled=lambda: bool(told) and told[-1].done >= 100)
    before = len(world.sandbox.ledger.requests("POST /contacts/search"))
    report = world.sync()
    assert (report.outcome, report.seen) == ("complete", 200)
    assert len(world.sandbox.ledger.requests("POST /contacts/search")) - before <= 3
    with world.vault.read() as tx:
        assert [run.resumed for run in runs.list_recent(tx, [LOCATION], limit=5)] == [1]


def test_a_large_account_is_read_in_ranges_at_once(world: World) -> None:
    """Cut by the date of addition, the copy is the same and hardly any page is asked for in vain."""
    world.location.fill(3_000)
    world.location.create(firstName="Without", lastName="Past")
    report = world.sync()
    assert (report.outcome, report.seen) == ("complete", 3_201)
    assert world.stored_ids() == set(world.location.contacts)
    assert len(world.sandbox.ledger.requests("POST /contacts/search")) <= 1.3 * 3_201 / world.rules.page_size


def test_many_contacts_of_one_millisecond_are_read_all(world: World) -> None:
    for number in range(700):
        world.location.create(firstName=f"Import {number}", dateAdded="2025-05-05T05:05:05.555Z")
    assert world.sync().seen == 900
    assert world.stored_ids() == set(world.location.contacts)


class Unranged(httpx.HTTPTransport):
    """A HighLevel that refuses ranges of dates, or answers as if there were none."""

    def __init__(self, refuses: bool) -> None:
        super().__init__()
        self.refuses = refuses

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content) if request.content else {}
        if "filters" not in body:
            return super().handle_request(request)
        if self.refuses:
            return httpx.Response(400, json={"message": "Invalid range value", "statusCode": 400})
        del body["filters"]
        headers = [(key, value) for key, value in request.headers.raw if key.lower() != b"content-length"]
        return super().handle_request(httpx.Request(request.method, request.url, headers=headers, json=body))


@pytest.mark.parametrize("refuses", [True, False], ids=["refuses", "ignores"])
def test_an_account_without_ranges_is_read_in_one_go(world: World, refuses: bool) -> None:
    world.location.fill(2_000)
    with world.client_over(Unranged(refuses)) as world.client:
        report = world.sync()
    assert report.outcome == "complete"
    assert "one go" in report.reason
    assert world.stored_ids() == set(world.location.contacts)


class Cursorless(httpx.HTTPTransport):
    """A HighLevel whose pages end without a cursor: all of them, or those with the numbers in `only`."""

    def __init__(self, *only: int) -> None:
        super().__init__()
        self.only, self.pages = only, 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        if not request.url.path.endswith("/contacts/search"):
            return response
        body = json.loads(response.read())
        self.pages += 1
        if body["contacts"] and (not self.only or self.pages in self.only):
            del body["contacts"][-1]["searchAfter"]
        return httpx.Response(response.status_code, json=body)


def test_a_list_that_breaks_off_without_a_cursor_is_incomplete_and_deletes_nobody(world: World) -> None:
    world.sync()
    with world.client_over(Cursorless()) as world.client:
        report = world.sync()
    assert (report.outcome, report.deleted, report.suspected) == ("incomplete", 0, 0)
    assert "ended after 50 contacts" in report.reason
    assert world.lost() == set()


def test_a_whole_list_that_ends_without_a_cursor_is_complete(world: World) -> None:
    world.rules = SyncRules(page_size=500)
    with world.client_over(Cursorless()) as world.client:
        report = world.sync()
    assert (report.outcome, report.seen) == ("complete", 200)


def test_a_cursor_that_is_missing_once_is_asked_for_again(world: World) -> None:
    with world.client_over(Cursorless(2)) as world.client:
        report = world.sync()
    assert (report.outcome, report.seen) == ("complete", 200)


def test_a_merge_is_recognised_with_its_winner(world: World) -> None:
    world.sync()
    winner, loser = [id_ for id_, person in world.location.contacts.items() if person.get("email")][:2]
    world.clock.advance(minutes=5)
    world.location.merge(winner, loser)
    world.sync()
    row = world.row(loser)
    assert (row.status, row.cause, row.winner_id) == ("merged", "merge", winner)


def couple(world: World) -> tuple[str, str]:
    """Two people who share a phone, listed once."""
    one, other = (world.location.create(firstName=name, phone="+4930123456", city="Bonn") for name in ("Ann", "Bob"))
    world.sync()
    world.clock.advance(minutes=20)
    return one, other


@pytest.mark.parametrize(
    "change", [{"city": "Ulm"}, {"lastName": "Lee"}, {"tags": ["vip"]}, {"email": "ann@x.example"}, {"source": "form"}],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_a_change_of_someone_with_the_same_phone_proves_no_merge(world: World, change: dict[str, Any]) -> None:
    ann, bob = couple(world)
    world.location.edit(ann, **change)
    world.location.delete(bob)
    world.sync()
    row = world.row(bob)
    assert (row.status, row.cause, row.winner_id) == ("deleted", "merge", ann)
    assert "probably" in row.evidence
    world.sync()
    assert world.row(bob).status == "deleted"


def test_a_merge_is_proven_by_a_tag_alone(world: World) -> None:
    ann, bob = couple(world)
    world.location.edit(bob, tags=["patient"])
    world.sync()
    world.clock.advance(minutes=20)
    world.location.merge(ann, bob)
    world.sync()
    row = world.row(bob)
    assert (row.status, row.winner_id) == ("merged", ann)
    assert "1 tag" in row.evidence


def test_who_comes_later_with_the_same_phone_and_tag_took_nothing_over(world: World) -> None:
    bob = world.location.create(firstName="Bob", phone="+4930123456", tags=["patient"])
    world.sync()
    world.location.delete(bob)
    world.clock.advance(minutes=10)
    again = world.location.create(firstName="Bob", phone="+4930123456")
    world.watch()
    world.location.edit(again, tags=["patient"])
    world.sync()
    assert (world.row(bob).status, world.row(bob).cause) == ("deleted", "merge")


def test_a_merge_once_called_proven_by_a_mere_change_is_corrected(world: World) -> None:
    ann, bob = couple(world)
    world.location.delete(bob)
    world.sync()
    with world.vault.write() as tx:
        words = f"Contact {ann} holds this phone number as its phone number and {FORMER_PROOF}."
        register.confirm(
            tx, world.row(bob).disappearance_id, at=world.clock.now(), status="merged", cause="merge", evidence=words
        )
    world.sync()
    assert (world.row(bob).status, world.status(bob)) == ("deleted", "deleted")
    assert "probably" in world.row(bob).evidence


def test_many_at_once_are_a_bulk_action(world: World) -> None:
    world.sync()
    gone = list(world.location.contacts)[:12]
    world.clock.advance(minutes=-50)
    world.location.delete(*gone)
    world.sync()
    assert {world.row(contact_id).cause for contact_id in gone} <= {"bulk", "merge"}
    assert "bulk" in {world.row(contact_id).cause for contact_id in gone}


def test_the_clock_of_a_deletion_starts_at_the_last_sure_sighting(world: World) -> None:
    world.sync()
    seen = world.clock.now()
    contact_id = next(iter(world.location.contacts))
    world.location.delete(contact_id)
    world.sync()
    row = world.row(contact_id)
    assert seen - world.rules.index_lag <= row.last_seen_at <= seen
    assert row.clock_from == row.last_seen_at


def test_an_empty_account_is_a_complete_copy(world: World) -> None:
    world.location.delete(*list(world.location.contacts))
    report = world.sync()
    assert (report.outcome, report.seen) == ("complete", 0)


@pytest.mark.parametrize("look", ["sync", "watch"])
def test_who_was_created_again_and_comes_back_is_noticed_at_once(world: World, look: str) -> None:
    old, new, *_ = world.location.contacts
    world.sync()
    world.location.delete(old)
    world.sync()
    with world.vault.write() as tx:
        register.mark_recreated(tx, LOCATION, old, new_contact_id=new, at=world.clock.now())
    world.clock.advance(minutes=20)
    world.location.native_restore(old)
    world.clock.advance(minutes=20)
    assert "lives twice" in getattr(world, look)().reason
    assert world.status(old) == "returned"
    with world.vault.read() as tx:
        assert deletion_queries.count_twins(tx, LOCATION) == 1
