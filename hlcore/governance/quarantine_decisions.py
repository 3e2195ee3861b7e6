"""Decisions about items in quarantine: try them again, or ignore them."""

from __future__ import annotations

from collections.abc import Sequence

from hlcore.governance.audit import audited
from hlcore.governance.roles import Action, User
from hlcore.model.callbacks import Now
from hlcore.store import Vault, quarantine, webhook_inbox
from hlcore.store.quarantine import DELIVERY, QuarantinedItem


def try_again(vault: Vault, user: User, item_ids: Sequence[int], *, now: Now) -> int:
    """Have these items tried again: deliveries at once, everything else when its turn comes. Return how many. Items
    that are no longer in quarantine are skipped, so that it may be repeated. Raises NotAllowed, StoreError."""
    with audited(vault, user, Action.QUARANTINE, now=now, subject="try again", detail={"items": len(item_ids)}) as note:
        with vault.write() as tx:
            items = quarantine.get_items(tx, item_ids)
            quarantine.retry(tx, item_ids)
        note.add(items=len(items), accounts=_accounts(items))
        if deliveries := _deliveries(items):
            with vault.inbox.write() as tx:
                webhook_inbox.release(tx, deliveries, at=now())
        return len(items)


def ignore(vault: Vault, user: User, item_ids: Sequence[int], *, now: Now) -> int:
    """Ignore these items from now on; the bodies of deliveries among them are deleted. Return how many. Items that are
    no longer in quarantine are skipped, so that it may be repeated. Raises NotAllowed, StoreError."""
    with audited(vault, user, Action.QUARANTINE, now=now, subject="ignore", detail={"items": len(item_ids)}) as note:
        with vault.write() as tx:
            items = quarantine.get_items(tx, item_ids)
            quarantine.ignore(tx, item_ids)
        note.add(items=len(items), accounts=_accounts(items))
        if deliveries := _deliveries(items):
            with vault.inbox.write() as tx:
                webhook_inbox.mark_processed(tx, deliveries, at=now(), error="Set aside, and ignored by a user.")
        return len(items)


def _deliveries(items: Sequence[QuarantinedItem]) -> list[str]:
    return [item.reference for item in items if item.kind == DELIVERY]


def _accounts(items: Sequence[QuarantinedItem]) -> str:
    return ", ".join(sorted({item.location_id for item in items if item.location_id}))
