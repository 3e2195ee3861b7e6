"""Notes, tasks, opportunities, messages and earlier copies as CSV."""

from __future__ import annotations

import json

import pytest

from hlcore.export import ExportKind, ExportMode
from hlcore.store import records
from hlcore.store.capture import state as capture_state
from tests.export.conftest import AGENCY, CLINIC, Story

EXAMPLES = [
    (ExportKind.NOTES, "note", {"body": "=1+1\n- call", "userId": "u1", "pinned": True}),
    (ExportKind.TASKS, "task", {"title": "Call", "dueDate": "2026-03-02T09:00:00Z", "completed": False}),
    (ExportKind.OPPORTUNITIES, "opportunity", {"name": "Deal", "monetaryValue": -5.5, "status": "open"}),
    (
        ExportKind.APPOINTMENTS,
        "appointment",
        {"title": "Check-up", "startTime": "2026-03-02 09:00:00", "users": ["u1"]},
    ),
    (ExportKind.MESSAGES, "message", {"direction": "inbound", "body": "Hi", "messageType": "TYPE_SMS"}),
]


@pytest.mark.parametrize(("kind", "stored", "fields"), EXAMPLES, ids=[each[1] for each in EXAMPLES])
def test_each_kind_stands_under_highlevels_names(
    story: Story, kind: ExportKind, stored: str, fields: dict[str, object]
) -> None:
    story.add("c1")
    story.keep(stored, "r1", "c1", contactId="c1", surprise=[1], **fields)
    (row,) = story.rows(kind)
    told = {name: value if isinstance(value, str) else json.dumps(value) for name, value in fields.items()}
    assert row | told == row
    assert (row["id"], row["contactId"], row["vault_contact"]) == ("r1", "c1", "c1")
    assert json.loads(row["raw"])["surprise"] == [1]
    assert json.loads(story.rows(kind, ExportMode.SAFE)[0]["otherFields"]) == {"surprise": [1]}


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("mode", list(ExportMode))
def test_an_e_mail_stands_beside_its_message(story: Story, mode: ExportMode, wrapped: bool) -> None:
    letter = {"subject": "Offer", "body": "<p>Dear Ada</p>"}
    story.keep("email", "e1", "c1", **({"emailMessage": letter} if wrapped else letter))
    story.keep("email", "e2", "c1", body="<p>P. S.</p>")
    named = {"email": {"messageIds": ["e1", "e2"]}}
    story.keep("message", "m1", "c1", messageType="TYPE_EMAIL", meta=named)
    story.keep("message", "m2", "c1", messageType="TYPE_SMS", body="Hi")
    mail, text = story.rows(ExportKind.MESSAGES, mode)
    assert (mail["email_subject"], mail["email_body"]) == ("Offer", "<p>Dear Ada</p>\n\n<p>P. S.</p>")
    assert (mail["body"], text["email_body"]) == ("", "")


def test_an_e_mail_of_another_account_is_not_taken_for_this_ones(story: Story) -> None:
    story.keep("email", "m1", "c1", location_id=CLINIC, body="theirs")
    story.keep("message", "m1", "c1", messageType="TYPE_EMAIL")
    assert story.rows(ExportKind.MESSAGES)[0]["email_body"] == ""


@pytest.mark.parametrize(
    ("kind", "stored", "fields", "expected"),
    [
        (ExportKind.NOTES, "note", {"userId": "u1"}, {"vault_user": "Ana Ruiz"}),
        (ExportKind.TASKS, "task", {"assignedTo": "u1"}, {"vault_owner": "Ana Ruiz"}),
        (
            ExportKind.OPPORTUNITIES,
            "opportunity",
            {"pipelineId": "p1", "pipelineStageId": "s1", "assignedTo": "u1"},
            {"vault_pipeline": "Sales", "vault_stage": "=Won", "vault_owner": "Ana Ruiz"},
        ),
        (
            ExportKind.APPOINTMENTS,
            "appointment",
            {"calendarId": "k1", "assignedUserId": "u1"},
            {"vault_calendar": "Chair 2", "vault_owner": "Ana Ruiz"},
        ),
        (ExportKind.MESSAGES, "message", {"userId": "gone"}, {"vault_user": ""}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_names_stand_beside_the_ids_also_of_what_is_gone(
    story: Story, kind: ExportKind, stored: str, fields: dict[str, str], expected: dict[str, str]
) -> None:
    story.keep("user", "u1", firstName="Ana", lastName="Ruiz")
    story.keep("user", "u1", location_id=CLINIC, name="Somebody else")
    story.keep("pipeline", "p1", name="Sales", stages=[{"id": "s1", "name": "=Won"}, None, {"id": 7}])
    story.keep("calendar", "k1", name="Chair 2")
    with story.vault.write() as tx:
        for catalogue in ("user", "pipeline", "calendar"):
            records.mark_vanished(tx, "agency", catalogue, keep=[], at=story.now())
    story.keep(stored, "r1", "c1", **fields)
    (exact,), (safe,) = story.rows(kind), story.rows(kind, ExportMode.SAFE)
    assert exact | expected == exact
    assert safe | {name: text.replace("=", "'=") for name, text in expected.items()} == safe
    assert list(exact)[-len(expected) :] == list(expected), "added behind the columns of earlier versions"


def test_earlier_copies_name_their_owner(story: Story) -> None:
    story.keep("user", "u1", name="Ana Ruiz")
    story.add("c1", assignedTo="u1")
    story.change("c1", assignedTo="u2")
    assert [row["vault_owner"] for row in story.rows(ExportKind.VERSIONS)] == ["Ana Ruiz"]


def test_safe_notes_do_not_run(story: Story) -> None:
    story.keep("note", "n1", "c1", body="=1+1\n-2", title="-x")
    (row,) = story.rows(ExportKind.NOTES, ExportMode.SAFE)
    assert (row["body"], row["title"]) == ("'=1+1\n'-2", "'-x")


def test_a_negative_amount_stays_a_number(story: Story) -> None:
    story.keep("opportunity", "o1", "c1", monetaryValue=-5.5)
    assert story.rows(ExportKind.OPPORTUNITIES, ExportMode.SAFE)[0]["monetaryValue"] == "-5.5"


def test_vanished_records_are_there_and_say_so(story: Story) -> None:
    story.keep("note", "n1", "c1", body="x")
    with story.vault.write() as tx:
        records.mark_vanished(tx, "agency", "note", keep=[], at=story.now())
    assert story.rows(ExportKind.NOTES)[0]["vanished_at"] == "2026-03-02T09:00:00.000Z"


def test_chosen_contacts_and_accounts_hold(story: Story) -> None:
    story.keep("note", "n1", "c1")
    story.keep("note", "n2", "c2")
    story.keep("note", "n3", "c1", location_id=CLINIC)
    assert [row["id"] for row in story.rows(ExportKind.NOTES)] == ["n1", "n2", "n3"]
    assert [row["id"] for row in story.rows(ExportKind.NOTES, contact_ids=["c1"])] == ["n1", "n3"]
    assert [row["id"] for row in story.rows(ExportKind.NOTES, location_ids=[CLINIC])] == ["n3"]


def test_more_records_than_one_page_come_once_each(story: Story) -> None:
    ids = [f"n{number:05}" for number in range(2_500)]
    notes = [(each, "c1", b'{"id":"%s"}' % each.encode()) for each in ids]
    with story.vault.write() as tx:
        records.save(tx, "agency", "note", notes, at=story.now())
    assert [row["id"] for row in story.rows(ExportKind.NOTES)] == ids


def test_earlier_copies_have_the_columns_of_a_contact(story: Story) -> None:
    first = story.add("c1", firstName="Ana", customFields=[{"id": "f1", "value": "x"}])
    story.change("c1", firstName="Anna")
    (row,) = story.rows(ExportKind.VERSIONS)
    assert (row["contact_id"], row["part"], row["firstName"], row["f1"]) == ("c1", "row", "Ana", "x")
    assert row["raw"].encode() == first
    assert story.rows(ExportKind.VERSIONS, contact_ids=["c2"]) == []


def test_the_manifest_says_of_how_many_contacts_the_records_are_known(story: Story) -> None:
    for contact_id, location_id in (("c1", AGENCY), ("c2", AGENCY), ("c3", CLINIC), ("gone", AGENCY)):
        story.add(contact_id, location_id)
    story.lose("gone")
    with story.vault.write() as tx:
        capture_state.mark_captured(tx, AGENCY, "note", ["c1", "gone"], at=story.now())
    _, manifest = story.file(ExportKind.NOTES)
    assert manifest.to_json()["known_for"] == {"contacts": 1, "of": 3}
    assert manifest.note == "Known for 1 of 3 contacts in HighLevel; not yet read is what 2 other contacts have"
    with story.vault.write() as tx:
        capture_state.mark_captured(tx, AGENCY, "note", ["c2"], at=story.now())
        capture_state.mark_captured(tx, CLINIC, "note", ["c3"], at=story.now())
    _, manifest = story.file(ExportKind.NOTES)
    assert (manifest.known_for, manifest.note) == ((3, 3), "")


@pytest.mark.parametrize("kind", [ExportKind.CONTACTS, ExportKind.DELETIONS, ExportKind.VERSIONS])
def test_files_from_listings_name_no_records(story: Story, kind: ExportKind) -> None:
    story.add("c1")
    assert "known_for" not in story.file(kind)[1].to_json()
