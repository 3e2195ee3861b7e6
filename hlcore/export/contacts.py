"""Contacts as rows: all, by status, at risk, or chosen ones; never erased ones.

HighLevel's own columns are followed by the vault's: `vault_status` (as people see it: `expired` where the window has
closed) and `vault_owner` (the name behind `assignedTo`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from hlcore.export.csv_cells import writer_of
from hlcore.export.custom_fields import columns_for
from hlcore.export.selection import ExportSelection
from hlcore.export.sheet import ContactWriter, ExportSource, ExportTable
from hlcore.model.callbacks import Progress
from hlcore.model.lifecycle import Status
from hlcore.store.contacts import search as contact_search
from hlcore.store.contacts import streams as contact_streams
from hlcore.store.contacts.search import ContactQuery
from hlcore.store.contacts.streams import ContactCopy
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.deletions.queries import RegisterQuery
from hlcore.store.records import user_names

VAULT_COLUMNS = ("vault_status", "vault_owner")
CHUNK = 1_000
CLOCKED = frozenset({Status.DELETED, Status.EXPIRED})
"""Statuses that depend on the recovery window and the clock."""


def contact_table(source: ExportSource, selection: ExportSelection) -> ExportTable:
    """Return the selected contacts, each once. They are read twice: first for their custom fields."""
    writer = contact_writer(source, selected_copies(source, selection))
    rows = _rows(source, writer, selected_copies(source, selection))
    return ExportTable((*writer.columns, *VAULT_COLUMNS), rows, _total(source, selection))


def contact_writer(source: ExportSource, copies: Iterable[ContactCopy]) -> ContactWriter:
    """Return the writer for these contacts, with a column for every custom field that one of them has."""
    custom = columns_for(source.tx, source.location_ids, _bytes_of(source, copies))
    return ContactWriter(source.mode, custom, source.unreadable)


def _bytes_of(source: ExportSource, copies: Iterable[ContactCopy]) -> Iterator[tuple[str, bytes]]:
    for number, copy in enumerate(copies):
        if not number % CHUNK:
            source.listener(Progress("Reading", number))
        yield copy.location_id, copy.raw
        if copy.detail:
            yield copy.location_id, copy.detail


def selected_copies(source: ExportSource, selection: ExportSelection) -> Iterator[ContactCopy]:
    """Yield the copies of the selected contacts."""
    statuses = frozenset(selection.shown_statuses)
    if selection.contact_ids is not None:
        copies = _chosen(source, selection.contact_ids)
    elif not statuses:
        return contact_streams.iterate_copies(source.tx, _contact_query(source, selection))
    else:
        copies = _by_status(source, selection, statuses)
    shown_status = _status_reader(source)
    return (copy for copy in copies if not statuses or shown_status(copy) in statuses)


def _status_reader(source: ExportSource) -> Callable[[ContactCopy], str]:
    """Return a function that returns a copy's status as people see it."""
    opened_after = {
        location.location_id: deletion_queries.window_opened_after(location, source.now)
        for location in source.locations
    }

    def shown_status(copy: ContactCopy) -> str:
        if copy.clock_from is None or copy.clock_from > opened_after[copy.location_id]:
            return copy.status
        return Status.EXPIRED

    return shown_status


def _rows(source: ExportSource, writer: ContactWriter, copies: Iterator[ContactCopy]) -> Iterator[Sequence[str]]:
    write, shown_status = writer_of(source.mode), _status_reader(source)
    names = user_names(source.tx, source.location_ids)
    for copy in copies:
        cells = writer.cells(copy)
        cells += (shown_status(copy), write(names.get(copy.owner_id, "")))
        yield cells


def _by_status(source: ExportSource, selection: ExportSelection, statuses: frozenset[str]) -> Iterator[ContactCopy]:
    recorded = sorted(statuses - CLOCKED)
    if recorded:
        yield from contact_streams.iterate_copies(source.tx, _contact_query(source, selection, recorded))
    clocked = sorted(statuses & CLOCKED)
    if clocked:
        for location in source.locations:
            query = _register_query(source, selection, clocked, location.location_id)
            deleted = deletion_queries.iterate(source.tx, query)
            yield from _copies_by_id(source, location.location_id, (row.contact_id for row in deleted))


def _chosen(source: ExportSource, contact_ids: Sequence[str]) -> Iterator[ContactCopy]:
    for location in source.locations:
        yield from _copies_by_id(source, location.location_id, dict.fromkeys(contact_ids))


def _copies_by_id(source: ExportSource, location_id: str, contact_ids: Iterable[str]) -> Iterator[ContactCopy]:
    waiting = iter(contact_ids)
    while chunk := list(islice(waiting, CHUNK)):
        copies = contact_streams.copies_by_id(source.tx, location_id, chunk)
        yield from (copies[contact_id] for contact_id in chunk if contact_id in copies)


def _contact_query(source: ExportSource, selection: ExportSelection, statuses: Sequence[str] = ()) -> ContactQuery:
    return ContactQuery(
        source.location_ids,
        text=selection.text,
        tag=selection.tag,
        owner_id=selection.owner_id,
        source=selection.source,
        statuses=statuses,
    )


def _register_query(
    source: ExportSource, selection: ExportSelection, clocked: Sequence[str], location_id: str
) -> RegisterQuery:
    return RegisterQuery(
        [location_id],
        text=selection.text,
        tag=selection.tag,
        owner_id=selection.owner_id,
        source=selection.source,
        spans=deletion_queries.window_spans(source.locations, source.now, clocked),
    )


def _total(source: ExportSource, selection: ExportSelection) -> int:
    """Return how many rows to expect; 0 where counting would mean reading each."""
    if selection.contact_ids is not None:
        return len(set(selection.contact_ids))
    if selection.shown_statuses or selection.text.strip() or selection.tag:
        return 0
    by_location = contact_search.count_by_status(source.tx, source.location_ids)
    return sum(
        number for counts in by_location.values() for status, number in counts.items() if status != Status.ERASED
    )
