"""Notes, tasks, opportunities, appointments and messages as rows, and the earlier copies of contacts.

HighLevel's own columns (OpenAPI contacts.json, opportunities.json, conversations.json) are followed by the vault's:
when a record was captured and when it vanished, and for an e-mail its subject and text, which HighLevel keeps apart
from the message (github.com/GoHighLevel/highlevel-api-docs, issue 40). What has no column is in `otherFields` of a safe
file; an exact file has the JSON itself in `raw`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from hlcore.export.columns import moment_value
from hlcore.export.contacts import contact_writer
from hlcore.export.csv_cells import ExportMode, row_writer
from hlcore.export.reference_names import ReferenceNames, load_reference_names
from hlcore.export.selection import ExportKind, ExportSelection
from hlcore.export.sheet import ContactWriter, ExportSource, ExportTable, raw_row, require_fields, text_of
from hlcore.model.json_codec import decode_lossy_object
from hlcore.model.moments import iso
from hlcore.model.records import email_texts, missing_email_ids
from hlcore.store import records
from hlcore.store.contacts import streams as contact_streams
from hlcore.store.contacts.streams import ContactCopy, RecordCopy, VersionCopy

FIELDS: Mapping[ExportKind, tuple[str, ...]] = {
    ExportKind.NOTES: ("id", "contactId", "title", "body", "bodyText", "userId", "color", "pinned", "dateAdded"),
    ExportKind.TASKS: (
        *("id", "contactId", "title", "body", "assignedTo", "dueDate", "completed", "dateAdded", "dateUpdated"),
    ),
    ExportKind.OPPORTUNITIES: (
        *("id", "locationId", "contactId", "name", "pipelineId", "pipelineStageId", "status", "monetaryValue"),
        *("assignedTo", "source", "lostReasonId", "createdAt", "updatedAt", "lastStatusChangeAt", "lastStageChangeAt"),
        *("lastActionDate", "followers", "customFields", "externalObjectId"),
    ),
    ExportKind.APPOINTMENTS: (
        *("id", "locationId", "contactId", "title", "calendarId", "status", "appointmentStatus", "assignedUserId"),
        *("users", "startTime", "endTime", "address", "notes", "groupId", "dateAdded", "dateUpdated"),
        "assignedResources",
    ),
    ExportKind.MESSAGES: (
        *("id", "locationId", "contactId", "conversationId", "messageType", "type", "direction", "status", "dateAdded"),
        *("body", "contentType", "attachments", "source", "userId", "conversationProviderId", "chatWidgetId", "meta"),
    ),
}
STORED = {
    ExportKind.NOTES: "note",
    ExportKind.TASKS: "task",
    ExportKind.OPPORTUNITIES: "opportunity",
    ExportKind.APPOINTMENTS: "appointment",
    ExportKind.MESSAGES: "message",
}
NAMES: Mapping[ExportKind, tuple[tuple[str, str, str], ...]] = {
    ExportKind.NOTES: (("vault_user", "userId", "users"),),
    ExportKind.TASKS: (("vault_owner", "assignedTo", "users"),),
    ExportKind.OPPORTUNITIES: (
        ("vault_pipeline", "pipelineId", "pipelines"),
        ("vault_stage", "pipelineStageId", "stages"),
        ("vault_owner", "assignedTo", "users"),
    ),
    ExportKind.APPOINTMENTS: (
        ("vault_calendar", "calendarId", "calendars"),
        ("vault_owner", "assignedUserId", "users"),
    ),
    ExportKind.MESSAGES: (("vault_user", "userId", "users"),),
}
"""(column, field, kind of entry): the last columns, with the names behind the ids."""
VAULT_COLUMNS = ("vault_location", "vault_contact", "captured_at", "vanished_at")
EMAIL_COLUMNS = ("email_subject", "email_body")
MESSAGES_PER_BATCH = 200
VERSION_COLUMNS = ("version_id", "location_id", "contact_id", "part", "captured_at", "replaced_at")
_MOMENTS = frozenset(
    {
        *("dateAdded", "dateUpdated", "createdAt", "updatedAt", "lastStatusChangeAt", "lastStageChangeAt"),
        "lastActionDate",
    }
)


@dataclass(frozen=True, slots=True)
class _RecordWriter:
    """Converts the records of one kind to cells."""

    source: ExportSource
    kind: ExportKind
    names: ReferenceNames

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of `cells`."""
        emails = EMAIL_COLUMNS if self.kind is ExportKind.MESSAGES else ()
        last = "raw" if self.source.mode is ExportMode.EXACT else "otherFields"
        return (*FIELDS[self.kind], *VAULT_COLUMNS, *emails, last, *(column for column, _, _ in NAMES[self.kind]))

    def cells(
        self, record: RecordCopy, fields: Mapping[str, Any], emails: Mapping[str, Mapping[str, Any]]
    ) -> Sequence[str]:
        """Return the cells of one record; of one that cannot be read field by field, its ids and bytes."""
        try:
            return row_writer(self.source.mode)(self._values(record, fields, emails))
        except Exception:  # whatever is odd about it: see `raw_row`
            vault = dict(zip(VAULT_COLUMNS, self._vault_values(record), strict=True))
            ids = {"id": record.record_id, "contactId": record.contact_id, **vault}
            return raw_row(self.source.mode, self.columns, ids, record.raw, self.source.unreadable)

    def _vault_values(self, record: RecordCopy) -> tuple[str, ...]:
        times = (iso(record.captured_at), iso(record.vanished_at) or "")
        return (record.location_id, record.contact_id, *times)

    def _values(
        self, record: RecordCopy, fields: Mapping[str, Any], emails: Mapping[str, Mapping[str, Any]]
    ) -> list[object]:
        columns, mode = FIELDS[self.kind], self.source.mode
        require_fields(fields)
        values = [moment_value(fields.get(name), mode) if name in _MOMENTS else fields.get(name) for name in columns]
        values += self._vault_values(record)
        if self.kind is ExportKind.MESSAGES:
            texts = zip(*email_texts(fields, emails), strict=True)
            values += ["\n\n".join(filter(None, column)) for column in texts] or ["", ""]
        others = {key: value for key, value in fields.items() if key not in columns}
        values.append(text_of(record.raw) if mode is ExportMode.EXACT else others or None)
        return values + [
            self.names.find(kind, record.location_id, fields.get(name)) for _, name, kind in NAMES[self.kind]
        ]


def record_table(source: ExportSource, selection: ExportSelection) -> ExportTable:
    """Return the selected records of this kind, by location and id."""
    copies = contact_streams.iterate_record_copies(
        source.tx, source.location_ids, STORED[selection.kind], selection.contact_ids
    )
    writer = _RecordWriter(source, selection.kind, load_reference_names(source.tx, source.location_ids))
    if selection.kind is ExportKind.MESSAGES:
        return ExportTable(writer.columns, _messages(writer, copies))
    rows = (writer.cells(record, decode_lossy_object(record.raw), {}) for record in copies)
    return ExportTable(writer.columns, rows)


def _messages(writer: _RecordWriter, copies: Iterator[RecordCopy]) -> Iterator[Sequence[str]]:
    """Yield messages with the texts of their e-mails, in batches, so that memory stays constant."""
    while batch := list(islice(copies, MESSAGES_PER_BATCH)):
        messages = [(record, decode_lossy_object(record.raw)) for record in batch]
        emails = _emails(writer.source, messages)
        for record, fields in messages:
            yield writer.cells(record, fields, emails.get(record.location_id, {}))


def _emails(
    source: ExportSource, messages: Sequence[tuple[RecordCopy, dict[str, Any]]]
) -> dict[str, dict[str, dict[str, Any]]]:
    """Return location → id → captured e-mail that these messages name."""
    wanted: dict[str, list[str]] = {}
    for record, fields in messages:
        wanted.setdefault(record.location_id, []).extend(missing_email_ids(fields))
    return {
        location_id: {
            key: decode_lossy_object(raw)
            for key, raw in records.raw_by_id(source.tx, location_id, "email", ids).items()
        }
        for location_id, ids in wanted.items()
    }


def version_table(source: ExportSource, selection: ExportSelection) -> ExportTable:
    """Return the selected earlier copies, oldest first, with the columns of a contact."""
    writer = contact_writer(source, map(_as_copy, _versions(source, selection)))
    return ExportTable((*VERSION_COLUMNS, *writer.columns, "vault_owner"), _version_rows(source, selection, writer))


def _version_rows(source: ExportSource, selection: ExportSelection, writer: ContactWriter) -> Iterator[Sequence[str]]:
    write, names = row_writer(source.mode), load_reference_names(source.tx, source.location_ids)
    for version in _versions(source, selection):
        times = (iso(version.captured_at), iso(version.replaced_at))
        head = write((version.version_id, version.location_id, version.contact_id, version.part, *times))
        owner_id = decode_lossy_object(version.raw).get("assignedTo")
        owner = write((names.find("users", version.location_id, owner_id),))
        yield head + writer.cells(_as_copy(version)) + owner


def _versions(source: ExportSource, selection: ExportSelection) -> Iterator[VersionCopy]:
    return contact_streams.iterate_version_copies(source.tx, source.location_ids, selection.contact_ids)


def _as_copy(version: VersionCopy) -> ContactCopy:
    return ContactCopy(version.version_id, version.location_id, version.contact_id, "", "", None, version.raw, None)
