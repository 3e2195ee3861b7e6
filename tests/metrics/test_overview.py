"""Is my copy good, and what happened: one look."""

from __future__ import annotations

from hlcore.metrics.overview import overview, status_json
from hlcore.model.records import KINDS
from hlcore.settings import Settings
from hlcore.store import locations
from tests.metrics.conftest import AGENCY, CLINIC, Story

SETTINGS = Settings()


def test_status_keeps_to_its_contract(story: Story) -> None:
    story.add("alive", "back_again")
    story.lose("gone", days_ago=1)
    story.lose("too_late", days_ago=31)
    story.add("maybe")
    story.suspect("maybe")
    story.run(total=4, seen=4)
    with story.vault.write() as tx:
        locations.add_usage(tx, AGENCY, "2026-03-02", 17, daily_limit=1000)
    first, second = status_json(story.vault, SETTINGS, story.clock())
    assert first == {
        "location_id": "agency",
        "name": "Agency",
        "health": {"level": "attention", "reasons": first["health"]["reasons"]},
        "contacts": {"present": 2, "suspected": 1, "deleted": 2},
        "at_risk": 1,
        "last_complete_listing": "2026-03-02T09:00:00.000Z",
        "coverage": {"contacts": {"held": 2, "listed": 4}, **dict.fromkeys(KINDS, 0.0)},
        "done_by": first["done_by"],
        "set_aside": 0,
        "api": {"requests_today": 17, "daily_limit": 1000},
    }
    assert second["last_complete_listing"] is None
    assert second["api"] == {"requests_today": 0, "daily_limit": 200_000}
    assert second["coverage"] == {"contacts": {"held": 0, "listed": None}}


def test_a_fresh_complete_copy_is_good(story: Story) -> None:
    story.run()
    (found,) = status_json(story.vault, SETTINGS, story.clock(), location_ids=[AGENCY])
    assert found["health"] == {"level": "ok", "reasons": ["Complete copy from just now."]}


def test_a_refused_run_is_bad_and_says_why(story: Story) -> None:
    story.run()
    story.run("refused", "The token was revoked.")
    (found,) = status_json(story.vault, SETTINGS, story.clock(), location_ids=[AGENCY])
    assert found["health"]["level"] == "bad"
    assert "The token was revoked." in found["health"]["reasons"][0]


def test_a_run_that_fell_silent_is_not_shown_as_running(story: Story) -> None:
    story.run("")
    assert overview(story.vault, [AGENCY], story.clock(), SETTINGS).locations[0].running
    story.clock.advance(minutes=3)
    assert not overview(story.vault, [AGENCY], story.clock(), SETTINGS).locations[0].running


def test_numbers_of_all_accounts_are_added_up(story: Story) -> None:
    story.lose("a", days_ago=29.5)
    story.lose("b", CLINIC, days_ago=10)
    story.lose("c", CLINIC, days_ago=40)
    story.lose("d")
    story.returned("d")
    story.add("alive")
    found = overview(story.vault, [AGENCY, CLINIC], story.clock(), SETTINGS)
    numbers = found.tally
    assert found.protected == 2
    assert (numbers.today, numbers.soon, numbers.later, numbers.closed, numbers.at_risk) == (1, 0, 1, 1, 2)
    assert (numbers.deleted_7, numbers.deleted_30, numbers.returned_30, numbers.restored) == (4, 4, 1, 1)


def test_older_deletions_leave_the_last_week_and_month(story: Story) -> None:
    story.lose("a")
    story.clock.advance(days=7)
    story.lose("b")
    numbers = overview(story.vault, [AGENCY], story.clock(), SETTINGS).tally
    assert (numbers.deleted_7, numbers.deleted_30) == (1, 2)
    story.clock.advance(days=30)
    numbers = overview(story.vault, [AGENCY], story.clock(), SETTINGS).tally
    assert (numbers.deleted_7, numbers.deleted_30) == (0, 0)


def test_urgency_in_numbers_is_urgency_in_the_list(story: Story) -> None:
    from hlcore.metrics.deletions import DeletionFilter, list_deletions

    for number in range(64):
        story.lose(f"c{number}", days_ago=number / 2)
    rows = list_deletions(story.vault, DeletionFilter([AGENCY], ("deleted", "expired")), story.clock(), limit=99).rows
    numbers = overview(story.vault, [AGENCY], story.clock(), SETTINGS).tally
    for word in ("closed", "today", "soon", "later"):
        assert getattr(numbers, word) == sum(lost.urgency == word for lost in rows)


def test_the_copy_is_complete_since_the_oldest_complete_listing(story: Story) -> None:
    story.run()
    assert overview(story.vault, [AGENCY, CLINIC], story.clock(), SETTINGS).last_complete_at is None
    first = story.clock()
    story.clock.advance(hours=1)
    story.run(location_id=CLINIC)
    assert overview(story.vault, [AGENCY, CLINIC], story.clock(), SETTINGS).last_complete_at == first


def test_without_accounts_there_is_nothing_to_say(story: Story) -> None:
    found = overview(story.vault, [], story.clock(), SETTINGS)
    assert (found.protected, found.worst, found.last_complete_at) == (0, None, None)
