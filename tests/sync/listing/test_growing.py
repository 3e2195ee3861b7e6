"""A listing ends behind the moment at which it began, however many contacts come meanwhile."""

from __future__ import annotations

import pytest

from hlcore.sync.run_context import SyncRules
from tests.sync.conftest import World


@pytest.mark.parametrize("each", [1, 20, 70], ids=["one a page", "some a page", "more than a page"])
@pytest.mark.parametrize("people", [0, 3, 200, 900], ids=str)
def test_contacts_that_keep_coming_do_not_keep_the_listing_from_its_end(world: World, people: int, each: int) -> None:
    """900 people are read in several ranges of dates."""
    world.location.delete(*list(world.location.contacts)[people:])
    world.location.fill(max(0, people - 200))
    world.clock.advance(days=1)
    before = set(world.location.contacts)
    pages: list[int] = []

    def grow(page: int) -> None:
        if len(pages) > people / 50 + 80:
            raise AssertionError("the listing does not end")
        pages.append(page)
        for _ in range(each):
            world.clock.advance(milliseconds=1)
            world.location.create(firstName=f"New {len(pages)}")

    world.location.faults.between_pages = grow
    report = world.sync()
    assert report.outcome == "complete", report.reason
    assert before <= world.stored_ids()
    world.location.faults.between_pages = None
    assert world.sync().outcome == "complete"
    assert world.stored_ids() == set(world.location.contacts)
    assert world.lost() == set()


def test_a_watch_ends_while_contacts_keep_coming(world: World) -> None:
    world.sync()
    gone = list(world.location.contacts)[20]
    world.location.delete(gone)
    requests: list[int] = []

    def grow(page: int) -> None:
        requests.append(page)
        for _ in range(60):
            world.location.create(firstName=f"New {len(requests)}")

    world.location.faults.between_pages = grow
    world.rules = SyncRules(page_size=50)
    world.watch()
    world.location.faults.between_pages = None
    assert len(requests) < 60
    world.sync()
    assert world.lost() == {gone}
