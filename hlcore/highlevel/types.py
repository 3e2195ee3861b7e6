"""What calls return."""

from __future__ import annotations

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
    """One page of a contact search. `rows` are exact slices of the answer. `next` is the cursor of the last row, None
    when there are no rows or HighLevel gave it none. `total` is HighLevel's claim, which may be wrong."""

    rows: list[bytes]
    ids: list[str]
    total: int
    next: list[Any] | None
    trace_id: str = ""


@dataclass(frozen=True, slots=True)
class RecordPage:
    """One page of another listing. `next` goes back into the same call, None after the last page; `total` is None where
    HighLevel names none."""

    rows: list[bytes]
    total: int | None
    next: Any


def parse_search_page(body: bytes, trace_id: str = "") -> SearchPage:
    """Parse the answer to a contact search. Raises BrokenAnswer when it is not a whole page: no `contacts`, a row
    without id, or no `total`.

    A last row without a cursor is the end as far as HighLevel says; the caller compares `total` to know whether rows
    are missing.
    """
    rows, ids, others = json_slices.find_list_with_ids(body, "contacts")
    if not all(isinstance(row_id, str) and row_id for row_id in ids):
        raise BrokenAnswer("HighLevel's answer has a contact without id")
    cursor = json_slices.value(rows[-1], "searchAfter") if rows else None
    own_trace_id = decode_strict(others.get("traceId", b"null"))
    total = json_slices.number(decode_strict(others.get("total", b"null")))
    if total is None:
        raise BrokenAnswer("HighLevel's answer has no number total")
    next_cursor = cursor if isinstance(cursor, list) and cursor else None
    return SearchPage(rows, ids, total, next_cursor, own_trace_id if isinstance(own_trace_id, str) else trace_id)
