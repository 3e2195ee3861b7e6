"""Leases, and which holders may be taken over from."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from hlcore.store import Vault, leases

MINUTE = timedelta(minutes=1)


def dead_process() -> str:
    """Return a holder whose process id belongs to another process by now."""
    host, pid, _ = leases.this_process().split(":")
    return f"{host}:{pid}:1.00"


def test_a_lease_belongs_to_one_until_it_runs_out(vault: Vault, clock: Any) -> None:
    with vault.write() as tx:
        assert leases.acquire(tx, "x", "a", at=clock(), ttl=MINUTE)
        assert leases.acquire(tx, "x", "a", at=clock(), ttl=MINUTE)
        assert not leases.acquire(tx, "x", "b", at=clock(), ttl=MINUTE)
        assert leases.renew(tx, "x", "a", at=clock.advance(seconds=59), ttl=MINUTE)
        assert not leases.renew(tx, "x", "b", at=clock(), ttl=MINUTE)
        assert not leases.acquire(tx, "x", "b", at=clock.advance(seconds=59), ttl=MINUTE)
        assert leases.acquire(tx, "x", "b", at=clock.advance(seconds=1), ttl=MINUTE)
        assert leases.current_holder(tx, "x", at=clock()) == "b"


def test_only_the_holder_gives_a_lease_back(vault: Vault, clock: Any) -> None:
    with vault.write() as tx:
        leases.acquire(tx, "x", "a", at=clock(), ttl=MINUTE)
        leases.release(tx, "x", "b")
        assert leases.current_holder(tx, "x", at=clock()) == "a"
        leases.release(tx, "x", "a")
        assert leases.current_holder(tx, "x", at=clock()) == ""


def test_the_lease_of_a_dead_process_is_taken_over_at_once(vault: Vault, clock: Any) -> None:
    with vault.write() as tx:
        leases.acquire(tx, "x", dead_process(), at=clock(), ttl=MINUTE)
        assert leases.acquire(tx, "x", "elsewhere:1:1.00", at=clock(), ttl=MINUTE)
        assert not leases.acquire(tx, "x", leases.this_process(), at=clock(), ttl=MINUTE)
        assert leases.current_holder(tx, "x", at=clock()) == "elsewhere:1:1.00"


@pytest.mark.parametrize(
    ("holder", "silent", "held"),
    [
        ("elsewhere:1:1.00", 119, True),
        ("elsewhere:1:1.00", 120, False),
        (leases.this_process(), 119, True),
        (f"{leases.this_process()}:a thread", 0, True),
        (dead_process(), 0, False),
        ("", 0, False),
    ],
    ids=["recently heard from", "silent", "this process", "a thread of it", "dead", "nobody"],
)
def test_what_is_held_by_a_living_process_is_not_taken_over(clock: Any, holder: str, silent: int, held: bool) -> None:
    assert leases.is_held(holder, clock() - timedelta(seconds=silent), clock()) is held


def test_what_never_gave_a_sign_of_life_is_not_held(clock: Any) -> None:
    assert not leases.is_held(leases.this_process(), None, clock())
