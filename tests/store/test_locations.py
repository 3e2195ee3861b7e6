"""Connected locations, and how many requests each day took."""

from __future__ import annotations

from typing import Any

import pytest

from hlcore.errors import NotFound
from hlcore.store import Vault, locations


def connect(vault: Vault, clock: Any, name: str = "Harbor", location_id: str = "l", token: bytes = b"secret") -> None:
    with vault.write() as tx:
        locations.connect(
            tx, location_id, name=name, timezone="Europe/Berlin", company_id="c", token=token, at=clock(), raw=b"{}"
        )


def test_a_connected_location_shows_all_but_its_token(vault: Vault, clock: Any) -> None:
    connect(vault, clock)
    with vault.read() as tx:
        found = locations.get(tx, "l")
        assert locations.get_token(tx, "l") == b"secret"
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
        assert locations.get_token(tx, "l") is None
        assert (locations.list_all(tx), len(locations.list_all(tx, connected_only=False))) == ([], 1)
    connect(vault, clock, name="Harbor 2", token=b"new")
    with vault.read() as tx:
        (found,) = locations.list_all(tx)
        assert locations.get_token(tx, "l") == b"new"
    assert (found.name, found.connected_at, found.disconnected_at) == ("Harbor 2", first, None)
    assert (found.window_days, found.window_reason, found.hipaa) == (60, "support said so", True)
    assert (found.incident_floor, found.incident_share) == (5, 0.5)


def test_locations_are_listed_by_name(vault: Vault, clock: Any) -> None:
    for name in ("b", "a"):
        connect(vault, clock, name=name, location_id=f"l{name}")
    with vault.read() as tx:
        assert [location.location_id for location in locations.list_all(tx)] == ["la", "lb"]


def test_settings_of_an_unknown_location_are_refused(vault: Vault, clock: Any) -> None:
    with vault.read() as tx:
        assert locations.get(tx, "l") is None
        assert locations.get_token(tx, "l") is None
    with pytest.raises(NotFound), vault.write() as tx:
        locations.disconnect(tx, "l", clock())


def test_requests_add_up_and_limits_stay(vault: Vault) -> None:
    with vault.write() as tx:
        locations.add_usage(tx, "l", "2026-03-02", 5, daily_limit=200_000, daily_remaining=100)
        locations.add_usage(tx, "l", "2026-03-02", 2)
        found = locations.get_usage(tx, "l", "2026-03-02")
        assert locations.get_usage(tx, "l", "2026-03-03").requests == 0
    assert (found.requests, found.daily_limit, found.daily_remaining) == (7, 200_000, 100)
