"""The audit log, the request counts, leases, and the connected locations."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from hlcore.errors import NotFound, StoreError
from hlcore.store import Vault, audit, locations, runs

MINUTE = timedelta(minutes=1)


def test_acts_are_listed_newest_first_and_by_location(vault: Vault, clock: Any) -> None:
    with vault.write() as tx:
        for act, place in (("sign_in", ""), ("export", "l"), ("restore", "m")):
            audit.append(tx, at=clock(), actor="sam", role="restorer", act=act, location_id=place, detail={"rows": 3})
        assert [line.act for line in audit.listing(tx, limit=2)] == ["restore", "export"]
        assert [line.act for line in audit.listing(tx, limit=9, location_ids=["l"])] == ["export", "sign_in"]
        assert audit.count(tx, location_ids=["l"]) == 2
        assert audit.count(tx, act="export") == 1
        assert audit.listing(tx, limit=1)[0].detail == {"rows": 3}


@pytest.mark.parametrize("act", ["UPDATE audit SET actor = 'otto'", "DELETE FROM audit"])
def test_the_database_itself_refuses_to_change_the_audit_log(vault: Vault, clock: Any, act: str) -> None:
    with vault.write() as tx:
        audit.append(tx, at=clock(), actor="sam", role="restorer", act="export")
    with pytest.raises(StoreError), vault.write() as tx:
        tx.exec_driver_sql(act)
    with vault.read() as tx:
        assert [line.actor for line in audit.listing(tx, limit=9)] == ["sam"]


def test_requests_add_up_and_limits_stay(vault: Vault) -> None:
    with vault.write() as tx:
        locations.add(tx, "l", "2026-03-02", 5, daily_limit=200_000, daily_remaining=100)
        locations.add(tx, "l", "2026-03-02", 2)
        found = locations.today(tx, "l", "2026-03-02")
        assert locations.today(tx, "l", "2026-03-03").requests == 0
    assert (found.requests, found.daily_limit, found.daily_remaining) == (7, 200_000, 100)


def test_a_lease_belongs_to_one_until_it_runs_out(vault: Vault, clock: Any) -> None:
    with vault.write() as tx:
        assert runs.acquire_lease(tx, "x", "a", at=clock(), ttl=MINUTE)
        assert runs.acquire_lease(tx, "x", "a", at=clock(), ttl=MINUTE)
        assert not runs.acquire_lease(tx, "x", "b", at=clock(), ttl=MINUTE)
        assert runs.renew_lease(tx, "x", "a", at=clock.advance(seconds=59), ttl=MINUTE)
        assert not runs.renew_lease(tx, "x", "b", at=clock(), ttl=MINUTE)
        assert not runs.acquire_lease(tx, "x", "b", at=clock.advance(seconds=59), ttl=MINUTE)
        assert runs.acquire_lease(tx, "x", "b", at=clock.advance(seconds=1), ttl=MINUTE)
        assert runs.lease_holder(tx, "x", at=clock()) == "b"


def test_only_the_holder_gives_a_lease_back(vault: Vault, clock: Any) -> None:
    with vault.write() as tx:
        runs.acquire_lease(tx, "x", "a", at=clock(), ttl=MINUTE)
        runs.release_lease(tx, "x", "b")
        assert runs.lease_holder(tx, "x", at=clock()) == "a"
        runs.release_lease(tx, "x", "a")
        assert runs.lease_holder(tx, "x", at=clock()) == ""


def connect(vault: Vault, clock: Any, name: str = "Harbor", location_id: str = "l", token: bytes = b"secret") -> None:
    with vault.write() as tx:
        locations.connect(
            tx,
            location_id,
            name=name,
            timezone="Europe/Berlin",
            company_id="c",
            token=token,
            at=clock(),
            raw=b"{}",
        )


def test_a_connected_location_shows_all_but_its_token(vault: Vault, clock: Any) -> None:
    connect(vault, clock)
    with vault.read() as tx:
        found = locations.get(tx, "l")
        assert locations.token(tx, "l") == b"secret"
    assert found is not None
    assert (found.name, found.timezone, found.has_token, found.connected) == ("Harbor", "Europe/Berlin", True, True)
    assert "secret" not in repr(found)


def test_connecting_again_renews_the_token_and_keeps_the_settings(vault: Vault, clock: Any) -> None:
    connect(vault, clock)
    first = clock()
    with vault.write() as tx:
        locations.set_window(tx, "l", days=60, reason="support said so", hipaa=True)
        locations.set_thresholds(tx, "l", floor=5, share=0.5)
        locations.disconnect(tx, "l", clock.advance(days=1))
        assert locations.token(tx, "l") is None
        assert (locations.all(tx), len(locations.all(tx, connected_only=False))) == ([], 1)
    connect(vault, clock, name="Harbor 2", token=b"new")
    with vault.read() as tx:
        (found,) = locations.all(tx)
        assert locations.token(tx, "l") == b"new"
    assert (found.name, found.connected_at, found.disconnected_at) == ("Harbor 2", first, None)
    assert (found.window_days, found.window_reason, found.hipaa) == (60, "support said so", True)
    assert (found.incident_floor, found.incident_share) == (5, 0.5)


def test_locations_are_listed_by_name(vault: Vault, clock: Any) -> None:
    for name in ("b", "a"):
        connect(vault, clock, name=name, location_id=f"l{name}")
    with vault.read() as tx:
        assert [one.location_id for one in locations.all(tx)] == ["la", "lb"]


def test_settings_of_an_unknown_location_are_refused(vault: Vault, clock: Any) -> None:
    with vault.read() as tx:
        assert locations.get(tx, "l") is None
        assert locations.token(tx, "l") is None
    with pytest.raises(NotFound), vault.write() as tx:
        locations.disconnect(tx, "l", clock())
