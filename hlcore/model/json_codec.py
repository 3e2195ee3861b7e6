"""The JSON codec, with one function for each policy towards bytes that are not quite JSON.

=====================  ======================================================================================
`decode_strict`        raises ValueError: for HighLevel's answers and webhooks
`decode_tolerant`      also reads NaN and endless numbers, raises ValueError: no value may stop a contact's copy
`decode_object`        as `decode_tolerant`, but {} for what is unreadable or no object
`decode_lossy`         whatever can be read, also out of broken UTF-8, else None: for showing and exporting
`decode_lossy_object`  the same, but {} for what is unreadable or no object
`encode`               compact UTF-8
`encode_sorted`        compact, keys in order: for comparing
=====================  ======================================================================================

All of them accept lone surrogates (half an emoji, such as `\\ud83d`), which strict parsers refuse: HighLevel cuts texts
by length, and people paste what others cut.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn, TypeVar

import msgspec

T = TypeVar("T")
MAX_DIGITS = 4_000
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_encode_sorted = msgspec.json.Encoder(order="sorted").encode


def decode_strict(raw: bytes) -> Any:
    """Return the decoded value. Raises ValueError when `raw` is not JSON in UTF-8, or nested too deeply."""
    try:
        return _decode(raw)
    except (ValueError, RecursionError):
        return _decode_slowly(raw, parse_constant=_refuse_constant)


def decode_tolerant(raw: bytes) -> Any:
    """Return the decoded value; NaN, Infinity, and numbers beyond every type (as infinity) are accepted. Raises
    ValueError as `decode_strict` does."""
    try:
        return _decode(raw)
    except (ValueError, RecursionError):
        return _decode_slowly(raw, parse_int=_any_int)


def decode_object(raw: bytes) -> dict[str, Any]:
    """Return the members of a JSON object; {} when `raw` is unreadable or something else."""
    try:
        value = decode_tolerant(raw)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def decode_lossy(raw: bytes) -> Any:
    """Return the value as far as it can be read, with U+FFFD in place of bytes that are not UTF-8; None when it cannot
    be read at all."""
    try:
        return _decode(raw)
    except (ValueError, RecursionError):
        pass
    try:
        return json.loads(raw.decode("utf-8", "replace"), parse_int=_any_int)
    except (ValueError, RecursionError):
        return None


def decode_lossy_object(raw: bytes) -> dict[str, Any]:
    """Return the members of a JSON object as far as it can be read; {} when it cannot, or for something else."""
    value = decode_lossy(raw)
    return value if isinstance(value, dict) else {}


def encode(value: Any) -> bytes:
    """Return the value as JSON in UTF-8. Lone surrogates, which UTF-8 cannot hold, stay as escapes; numbers of any
    size stay as they are."""
    try:
        return _encode(value)
    except (UnicodeEncodeError, OverflowError):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")


def encode_sorted(value: Any) -> bytes:
    """Return the value as JSON whose bytes do not depend on the order of keys."""
    try:
        return _encode_sorted(value)
    except (UnicodeEncodeError, OverflowError):
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def is_finite(value: float) -> bool:
    """Return whether this is a number with an end; an integer of any size is."""
    return isinstance(value, int) or math.isfinite(value)


def converter(of: type[T]) -> Callable[[Any], T]:
    """Return what makes an `of` (a msgspec.Struct) of a decoded value, or raises msgspec.ValidationError.

    To be called while the class's module is imported: msgspec 0.22 builds what it knows of a class at its first use,
    and a second thread that uses the class meanwhile ends the whole process.
    """
    msgspec.json.Decoder(of)
    return partial(msgspec.convert, type=of)


def _decode_slowly(raw: bytes, **options: Any) -> Any:
    """Decode with the standard library, which accepts lone surrogates."""
    try:
        return json.loads(raw.decode(), **options)
    except RecursionError as exc:
        raise ValueError("JSON is nested too deeply") from exc


def _any_int(digits: str) -> int | float:
    """Return the number; infinity for one of more digits than Python turns into a number."""
    return int(digits) if len(digits) < MAX_DIGITS else float(digits)


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
