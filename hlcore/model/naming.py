"""What an entry of a catalogue (a user, a custom field) is called."""

from __future__ import annotations

from typing import Any

import msgspec


class _Named(msgspec.Struct):
    name: Any = None
    firstName: Any = None
    lastName: Any = None


_decoder = msgspec.json.Decoder(_Named)


def name_in(raw: bytes) -> str:
    """The name in these bytes: `name`, else first and last name; '' when there is none."""
    try:
        found = _decoder.decode(raw)
    except (msgspec.MsgspecError, ValueError):
        return ""
    whole = _text(found.name)
    return whole or " ".join(part for part in (_text(found.firstName), _text(found.lastName)) if part)


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""
