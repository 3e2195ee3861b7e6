"""Texts that SQLite and PostgreSQL both accept.

PostgreSQL refuses NUL and lone surrogates, and indexes no value of more than some 2,700 bytes. Derived texts are
therefore cleaned and, where they are keys, cut; the exact bytes beside them stay as HighLevel sent them.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from typing import Any

_HASH_MARK = "#"


def is_clean(text: str) -> bool:
    """Return whether both databases accept this text as it is."""
    if "\x00" in text:
        return False
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def clean(text: str) -> str:
    """Return the text without NUL and lone surrogates."""
    if is_clean(text):
        return text
    return text.replace("\x00", "").encode("utf-8", "ignore").decode("utf-8")


def fit(text: str, limit: int) -> str:
    """Return the text, clean, in at most `limit` characters. Two long texts that differ anywhere still differ: the end
    of a long one is a hash of the whole (for limits under 80 it is only cut)."""
    text = clean(text)
    if len(text) <= limit:
        return text
    if limit < 80:
        return text[:limit]
    return text[: limit - 65] + _HASH_MARK + hashlib.sha256(text.encode()).hexdigest()


def checksum(text: str) -> int | None:
    """Return a signed 32-bit checksum of the text, for small indexes; None for ''."""
    if not text:
        return None
    value = zlib.crc32(text.encode("utf-8", "ignore"))
    return value - (1 << 32) if value >= 1 << 31 else value


def dump_json(value: Any) -> str:
    """Return JSON that both databases accept: like `json.dumps`, with every text in it clean."""
    encoded = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if "\\u0000" not in encoded and is_clean(encoded):
        return encoded
    return json.dumps(_cleaned(value), ensure_ascii=False, separators=(",", ":"))


def load_json(written: str) -> Any:
    """Return the stored JSON; None when it cannot be read, as if nothing had been stored."""
    try:
        return json.loads(written)
    except (ValueError, TypeError, RecursionError):
        return None


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(str(key)): _cleaned(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_cleaned(part) for part in value]
    return value
