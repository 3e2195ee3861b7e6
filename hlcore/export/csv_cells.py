"""What may stand in a cell of a CSV file: the one place of these rules.

*Exact*: the text as it is; a program that reads the file gets the same text back.

*Safe*: what a spreadsheet would run as a formula is text, marked with an apostrophe (OWASP, "CSV Injection"):

* a cell that begins with ``= + - @``, one of their wide or small forms, a tab, a line break or NUL, also behind blanks,
  quotes or invisible characters, begins with an apostrophe;
* the same inside a cell wherever a program that splits at other separators (``;`` in much of Europe) would begin a new
  cell: an apostrophe stands before the character;
* a telephone number is no formula, but a spreadsheet would make a number of it: the plus is lost and from twelve
  digits on it reads 4.91512E+11. It therefore gets the apostrophe too and stays readable as ``'+4915123456789``;
  so does any text of twelve or more digits;
* so does other text that a spreadsheet would take for a number or a day and show as another: leading zeros (``01067``
  would read 1067), ``1E5``, ``(123)`` (a negative number) and ``1/2`` or ``3-4`` (a day of this year). Whole dates
  and times may be taken for what they are;
* numbers that HighLevel sent as numbers stay numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from enum import StrEnum

from hlcore.model.records import encode


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


def neutral(text: str) -> str:
    """The text as a spreadsheet shows it without running, splitting or rounding anything."""
    if not _HARMFUL.search(text):
        return text
    inner = _BETWEEN.sub(_marked, text)
    return MARK + inner if _BEGINS.match(text) else inner


def _marked(run: re.Match[str]) -> str:
    """What stands before a dangerous character: marked where a new cell might begin in it."""
    return run[0] + MARK if _SEPARATES.search(run[0]) else run[0]


def cell(text: str, mode: ExportMode) -> str:
    """The text of one cell in this mode."""
    return text if mode is ExportMode.EXACT else neutral(text)


Writer = Callable[[object], str]
"""The cell of any value of a JSON document."""
RowWriter = Callable[[Iterable[object]], list[str]]


def writer_of(mode: ExportMode) -> Writer:
    """How values become cells in this mode. Nothing and null are empty; truth values, numbers and, in exact files,
    lists and objects are written as JSON. In safe files a list of plain values is joined with a comma and a blank.
    """
    return exact_value if mode is ExportMode.EXACT else safe_value


def row_writer(mode: ExportMode) -> RowWriter:
    """The same for a whole row at once: most cells are empty or plain, and cost next to nothing."""
    return _exact_row if mode is ExportMode.EXACT else _safe_row


def _exact_row(values: Iterable[object]) -> list[str]:
    return ["" if value is None else value if value.__class__ is str else exact_value(value) for value in values]


def _safe_row(values: Iterable[object], harmful: Callable[[str], object] = _HARMFUL.search) -> list[str]:
    return [
        "" if value is None else value if value.__class__ is str and not harmful(value) else safe_value(value)
        for value in values
    ]


def exact_value(value: object) -> str:
    """Text as it is, everything else as JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else _json(value)


def safe_value(value: object) -> str:
    """What a person reads in a spreadsheet."""
    if isinstance(value, str):
        return neutral(value)
    if value is None:
        return ""
    if isinstance(value, (int, float)):
        text = _json(value)
        return MARK + text if _LONG.match(text) else text
    if isinstance(value, (list, tuple)) and not any(isinstance(part, (list, dict)) for part in value):
        return neutral(", ".join(part if isinstance(part, str) else _json(part) for part in value))
    return neutral(_json(value))


_LONG = re.compile(r"-?[0-9]{12}")


def _json(value: object) -> str:
    return encode(value).decode()
