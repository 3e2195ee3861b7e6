"""Cut exact slices out of HighLevel's JSON, and decode the few members that the client itself needs.

A slice is byte for byte what HighLevel sent, even where strict parsers refuse it: half an emoji (a lone surrogate such
as `\\ud83d`, left by texts that HighLevel cuts by length), NaN, a control character, bytes that are no UTF-8, a word
that is no JSON. One such contact must not hide a whole page, so lists are split by their brackets where nothing else
works; whoever reads an element sets it aside alone. An answer that is about one object is refused if that is no UTF-8.

Answers differ from HighLevel's OpenAPI files: messages come wrapped once more under their own name
(github.com/GoHighLevel/highlevel-api-docs, issue 54), an appointment bare or wrapped, an empty list as null, a number
as a text. `find_object` and `find_list` accept all of these.
"""

from __future__ import annotations

import json
import re
from typing import Annotated, Any

import msgspec

from hlcore.errors import BrokenAnswer
from hlcore.model.json_codec import decode_strict
from hlcore.model.records import MAX_ID_LENGTH, is_id

MAX_COUNT = 2**31 - 1
"""The largest number of rows that is believed and that the database can hold."""
_LARGEST = 2**53
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
_SPACE = re.compile(r"[ \t\n\r]*")
_TEXT_OR_BRACKET = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)
_SCALAR = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[^\s\[\]{},:"]+', re.DOTALL)
_DELIMITER = re.compile(r"[\s\[\]{},:]|\Z")
_WRAPPERS = ("data", "result", "response")


class _RowId(msgspec.Struct, gc=False):
    id: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_ID_LENGTH)]


_ids_decoder = msgspec.json.Decoder(list[_RowId])
_object_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
_array_decoder = msgspec.json.Decoder(list[msgspec.Raw])


def members(raw: bytes) -> dict[str, bytes]:
    """Return the exact bytes of each member of a JSON object. Raises BrokenAnswer for anything else."""
    try:
        return {name: bytes(part) for name, part in _object_decoder.decode(raw).items()}
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return dict(_JsonScanner(raw).object())
    except (ValueError, RecursionError) as exc:
        raise BrokenAnswer("HighLevel's answer is not a whole JSON object") from exc


def shallow_members(raw: bytes) -> dict[str, bytes]:
    """Return the exact bytes of each member of a JSON object without reading the values, however deeply these are
    nested or long their numbers; {} when the object has no end, or is none. Never raises."""
    found: dict[str, bytes] = {}
    depth, name, start = 0, "", 0
    for token in _TOKEN.finditer(raw):
        mark = token[0]
        if depth == 1 and mark in (b",", b"}") and name:
            found[name], name = raw[start : token.start()].strip(), ""
        if depth == 1 and mark == b":" and not name:
            name, start = _member_name(raw[start : token.start()]), token.end()
        elif depth <= 1 and mark in (b"{", b","):
            start = token.end()
        depth += (mark in (b"{", b"[")) - (mark in (b"}", b"]"))
        if depth <= 0:
            return found if mark == b"}" and raw.lstrip().startswith(b"{") and not raw[token.end() :].strip() else {}
    return {}


def _member_name(raw: bytes) -> str:
    try:
        return str(json.loads(raw))
    except ValueError:
        return ""


def value(raw: bytes, name: str) -> Any:
    """Return the decoded member `name` of an object, None when it is absent. Raises BrokenAnswer."""
    member = members(raw).get(name)
    try:
        return None if member is None else decode_strict(member)
    except ValueError as exc:
        raise BrokenAnswer(f"HighLevel's answer has an unreadable {name}") from exc


def value_if_readable(raw: bytes, name: str) -> Any:
    """Return the decoded member `name`; None when it is absent or unreadable, and when `raw` is no object."""
    try:
        return value(raw, name)
    except BrokenAnswer:
        return None


def number(decoded: Any) -> int | None:
    """Return a decoded value as a whole number from 0 to 2^53, also when it is a text; None for everything else."""
    if isinstance(decoded, str) and len(decoded) <= 16 and decoded.isascii() and decoded.isdigit():
        return int(decoded)
    if isinstance(decoded, float) and decoded.is_integer():
        decoded = int(decoded)
    return decoded if isinstance(decoded, int) and not isinstance(decoded, bool) and 0 <= decoded <= _LARGEST else None


def count(decoded: Any) -> int | None:
    """Return a decoded value as a number of rows; None for what cannot be one."""
    found = number(decoded)
    return found if found is not None and found <= MAX_COUNT else None


def find_object(raw: bytes, name: str) -> bytes:
    """Return the exact bytes of the object under `name`. Raises BrokenAnswer when there is none, or one in no UTF-8."""
    member = members(unwrap(raw, name)).get(name, b"")
    if not member.startswith(b"{"):
        raise BrokenAnswer(f"HighLevel's answer has no {name}")
    return require_utf8(member)


def require_utf8(raw: bytes) -> bytes:
    """Return these bytes, which hold one object. Raises BrokenAnswer when they are no JSON object in UTF-8."""
    if not _is_utf8(raw):
        raise BrokenAnswer("HighLevel's answer is not UTF-8")
    members(raw)
    return raw


def find_optional_object(raw: bytes, name: str) -> bytes | None:
    """As `find_object`; None when the object is absent, null or empty, and when the answer itself is empty."""
    if not raw.strip():
        return None
    member = members(unwrap(raw, name)).get(name, b"null")
    if member in (b"null", b"[]"):
        return None
    if not member.startswith(b"{"):
        raise BrokenAnswer(f"HighLevel's answer has an unreadable {name}")
    return member if members(require_utf8(member)) else None


def find_list(raw: bytes, name: str) -> list[bytes]:
    """Return the exact bytes of each element of the array under `name`, [] for null. Some may be null or no object, if
    others are. Raises BrokenAnswer when there is no such array, or one of texts or numbers."""
    member = members(unwrap(raw, name)).get(name, b"")
    items = [] if member == b"null" else _elements(member, name)
    if items and not any(item.startswith((b"{", b"[")) or item == b"null" for item in items):
        raise BrokenAnswer(f"HighLevel's answer has a list of {name} that are no objects")
    return items


def find_list_with_ids(raw: bytes, name: str) -> tuple[list[bytes], list[str | None], dict[str, bytes]]:
    """Return the exact bytes of each element of the array under `name`, the `id` of each (None where it has none that
    `is_id` accepts), and the other members of the object that holds the array. Raises BrokenAnswer when there is no
    such array."""
    others = members(raw)
    if not others.get(name, b"").startswith(b"["):
        others = members(unwrap(raw, name))
    array = others.pop(name, b"")
    items = _elements(array, name)
    return items, _ids(array, items), others


def _ids(array: bytes, items: list[bytes]) -> list[str | None]:
    try:
        for item in items:
            item.decode()  # raises for what is no UTF-8; the whole page at once takes three times as long
        ids = [row.id for row in _ids_decoder.decode(array)]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):  # at least one of them is no contact
        found = [value_if_readable(item, "id") if _is_utf8(item) else None for item in items]
        return [row_id if is_id(row_id) else None for row_id in found]
    if "".join(ids).isalnum():
        return [*ids]
    return [row_id if is_id(row_id) else None for row_id in ids]


def unwrap(raw: bytes, name: str) -> bytes:
    """Return the object that has `name` as a member: the answer itself, or the one it wraps. Raises BrokenAnswer."""
    whole = members(raw)
    own = whole.get(name, b"")
    if own.startswith(b"{") and _is_wrapper(own, name):
        return own
    if name not in whole:
        for wrapper in _WRAPPERS:
            inner = whole.get(wrapper, b"")
            if inner.startswith(b"{") and name in members(inner):
                return unwrap(inner, name)
    return raw


def _is_wrapper(raw: bytes, name: str) -> bool:
    """Whether this object under `name` only wraps another `name`."""
    inner = members(raw)
    return name in inner and "id" not in inner


def _elements(raw: bytes, name: str) -> list[bytes]:
    try:
        return [bytes(item) for item in _array_decoder.decode(raw)]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return _JsonScanner(raw).array()
    except (ValueError, RecursionError) as exc:
        raise BrokenAnswer(f"HighLevel's answer has no list of {name}") from exc


class _JsonScanner:
    """Splits one object or array by offsets. Decoded as Latin-1 each byte is one character, so offsets are the same."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._text = raw.decode("latin-1")
        self._at = 0
        self._scan = json.JSONDecoder(strict=False).raw_decode

    def object(self) -> list[tuple[str, bytes]]:
        self._expect("{")
        pairs: list[tuple[str, bytes]] = []
        while not self._ends("}", first=not pairs):
            name = self._next()
            self._expect(":")
            pairs.append((_text_in(name), self._next()))
        self._expect_end()
        return pairs

    def array(self) -> list[bytes]:
        self._expect("[")
        elements: list[bytes] = []
        while not self._ends("]", first=not elements):
            elements.append(self._next())
        self._expect_end()
        return elements

    def _next(self) -> bytes:
        self._skip()
        start = self._at
        try:
            _, self._at = self._scan(self._text, start)
            if not _DELIMITER.match(self._text, self._at):  # of 0x1F it reads the 0
                raise ValueError("no end")
        except (ValueError, RecursionError):
            self._at = self._end_of_unreadable(start)
        return self._raw[start : self._at]

    def _end_of_unreadable(self, start: int) -> int:
        """Return where a value ends that no decoder reads, or follows so deeply. Raises ValueError where none begins or
        it has no end."""
        if scalar := _SCALAR.match(self._text, start):
            return scalar.end()
        depth = 0
        for token in _TEXT_OR_BRACKET.finditer(self._text, start):
            depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)
            if not depth:
                return token.end()
        raise ValueError("no end")

    def _ends(self, mark: str, *, first: bool) -> bool:
        """Step over the closing mark (True) or over the comma before the next element (False)."""
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


def _text_in(raw: bytes) -> str:
    return str(json.loads(raw.decode("utf-8", "replace"), strict=False))


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
