"""Texts that HighLevel cut in the middle of an emoji, so that they are not valid Unicode, are restored."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.restore.conftest import World
from tests.support.contacts_with_records import assert_nobody_reached, capture, records_of

STANDS_FOR_IT, HALF = "zqhalf", rb"\ud83d"


class Cutting(httpx.BaseTransport):
    """The same HighLevel, which holds half an emoji where the sandbox, which cannot, holds a word for it."""

    def __init__(self) -> None:
        self.inner = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = request.read().replace(HALF, STANDS_FOR_IT.encode())
        given = {name: value for name, value in request.headers.items() if name != "content-length"}
        answer = self.inner.handle_request(httpx.Request(request.method, request.url, headers=given, content=body))
        told = answer.read().replace(STANDS_FOR_IT.encode(), HALF)
        kept = {name: value for name, value in answer.headers.items() if name != "content-length"}
        return httpx.Response(answer.status_code, headers=kept, content=told)

    def close(self) -> None:
        self.inner.close()


@pytest.fixture
def cutting(world: World) -> Iterator[World]:
    with world.over(Cutting()) as found:
        yield found


def test_whoever_has_half_an_emoji_comes_back_with_everything(cutting: World) -> None:
    place = cutting.location
    sam = place.add_user(f"Sam {STANDS_FOR_IT}")
    ana = cutting.add(
        firstName=f"Ana {STANDS_FOR_IT}", email="ana@example.com", assignedTo=sam, tags=[f"vip {STANDS_FOR_IT}"]
    )
    place.add_note(ana, f"Likes tea {STANDS_FOR_IT}")
    place.add_opportunity(ana, f"Whitening {STANDS_FOR_IT}", assignedTo=sam)
    capture(cutting, ana)
    cutting.lose(ana)
    cutting.confirm(ana)
    cutting.run()
    row = cutting.receipt()[ana]
    assert (row["outcome"], row["error"]) == ("recreated", "")
    new = place.contacts[row["new_id"]]
    assert (new["email"], new["assignedTo"], len(new["tags"])) == ("ana@example.com", sam, 1)
    assert new["firstName"].startswith("Ana")
    assert {key: len(held) for key, held in records_of(cutting, row["new_id"]).items()} == {
        "notes": 1,
        "tasks": 0,
        "deals": 1,
        "appointments": 0,
    }
    assert_nobody_reached(cutting)
