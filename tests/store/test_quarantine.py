"""The quarantine: what fails again and again is set aside, and people decide what becomes of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hlcore.errors import NotAllowed, StoreError
from hlcore.governance.quarantine_decisions import ignore, try_again
from hlcore.governance.roles import Action, Role, User
from hlcore.log_privacy import place_of
from hlcore.store import Vault, audit, quarantine, webhook_inbox
from hlcore.store.quarantine import DELIVERY, RECORD, reference_to
from hlcore.store.webhook_inbox import Delivery

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SAM = User("sam@example.com", "Sam", Role.RESTORER, "oidc")
MARA = User("mara@example.com", "Mara", Role.VIEWER, "oidc")


def failure() -> Exception:
    try:
        raise ValueError("Ada Lovelace <ada@example.org>")
    except ValueError as error:
        return error


def fail(vault: Vault, times: int, reference: str = "r1", location_id: str = "loc", kind: str = RECORD) -> list[bool]:
    found = []
    for attempt in range(times):
        with vault.write() as tx:
            at = NOW + timedelta(minutes=attempt)
            found.append(quarantine.note_failure(tx, location_id, kind, reference, failure(), at=at))
    return found


def waiting(vault: Vault, *location_ids: str) -> list[quarantine.QuarantinedItem]:
    with vault.read() as tx:
        return quarantine.list_items(tx, location_ids or ("loc",), limit=100)


def test_an_item_is_set_aside_after_three_failures(vault: Vault) -> None:
    assert fail(vault, 4) == [False, False, True, True]
    (item,) = waiting(vault)
    assert (item.kind, item.reference, item.state, item.attempts) == (RECORD, "r1", "waiting", 4)
    assert (item.first_seen_at, item.last_seen_at) == (NOW, NOW + timedelta(minutes=3))
    assert item.error == "ValueError"


def test_nothing_of_the_error_but_its_class_and_place_is_kept(vault: Vault) -> None:
    """The text of an exception may quote a person."""
    fail(vault, 3)
    with vault.read() as tx:
        stored = tx.exec_driver_sql("SELECT * FROM quarantined_items").all()
    assert "Ada" not in repr(stored)


def test_the_place_is_the_innermost_one_in_our_own_code() -> None:
    with pytest.raises(StoreError) as caught:
        Vault.open("sqlite://")
    module, _, line = place_of(caught.value).partition(":")
    assert module == "hlcore.store.database"
    assert line.isdigit()


def test_success_in_between_starts_the_count_anew(vault: Vault) -> None:
    fail(vault, 2)
    with vault.write() as tx:
        assert quarantine.resolve(tx, "loc", RECORD, ["r1", "unknown"]) == 1
    assert fail(vault, 2) == [False, False]


def test_an_item_can_be_set_aside_at_once(vault: Vault) -> None:
    with vault.write() as tx:
        quarantine.set_aside(tx, "loc", "listing_row", "r1", "NoId", at=NOW, place="hlcore.sync:1")
    (item,) = waiting(vault)
    assert (item.error, item.place, item.attempts) == ("NoId", "hlcore.sync:1", 1)


def test_kinds_accounts_and_references_are_kept_apart(vault: Vault) -> None:
    fail(vault, 3, "r1")
    fail(vault, 1, "r2")
    fail(vault, 1, "r1", "other")
    fail(vault, 1, "r1", kind="contact")
    fail(vault, 3, "r1", "")
    with vault.read() as tx:
        assert quarantine.count_waiting(tx) == {"loc": 1, "": 1}
        assert quarantine.list_set_aside(tx, "loc", RECORD, ["r1", "r2"]) == {"r1"}
        assert quarantine.count_items(tx, ["loc"]) == 2
        assert quarantine.count_items(tx, ["other"]) == 1


def test_what_is_ignored_never_waits_again(vault: Vault) -> None:
    fail(vault, 3)
    assert ignore(vault, SAM, [item.item_id for item in waiting(vault)], now=lambda: NOW) == 1
    assert fail(vault, 5) == [True] * 5
    with vault.write() as tx:
        quarantine.set_aside(tx, "loc", RECORD, "r1", failure(), at=NOW)
    assert waiting(vault) == []


def test_what_is_tried_again_gets_three_attempts_more(vault: Vault) -> None:
    fail(vault, 3)
    try_again(vault, SAM, [item.item_id for item in waiting(vault)], now=lambda: NOW)
    assert waiting(vault) == []
    assert fail(vault, 3) == [False, False, True]


def test_decisions_need_the_role_and_leave_a_line(vault: Vault) -> None:
    fail(vault, 3)
    ids = [item.item_id for item in waiting(vault)]
    for decide in (try_again, ignore):
        with pytest.raises(NotAllowed):
            decide(vault, MARA, ids, now=lambda: NOW)
    assert len(waiting(vault)) == 1
    ignore(vault, SAM, ids, now=lambda: NOW)
    with vault.read() as tx:
        lines = audit.list_entries(tx, limit=10, act=Action.QUARANTINE)
    assert [(line.actor, line.outcome) for line in lines] == [
        ("sam@example.com", "done"),
        ("mara@example.com", "refused"),
        ("mara@example.com", "refused"),
    ]


def test_a_delivery_is_due_again_when_it_is_to_be_tried_again(vault: Vault) -> None:
    with vault.inbox.write() as tx:
        webhook_inbox.add(tx, [Delivery(name, "loc", "ContactUpdate", None, NOW, b"{}") for name in ("d1", "d2")])
        webhook_inbox.set_aside(tx, ["d1", "d2"], at=NOW)
        assert webhook_inbox.list_due(tx, at=NOW + timedelta(days=9), limit=9) == []
        assert webhook_inbox.backlog(tx, at=NOW + timedelta(days=9)) == (0, None)
    for name in ("d1", "d2"):
        fail(vault, 3, name, kind=DELIVERY)
    by_reference = {item.reference: item.item_id for item in waiting(vault)}
    later = NOW + timedelta(days=5)
    try_again(vault, SAM, [by_reference["d1"]], now=lambda: later)
    ignore(vault, SAM, [by_reference["d2"]], now=lambda: later)
    with vault.inbox.read() as tx:
        assert [(due.webhook_id, due.attempts) for due in webhook_inbox.list_due(tx, at=later, limit=9)] == [("d1", 1)]
        left = tx.exec_driver_sql("SELECT raw FROM webhook_inbox WHERE webhook_id = 'd2'").scalar_one()
    assert left is None, "the body of an ignored delivery is not kept"


def test_what_nothing_met_for_long_is_forgotten_unless_it_waits(vault: Vault) -> None:
    fail(vault, 1, "once")
    fail(vault, 3, "waits")
    with vault.write() as tx:
        assert quarantine.forget_old(tx, NOW + timedelta(days=1)) == 1
    assert [item.reference for item in waiting(vault)] == ["waits"]


@settings(max_examples=30)
@given(st.one_of(st.none(), st.text(), st.integers(), st.binary(), st.lists(st.text())), st.binary(max_size=8))
def test_a_reference_fits_and_holds_nothing_but_an_id_or_a_digest(item_id: object, raw: bytes) -> None:
    reference = reference_to(item_id, raw)
    assert reference == reference_to(item_id, raw)
    assert len(reference) <= 80
    assert reference.isascii()
    assert reference == item_id or reference.startswith("sha256-")


def test_a_reference_is_an_id_only_where_it_looks_like_one() -> None:
    assert reference_to("AbC123_-x") == "AbC123_-x"
    for odd in ("ada@example.org", "x" * 65, "", "\ud800", "a b", 7):
        assert reference_to(odd).startswith("sha256-")
    assert reference_to(None, b"one") != reference_to(None, b"other")
