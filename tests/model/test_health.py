"""Health: one answer from facts and the clock; it turns red by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hlcore.model.health import HealthFacts, Level, ago, assess

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
GOOD = HealthFacts(
    connected=True,
    last_complete_at=NOW - timedelta(minutes=10),
    last_outcome="complete",
    last_reason="",
    running=False,
    suspected=0,
    incidents_waiting=0,
    every=timedelta(minutes=15),
)


def test_a_fresh_complete_copy_is_good() -> None:
    health = assess(GOOD, NOW)
    assert health.level is Level.OK
    assert health.reasons == ("Complete copy from 10 minutes ago.",)


@pytest.mark.parametrize(
    ("later", "level"),
    [(timedelta(minutes=15), Level.OK), (timedelta(hours=3), Level.ATTENTION), (timedelta(days=2), Level.BAD)],
    ids=["in time", "late", "stale"],
)
def test_an_ageing_copy_turns_red_by_itself(later: timedelta, level: Level) -> None:
    assert assess(GOOD, NOW + later).level is level


@pytest.mark.parametrize(
    ("change", "level", "words"),
    [
        ({"connected": False}, Level.BAD, "disconnected"),
        ({"last_complete_at": None}, Level.BAD, "no complete copy"),
        ({"last_complete_at": None, "running": True}, Level.ATTENTION, "being made"),
        ({"last_outcome": "refused", "last_reason": "token revoked"}, Level.BAD, "token revoked"),
        ({"last_outcome": "incomplete", "last_reason": "cut off"}, Level.ATTENTION, "cut off"),
        ({"suspected": 2}, Level.ATTENTION, "2 contacts"),
        ({"twins": 1}, Level.ATTENTION, "1 person lives twice"),
        ({"incidents_waiting": 1}, Level.ATTENTION, "Unusually many"),
        ({"set_aside": 1}, Level.ATTENTION, "1 item from HighLevel could not be handled and was set aside"),
        ({"set_aside": 2}, Level.ATTENTION, "2 items from HighLevel could not be handled and were set aside"),
    ],
)
def test_every_trouble_is_named(change: dict[str, object], level: Level, words: str) -> None:
    health = assess(replace(GOOD, **change), NOW)  # type: ignore[arg-type]
    assert health.level is level
    assert any(words in reason for reason in health.reasons)


@pytest.mark.parametrize(
    ("change", "doubtful"),
    [
        ({}, False),
        ({"connected": False}, True),
        ({"last_complete_at": None}, True),
        ({"last_complete_at": None, "running": True}, True),
        ({"last_complete_at": NOW - timedelta(days=3)}, True),
        ({"last_outcome": "refused", "last_reason": "token revoked"}, True),
        ({"suspected": 1}, True),
        ({"incidents_waiting": 1}, True),
        ({"set_aside": 1}, False),
        ({"twins": 1}, False),
    ],
)
def test_only_a_whole_and_fresh_copy_proves_that_nobody_was_deleted(change: dict[str, object], doubtful: bool) -> None:
    assert bool(assess(replace(GOOD, **change), NOW).doubts) == doubtful  # type: ignore[arg-type]


def test_the_worst_reason_comes_first() -> None:
    health = assess(replace(GOOD, suspected=1, last_outcome="refused", last_reason="token"), NOW)
    assert "token" in health.reasons[0]


@pytest.mark.parametrize(
    ("age", "words"),
    [(timedelta(seconds=20), "just now"), (timedelta(minutes=1), "1 minute ago"), (timedelta(days=2), "2 days ago")],
)
def test_ages_in_words(age: timedelta, words: str) -> None:
    assert ago(age) == words


@pytest.mark.parametrize(
    ("last", "since", "reason"),
    [(30, None, True), (2, None, False), (None, 30, True), (2, 400, False), (None, None, False)],
    ids=["silent", "heard lately", "never heard by the app", "heard since", "nobody expects any"],
)
def test_silence_calls_for_attention_only_where_webhooks_are_expected(
    last: int | None, since: int | None, reason: bool
) -> None:
    def hours(number: int | None) -> datetime | None:
        return None if number is None else NOW - timedelta(hours=number)

    found = assess(replace(GOOD, last_webhook_at=hours(last), webhooks_expected_since=hours(since)), NOW)
    assert any("No webhook for 30 hours" in each for each in found.reasons) is reason
    assert found.level is (Level.ATTENTION if reason else Level.OK)
