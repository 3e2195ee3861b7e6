"""What calls answer with, and how exact slices are cut out of a JSON answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from hlcore.errors import BrokenAnswer


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


class _Row(msgspec.Struct):
    id: str
    searchAfter: Any = None


_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_slices = msgspec.json.Decoder(list[msgspec.Raw])
_row = msgspec.json.Decoder(_Row)


def members(body: bytes | msgspec.Raw) -> dict[str, msgspec.Raw]:
    """The members of a JSON object, undecoded. Raises BrokenAnswer for anything else."""
    try:
        return _members.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
        raise BrokenAnswer("HighLevel's answer is not a whole JSON object") from exc


def part(body: bytes, name: str) -> bytes:
    """The exact bytes of the object under `name`. Raises BrokenAnswer when there is none."""
    raw = members(body).get(name)
    if raw is None or not bytes(raw).startswith(b"{"):
        raise BrokenAnswer(f"HighLevel's answer has no {name}")
    return bytes(raw)


def optional_part(body: bytes, name: str) -> bytes | None:
    """The exact bytes of the object under `name`; None when it is absent, null or empty."""
    raw = members(body).get(name)
    if raw is None or bytes(raw) == b"null":
        return None
    if not bytes(raw).startswith(b"{"):
        raise BrokenAnswer(f"HighLevel's answer has a senseless {name}")
    return bytes(raw) if members(raw) else None


def rows(body: bytes | msgspec.Raw, name: str) -> list[bytes]:
    """The exact bytes of each element of the array under `name`. Raises BrokenAnswer when there is none."""
    raw = members(body).get(name)
    if raw is None:
        raise BrokenAnswer(f"HighLevel's answer has no {name}")
    try:
        return [bytes(item) for item in _slices.decode(raw)]
    except msgspec.MsgspecError as exc:
        raise BrokenAnswer(f"HighLevel's answer has no list of {name}") from exc


def value(body: bytes | msgspec.Raw, name: str) -> Any:
    """The decoded member `name`, None when absent."""
    raw = members(body).get(name)
    if raw is None:
        return None
    try:
        return msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
        raise BrokenAnswer(f"HighLevel's answer has a senseless {name}") from exc


def count(body: bytes | msgspec.Raw, name: str) -> int:
    """The number `name`. Raises BrokenAnswer when it is missing, negative or not a whole number."""
    found = value(body, name)
    if isinstance(found, float) and found.is_integer():
        found = int(found)
    if isinstance(found, bool) or not isinstance(found, int) or found < 0:
        raise BrokenAnswer(f"HighLevel's answer has no number {name}")
    return found


def search_page(body: bytes, trace_id: str = "") -> SearchPage:
    """A page out of the answer to a contact search. Raises BrokenAnswer when it cannot be a whole page:

    no `contacts`, a row without id, no `total`, or rows whose last one has no cursor to go on from."""
    found = rows(body, "contacts")
    try:
        parsed = [_row.decode(row) for row in found]
    except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
        raise BrokenAnswer("HighLevel's answer has a contact without id") from exc
    if not all(row.id for row in parsed):
        raise BrokenAnswer("HighLevel's answer has a contact without id")
    cursor = parsed[-1].searchAfter if parsed else None
    if parsed and not (isinstance(cursor, list) and cursor):
        raise BrokenAnswer("HighLevel's answer has no cursor on its last row")
    told = value(body, "traceId")
    trace_id = told if isinstance(told, str) else trace_id
    return SearchPage(found, [row.id for row in parsed], count(body, "total"), cursor, trace_id)
