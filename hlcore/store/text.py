"""Texts that SQLite and PostgreSQL hold alike.

PostgreSQL refuses NUL and lone surrogates, and indexes no value of more than some 2,700 bytes. Derived texts are
therefore cleaned and, where they are keys, cut; the exact bytes beside them stay as they came.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from typing import Any

_MARK = "#"


def is_clean(text: str) -> bool:
    """Whether both databases take this text as it is."""
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
    """The text without NUL and lone surrogates."""
    if is_clean(text):
        return text
    return text.replace("\x00", "").encode("utf-8", "ignore").decode("utf-8")


def fit(text: str, limit: int) -> str:
    """The text, clean, in at most `limit` characters. Two long texts that differ anywhere still differ: the end of a
    long one is a hash of the whole (for limits under 80 it is only cut)."""
    tidy = clean(text)
    if len(tidy) <= limit:
        return tidy
    if limit < 80:
        return tidy[:limit]
    return tidy[: limit - 65] + _MARK + hashlib.sha256(tidy.encode()).hexdigest()


def checksum(text: str) -> int | None:
    """A signed 32-bit checksum of the text for small indexes; None for ''. Equal texts have equal ones."""
    if not text:
        return None
    value = zlib.crc32(text.encode("utf-8", "ignore"))
    return value - (1 << 32) if value >= 1 << 31 else value


def dump_json(value: Any) -> str:
    """JSON text that both databases take: like `json.dumps`, with every text in it clean."""
    written = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if "\\u0000" not in written and is_clean(written):
        return written
    return json.dumps(_tidy(value), ensure_ascii=False, separators=(",", ":"))


def _tidy(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(str(key)): _tidy(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_tidy(part) for part in value]
    return value
