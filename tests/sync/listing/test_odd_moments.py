"""A date that no calendar holds is that field's trouble alone: the contact and all others are kept."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from hlcore.store.contacts import reads as contact_reads
from tests.sync.conftest import LOCATION, World

ODD = [
    "9999-12-31T23:59:59-05:00",
    "0001-01-01T00:00:00+05:30",
    "0001-01-01T00:00:00Z",
    "soon",
    "9" * 400,
    1e300,
    {},
    [1],
]


class Dated(httpx.HTTPTransport):
    """A HighLevel that shows one contact with other dates, in lists and by id."""

    def __init__(self, contact_id: str, **dates: Any) -> None:
        super().__init__()
        self.contact_id, self.dates = contact_id, dates

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        value = json.loads(response.read())
        for contact in (*value.get("contacts", ()), value.get("contact") or {}):
            if contact.get("id") == self.contact_id:
                contact.update(self.dates)
        headers = {"content-type": "application/json"}
        return httpx.Response(response.status_code, headers=headers, content=json.dumps(value))


@pytest.mark.parametrize("field", ["dateAdded", "dateUpdated"])
@pytest.mark.parametrize("value", ODD, ids=lambda value: str(value)[:20])
def test_an_odd_date_stops_nobody(world: World, field: str, value: Any) -> None:
    odd, other = list(world.location.contacts)[5:7]
    with world.client_over(Dated(odd, **{field: value})) as world.client:
        first = world.sync()
        assert (first.outcome, first.seen, first.added) == ("complete", 200, 200)
        assert ("cannot be read" in first.reason) is (value != "0001-01-01T00:00:00Z")
        world.location.delete(other)
        world.watch()
        assert world.sync().outcome == "complete"
        assert world.lost() == {other}
        with world.vault.read() as tx:
            stored = contact_reads.get(tx, LOCATION, odd)
        assert json.loads(stored.raw)[field] == value
        world.location.delete(odd)
        assert world.sync().outcome == "complete"
        assert world.lost() == {other, odd}
