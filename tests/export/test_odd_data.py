"""No contact and no record, however odd, ends an export or changes another's row; exact files keep the bytes."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hlcore.export import ExportKind, ExportMode
from hlcore.export.sheet import ContactWriter
from hlcore.model.contact import parse_contact
from hlcore.store import records
from hlcore.store.contacts import writes as contact_writes
from hlcore.store.contacts.streams import ContactCopy
from tests.export.conftest import AGENCY, Story, read

FIELDS = [
    *(
        "firstName",
        "firstNameRaw",
        "lastName",
        "name",
        "contactName",
        "email",
        "phone",
        "companyName",
        "source",
        "tags",
    ),
    *("assignedTo", "dateAdded", "dateUpdated", "lastActivity", "dateOfBirth", "dnd", "dndSettings", "customFields"),
    *("additionalEmails", "additionalPhones", "inboundDndSettings", "attributionSource", "followers", "address1"),
    *(
        "locationId",
        "body",
        "title",
        "meta",
        "messageType",
        "monetaryValue",
        "pipelineId",
        "pipelineStageId",
        "surprise",
    ),
]
DATES = [
    "9999-12-31T23:59:59-05:00",
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+05:30",
    "2026-02-30",
    "99999999999999",
]
ODD_TEXTS = [*DATES, "\ud83d", "a\0b", "=1+1", "١٢٣", "x" * 3_000, "\r\n;=2", ""]
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(ODD_TEXTS)
    | st.sampled_from([10**400, -(10**30), 1e308, 253402300800000]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["id", "value", "email", "status", "all", "name", "x"]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
odd_fields = st.dictionaries(st.sampled_from(FIELDS), values, max_size=8)
number = count(1)
STORED = {"note": ExportKind.NOTES, "task": ExportKind.TASKS, "opportunity": ExportKind.OPPORTUNITIES,
          "appointment": ExportKind.APPOINTMENTS, "message": ExportKind.MESSAGES}  # fmt: skip


def encode(value: Any) -> bytes:
    return json.dumps(value, allow_nan=True).encode()


@settings(
    max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
@given(st.lists(odd_fields, min_size=1, max_size=4), odd_fields)
def test_every_row_of_every_export_is_there(
    story: Story, people: list[dict[str, Any]], catalogue: dict[str, Any]
) -> None:
    ids = [f"c{next(number)}" for _ in people]
    raws = {contact_id: encode({**fields, "id": contact_id}) for contact_id, fields in zip(ids, people, strict=True)}
    with story.vault.write() as tx:
        contact_writes.insert_contacts(tx, AGENCY, list(map(parse_contact, raws.values())), at=story.now())
        changed = [parse_contact(encode({"id": contact_id})) for contact_id in ids]
        contact_writes.replace(tx, AGENCY, changed, at=story.now(), run_id=1)
        for kind in ("user", "pipeline", "calendar", "custom_field"):
            records.save(tx, AGENCY, kind, [("e1", "", encode({**catalogue, "id": "e1"}))], at=story.now())
        for kind in STORED:
            given_records = [(contact_id, contact_id, raw) for contact_id, raw in raws.items()]
            records.save(tx, AGENCY, kind, given_records, at=story.now())
    for mode in ExportMode:
        exported = {row["id"]: row for row in story.rows(ExportKind.CONTACTS, mode)}
        assert exported.keys() >= set(ids)
        for kind in STORED.values():
            assert {row["vault_contact"] for row in story.rows(kind, mode)} >= set(ids)
        story.rows(ExportKind.VERSIONS, mode)
        story.rows(ExportKind.DELETIONS, mode)
    for contact_id, row in {row["id"]: row for row in story.rows(ExportKind.NOTES)}.items():
        if contact_id in raws:
            assert row["raw"].encode() == raws[contact_id]


@pytest.mark.parametrize("date", DATES)
def test_an_exact_file_keeps_the_text_of_a_date(story: Story, date: str) -> None:
    story.add("c1", dateAdded=date, dateUpdated=date)
    story.add("c2", dateAdded="2026-01-01T00:00:00Z")
    first, second = story.rows()
    assert (first["dateAdded"], first["dateUpdated"]) == (date, date)
    assert date in first["raw"]
    assert second["id"] == "c2"


@pytest.mark.parametrize("mode", list(ExportMode))
@pytest.mark.parametrize("kind", [ExportKind.CONTACTS, ExportKind.NOTES, ExportKind.DELETIONS, ExportKind.VERSIONS])
def test_what_cannot_be_read_stands_raw_and_is_named(
    story: Story, monkeypatch: pytest.MonkeyPatch, kind: ExportKind, mode: ExportMode
) -> None:
    """Whatever a later version of this code stumbles over."""
    for contact_id in ("bad1", "good1"):
        story.add(contact_id, firstName="Ana")
        story.change(contact_id, firstName="Anna")
        story.lose(contact_id)
    story.keep("note", "good1", "good1", body="Hello")
    with story.vault.write() as tx:
        records.save(tx, AGENCY, "note", [("bad1", "bad1", b'{"id":"bad1","body":')], at=story.now())
    whole = ContactWriter._cells

    def stumble(self: ContactWriter, copy: ContactCopy) -> list[str]:
        if b"bad1" in copy.raw:
            raise RuntimeError("odd")
        return whole(self, copy)

    monkeypatch.setattr(ContactWriter, "_cells", stumble)
    data, manifest = story.file(kind, mode)
    rows = read(data)
    assert (manifest.rows, len(rows)) == (2, 2)
    assert manifest.to_json()["unreadable"] == ["bad1"]
    assert "1 row could not be read field by field and stands raw: bad1" in manifest.note
    bad, good = sorted(rows, key=lambda row: row["id"])
    assert bad["raw" if mode is ExportMode.EXACT else "otherFields"].startswith('{"id"')
    assert good["id"] == "good1"
    assert (good.get("firstName") or good.get("body")) in ("Ana", "Anna", "Hello")


def test_a_sound_file_names_nothing(story: Story) -> None:
    story.add("c1")
    manifest = story.file()[1]
    assert manifest.note == ""
    assert "unreadable" not in manifest.to_json()


def test_a_number_of_any_length_ends_no_file(story: Story) -> None:
    digits = "9" * 6_000
    raw = b'{"id":"c1","locationId":"agency","firstName":"Ana","score":%s}' % digits.encode()
    with story.vault.write() as tx:
        contact_writes.insert_contacts(tx, AGENCY, [parse_contact(raw)], at=story.now())
    (row,) = story.rows(ExportKind.CONTACTS, ExportMode.SAFE)
    assert row["firstName"] == "Ana"
    assert story.rows()[0]["raw"].encode() == raw
