"""The register of deletions: its JSON, what is at risk, in which order, and for how long."""

from __future__ import annotations

from typing import Any

import pytest

from hlcore.errors import SettingsError
from hlcore.metrics.deletions import DeletionFilter, deletions_json, list_deletions
from hlcore.store import locations
from hlcore.store.deletions import register
from tests.metrics.conftest import AGENCY, CLINIC, Story

KEYS = {
    *("location_id", "contact_id", "name", "email", "phone", "status", "cause", "evidence", "deleted_at"),
    *("last_seen_at", "detected_at", "window_ends_at", "days_left", "not_captured"),
}


def statuses(story: Story, status: str = "") -> dict[str, str]:
    found = deletions_json(story.vault, [AGENCY, CLINIC], story.clock(), status=status)
    return {each["contact_id"]: each["status"] for each in found}


def test_a_deletion_says_who_when_why_and_for_how_long(story: Story) -> None:
    story.lose("c1", days_ago=1, firstName="Ana", email="ana@example.com", phone="+15551234567")
    (found,) = deletions_json(story.vault, [AGENCY], story.clock())
    assert set(found) == KEYS
    assert found | {"evidence": ""} == {
        "location_id": "agency", "contact_id": "c1", "name": "Ana", "email": "ana@example.com",
        "phone": "+15551234567", "status": "deleted", "cause": "unknown", "evidence": "", "deleted_at": None,
        "last_seen_at": "2026-03-01T09:00:00.000Z", "detected_at": "2026-03-02T09:00:00.000Z",
        "window_ends_at": "2026-03-31T09:00:00.000Z", "days_left": 29,
        "not_captured": ["detail", "note", "task", "opportunity", "appointment", "conversation", "message"],
    }  # fmt: skip


def test_suspicions_are_listed_only_on_request(story: Story) -> None:
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


def test_their_later_states_are_listed(story: Story) -> None:
    story.lose("merged", status="merged")
    story.lose("back")
    story.returned("back")
    story.lose("anew")
    story.recreated("anew")
    assert statuses(story) == {"merged": "merged", "back": "returned", "anew": "recreated"}


def test_an_erased_contact_is_an_id_and_nothing_else(story: Story) -> None:
    story.lose("c1", firstName="Ana", email="ana@example.com")
    with story.vault.write() as tx:
        register.erase_contact(tx, AGENCY, "c1", at=story.clock())
    (found,) = deletions_json(story.vault, [AGENCY], story.clock())
    assert (found["name"], found["email"], found["phone"], found["evidence"]) == ("", "", "", "")


def test_a_status_that_does_not_exist_is_refused(story: Story) -> None:
    with pytest.raises(SettingsError, match="no status"):
        deletions_json(story.vault, [AGENCY], story.clock(), status="gone")


BOTH = (AGENCY, CLINIC)
AT_RISK = DeletionFilter(BOTH, statuses=("deleted",))


def ids(story: Story, limit: int = 50, offset: int = 0, **wanted: Any) -> list[str]:
    page = list_deletions(
        story.vault,
        DeletionFilter(**{"location_ids": BOTH, "statuses": ("deleted",), **wanted}),
        story.clock(),
        limit=limit,
        offset=offset,
    )
    return [lost.row.contact_id for lost in page.rows]


def test_the_most_urgent_come_first(story: Story) -> None:
    for contact_id, days in (("later", 2), ("today", 29.5), ("soon", 25)):
        story.lose(contact_id, days_ago=days)
    assert ids(story) == ["today", "soon", "later"]


def test_accounts_with_different_windows_are_sorted_by_what_is_left(story: Story) -> None:
    with story.vault.write() as tx:
        locations.set_window(tx, CLINIC, days=60, reason="", hipaa=False)
    story.lose("five_left", days_ago=25)
    story.lose("three_left", CLINIC, days_ago=57)
    story.lose("ten_left", CLINIC, days_ago=50)
    assert ids(story) == ["three_left", "five_left", "ten_left"]


def test_only_the_deleted_with_an_open_window_are_at_risk(story: Story) -> None:
    story.lose("open", days_ago=29.99)
    story.lose("closed", days_ago=30)
    story.lose("merged", status="merged")
    story.lose("back")
    story.returned("back")
    story.lose("anew")
    story.recreated("anew")
    story.add("missing", "alive")
    story.suspect("missing")
    assert ids(story) == ["open"]


def test_a_hipaa_account_has_nothing_at_risk(story: Story) -> None:
    with story.vault.write() as tx:
        locations.set_window(tx, CLINIC, days=None, reason="", hipaa=True)
    story.lose("c1", CLINIC)
    assert ids(story) == []


@pytest.mark.parametrize(
    ("least", "most", "expected"),
    [(None, None, ["d0", "d6", "d7", "d20"]), (None, 6, ["d0", "d6"]), (7, None, ["d7", "d20"]), (0, 0, ["d0"]),
     (6, 7, ["d6", "d7"])],
)  # fmt: skip
def test_days_left_are_whole_days_rounded_down(
    story: Story, least: int | None, most: int | None, expected: list[str]
) -> None:
    for left in (0, 6, 7, 20):
        story.lose(f"d{left}", days_ago=30 - left - 0.5)
    assert ids(story, min_days=least, max_days=most) == expected


@pytest.mark.parametrize("wanted", [{"owner_id": "u1"}, {"tag": "vip"}, {"source": "form"}, {"text": "ruiz"}])
def test_filters_hold(story: Story, wanted: dict[str, str]) -> None:
    story.lose("yes", assignedTo="u1", tags=["vip"], source="form", lastName="Ruiz")
    story.lose("no", assignedTo="u2", tags=["vip2"], source="ad", lastName="Wong")
    assert ids(story, **wanted) == ["yes"]


def test_pages_have_every_row_once_and_the_total(story: Story) -> None:
    for number in range(7):
        story.lose(f"c{number}", days_ago=3)
    found = [each for offset in (0, 3, 6) for each in ids(story, limit=3, offset=offset)]
    assert sorted(found) == [f"c{number}" for number in range(7)]
    assert list_deletions(story.vault, AT_RISK, story.clock(), limit=3).total == 7


def test_owners_are_named_and_unknown_ones_keep_their_id(story: Story) -> None:
    story.user("u1", "Olga Owner")
    story.lose("a", assignedTo="u1", days_ago=2)
    story.lose("b", assignedTo="u9", days_ago=1)
    page = list_deletions(story.vault, AT_RISK, story.clock(), limit=9)
    assert [lost.owner for lost in page.rows] == ["Olga Owner", "u9"]


def test_each_row_says_how_soon_somebody_must_act(story: Story) -> None:
    for contact_id, days in (("today", 29.5), ("soon", 22.5), ("later", 21.5), ("closed", 31)):
        story.lose(contact_id, days_ago=days)
    page = list_deletions(story.vault, DeletionFilter(BOTH, ("deleted", "expired")), story.clock(), limit=9)
    assert {lost.row.contact_id: lost.urgency for lost in page.rows} == {
        "today": "today", "soon": "soon", "later": "later", "closed": "closed",
    }  # fmt: skip


def test_an_exact_time_of_deletion_starts_the_clock(story: Story) -> None:
    story.lose("c1", days_ago=40, exact=story.clock())
    (lost,) = list_deletions(story.vault, AT_RISK, story.clock(), limit=9).rows
    assert (lost.left.days_left, lost.left.exact) == (30, True)
