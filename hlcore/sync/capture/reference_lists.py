"""The lists without which a copy can be neither read nor restored: custom fields, tags, users, pipelines, …

They change rarely: each is read again after some hours, or when a round wants it. What vanishes from a list stays in
the vault, marked, so that the values of a deleted custom field keep their name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from hlcore.errors import BrokenAnswer, Gone, HighLevelError, Rejected, Unreachable
from hlcore.highlevel import Client
from hlcore.model.capture_planner import Policy
from hlcore.model.records import CATALOGUES, identity, plural
from hlcore.store import Vault, records
from hlcore.store.capture import feeds
from hlcore.store.capture.facts import catalogue_due
from hlcore.sync.capture.session import CLOSED, ENDS, CaptureSession
from hlcore.sync.run_context import RunContext

Fetch = Callable[[Client], list[bytes]]
PASSING = (*CLOSED, Gone, Rejected, Unreachable)
"""Faults with which the rest of a copy can still be made."""

SOURCES: Mapping[str, Fetch] = {
    "location": lambda client: [client.location()],
    "custom_field": lambda client: client.custom_fields(),
    "custom_value": lambda client: client.custom_values(),
    "tag": lambda client: client.tags(),
    "user": lambda client: client.users(),
    "pipeline": lambda client: client.pipelines(),
    "lost_reason": lambda client: client.lost_reasons(),
    "calendar": lambda client: client.calendars(),
    "business": lambda client: client.businesses(),
    "workflow": lambda client: client.workflows(),
    "campaign": lambda client: client.campaigns(),
}


def capture_catalogue(vault: Vault, client: Client, kind: str, *, now: Callable[[], datetime]) -> int:
    """The list is in the vault as HighLevel sent it; vanished entries stay, marked. How many entries are new or
    changed. An empty answer is believed when a second one is empty too. Raises HighLevelError, StoreError."""
    began = now()
    rows = SOURCES[kind](client)
    with vault.read() as tx:
        held = records.catalogue(tx, client.location_id, kind)
    if not rows and held:
        rows = SOURCES[kind](client)
    found = [(_id(raw, kind), "", raw) for raw in rows]
    with vault.write(of=client.location_id) as tx:
        counts = records.put(tx, client.location_id, kind, found, at=now())
        records.vanish_others(tx, client.location_id, kind, keep=[row[0] for row in found], contact_id="", at=now())
        feeds.save(
            tx, client.location_id, kind, covered_at=began, walked_at=began, rows=len(found), refused_at=None, note=""
        )
    return counts.added + counts.changed


def capture_due(g: CaptureSession) -> None:
    """Every list that is due has been read, or it is noted why not. Raises `gathering.ENDS`, StoreError."""
    at = g.now()
    stale = g.policy.renew_before or at - g.policy.catalogue_every
    with g.vault.read() as tx:
        known = feeds.all_of(tx, g.location_id)
    for kind in CATALOGUES:
        if catalogue_due(known.get(kind), at, stale, g.policy):
            g.tell("Reading the account's lists")
            _attempt(g, kind)


def refresh(vault: Vault, client: Client, kinds: Mapping[str, datetime], *, now: Callable[[], datetime]) -> list[str]:
    """Those of these lists that were captured before the moment beside them have been read, all at once, so that
    latency is paid for one; the reasons of those that could not be. Raises what makes asking on pointless."""
    with vault.read() as tx:
        known = feeds.all_of(tx, client.location_id)
    due = [kind for kind, before in kinds.items() if catalogue_due(known.get(kind), now(), before, Policy())]
    if not due:
        return []

    def attempt(kind: str) -> str:
        try:
            capture_catalogue(vault, client, kind, now=now)
        except ENDS:
            raise
        except PASSING as exc:
            _refused(vault, client.location_id, kind, exc, now())
            return _words(kind, exc)
        return ""

    with ThreadPoolExecutor(len(due), thread_name_prefix="lists") as pool:
        return [note for note in pool.map(attempt, due) if note]


def _attempt(g: CaptureSession, kind: str) -> None:
    try:
        g.taken[kind] += capture_catalogue(g.vault, g.client, kind, now=g.now)
    except ENDS:
        raise
    except HighLevelError as exc:
        _refused(g.vault, g.location_id, kind, exc, g.now())
        g.note(_words(kind, exc))


def _refused(vault: Vault, location_id: str, kind: str, exc: HighLevelError, at: datetime) -> None:
    with vault.write(of=location_id) as tx:
        feeds.save(tx, location_id, kind, refused_at=at, note=str(exc))


def _words(kind: str, exc: HighLevelError) -> str:
    return f"The list of {plural(kind)} could not be read: {exc}"


def _id(raw: bytes, kind: str) -> str:
    found = identity(raw)[0]
    if not found:
        raise BrokenAnswer(f"HighLevel's list of {plural(kind)} holds an entry without id.")
    return found


CORE = ("custom_field", "user", "pipeline")


RARE = tuple(kind for kind in CATALOGUES if kind not in CORE)


def refresh_catalogues(work: RunContext) -> None:
    """The account's lists are in the vault as HighLevel sent them; vanished entries stay, marked. Those by which every
    contact is read are read in each round, the others after some hours. A list that the token may not read is noted
    and left: contacts can be copied without it."""
    work.report_progress("Reading the account's lists")
    now, earlier = work.now(), work.now() - Policy().catalogue_every
    kinds = dict.fromkeys(CORE, now) | dict.fromkeys(RARE, earlier)
    work.counts.notes += refresh(work.vault, work.client, kinds, now=work.now)
