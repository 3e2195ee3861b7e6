"""The register of disappearances as rows: what is known of each, then the whole last copy of the contact.

Suspicions, and those that turned out to be none, are only there when they are asked for by status. Erased people are
never there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, islice

from hlcore.export.columns import iso
from hlcore.export.contacts import CHUNK, contact_writer
from hlcore.export.csv_cells import row_writer
from hlcore.export.selection import ExportSelection
from hlcore.export.sheet import ContactWriter, ExportSource, ExportTable
from hlcore.model.lifecycle import Status
from hlcore.model.recovery_window import remaining
from hlcore.store.contacts import streams as contact_streams
from hlcore.store.contacts.streams import ContactCopy
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.deletions.queries import Disappearance, RegisterQuery
from hlcore.store.locations import Location
from hlcore.store.records import user_names

COLUMNS = (
    *("location_id", "contact_id", "status", "cause", "evidence", "deleted_at", "last_seen_at", "detected_at"),
    *("window_ends_at", "days_left", "clock", "detected_by", "ended_at", "new_contact_id", "winner_id", "owner"),
)

CONFIRMED = (Status.DELETED, Status.EXPIRED, Status.MERGED, Status.RETURNED, Status.RECREATED)


def sheet(source: ExportSource, selection: ExportSelection) -> ExportTable:
    """The disappearances that the selection names, oldest entry first."""
    query = _query(source, selection)
    writer = contact_writer(source, (copy for _, copy in _with_copies(source, query)))
    return ExportTable(
        (*COLUMNS, *writer.columns), _rows(source, query, writer), deletion_queries.count(source.tx, query)
    )


def _rows(source: ExportSource, query: RegisterQuery, writer: ContactWriter) -> Iterator[Sequence[str]]:
    places = {place.location_id: place for place in source.locations}
    names = user_names(source.tx, source.ids)
    for row, copy in _with_copies(source, query):
        cells = _cells(row, places[row.location_id], names.get(row.owner_id, row.owner_id), source)
        yield cells + writer.cells(copy.location_id, copy.raw, copy.detail)


def _cells(row: Disappearance, place: Location, owner: str, source: ExportSource) -> list[str]:
    left = remaining(place.window, deleted_at=row.deleted_at, last_seen_at=row.last_seen_at, now=source.at)
    return row_writer(source.mode)(
        (
            row.location_id,
            row.contact_id,
            deletion_queries.display_status(row.status, left),
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
        )
    )


def _with_copies(source: ExportSource, query: RegisterQuery) -> Iterator[tuple[Disappearance, ContactCopy]]:
    """Every disappearance with the last copy; those of people who were erased later are left out."""
    waiting = deletion_queries.iterate(source.tx, query)
    while part := list(islice(waiting, CHUNK)):
        found: dict[tuple[str, str], ContactCopy] = {}
        ordered = sorted(part, key=lambda row: row.location_id)
        for location_id, rows in groupby(ordered, key=lambda row: row.location_id):
            some = contact_streams.copies_of(source.tx, location_id, [row.contact_id for row in rows])
            found.update({(location_id, contact_id): copy for contact_id, copy in some.items()})
        for row in part:
            if copy := found.get((row.location_id, row.contact_id)):
                yield row, copy


def _query(source: ExportSource, selection: ExportSelection) -> RegisterQuery:
    statuses = [status for status in selection.wanted or CONFIRMED if status != Status.ERASED]
    return RegisterQuery(
        source.ids,
        text=selection.text,
        tag=selection.tag,
        owner_id=selection.owner_id,
        source=selection.source,
        contact_ids=selection.contact_ids,
        spans=deletion_queries.spans(source.locations, source.at, statuses) if statuses else [],
    )
