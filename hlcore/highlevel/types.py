"""What calls return."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hlcore.errors import BrokenAnswer
from hlcore.highlevel import json_slices
from hlcore.model.json_codec import decode_strict


@dataclass(frozen=True, slots=True)
class SentRequest:
    """One request that was sent; `status` is 0 when no whole answer came. Holds no personal data."""

    endpoint: str
    method: str
    status: int
    milliseconds: int
    attempt: int
    trace_id: str = ""


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """A good answer: its status is one that the endpoint documents, and its body is whole."""

    endpoint: str
    status: int
    body: bytes
    trace_id: str = ""


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One page of a contact search. `rows` are exact slices of the answer, `ids` their ids. `next` is the cursor of the
    last row, None when there are no rows or HighLevel gave it none. `total` is HighLevel's claim, which may be wrong.

    `odd` are the elements that are no contact: no object, or without an id that can be kept. Those behind the last one
    with a cursor come again on the next page and are left out here. `size` counts the elements of the answer."""

    rows: list[bytes]
    ids: list[str]
    total: int
    next: list[Any] | None
    trace_id: str = ""
    odd: Sequence[bytes] = ()
    size: int = 0


@dataclass(frozen=True, slots=True)
class RecordPage:
    """One page of another listing. `next` goes back into the same call, None after the last page; `total` is None where
    HighLevel names none."""

    rows: list[bytes]
    total: int | None
    next: Any


def parse_search_page(body: bytes, trace_id: str = "", *, location_id: str = "") -> SearchPage:
    """Parse the answer to a contact search of this location. Raises BrokenAnswer when it is not a page: no `contacts`,
    or no `total`.

    A last row without a cursor is the end as far as HighLevel says; the caller compares `total` to know whether rows
    are missing.
    """
    items, ids, others = json_slices.find_list_with_ids(body, "contacts")
    own_trace_id = decode_strict(others.get("traceId", b"null"))
    total = json_slices.count(decode_strict(others.get("total", b"null")))
    if total is None:
        raise BrokenAnswer("HighLevel's answer has no number total")
    cursor, end = _last_cursor(items, ids, location_id)
    rows, known = items[:end], ids[:end]
    odd: Sequence[bytes] = ()
    if None in known:
        odd = [row for row, row_id in zip(rows, known, strict=True) if row_id is None]
        rows = [row for row, row_id in zip(rows, known, strict=True) if row_id is not None]
    return SearchPage(
        rows,
        [row_id for row_id in known if row_id is not None],
        total,
        cursor,
        own_trace_id if isinstance(own_trace_id, str) else trace_id,
        odd,
        len(items),
    )


def _last_cursor(items: Sequence[bytes], ids: Sequence[str | None], location_id: str) -> tuple[list[Any] | None, int]:
    """Return the cursor of the last row and the number of rows up to it. Rows that are no contact of this location and
    have no cursor are passed over."""
    for at in range(len(items) - 1, -1, -1):
        cursor = json_slices.value_if_readable(items[at], "searchAfter")
        if isinstance(cursor, list) and cursor:
            return cursor, at + 1
        if ids[at] is not None and json_slices.value_if_readable(items[at], "locationId") in (None, "", location_id):
            break
    return None, len(items)
