"""A contact's life: no sequence of events loses or revives anybody without proof."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hlcore.model.lifecycle import LOST, LifecycleEvent, Status, after, shown
from hlcore.model.recovery_window import remaining, window_of

RECORDED = [status for status in Status if status is not Status.EXPIRED]
events = st.lists(st.sampled_from(list(LifecycleEvent)), max_size=12)
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def live(status: Status, happened: list[LifecycleEvent]) -> Status:
    for event in happened:
        status = after(status, event)
    return status


@pytest.mark.parametrize(
    ("status", "event", "expected"),
    [
        (Status.PRESENT, LifecycleEvent.MISSED, Status.SUSPECTED),
        (Status.SUSPECTED, LifecycleEvent.LISTED, Status.PRESENT),
        (Status.SUSPECTED, LifecycleEvent.GONE, Status.DELETED),
        (Status.SUSPECTED, LifecycleEvent.MERGED, Status.MERGED),
        (Status.DELETED, LifecycleEvent.LISTED, Status.RETURNED),
        (Status.DELETED, LifecycleEvent.RECREATED, Status.RECREATED),
        (Status.RETURNED, LifecycleEvent.MISSED, Status.SUSPECTED),
        (Status.DELETED, LifecycleEvent.MISSED, Status.DELETED),
        (Status.UNDONE, LifecycleEvent.MISSED, Status.UNDONE),
        (Status.UNDONE, LifecycleEvent.GONE, Status.UNDONE),
        (Status.UNDONE, LifecycleEvent.LISTED, Status.RETURNED),
    ],
)
def test_each_step_of_a_life(status: Status, event: LifecycleEvent, expected: Status) -> None:
    assert after(status, event) is expected


@given(events.filter(lambda happened: not {LifecycleEvent.GONE, LifecycleEvent.MERGED} & set(happened)))
def test_nobody_is_lost_without_proof(happened: list[LifecycleEvent]) -> None:
    """Missing from listings, however often, never makes a contact deleted."""
    assert live(Status.PRESENT, happened) not in LOST


@given(events)
def test_nothing_brings_an_erased_person_back(happened: list[LifecycleEvent]) -> None:
    assert live(Status.ERASED, happened) is Status.ERASED


@given(st.sampled_from(RECORDED), events)
def test_expired_is_never_recorded(status: Status, happened: list[LifecycleEvent]) -> None:
    assert live(status, happened) is not Status.EXPIRED


@pytest.mark.parametrize(("days", "expected"), [(30, Status.DELETED), (0, Status.EXPIRED)])
def test_a_lost_contact_is_expired_when_the_window_has_closed(days: int, expected: Status) -> None:
    left = remaining(window_of(days), deleted_at=None, last_seen_at=NOW - timedelta(days=1), now=NOW)
    assert shown(Status.DELETED, left) is expected
