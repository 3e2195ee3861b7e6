"""The state that people see: `expired` follows from the recovery window and is never recorded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hlcore.model.lifecycle import Status, display_status
from hlcore.model.recovery_window import recovery_window, remaining_time

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(("days", "expected"), [(30, Status.DELETED), (0, Status.EXPIRED)])
def test_a_deleted_contact_is_expired_when_the_window_has_closed(days: int, expected: Status) -> None:
    left = remaining_time(recovery_window(days), deleted_at=None, last_seen_at=NOW - timedelta(days=1), now=NOW)
    assert display_status(Status.DELETED, left) == expected


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.DELETED])
def test_a_closed_window_changes_no_other_state(status: Status) -> None:
    left = remaining_time(recovery_window(0), deleted_at=None, last_seen_at=NOW - timedelta(days=1), now=NOW)
    assert display_status(status, left) == status
