"""Cuts exact slices out of a JSON answer, and decodes the few members that the client itself needs.

JSON may hold half an emoji (a lone surrogate, `\\\\ud83d`): HighLevel cuts texts by length. That is no
Unicode and strict parsers refuse it, but one such contact must not hide a whole page. The slices stay as they came.

Finds what was asked for in an answer, however it is wrapped.

HighLevel's answers differ from its OpenAPI files: messages come wrapped once more under their own name
(github.com/GoHighLevel/highlevel-api-docs, issue 54), an appointment bare or wrapped, an empty list as null, a number
as a text. What is cut out stays byte for byte as it came.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

import msgspec

from hlcore.errors import BrokenAnswer

_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
_SPACE = re.compile(r"[ \t\n\r]*")


class _RowId(msgspec.Struct, gc=False):
    id: str


_named = msgspec.json.Decoder(list[_RowId])
_objects = msgspec.json.Decoder(dict[str, msgspec.Raw])
_arrays = msgspec.json.Decoder(list[msgspec.Raw])


def decode(raw: bytes) -> Any:
    """The value of these bytes. Raises ValueError when they are no JSON in UTF-8."""
    try:
        return msgspec.json.decode(raw)
    except msgspec.MsgspecError:
        if not _HALF.search(raw):
            raise
    return json.loads(raw, parse_constant=_refuse)


def members(raw: bytes) -> dict[str, bytes]:
    """The exact bytes of each member of a JSON object. Raises BrokenAnswer for anything else."""
    try:
        return {name: bytes(part) for name, part in _objects.decode(raw).items()}
    except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
        if not _HALF.search(raw):
            raise BrokenAnswer("HighLevel's answer is not a whole JSON object") from exc
    try:
        return dict(_JsonScanner(raw).object())
    except (ValueError, RecursionError) as exc:
        raise BrokenAnswer("HighLevel's answer is not a whole JSON object") from exc


def object_member(raw: bytes, name: str) -> bytes:
    """The exact bytes of the object under `name`. Raises BrokenAnswer when there is none."""
    found = members(raw).get(name, b"")
    if not found.startswith(b"{"):
        raise BrokenAnswer(f"HighLevel's answer has no {name}")
    return found


def optional_object_member(raw: bytes, name: str) -> bytes | None:
    """The exact bytes of the object under `name`; None when it is absent, null or empty."""
    found = members(raw).get(name, b"null")
    if found == b"null":
        return None
    if not found.startswith(b"{"):
        raise BrokenAnswer(f"HighLevel's answer has a senseless {name}")
    return found if members(found) else None


def array_member(raw: bytes, name: str) -> list[bytes]:
    """The exact bytes of each element of the array under `name`. Raises BrokenAnswer when there is none."""
    found = members(raw).get(name, b"")
    try:
        return [bytes(item) for item in _arrays.decode(found)]
    except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
        if not (found.startswith(b"[") and _HALF.search(found)):
            raise BrokenAnswer(f"HighLevel's answer has no list of {name}") from exc
    return list(_JsonScanner(found).array())


def listed(raw: bytes, name: str) -> tuple[list[bytes], list[Any], dict[str, bytes]]:
    """The exact bytes of each element of the array under `name`, the `id` of each, and the answer's other members.
    Raises BrokenAnswer when there is no such list."""
    others = members(raw)
    found = others.pop(name, b"")
    try:
        return [bytes(item) for item in _arrays.decode(found)], [item.id for item in _named.decode(found)], others
    except (msgspec.MsgspecError, UnicodeDecodeError):
        items = array_member(raw, name)  # half an emoji, an element without id, or no list at all
    return items, [value(item, "id") for item in items], others


def value(raw: bytes, name: str) -> Any:
    """The decoded member `name`, None when absent."""
    found = members(raw).get(name)
    return None if found is None else decode(found)


def count(raw: bytes, name: str) -> int:
    """The number `name`. Raises BrokenAnswer when it is missing, negative or not a whole number."""
    return whole_number(value(raw, name), name)


def whole_number(found: Any, name: str) -> int:
    """This value as the number `name`. Raises BrokenAnswer when it is missing, negative or not a whole number."""
    if isinstance(found, float) and found.is_integer():
        found = int(found)
    if isinstance(found, bool) or not isinstance(found, int) or found < 0:
        raise BrokenAnswer(f"HighLevel's answer has no number {name}")
    return found


class _JsonScanner:
    """Goes through one object or array by offsets. Latin-1 makes each byte one character, so offsets are the same."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._text = raw.decode("latin-1")
        self._at = 0
        self._scan = json.JSONDecoder(parse_constant=_refuse).raw_decode

    def object(self) -> list[tuple[str, bytes]]:
        self._expect("{")
        found: list[tuple[str, bytes]] = []
        while not self._ends("}", first=not found):
            name = self._next()
            self._expect(":")
            found.append((str(json.loads(name)), self._next()))
        self._expect_end()
        return found

    def array(self) -> list[bytes]:
        self._expect("[")
        found: list[bytes] = []
        while not self._ends("]", first=not found):
            found.append(self._next())
        self._expect_end()
        return found

    def _next(self) -> bytes:
        self._skip()
        start = self._at
        _, self._at = self._scan(self._text, start)
        return self._raw[start : self._at]

    def _ends(self, mark: str, *, first: bool) -> bool:
        """Step over the closing mark (true) or over the comma before the next element (false)."""
        self._skip()
        if self._text[self._at : self._at + 1] == mark:
            self._at += 1
            return True
        if not first:
            self._expect(",")
        return False

    def _expect(self, mark: str) -> None:
        self._skip()
        if self._text[self._at : self._at + 1] != mark:
            raise ValueError(f"no {mark}")
        self._at += 1

    def _expect_end(self) -> None:
        self._skip()
        if self._at != len(self._text):
            raise ValueError("more after the end")

    def _skip(self) -> None:
        match = _SPACE.match(self._text, self._at)
        self._at = match.end() if match else self._at


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


_WRAPPERS = ("data", "result", "response")


def part(raw: bytes, name: str) -> bytes:
    """The exact bytes of the object under `name`. Raises BrokenAnswer when there is none."""
    return object_member(inside(raw, name), name)


def optional_part(raw: bytes, name: str) -> bytes | None:
    """As `part`; None when it is absent, null or empty, and when the answer itself is empty."""
    if not raw.strip():
        return None
    body = inside(raw, name)
    return None if members(body).get(name) == b"[]" else optional_object_member(body, name)


def rows(raw: bytes, name: str) -> list[bytes]:
    """The exact bytes of each element of the array under `name`; null is an empty one. Raises BrokenAnswer when there
    is none."""
    body = inside(raw, name)
    return [] if members(body).get(name) == b"null" else array_member(body, name)


def inside(raw: bytes, name: str) -> bytes:
    """The object that has `name` as a member: the answer itself, or what it wraps. Raises BrokenAnswer."""
    whole = members(raw)
    own = whole.get(name, b"")
    if own.startswith(b"{") and _wraps(own, name):
        return own
    if name not in whole:
        for wrapper in _WRAPPERS:
            inner = whole.get(wrapper, b"")
            if inner.startswith(b"{") and name in members(inner):
                return inside(inner, name)
    return raw


def number(found: Any) -> int | None:
    """This value as a whole number that is not negative, also out of a text; None for everything else."""
    if isinstance(found, str) and found.isascii() and found.isdigit():
        return int(found)
    if isinstance(found, float) and found.is_integer():
        found = int(found)
    return found if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else None


def _wraps(own: bytes, name: str) -> bool:
    """Whether this object under `name` is only a wrapper around another `name`."""
    inner = members(own)
    return name in inner and "id" not in inner
