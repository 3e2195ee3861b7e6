"""Finds what was asked for in an answer, however it is wrapped.

HighLevel's answers differ from its OpenAPI files: messages come wrapped once more under their own name
(github.com/GoHighLevel/highlevel-api-docs, issue 54), an appointment bare or wrapped, an empty list as null, a number
as a text. What is cut out stays byte for byte as it came.
"""

from __future__ import annotations

from typing import Any

from . import slices

_WRAPPERS = ("data", "result", "response")


def part(raw: bytes, name: str) -> bytes:
    """The exact bytes of the object under `name`. Raises BrokenAnswer when there is none."""
    return slices.part(inside(raw, name), name)


def optional_part(raw: bytes, name: str) -> bytes | None:
    """As `part`; None when it is absent, null or empty, and when the answer itself is empty."""
    if not raw.strip():
        return None
    body = inside(raw, name)
    return None if slices.members(body).get(name) == b"[]" else slices.optional_part(body, name)


def rows(raw: bytes, name: str) -> list[bytes]:
    """The exact bytes of each element of the array under `name`; null is an empty one. Raises BrokenAnswer when there
    is none."""
    body = inside(raw, name)
    return [] if slices.members(body).get(name) == b"null" else slices.rows(body, name)


def inside(raw: bytes, name: str) -> bytes:
    """The object that has `name` as a member: the answer itself, or what it wraps. Raises BrokenAnswer."""
    whole = slices.members(raw)
    own = whole.get(name, b"")
    if own.startswith(b"{") and _wraps(own, name):
        return own
    if name not in whole:
        for wrapper in _WRAPPERS:
            inner = whole.get(wrapper, b"")
            if inner.startswith(b"{") and name in slices.members(inner):
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
    inner = slices.members(own)
    return name in inner and "id" not in inner
