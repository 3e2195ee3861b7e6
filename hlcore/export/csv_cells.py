"""The rules for what a cell of a CSV file may contain.

*Exact*: the text as it is; a program that reads the file gets the same text back.

*Safe*: text that a spreadsheet would run or change is marked with an apostrophe (OWASP, "CSV Injection"):

* a cell that begins with ``= + - @``, one of their wide or small forms, a tab, a line break or NUL, also after blanks,
  quotes or invisible characters, gets a leading apostrophe;
* so does the same inside a cell, where a program that splits at other separators (``;`` in much of Europe) would begin
  a new cell: the apostrophe precedes the character;
* a phone number is no formula, but a spreadsheet would convert it to a number, drop the plus, and from twelve digits
  on show 4.91512E+11. It gets the apostrophe too and stays readable as ``'+4915123456789``; so does any text of twelve
  or more digits;
* so does other text that a spreadsheet would convert to another number or date: leading zeros (``01067`` becomes 1067),
  ``1E5``, ``(123)`` (a negative number), ``1/2`` or ``3-4`` (a date of this year). Complete dates and times may be
  converted;
* numbers that HighLevel sent as numbers stay numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from enum import StrEnum

from hlcore.model.json_codec import encode


class ExportMode(StrEnum):
    """How cells are written."""

    SAFE = "safe"
    EXACT = "exact"


STARTERS = "=+\\-@＝＋－＠﹦﹢﹣﹫⁼⁺⁻₌₊₋−"
_SKIPPED = r"\s\"'`\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
_TURNED = (
    r"\s*(?:0[0-9][0-9\s]*\Z|(?:[0-9]+(?:[.,][0-9]*)?[eE][+-]?[0-9]+|\([0-9][0-9.,]*\)"
    r"|(?:[0-9]+ )?[0-9]{1,2}[/-][0-9]{1,2})\s*\Z)"
)
_HARMFUL = re.compile(f"\\A{_TURNED}|[{STARTERS}\t\r\n\x00]|[0-9]{{12}}")
_BEGINS = re.compile(f"{_TURNED}|[\t\r\n\x00]|[{_SKIPPED}]*[{STARTERS}]|[0-9]{{12,}}$")
_BETWEEN = re.compile(f"(?<![,;|{_SKIPPED}])[,;|{_SKIPPED}]+(?=[{STARTERS}])")
_SEPARATES = re.compile("[,;|\t\r\n]")
MARK = "'"


def neutralize(text: str) -> str:
    """Return the text so that a spreadsheet shows it without running, splitting or converting it."""
    if not _HARMFUL.search(text):
        return text
    inner = _BETWEEN.sub(_marked, text)
    return MARK + inner if _BEGINS.match(text) else inner


def _marked(run: re.Match[str]) -> str:
    """Return what precedes a dangerous character, marked if a new cell could begin in it."""
    return run[0] + MARK if _SEPARATES.search(run[0]) else run[0]


def cell(text: str, mode: ExportMode) -> str:
    """Return the text of a cell in this mode."""
    return text if mode is ExportMode.EXACT else neutralize(text)


Writer = Callable[[object], str]
"""Converts any value of a JSON document to a cell."""
RowWriter = Callable[[Iterable[object]], list[str]]


def writer_of(mode: ExportMode) -> Writer:
    """Return the writer of this mode. None becomes an empty cell; booleans, numbers and, in exact files, lists and
    objects are written as JSON. In safe files a list of plain values is joined with a comma and a blank."""
    return exact_value if mode is ExportMode.EXACT else safe_value


def row_writer(mode: ExportMode) -> RowWriter:
    """Return the writer of this mode for whole rows, which is fast for the many cells that are empty or plain."""
    return _exact_row if mode is ExportMode.EXACT else _safe_row


def _exact_row(values: Iterable[object]) -> list[str]:
    return ["" if value is None else value if value.__class__ is str else exact_value(value) for value in values]


def _safe_row(values: Iterable[object], harmful: Callable[[str], object] = _HARMFUL.search) -> list[str]:
    return [
        "" if value is None else value if value.__class__ is str and not harmful(value) else safe_value(value)
        for value in values
    ]


def exact_value(value: object) -> str:
    """Return text as it is, '' for None, everything else as JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else _json(value)


def safe_value(value: object) -> str:
    """Return the value as people read it in a spreadsheet."""
    if isinstance(value, str):
        return neutralize(value)
    if value is None:
        return ""
    if isinstance(value, (int, float)):
        text = _json(value)
        return MARK + text if _LONG.match(text) else text
    if isinstance(value, (list, tuple)) and not any(isinstance(part, (list, dict)) for part in value):
        return neutralize(", ".join(part if isinstance(part, str) else _json(part) for part in value))
    return neutralize(_json(value))


_LONG = re.compile(r"-?[0-9]{12}")


def _json(value: object) -> str:
    return encode(value).decode()
