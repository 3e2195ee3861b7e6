"""The inbox of webhooks, and the grants beside it."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from hlcore.store import Vault, locations, oauth_grants, webhook_inbox
from hlcore.store.webhook_inbox import KEEP_IDS_FOR, Delivery
from tests.conftest import START, Clock


def delivery(name: str, *, after: float = 0, kind: str = "ContactUpdate", location: str = "loc1") -> Delivery:
    at = START + timedelta(seconds=after)
    return Delivery(name, location, kind, at - timedelta(seconds=3), at, b'{"type":"x"}')


def add(vault: Vault, *found: Delivery) -> int:
    with vault.inbox.write() as tx:
        return webhook_inbox.add(tx, found)


def due(vault: Vault, **later: float) -> list[str]:
    with vault.inbox.read() as tx:
        deliveries = webhook_inbox.list_due(tx, at=START + timedelta(**(later or {"days": 1})), limit=100)
    return [delivery.webhook_id for delivery in deliveries]


def test_a_delivery_is_kept_once_however_often_it_comes(vault: Vault) -> None:
    assert add(vault, delivery("w1"), delivery("w1"), delivery("w2")) == 2
    assert add(vault, delivery("w2"), delivery("w3")) == 1
    assert due(vault) == ["w1", "w2", "w3"]


def test_deletions_come_first_then_the_longest_waiting(vault: Vault) -> None:
    add(vault, delivery("b", after=2), delivery("a", after=1), delivery("z", after=3, kind="ContactDelete"))
    assert due(vault) == ["z", "a", "b"]


def test_what_was_processed_is_known_but_its_body_is_forgotten(vault: Vault) -> None:
    add(vault, delivery("w1"))
    with vault.inbox.write() as tx:
        webhook_inbox.mark_processed(tx, ["w1"], at=START)
        assert tx.exec_driver_sql("SELECT raw FROM webhook_inbox").scalar_one() is None
    assert (due(vault), add(vault, delivery("w1"))) == ([], 0)


def test_what_is_postponed_comes_again_then_and_not_before(vault: Vault) -> None:
    add(vault, delivery("w1"))
    with vault.inbox.write() as tx:
        webhook_inbox.postpone(tx, ["w1"], until=START + timedelta(minutes=5), note="later")
    assert (due(vault, minutes=4), due(vault, minutes=5)) == ([], ["w1"])
    with vault.inbox.read() as tx:
        assert webhook_inbox.list_due(tx, at=START + timedelta(days=1), limit=1)[0].attempts == 1


def test_traffic_counts_by_type_with_mean_delays(vault: Vault) -> None:
    add(vault, delivery("w1"), delivery("w2", after=10), delivery("w3", kind="NoteCreate"))
    add(vault, delivery("x", location="l2"))
    with vault.inbox.write() as tx:
        webhook_inbox.mark_processed(tx, ["w1"], at=START + timedelta(seconds=2))
        webhook_inbox.mark_processed(tx, ["w2"], at=START + timedelta(seconds=14), error="given up")
    with vault.inbox.read() as tx:
        contact, note = webhook_inbox.traffic_by_type(tx, ["loc1"], since=START - timedelta(days=1))
    assert (contact.type, contact.count, contact.failed) == ("ContactUpdate", 2, 1)
    assert contact.last_at == START + timedelta(seconds=10)
    assert contact.arrival_seconds == pytest.approx(3, abs=0.01)
    assert contact.processing_seconds == pytest.approx(3, abs=0.01)
    assert (note.count, note.processing_seconds) == (1, None)


def test_refusals_add_up_by_day_and_kind(vault: Vault) -> None:
    with vault.inbox.write() as tx:
        webhook_inbox.add_refusals(tx, "2026-03-01", {"unsigned": 2})
        webhook_inbox.add_refusals(tx, "2026-03-02", {"unsigned": 3, "foreign": 1, "oversize": 0})
        webhook_inbox.add_refusals(tx, "2026-03-02", {"unsigned": 1})
        assert webhook_inbox.count_refusals(tx, "2026-03-02") == {"unsigned": 4, "foreign": 1}
        assert webhook_inbox.count_refusals(tx, "2026-03-01") == {"unsigned": 6, "foreign": 1}


def test_ids_are_kept_for_more_than_thirty_days_and_the_newest_for_ever(vault: Vault) -> None:
    add(vault, delivery("old"), delivery("newest", after=60))
    with vault.inbox.write() as tx:
        webhook_inbox.mark_processed(tx, ["old", "newest"], at=START)
        assert webhook_inbox.prune(tx, at=START + timedelta(days=31)) == 0
        assert webhook_inbox.prune(tx, at=START + KEEP_IDS_FOR + timedelta(minutes=2)) == 1
        assert webhook_inbox.last_received(tx, ["loc1", "loc2"], at=START + timedelta(days=1)) == {
            "loc1": START + timedelta(seconds=60)
        }


def test_a_delivery_that_still_waits_is_never_pruned(vault: Vault) -> None:
    add(vault, delivery("old"), delivery("new", after=60))
    with vault.inbox.write() as tx:
        assert webhook_inbox.prune(tx, at=START + timedelta(days=400)) == 0


def test_a_delivery_lands_while_the_vault_is_being_written_to(vault: Vault, clock: Clock) -> None:
    vault.inbox.close()
    with vault.write() as tx:
        locations.connect(tx, "loc1", name="L", timezone="UTC", company_id="", token=b"t", at=clock.now(), raw=None)
        assert add(vault, delivery("w1")) == 1
    assert due(vault) == ["w1"]


def test_asking_whether_there_is_an_inbox_makes_none(vault: Vault) -> None:
    before = vault.has_inbox
    assert before is (vault.dialect == "postgresql")
    add(vault, delivery("w1"))
    assert vault.has_inbox


def test_only_one_at_a_time_is_alone(vault: Vault) -> None:
    order: list[str] = []
    inside = threading.Event()

    def second() -> None:
        inside.wait(10)
        with vault.exclusive("grant-x"):
            order.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with vault.exclusive("grant-x"):
        inside.set()
        with vault.exclusive("grant-y"), vault.write() as tx:
            locations.list_all(tx)
        thread.join(0.2)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]


def test_a_pair_takes_the_place_of_its_own_generation_only(vault: Vault) -> None:
    later = START + timedelta(days=1)
    with vault.write() as tx:
        oauth_grants.save(tx, "location", "l1", company_id="c", tokens=b"1", expires_at=later, at=START)
        oauth_grants.claim_refresh_token(tx, "location", "l1", holder="me", at=START)
        new = {"tokens": b"2", "expires_at": later, "at": START}
        assert oauth_grants.store_renewed(tx, "location", "l1", generation=1, **new)
        assert not oauth_grants.store_renewed(tx, "location", "l1", generation=1, **{**new, "tokens": b"3"})
        oauth_grants.record_trouble(tx, "location", "l1", trouble="late", at=START, generation=1)
        found = oauth_grants.get(tx, "location", "l1")
    assert found
    assert (found.tokens, found.generation, found.claimed_by, found.trouble) == (b"2", 2, "", "")
