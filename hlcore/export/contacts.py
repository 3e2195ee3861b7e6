"""Contacts as rows: all, by status, at risk, or chosen ones. Erased people are never among them.

After HighLevel's own columns stand the vault's: `vault_status` (as people see it: `expired` where the window has
closed) and `vault_owner` (the name behind `assignedTo`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from hlcore.export.csv_cells import writer_of
from hlcore.export.custom_fields import columns_for
from hlcore.export.selection import ExportSelection
from hlcore.export.sheet import ContactWriter, ExportSource, ExportTable
from hlcore.model.lifecycle import Status
from hlcore.model.progress import Progress
from hlcore.store.contacts import search as contact_search
from hlcore.store.contacts import streams as contact_streams
from hlcore.store.contacts.search import ContactQuery
from hlcore.store.contacts.streams import ContactCopy
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.deletions.queries import RegisterQuery
from hlcore.store.records import user_names

OURS = ("vault_status", "vault_owner")
CHUNK = 1_000
CLOCKED = frozenset({Status.DELETED, Status.EXPIRED})


def sheet(source: ExportSource, selection: ExportSelection) -> ExportTable:
    """The contacts that the selection names, each once. They are read twice: first for their custom fields."""
    writer = contact_writer(source, copies(source, selection))
    rows = _rows(source, writer, copies(source, selection))
    return ExportTable((*writer.columns, *OURS), rows, _total(source, selection))


def contact_writer(source: ExportSource, found: Iterable[ContactCopy]) -> ContactWriter:
    """How these contacts are written, with a column for every custom field that one of them has."""
    custom = columns_for(source.tx, source.ids, _parts(source, found))
    tells = frozenset(id_ for id_ in source.ids if contact_search.any_dnd_settings(source.tx, id_))
    return ContactWriter(source.mode, custom, tells)


def _parts(source: ExportSource, found: Iterable[ContactCopy]) -> Iterator[tuple[str, bytes]]:
    for number, copy in enumerate(found):
        if not number % CHUNK:
            source.listener(Progress("Reading", number))
        yield copy.location_id, copy.raw
        if copy.detail:
            yield copy.location_id, copy.detail


def copies(source: ExportSource, selection: ExportSelection) -> Iterator[ContactCopy]:
    """The copies that the selection names, as a stream."""
    wanted = frozenset(selection.wanted)
    if selection.contact_ids is not None:
        found = _chosen(source, selection.contact_ids)
    elif not wanted:
        return contact_streams.copies(source.tx, _query(source, selection))
    else:
        found = _by_status(source, selection, wanted)
    status = status_of(source)
    return (copy for copy in found if not wanted or status(copy) in wanted)


def status_of(source: ExportSource) -> Callable[[ContactCopy], str]:
    """A copy's status as people see it."""
    limits = {place.location_id: deletion_queries.window_opened_after(place, source.at) for place in source.locations}

    def status(copy: ContactCopy) -> str:
        if copy.clock_from is None or copy.clock_from > limits[copy.location_id]:
            return copy.status
        return Status.EXPIRED

    return status


def _rows(source: ExportSource, writer: ContactWriter, found: Iterator[ContactCopy]) -> Iterator[Sequence[str]]:
    write, status = writer_of(source.mode), status_of(source)
    names = user_names(source.tx, source.ids)
    for copy in found:
        cells = writer.cells(copy.location_id, copy.raw, copy.detail)
        cells += (status(copy), write(names.get(copy.owner_id, "")))
        yield cells


def _by_status(source: ExportSource, selection: ExportSelection, wanted: frozenset[str]) -> Iterator[ContactCopy]:
    plain = sorted(wanted - CLOCKED)
    if plain:
        yield from contact_streams.copies(source.tx, _query(source, selection, plain))
    clocked = sorted(wanted & CLOCKED)
    if clocked:
        for place in source.locations:
            lost = deletion_queries.iterate(source.tx, _lost(source, selection, clocked, place.location_id))
            yield from _of_ids(source, place.location_id, (row.contact_id for row in lost))


def _chosen(source: ExportSource, ids: Sequence[str]) -> Iterator[ContactCopy]:
    for place in source.locations:
        yield from _of_ids(source, place.location_id, dict.fromkeys(ids))


def _of_ids(source: ExportSource, location_id: str, ids: Iterable[str]) -> Iterator[ContactCopy]:
    waiting = iter(ids)
    while part := list(islice(waiting, CHUNK)):
        found = contact_streams.copies_of(source.tx, location_id, part)
        yield from (found[contact_id] for contact_id in part if contact_id in found)


def _query(source: ExportSource, selection: ExportSelection, statuses: Sequence[str] = ()) -> ContactQuery:
    return ContactQuery(
        source.ids,
        text=selection.text,
        tag=selection.tag,
        owner_id=selection.owner_id,
        source=selection.source,
        statuses=statuses,
    )


def _lost(source: ExportSource, selection: ExportSelection, clocked: Sequence[str], location_id: str) -> RegisterQuery:
    return RegisterQuery(
        [location_id],
        text=selection.text,
        tag=selection.tag,
        owner_id=selection.owner_id,
        source=selection.source,
        spans=deletion_queries.spans(source.locations, source.at, clocked),
    )


def _total(source: ExportSource, selection: ExportSelection) -> int:
    """How many rows to expect; 0 where counting would cost a look at each."""
    if selection.contact_ids is not None:
        return len(set(selection.contact_ids))
    if selection.wanted or selection.text.strip() or selection.tag:
        return 0
    numbers = contact_search.counts(source.tx, source.ids)
    return sum(number for mine in numbers.values() for status, number in mine.items() if status != Status.ERASED)
