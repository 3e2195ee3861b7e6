"""Causes: only what the evidence carries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hlcore.model.deletion_causes import Claim, bulk_cause, merge_cause, unknown_cause

SEEN = datetime(2026, 3, 1, 12, tzinfo=UTC)
BEFORE, AFTER = SEEN - timedelta(days=3), SEEN + timedelta(minutes=3)


def test_gaining_the_address_after_the_last_sighting_proves_a_merge() -> None:
    cause = merge_cause([Claim("winner", "email", True, AFTER, AFTER)], last_seen_at=SEEN)
    assert cause
    assert (cause.kind, cause.winner_id, cause.proven) == ("merge", "winner", True)


def test_an_untouched_namesake_makes_a_merge_only_probable() -> None:
    cause = merge_cause([Claim("twin", "phone", False, BEFORE, BEFORE)], last_seen_at=SEEN)
    assert cause
    assert not cause.proven
    assert "probably" in cause.evidence


def test_without_a_holder_there_is_no_merge() -> None:
    assert merge_cause([], last_seen_at=SEEN) is None


def test_the_proven_holder_wins_over_the_probable_one() -> None:
    claims = [Claim("twin", "email", False, BEFORE, BEFORE), Claim("winner", "email", True, AFTER, AFTER)]
    cause = merge_cause(claims, last_seen_at=SEEN)
    assert cause
    assert cause.winner_id == "winner"


def test_many_within_minutes_are_a_bulk_action() -> None:
    cause = bulk_cause(37, earliest=SEEN, latest=SEEN + timedelta(minutes=15))
    assert cause
    assert "37 contacts disappeared within 15 minutes" in cause.evidence


def test_few_or_slow_disappearances_are_no_bulk_action() -> None:
    assert bulk_cause(9, earliest=SEEN, latest=SEEN) is None
    assert bulk_cause(500, earliest=SEEN, latest=SEEN + timedelta(days=1)) is None


def test_an_unknown_cause_says_where_to_look() -> None:
    assert "Audit Logs" in unknown_cause(3).evidence
    assert "2 others" in unknown_cause(3).evidence
