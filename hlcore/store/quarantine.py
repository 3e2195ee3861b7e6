"""The quarantine: items from outside that could not be handled, set aside so that they keep nothing else waiting.

An item is one delivery, listing row, contact, record, account or file. Whoever works through many of them catches *any*
exception of one item, notes it here, and goes on with the next:

    try:
        handle(item)
    except Cancelled:
        raise
    except Exception as error:
        with vault.write() as tx:
            set_aside = note_failure(tx, location_id, RECORD, reference_to(record_id, raw), error, at=now)

An item is `failing` until it has failed `SET_ASIDE_AFTER` times in a row; then it is `waiting`, and people see it. They
may have it tried again (`retry`) or ignored (`ignored`: never counted as waiting again, however often it fails).
Whoever handles it at last calls `resolve`. `set_aside` makes an item `waiting` at once, where another attempt cannot
help.

Nothing here is personal data: an item is known by an id of HighLevel or by a digest, an error by its class and its
place in the code.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, delete, desc, func, literal, select, update

from hlcore.log_privacy import place_of
from hlcore.store.database import Tx
from hlcore.store.dialects import among, among_numbers, changed_rows, insert_into
from hlcore.store.tables import quarantined_items as items

DELIVERY, LISTING_ROW, CONTACT = "delivery", "listing_row", "contact"
RECORD, ACCOUNT, FILE = "record", "account", "file"
FAILING, WAITING, RETRY, IGNORED = "failing", "waiting", "retry", "ignored"
SET_ASIDE_AFTER = 3
"""How often in a row an item fails before it is set aside."""
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class QuarantinedItem:
    """An item that could not be handled. `location_id` is '' where it belongs to none; `error` is the class of the last
    exception or a word for what is odd, `place` where in the code, as `module:line`."""

    item_id: int
    location_id: str
    kind: str
    reference: str
    state: str
    first_seen_at: datetime
    last_seen_at: datetime
    attempts: int
    error: str
    place: str


def reference_to(item_id: object, raw: bytes = b"") -> str:
    """Return how an item is called here: its id where that is one of HighLevel's (letters and digits), else a digest of
    its bytes, or of the id where there are no bytes. The same item always has the same reference."""
    if isinstance(item_id, str) and _ID.fullmatch(item_id):
        return item_id
    return "sha256-" + hashlib.sha256(raw or repr(item_id).encode("utf-8", "backslashreplace")).hexdigest()[:32]


def note_failure(
    tx: Tx,
    location_id: str,
    kind: str,
    reference: str,
    error: BaseException,
    *,
    at: datetime,
    set_aside_after: int = SET_ASIDE_AFTER,
) -> bool:
    """Count a failed attempt at this item; return whether it is set aside now (waiting or ignored)."""
    attempts = items.c.attempts + 1
    state = case(
        (items.c.state.in_((WAITING, IGNORED)), items.c.state),
        (attempts >= literal(set_aside_after), literal(WAITING)),
        else_=literal(FAILING),
    )
    first = WAITING if set_aside_after <= 1 else FAILING
    _note(tx, location_id, kind, reference, type(error).__name__, place_of(error), at=at, first=first, then=state)
    return bool(list_set_aside(tx, location_id, kind, [reference]))


def set_aside(
    tx: Tx, location_id: str, kind: str, reference: str, error: BaseException | str, *, at: datetime, place: str = ""
) -> None:
    """Set this item aside at once; one that is ignored stays so. `error`: an exception, or a word for what is odd
    ('NoId'), with the `place` that noticed it."""
    if isinstance(error, BaseException):
        place, error = place_of(error), type(error).__name__
    state = case((items.c.state == IGNORED, items.c.state), else_=literal(WAITING))
    _note(tx, location_id, kind, reference, error, place, at=at, first=WAITING, then=state)


def list_set_aside(tx: Tx, location_id: str, kind: str, references: Iterable[str]) -> set[str]:
    """Return those of these items that are set aside (waiting or ignored), so that nobody should try them now."""
    query = select(items.c.reference).where(_these(tx, location_id, kind, references))
    return set(tx.execute(query.where(items.c.state.in_((WAITING, IGNORED)))).scalars())


def references(tx: Tx, location_id: str, kind: str) -> frozenset[str]:
    """Return the references of all items of this kind, whatever their state: those that a success should `resolve`."""
    query = select(items.c.reference).where(items.c.location_id == location_id, items.c.kind == kind)
    return frozenset(tx.execute(query).scalars())


def resolve(tx: Tx, location_id: str, kind: str, references: Iterable[str]) -> int:
    """Forget these items, which have been handled; return how many were known."""
    return changed_rows(tx, delete(items).where(_these(tx, location_id, kind, references)))


def forget_unseen(tx: Tx, location_id: str, kind: str, before: datetime, *, prefix: str = "") -> int:
    """Forget the items of this kind (whose reference begins with `prefix`) that nothing has met since this moment,
    because a complete look at all of them came by; those that are ignored stay. Return how many."""
    unseen = (items.c.location_id == location_id) & (items.c.kind == kind) & (items.c.last_seen_at < before)
    unseen &= items.c.reference.startswith(prefix, autoescape=True)
    return changed_rows(tx, delete(items).where(unseen, items.c.state != IGNORED))


def list_items(
    tx: Tx,
    location_ids: Sequence[str],
    *,
    states: Sequence[str] = (WAITING,),
    kinds: Sequence[str] = (),
    limit: int,
    offset: int = 0,
) -> list[QuarantinedItem]:
    """Return items of these locations and of none, the last seen first; only of these kinds, where given."""
    query = _matching(tx, select(items), location_ids, states, kinds)
    query = query.order_by(desc(items.c.last_seen_at), desc(items.c.item_id)).limit(limit).offset(offset)
    return [QuarantinedItem(*row) for row in tx.execute(query)]


def count_items(
    tx: Tx, location_ids: Sequence[str], *, states: Sequence[str] = (WAITING,), kinds: Sequence[str] = ()
) -> int:
    """Return how many items `list_items` has altogether."""
    query = _matching(tx, select(func.count()).select_from(items), location_ids, states, kinds)
    return int(tx.execute(query).scalar_one())


def count_waiting(tx: Tx) -> dict[str, int]:
    """Return how many items wait for a decision, by location id ('': those that belong to none)."""
    query = select(items.c.location_id, func.count()).where(items.c.state == WAITING).group_by(items.c.location_id)
    return {row[0]: int(row[1]) for row in tx.execute(query)}


def list_accounts(tx: Tx, *, location_id: str = "", limit: int) -> list[QuarantinedItem]:
    """Return the failing steps of accounts, of one location or of all, in whatever state, the last seen first."""
    query = select(items).where(items.c.kind == ACCOUNT)
    query = query.where(items.c.location_id == location_id) if location_id else query
    return [QuarantinedItem(*row) for row in tx.execute(query.order_by(desc(items.c.last_seen_at)).limit(limit))]


def get_items(tx: Tx, item_ids: Iterable[int]) -> list[QuarantinedItem]:
    """Return these items, in the order of their ids; those that are unknown are left out."""
    query = select(items).where(among_numbers(tx, items.c.item_id, item_ids)).order_by(items.c.item_id)
    return [QuarantinedItem(*row) for row in tx.execute(query)]


def retry(tx: Tx, item_ids: Iterable[int]) -> None:
    """Let these items be tried again: they are set aside again after `SET_ASIDE_AFTER` more failures."""
    tx.execute(update(items).where(among_numbers(tx, items.c.item_id, item_ids)).values(state=RETRY, attempts=0))


def ignore(tx: Tx, item_ids: Iterable[int]) -> None:
    """Ignore these items from now on."""
    tx.execute(update(items).where(among_numbers(tx, items.c.item_id, item_ids)).values(state=IGNORED))


def forget_old(tx: Tx, before: datetime) -> int:
    """Forget items that failed last before this moment and were never set aside, or not since they were to be tried
    again: nothing has met them since. Return how many."""
    undecided = items.c.state.in_((FAILING, RETRY))
    return changed_rows(tx, delete(items).where(undecided, items.c.last_seen_at < before))


def _note(
    tx: Tx,
    location_id: str,
    kind: str,
    reference: str,
    error: str,
    place: str,
    *,
    at: datetime,
    first: str,
    then: ColumnElement[Any],
) -> None:
    """Count an attempt at this item, whose state becomes `first` where it is new, else `then`."""
    row = {"location_id": location_id, "kind": kind, "reference": reference, "state": first, "attempts": 1}
    seen = {"first_seen_at": at, "last_seen_at": at, "error": error, "place": place}
    insert = insert_into(tx, items).values({**row, **seen})
    new = insert.excluded
    changes = {"state": then, "attempts": items.c.attempts + 1, "last_seen_at": new.last_seen_at}
    changes |= {"error": new.error, "place": new.place}
    tx.execute(insert.on_conflict_do_update(index_elements=["location_id", "kind", "reference"], set_=changes))


def _these(tx: Tx, location_id: str, kind: str, references: Iterable[str]) -> ColumnElement[bool]:
    named = among(tx, items.c.reference, references)
    return (items.c.location_id == location_id) & (items.c.kind == kind) & named


def _matching(tx: Tx, query: Any, location_ids: Sequence[str], states: Sequence[str], kinds: Sequence[str]) -> Any:
    query = query.where(among(tx, items.c.location_id, [*location_ids, ""]), items.c.state.in_(states))
    return query.where(items.c.kind.in_(kinds)) if kinds else query
