"""Writers of one vault queue: no order of rows makes two of them stop each other, and nobody waits for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from hlcore.errors import StoreError
from hlcore.model.contact import Contact
from hlcore.store import Tx, Vault, dialects, locations, webhook_inbox
from hlcore.store.contacts import writes as contact_writes
from hlcore.store.webhook_inbox import Delivery

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HERE = "locOne"
A_MOMENT = 0.3
"""How long a test lets the other writer try, in seconds; nothing is wrong when it is slower."""


def mark(tx: Tx, *ids: str) -> None:
    for contact_id in ids:
        contact_writes.set_status(tx, HERE, [contact_id], "suspected")


def in_the_middle(
    vault: Vault, first: Callable[[Tx, Callable[[], None]], None], second: Callable[[], None], of: str
) -> None:
    """`second` runs in another thread from the moment that `first`, inside its transaction, calls what it is given;
    `first` then waits a moment for it."""
    done = threading.Event()

    def other() -> None:
        try:
            second()
        finally:
            done.set()

    with ThreadPoolExecutor(1) as pool:
        began: list[Future[None]] = []

        def let_it_try() -> None:
            began.append(pool.submit(other))
            done.wait(A_MOMENT)

        with vault.write(location_id=of) as tx:
            first(tx, let_it_try)
        began[0].result(timeout=20)


@pytest.mark.parametrize(("one", "two"), [("", ""), (HERE, HERE), ("", HERE), (HERE, "")])
def test_two_writers_of_the_same_contacts_in_another_order_both_succeed(
    vault: Vault, make_contact: Callable[..., Contact], one: str, two: str
) -> None:
    with vault.write() as tx:
        contact_writes.insert_contacts(tx, HERE, [make_contact("ada"), make_contact("ben")], at=AT)

    def forwards(tx: Tx, let_it_try: Callable[[], None]) -> None:
        mark(tx, "ada")
        let_it_try()
        mark(tx, "ben")

    def backwards() -> None:
        with vault.write(location_id=two) as tx:
            mark(tx, "ben", "ada")

    in_the_middle(vault, forwards, backwards, one)


@pytest.mark.parametrize(("one", "two"), [("", ""), (HERE, HERE), ("", HERE), (HERE, "")])
def test_what_a_writer_has_read_cannot_become_stale(vault: Vault, one: str, two: str) -> None:
    def add(tx: Tx, then: Callable[[], None]) -> None:
        before = locations.get_usage(tx, HERE, "2026-03-02").requests
        then()
        assert locations.get_usage(tx, HERE, "2026-03-02").requests == before
        locations.add_usage(tx, HERE, "2026-03-02", 1)

    def add_as_well() -> None:
        with vault.write(location_id=two) as tx:
            add(tx, lambda: None)

    in_the_middle(vault, add, add_as_well, one)
    with vault.read() as tx:
        assert locations.get_usage(tx, HERE, "2026-03-02").requests == 2


def test_a_delivery_is_kept_while_somebody_writes(vault: Vault) -> None:
    with vault.write(), vault.inbox.write() as tx:
        assert webhook_inbox.add(tx, [Delivery("w1", HERE, "ContactDelete", AT, AT, b"{}")]) == 1


def test_on_postgresql_two_locations_are_written_at_once(vault: Vault) -> None:
    if vault.dialect == "sqlite":
        pytest.skip("SQLite has one writer")
    with vault.write(location_id=HERE), vault.write(location_id="locTwo"):
        pass


def test_a_writer_that_waits_too_long_is_told(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    if vault.dialect == "sqlite":
        pytest.skip("SQLite's patience is set when a connection is made")
    monkeypatch.setattr(dialects, "BUSY_SECONDS", 0.1)
    with (
        vault.write(location_id=HERE),
        pytest.raises(StoreError, match="Another process has been writing"),
        vault.write(),
    ):
        pass
