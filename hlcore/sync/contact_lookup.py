"""Asking for contacts by their id: the only answer that decides whether one still exists.

HighLevel's search index lags and leaves out live rows; GET by id is immediate. A missing contact answers 404, or 400
with a text that says so (both are seen by clients in production).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from hlcore.errors import (
    BudgetSpent,
    Cancelled,
    Gone,
    HighLevelError,
    LocationInactive,
    TokenRefused,
    VaultError,
    WrongLocation,
)
from hlcore.highlevel import Client
from hlcore.model.contact import parse
from hlcore.model.lifecycle import LIVE
from hlcore.model.records import decode
from hlcore.store.contacts import presence
from hlcore.sync.run_context import LookupResult, RunContext

FATAL_ERRORS = (TokenRefused, WrongLocation, LocationInactive, BudgetSpent, Cancelled)
"""Errors after which asking on makes no sense."""


CONTROLS = 5


def lookup(work: RunContext, contact_id: str) -> LookupResult:
    """What GET by id says now. Raises only what makes asking on pointless (`STOPPERS`)."""
    return fetch_contact(work.client, contact_id)


def fetch_contact(client: Client, contact_id: str) -> LookupResult:
    """What GET by id says now. Raises only what makes asking on pointless (`STOPPERS`)."""
    try:
        raw = client.contact(contact_id)
        found = parse(raw)
    except Gone as exc:
        return LookupResult(contact_id, gone=True, words=f"HighLevel answered {exc.status or 404} for its id")
    except FATAL_ERRORS:
        raise
    except HighLevelError as exc:
        return LookupResult(contact_id, words=str(exc))
    except ValueError:
        return LookupResult(contact_id, words="HighLevel's answer was not a contact")
    if found.contact_id != contact_id or found.location_id not in ("", client.location_id):
        return LookupResult(contact_id, words="HighLevel answered with another contact")
    if decode(raw).get("deleted") is True:
        return LookupResult(contact_id, gone=True, words="HighLevel marks it as deleted")
    return LookupResult(contact_id, raw=raw)


def lookup_all(work: RunContext, contact_ids: Sequence[str]) -> Iterator[LookupResult]:
    """`look` for each id, several at a time, in order; who was found gone in this run is not asked for again. The
    first stopper ends it and is raised."""
    with ThreadPoolExecutor(work.rules.workers, thread_name_prefix="look") as pool:
        try:
            for answer in pool.map(
                lambda contact_id: work.gone.get(contact_id) or lookup(work, contact_id), contact_ids
            ):
                if answer.gone:
                    work.gone[answer.contact_id] = answer
                yield answer
        except VaultError:
            pool.shutdown(cancel_futures=True)
            raise


def get_by_id_is_reliable(work: RunContext) -> bool:
    """Whether GET by id can be believed just now: a contact that this run has just seen listed answers as alive (a
    location without any: its own record answers). A broken route must not pass for a mass deletion."""
    with work.vault.read() as tx:
        listed = presence.some_sighted(tx, work.location_id, work.run.run_id, tuple(LIVE), limit=CONTROLS)
    if not listed:
        return bool(work.client.location())
    return any(lookup(work, contact_id).raw is not None for contact_id in listed)
