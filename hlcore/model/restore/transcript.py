"""A conversation as text for people: who wrote what, when, on which channel."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from hlcore.model.moments import parse_moment
from hlcore.model.records import email_texts
from hlcore.model.wording import plural

LONGEST = 20_000
"""Characters of one note; a longer conversation continues in the next one."""
_BREAK = re.compile(r"<\s*(br|/p|/div|/tr|/h[1-6]|/li)\s*/?>", re.IGNORECASE)
_HIDDEN = re.compile(r"<(style|script|head)\b.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^>]*>")

Row = Mapping[str, Any]


def transcript(
    rows: Sequence[Row], emails: Mapping[str, Row], format_time: Callable[[datetime], str]
) -> list[tuple[str, int]]:
    """Return the messages (oldest first) as texts of at most about `LONGEST` characters, each with the number of
    messages in it. `emails`: the captured texts of e-mails by id."""
    parts: list[list[str]] = [[]]
    length = 0
    for row in rows:
        text = _line(row, emails, format_time)
        if length and length + len(text) > LONGEST:
            parts.append([])
            length = 0
        parts[-1].append(text)
        length += len(text)
    head = f"Conversation of {plural(len(rows), 'message', none='0')}, kept by Contact Vault"
    return [(_joined(head, at, len(parts), part), len(part)) for at, part in enumerate(parts, 1)]


def _joined(head: str, number: int, of: int, lines: Sequence[str]) -> str:
    where = f" (part {number} of {of})" if of > 1 else ""
    return "\n\n".join([f"{head}{where}", *lines])


def _line(row: Row, emails: Mapping[str, Row], format_time: Callable[[datetime], str]) -> str:
    at = parse_moment(row.get("dateAdded"))
    channel = str(row.get("messageType") or "").removeprefix("TYPE_").replace("_", " ").lower() or "message"
    who = "from the contact" if row.get("direction") == "inbound" else "to the contact"
    head = " · ".join(part for part in (format_time(at) if at else "", channel, who) if part)
    body = str(row.get("body") or "").strip() or _email(row, emails) or _call(row) or "(no text)"
    given = row.get("attachments")
    files = [file for file in given if isinstance(file, str)] if isinstance(given, list) else []
    return "\n".join([head, plain_text(body)[:LONGEST], *(f"file: {file}" for file in files)])


def _email(row: Row, emails: Mapping[str, Row]) -> str:
    return "\n".join(text for pair in email_texts(row, emails) for text in pair if text)


def _call(row: Row) -> str:
    meta = row.get("meta")
    seconds = meta.get("callDuration") if isinstance(meta, Mapping) else None
    return f"call of {seconds} seconds" if seconds is not None else ""


def plain_text(text: str) -> str:
    """Return the text without HTML tags, with line breaks in place of block elements."""
    if "<" not in text:
        return text
    bare = _TAG.sub("", _BREAK.sub("\n", _HIDDEN.sub("", text)))
    return re.sub(r"\n{3,}", "\n\n", html.unescape(bare)).strip()
