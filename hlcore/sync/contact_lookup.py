"""Fetching contacts by id: the only answer that decides whether a contact still exists.

HighLevel's search index lags and leaves out live contacts; GET by id is immediate. A missing contact answers 404, or
400 with a text that says so (clients see both in production).
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
from hlcore.model.contact import Contact, parse_contact
from hlcore.model.json_codec import decode_object
from hlcore.model.lifecycle import LIVE
from hlcore.store.contacts import presence
from hlcore.sync.run_context import LookupResult, RunContext

REFUSALS = (TokenRefused, WrongLocation, LocationInactive)
"""Errors that concern the whole token, unless HighLevel answers another request at the same time."""
FATAL_ERRORS = (*REFUSALS, BudgetSpent, Cancelled)
"""Errors after which further requests of this location make no sense."""
CONTROL_CONTACTS = 5


def raise_if_refused_everywhere(client: Client, refusal: HighLevelError) -> None:
    """Raise the refusal again unless a control request proves that it concerns one subject only: HighLevel refuses
    single contacts, for example those of another location, with the answers that it has for a wrong token."""
    try:
        client.search_contacts(limit=1)
    except (BudgetSpent, Cancelled):
        raise
    except HighLevelError:
        raise refusal from None


def fetch_contact(client: Client, contact_id: str) -> LookupResult:
    """Fetch one contact by id. Raises only FATAL_ERRORS; other faults, and a refusal of this contact alone, are a
    result without `raw` or `deleted`."""
    try:
        contact = parse_contact(client.contact(contact_id))
    except Gone as exc:
        return LookupResult(contact_id, deleted=True, message=f"HighLevel answered {exc.status or 404} for this id")
    except (BudgetSpent, Cancelled):
        raise
    except HighLevelError as exc:
        if not isinstance(exc, REFUSALS):
            return LookupResult(contact_id, message=str(exc), error=type(exc).__name__)
        raise_if_refused_everywhere(client, exc)
        return LookupResult(
            contact_id, message=f"HighLevel refuses this contact alone: {exc}", error=type(exc).__name__
        )
    except ValueError:
        return LookupResult(contact_id, message="HighLevel's answer was not a contact", error="BrokenAnswer")
    return _result(contact, client.location_id, contact_id)


def _result(contact: Contact, location_id: str, contact_id: str) -> LookupResult:
    if contact.contact_id != contact_id or contact.location_id not in ("", location_id):
        return LookupResult(contact_id, message="HighLevel answered with another contact", error="BrokenAnswer")
    if decode_object(contact.raw).get("deleted") is True:
        return LookupResult(contact_id, deleted=True, message="HighLevel marks this contact as deleted")
    return LookupResult(contact_id, raw=contact.raw)


def fetch_contacts(context: RunContext, contact_ids: Sequence[str]) -> Iterator[LookupResult]:
    """Yield the result for each id in order, several requests at a time. Contacts that this run has found deleted are
    not fetched again. The first of FATAL_ERRORS is raised and ends the rest."""

    def fetch(contact_id: str) -> LookupResult:
        return context.deleted.get(contact_id) or fetch_contact(context.client, contact_id)

    with ThreadPoolExecutor(context.rules.workers, thread_name_prefix="lookup") as pool:
        try:
            for result in pool.map(fetch, contact_ids):
                if result.deleted:
                    context.deleted[result.contact_id] = result
                yield result
        except VaultError:
            pool.shutdown(cancel_futures=True)
            raise


def get_by_id_is_reliable(context: RunContext) -> bool:
    """Return whether GET by id can be believed at the moment: a contact that this run has just listed exists by id
    too (in an empty location, its own record can be read). Keeps a broken route from passing for a mass deletion."""
    with context.vault.read() as tx:
        listed = presence.sample_sighted(
            tx, context.location_id, context.run.run_id, tuple(LIVE), limit=CONTROL_CONTACTS
        )
    if not listed:
        return bool(context.client.location())
    return any(fetch_contact(context.client, contact_id).raw is not None for contact_id in listed)
