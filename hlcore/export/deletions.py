"""The register of deletions as rows: what is known of each, then the last copy of the contact.

Suspicions and false alarms are included only when their status is selected, erased contacts never.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, islice

from hlcore.export.contacts import CHUNK, contact_writer
from hlcore.export.csv_cells import row_writer
from hlcore.export.selection import ExportSelection
from hlcore.export.sheet import ContactWriter, ExportSource, ExportTable
from hlcore.model.lifecycle import Status, display_status
from hlcore.model.moments import iso
from hlcore.model.recovery_window import remaining_time
from hlcore.store.contacts import streams as contact_streams
from hlcore.store.contacts.streams import ContactCopy
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.deletions.queries import Disappearance, RegisterQuery
from hlcore.store.locations import Location
from hlcore.store.records import user_names

COLUMNS = (
    *("location_id", "contact_id", "status", "cause", "evidence", "deleted_at", "last_seen_at", "detected_at"),
    *("window_ends_at", "days_left", "clock", "detected_by", "ended_at", "new_contact_id", "winner_id", "owner"),
    "not_captured",
)

CONFIRMED = (Status.DELETED, Status.EXPIRED, Status.MERGED, Status.RETURNED, Status.RECREATED)


def deletion_table(source: ExportSource, selection: ExportSelection) -> ExportTable:
    """Return the selected disappearances, the oldest entry first."""
    query = _query(source, selection)
    writer = contact_writer(source, (copy for _, copy in _with_copies(source, query)))
    return ExportTable(
        (*COLUMNS, *writer.columns), _rows(source, query, writer), deletion_queries.count(source.tx, query)
    )


def _rows(source: ExportSource, query: RegisterQuery, writer: ContactWriter) -> Iterator[Sequence[str]]:
    by_id = {location.location_id: location for location in source.locations}
    names = user_names(source.tx, source.location_ids)
    for row, copy in _with_copies(source, query):
        cells = _cells(row, by_id[row.location_id], names.get(row.owner_id, row.owner_id), source)
        yield cells + writer.cells(copy)


def _cells(row: Disappearance, location: Location, owner: str, source: ExportSource) -> list[str]:
    left = remaining_time(location.window, deleted_at=row.deleted_at, last_seen_at=row.last_seen_at, now=source.now)
    return row_writer(source.mode)(
        (
            row.location_id,
            row.contact_id,
            display_status(row.status, left),
            row.cause,
            row.evidence,
            iso(row.deleted_at),
            iso(row.last_seen_at),
            iso(row.detected_at),
            iso(left.ends_at),
            left.days_left,
            left.clock,
            row.detected_by,
            iso(row.ended_at),
            row.new_contact_id,
            row.winner_id,
            owner,
            " ".join(row.not_captured),
        )
    )


def _with_copies(source: ExportSource, query: RegisterQuery) -> Iterator[tuple[Disappearance, ContactCopy]]:
    """Yield every disappearance with the last copy, without those of contacts that were erased later."""
    waiting = deletion_queries.iterate(source.tx, query)
    while chunk := list(islice(waiting, CHUNK)):
        copies: dict[tuple[str, str], ContactCopy] = {}
        ordered = sorted(chunk, key=lambda row: row.location_id)
        for location_id, rows in groupby(ordered, key=lambda row: row.location_id):
            by_id = contact_streams.copies_by_id(source.tx, location_id, [row.contact_id for row in rows])
            copies.update({(location_id, contact_id): copy for contact_id, copy in by_id.items()})
        for row in chunk:
            if copy := copies.get((row.location_id, row.contact_id)):
                yield row, copy


def _query(source: ExportSource, selection: ExportSelection) -> RegisterQuery:
    statuses = [status for status in selection.shown_statuses or CONFIRMED if status != Status.ERASED]
    return RegisterQuery(
        source.location_ids,
        text=selection.text,
        tag=selection.tag,
        owner_id=selection.owner_id,
        source=selection.source,
        contact_ids=selection.contact_ids,
        spans=deletion_queries.window_spans(source.locations, source.now, statuses) if statuses else [],
    )
