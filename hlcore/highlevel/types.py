"""What calls answer with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hlcore.errors import BrokenAnswer
from hlcore.highlevel import json_slices


@dataclass(frozen=True, slots=True)
class SentRequest:
    """One request that was really sent; `status` 0 when no whole answer came. Holds no personal data."""

    endpoint: str
    method: str
    status: int
    milliseconds: int
    attempt: int
    trace_id: str = ""


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """A good answer: its status is one that the endpoint documents and its body is whole."""

    endpoint: str
    status: int
    body: bytes
    trace_id: str = ""


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One page of a contact search. `rows` are exact slices of the answer; `next` is the cursor of its last row,
    None when there are no rows or HighLevel gave that one none. `total` is what HighLevel claims, to be read with
    suspicion."""

    rows: list[bytes]
    ids: list[str]
    total: int
    next: list[Any] | None
    trace_id: str = ""


@dataclass(frozen=True, slots=True)
class RecordPage:
    """One page of another listing; `next` goes back into the same call, None when HighLevel says there is no more.

    `total` is None where HighLevel does not tell one."""

    rows: list[bytes]
    total: int | None
    next: Any


def search_page(body: bytes, trace_id: str = "") -> SearchPage:
    """A page out of the answer to a contact search. Raises BrokenAnswer when it cannot be a whole page:

    no `contacts`, a row without id, or no `total`. A last row without a cursor is the end as far as HighLevel says;
    whether it is the end of all is for the reader to judge, by `total`."""
    rows, ids, others = _listed(body)
    if not all(isinstance(each, str) and each for each in ids):
        raise BrokenAnswer("HighLevel's answer has a contact without id")
    cursor = json_slices.value(rows[-1], "searchAfter") if rows else None
    told = json_slices.decode(others.get("traceId", b"null"))
    total = json_slices.number(json_slices.decode(others.get("total", b"null")))
    if total is None:
        raise BrokenAnswer("HighLevel's answer has no number total")
    following = cursor if isinstance(cursor, list) and cursor else None
    return SearchPage(rows, ids, total, following, told if isinstance(told, str) else trace_id)


def _listed(body: bytes) -> tuple[list[bytes], list[Any], dict[str, bytes]]:
    """As `slices.listed`, of an answer that may be wrapped; one that is not is cut only once."""
    try:
        return json_slices.listed(body, "contacts")
    except BrokenAnswer:
        if (inner := json_slices.inside(body, "contacts")) is body:
            raise
        return json_slices.listed(inner, "contacts")
