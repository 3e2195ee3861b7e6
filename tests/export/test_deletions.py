"""The register as CSV: what is known of each disappearance, and the whole last copy."""

from __future__ import annotations

from hlcore.export import ExportKind, ExportMode
from hlcore.store.deletions import register
from tests.export.conftest import CLINIC, Story


def test_a_deletion_says_who_when_why_and_for_how_long(story: Story) -> None:
    story.keep("user", "u1", name="Olga")
    raw = story.add("c1", firstName="Ana", email="ana@example.com", assignedTo="u1")
    story.lose("c1", days_ago=1)
    (row,) = story.rows(ExportKind.DELETIONS)
    assert (row["contact_id"], row["id"], row["firstName"], row["email"]) == ("c1", "c1", "Ana", "ana@example.com")
    assert (row["status"], row["cause"], row["evidence"]) == ("deleted", "unknown", "GET says 404")
    assert row["owner"] == "Olga"
    assert (row["last_seen_at"], row["window_ends_at"]) == ("2026-03-01T09:00:00.000Z", "2026-03-31T09:00:00.000Z")
    assert (row["deleted_at"], row["days_left"]) == ("", "29")
    assert row["raw"].encode() == raw


def test_what_became_of_them_is_told(story: Story) -> None:
    for contact_id in ("late", "anew", "maybe"):
        story.add(contact_id)
    story.lose("late", days_ago=31)
    story.lose("anew")
    with story.vault.write() as tx:
        register.mark_recreated(tx, "agency", "anew", new_contact_id="fresh", at=story.now())
        register.mark_suspected(tx, "agency", [("maybe", story.now())], at=story.now(), detected_by="listing")
    rows = {row["contact_id"]: row for row in story.rows(ExportKind.DELETIONS)}
    assert {key: row["status"] for key, row in rows.items()} == {"late": "expired", "anew": "recreated"}
    assert rows["anew"]["new_contact_id"] == "fresh"
    assert [row["id"] for row in story.rows(ExportKind.DELETIONS, statuses=["suspected"])] == ["maybe"]


def test_filters_chosen_ids_and_accounts_hold(story: Story) -> None:
    story.add("a", tags=["vip"])
    story.add("b")
    story.add("c", CLINIC, tags=["vip"])
    story.lose("a")
    story.lose("b", days_ago=31)
    story.lose("c", CLINIC)

    def ids(**selection: object) -> list[str]:
        return [row["id"] for row in story.rows(ExportKind.DELETIONS, **selection)]

    assert ids() == ["a", "b", "c"]
    assert ids(tag="vip") == ["a", "c"]
    assert ids(at_risk=True) == ["a", "c"]
    assert ids(statuses=["expired"]) == ["b"]
    assert ids(contact_ids=["b", "c"]) == ["b", "c"]
    assert ids(location_ids=[CLINIC]) == ["c"]


def test_erased_people_are_not_there(story: Story) -> None:
    story.add("gone", firstName="Nobody")
    story.lose("gone")
    with story.vault.write() as tx:
        register.erase_contact(tx, "agency", "gone", at=story.now())
    assert story.rows(ExportKind.DELETIONS) == story.rows(ExportKind.DELETIONS, statuses=["erased"]) == []


def test_custom_fields_of_the_lost_are_columns(story: Story) -> None:
    story.keep("custom_field", "f1", name="Size")
    story.add("c1", customFields=[{"id": "f1", "value": "44"}, {"id": "f9", "value": "x"}])
    story.lose("c1")
    (row,) = story.rows(ExportKind.DELETIONS, ExportMode.SAFE)
    assert (row["Size"], row["f9"]) == ("44", "x")
