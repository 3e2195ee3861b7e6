"""What calls answer with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hlcore.errors import BrokenAnswer

from . import slices


@dataclass(frozen=True, slots=True)
class Sent:
    """One request that was really sent; `status` 0 when no whole answer came. Holds no personal data."""

    endpoint: str
    method: str
    status: int
    milliseconds: int
    attempt: int
    trace_id: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A good answer: its status is one that the endpoint documents and its body is whole."""

    endpoint: str
    status: int
    body: bytes
    trace_id: str = ""


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One page of a contact search. `rows` are exact slices of the answer; `next` is the cursor of its last row,
    None when there are no rows. `total` is what HighLevel claims, to be read with suspicion."""

    rows: list[bytes]
    ids: list[str]
    total: int
    next: list[Any] | None
    trace_id: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of another listing; `next` goes back into the same call, None when HighLevel says there is no more.

    `total` is None where HighLevel does not tell one."""

    rows: list[bytes]
    total: int | None
    next: Any


def search_page(body: bytes, trace_id: str = "") -> SearchPage:
    """A page out of the answer to a contact search. Raises BrokenAnswer when it cannot be a whole page:

    no `contacts`, a row without id, no `total`, or rows whose last one has no cursor to go on from."""
    rows, ids, others = slices.listed(body, "contacts")
    if not all(isinstance(each, str) and each for each in ids):
        raise BrokenAnswer("HighLevel's answer has a contact without id")
    cursor = slices.value(rows[-1], "searchAfter") if rows else None
    if rows and not (isinstance(cursor, list) and cursor):
        raise BrokenAnswer("HighLevel's answer has no cursor on its last row")
    told = slices.decode(others.get("traceId", b"null"))
    total = slices.whole_number(slices.decode(others.get("total", b"null")), "total")
    return SearchPage(rows, ids, total, cursor, told if isinstance(told, str) else trace_id)
