"""What belongs to contacts (notes, tasks, opportunities, messages) and their earlier copies, as rows.

Columns are HighLevel's own names (HighLevel OpenAPI contacts.json, opportunities.json, conversations.json), then the
vault's: when it was captured and when it vanished, and of an e-mail its subject and text, which HighLevel keeps apart
from the message (github.com/GoHighLevel/highlevel-api-docs, issue 40). What has no column stands in `otherFields` of a
safe file; an exact file carries the very JSON in `raw`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import msgspec

from hlcore.export.columns import instant, iso, lenient
from hlcore.export.contacts import contact_writer
from hlcore.export.csv_cells import ExportMode, row_writer
from hlcore.export.selection import ExportKind, ExportSelection
from hlcore.export.sheet import ContactWriter, ExportSource, ExportTable, text_of
from hlcore.model.records import emails_of, texts_of
from hlcore.store.contacts import streams as contact_streams
from hlcore.store.contacts.streams import ContactCopy, OldCopy, RecordCopy

FIELDS: Mapping[ExportKind, tuple[str, ...]] = {
    ExportKind.NOTES: ("id", "contactId", "title", "body", "bodyText", "userId", "color", "pinned", "dateAdded"),
    ExportKind.TASKS: (
        "id",
        "contactId",
        "title",
        "body",
        "assignedTo",
        "dueDate",
        "completed",
        "dateAdded",
        "dateUpdated",
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
OURS = ("vault_location", "vault_contact", "captured_at", "vanished_at")
EMAIL = ("email_subject", "email_body")
AT_ONCE = 200
VERSION = ("version_id", "location_id", "contact_id", "part", "captured_at", "replaced_at")
_MOMENTS = frozenset(
    {
        *("dateAdded", "dateUpdated", "createdAt", "updatedAt", "lastStatusChangeAt", "lastStageChangeAt"),
        "lastActionDate",
    }
)


def sheet(source: ExportSource, selection: ExportSelection) -> ExportTable:
    """The records of this kind that the selection names, by location and id."""
    names = FIELDS[selection.kind]
    last = "raw" if source.mode is ExportMode.EXACT else "otherFields"
    found = contact_streams.record_copies(source.tx, source.ids, STORED[selection.kind], selection.contact_ids)
    if selection.kind is ExportKind.MESSAGES:
        return ExportTable((*names, *OURS, *EMAIL, last), _messages(source, found, names))
    return ExportTable(
        (*names, *OURS, last), (_cells(record, _decode(record.raw), names, source.mode) for record in found)
    )


def _messages(source: ExportSource, found: Iterator[RecordCopy], names: Sequence[str]) -> Iterator[Sequence[str]]:
    """Messages with the texts of their e-mails, some at a time, so that memory stays flat."""
    while portion := list(islice(found, AT_ONCE)):
        read = [(record, _decode(record.raw)) for record in portion]
        emails = _emails(source, read)
        for record, fields in read:
            texts = texts_of(fields, emails.get(record.location_id, {}))
            own = ["\n\n".join(filter(None, each)) for each in zip(*texts, strict=True)] or ["", ""]
            yield _cells(record, fields, names, source.mode, own)


def _emails(
    source: ExportSource, read: Sequence[tuple[RecordCopy, dict[str, Any]]]
) -> dict[str, dict[str, dict[str, Any]]]:
    """The captured e-mails that these messages name, by location and id."""
    wanted: dict[str, list[str]] = {}
    for record, fields in read:
        wanted.setdefault(record.location_id, []).extend(emails_of(fields))
    return {
        location_id: {
            key: _decode(raw) for key, raw in contact_streams.raws(source.tx, location_id, "email", ids).items()
        }
        for location_id, ids in wanted.items()
    }


def versions_sheet(source: ExportSource, selection: ExportSelection) -> ExportTable:
    """The earlier copies that the selection names, oldest first, each with the columns of a contact."""
    writer = contact_writer(source, map(_as_copy, _old(source, selection)))
    return ExportTable((*VERSION, *writer.columns), _version_rows(source, selection, writer))


def _version_rows(source: ExportSource, selection: ExportSelection, writer: ContactWriter) -> Iterator[Sequence[str]]:
    write = row_writer(source.mode)
    for old in _old(source, selection):
        times = (iso(old.captured_at), iso(old.replaced_at))
        head = write((old.version_id, old.location_id, old.contact_id, old.part, *times))
        yield head + writer.cells(old.location_id, old.raw, None)


def _old(source: ExportSource, selection: ExportSelection) -> Iterator[OldCopy]:
    return contact_streams.old_copies(source.tx, source.ids, selection.contact_ids)


def _as_copy(old: OldCopy) -> ContactCopy:
    return ContactCopy(old.version_id, old.location_id, old.contact_id, "", "", None, old.raw, None)


def _cells(
    record: RecordCopy, fields: dict[str, Any], names: Sequence[str], mode: ExportMode, own: Sequence[str] = ()
) -> list[str]:
    values = [instant(fields.get(name)) if name in _MOMENTS else fields.get(name) for name in names]
    values += [record.location_id, record.contact_id, iso(record.captured_at), iso(record.vanished_at), *own]
    rest = {key: value for key, value in fields.items() if key not in names}
    values.append(text_of(record.raw) if mode is ExportMode.EXACT else rest or None)
    return row_writer(mode)(values)


def _decode(raw: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(raw, type=dict[str, Any])
    except (msgspec.MsgspecError, ValueError):
        return lenient(raw)
