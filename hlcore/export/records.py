"""Notes, tasks, opportunities and messages as rows, and the earlier copies of contacts.

HighLevel's own columns (OpenAPI contacts.json, opportunities.json, conversations.json) are followed by the vault's:
when a record was captured and when it vanished, and for an e-mail its subject and text, which HighLevel keeps apart
from the message (github.com/GoHighLevel/highlevel-api-docs, issue 40). What has no column is in `otherFields` of a safe
file; an exact file has the JSON itself in `raw`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from hlcore.export.columns import iso_or_raw
from hlcore.export.contacts import contact_writer
from hlcore.export.csv_cells import ExportMode, row_writer
from hlcore.export.selection import ExportKind, ExportSelection
from hlcore.export.sheet import ContactWriter, ExportSource, ExportTable, text_of
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
    ExportKind.MESSAGES: (
        *("id", "locationId", "contactId", "conversationId", "messageType", "type", "direction", "status", "dateAdded"),
        *("body", "contentType", "attachments", "source", "userId", "conversationProviderId", "chatWidgetId", "meta"),
    ),
}
STORED = {
    ExportKind.NOTES: "note",
    ExportKind.TASKS: "task",
    ExportKind.OPPORTUNITIES: "opportunity",
    ExportKind.MESSAGES: "message",
}
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


def record_table(source: ExportSource, selection: ExportSelection) -> ExportTable:
    """Return the selected records of this kind, by location and id."""
    names = FIELDS[selection.kind]
    last = "raw" if source.mode is ExportMode.EXACT else "otherFields"
    copies = contact_streams.iterate_record_copies(
        source.tx, source.location_ids, STORED[selection.kind], selection.contact_ids
    )
    if selection.kind is ExportKind.MESSAGES:
        return ExportTable((*names, *VAULT_COLUMNS, *EMAIL_COLUMNS, last), _messages(source, copies, names))
    return ExportTable(
        (*names, *VAULT_COLUMNS, last),
        (_cells(record, decode_lossy_object(record.raw), names, source.mode) for record in copies),
    )


def _messages(source: ExportSource, copies: Iterator[RecordCopy], names: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield messages with the texts of their e-mails, in batches, so that memory stays constant."""
    while batch := list(islice(copies, MESSAGES_PER_BATCH)):
        messages = [(record, decode_lossy_object(record.raw)) for record in batch]
        emails = _emails(source, messages)
        for record, fields in messages:
            texts = email_texts(fields, emails.get(record.location_id, {}))
            email_cells = ["\n\n".join(filter(None, column)) for column in zip(*texts, strict=True)] or ["", ""]
            yield _cells(record, fields, names, source.mode, email_cells)


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
    return ExportTable((*VERSION_COLUMNS, *writer.columns), _version_rows(source, selection, writer))


def _version_rows(source: ExportSource, selection: ExportSelection, writer: ContactWriter) -> Iterator[Sequence[str]]:
    write = row_writer(source.mode)
    for version in _versions(source, selection):
        times = (iso(version.captured_at), iso(version.replaced_at))
        head = write((version.version_id, version.location_id, version.contact_id, version.part, *times))
        yield head + writer.cells(version.location_id, version.raw, None)


def _versions(source: ExportSource, selection: ExportSelection) -> Iterator[VersionCopy]:
    return contact_streams.iterate_version_copies(source.tx, source.location_ids, selection.contact_ids)


def _as_copy(version: VersionCopy) -> ContactCopy:
    return ContactCopy(version.version_id, version.location_id, version.contact_id, "", "", None, version.raw, None)


def _cells(
    record: RecordCopy, fields: dict[str, Any], names: Sequence[str], mode: ExportMode, extra: Sequence[str] = ()
) -> list[str]:
    values = [iso_or_raw(fields.get(name)) if name in _MOMENTS else fields.get(name) for name in names]
    values += [record.location_id, record.contact_id, iso(record.captured_at), iso(record.vanished_at), *extra]
    others = {key: value for key, value in fields.items() if key not in names}
    values.append(text_of(record.raw) if mode is ExportMode.EXACT else others or None)
    return row_writer(mode)(values)
