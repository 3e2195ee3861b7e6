"""The register for programs keeps to its contract."""

from __future__ import annotations

import pytest

from hlcore.errors import SettingsError
from hlcore.metrics.deletions import deletions
from hlcore.store.deletions import register
from tests.metrics.conftest import AGENCY, CLINIC, Story

KEYS = {
    *("location_id", "contact_id", "name", "email", "phone", "status", "cause", "evidence", "deleted_at"),
    *("last_seen_at", "detected_at", "window_ends_at", "days_left"),
}


def statuses(story: Story, status: str = "") -> dict[str, str]:
    found = deletions(story.vault, [AGENCY, CLINIC], story.clock(), status=status)
    return {each["contact_id"]: each["status"] for each in found}


def test_a_deletion_says_who_when_why_and_for_how_long(story: Story) -> None:
    story.lose("c1", days_ago=1, firstName="Ana", email="ana@example.com", phone="+15551234567")
    (found,) = deletions(story.vault, [AGENCY], story.clock())
    assert set(found) == KEYS
    assert found | {"evidence": ""} == {
        "location_id": "agency", "contact_id": "c1", "name": "Ana", "email": "ana@example.com",
        "phone": "+15551234567", "status": "deleted", "cause": "unknown", "evidence": "", "deleted_at": None,
        "last_seen_at": "2026-03-01T09:00:00.000Z", "detected_at": "2026-03-02T09:00:00.000Z",
        "window_ends_at": "2026-03-31T09:00:00.000Z", "days_left": 29,
    }  # fmt: skip


def test_suspicions_are_only_there_when_asked_for(story: Story) -> None:
    story.add("maybe", "alive")
    story.suspect("maybe")
    row = story.suspect("alive")
    with story.vault.write() as tx:
        register.withdraw(tx, [row], at=story.clock(), note="alive")
    assert statuses(story) == {}
    assert statuses(story, "suspected") == {"maybe": "suspected"}
    assert statuses(story, "withdrawn") == {"alive": "withdrawn"}


def test_expired_follows_from_the_clock(story: Story) -> None:
    story.lose("c1", days_ago=29)
    assert statuses(story, "deleted") == {"c1": "deleted"}
    story.clock.advance(days=1)
    assert statuses(story, "deleted") == {}
    assert statuses(story, "expired") == statuses(story) == {"c1": "expired"}


def test_what_became_of_them_is_told(story: Story) -> None:
    story.lose("merged", status="merged")
    story.lose("back")
    story.returned("back")
    story.lose("anew")
    story.recreated("anew")
    assert statuses(story) == {"merged": "merged", "back": "returned", "anew": "recreated"}


def test_an_erased_person_is_an_id_and_nothing_else(story: Story) -> None:
    story.lose("c1", firstName="Ana", email="ana@example.com")
    with story.vault.write() as tx:
        register.erased(tx, AGENCY, "c1", at=story.clock())
    (found,) = deletions(story.vault, [AGENCY], story.clock())
    assert (found["name"], found["email"], found["phone"], found["evidence"]) == ("", "", "", "")


def test_a_status_that_does_not_exist_is_refused(story: Story) -> None:
    with pytest.raises(SettingsError, match="no status"):
        deletions(story.vault, [AGENCY], story.clock(), status="gone")
