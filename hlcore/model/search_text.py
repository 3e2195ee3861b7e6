"""Text as it is searched and sorted by, and the ways in which what somebody typed can be meant.

Folding makes spellings alike that a person takes for the same: case, accents, letters written as one character or as
several (`é`), full-width forms and ligatures, Latin letters that no accent tells apart (`ı`, `ł`, `ø`, `ß`),
typographic quotes and dashes, digits of other scripts, and marks that nobody sees. Vowel signs of Indic scripts and the
voicing marks of Japanese are letters, and stay.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

import phonenumbers
from anyascii import anyascii
from phonenumbers import NumberParseException, ValidationResult

MAX_WORDS = 8
MIN_DIGITS = 3
"""A shorter row of digits is searched for as it stands, not as part of a phone number."""
LONG = 6
"""So many digits stand for a number wherever they occur, fewer only where a number begins."""

_POINTS = range(10, 37)  # combining classes of the points of Hebrew, Arabic and Syriac
_ACCENTS = range(200, 235)
_QUOTES_AND_DASHES = (range(0x2010, 0x205F), range(0x02B0, 0x0300))
_NOT_PART_OF_A_WORD = ',;"<>()[]'
_PHONE = re.compile(r"(?<!\S)[+(]*\d[\d\s().+/-]*(?!\S)")
_ABROAD = re.compile(r"\s*\(?(?:\+|00(?=\s*[1-9]))")  # how a number with its country code begins
Reading = tuple[tuple[str, ...], ...]
"""Groups of fragments: a text is meant if of each group one fragment occurs in it."""


class _BaseLetters(dict[int, str | None]):
    """What each character of a decomposed text is searched as, found out when it first occurs."""

    def __missing__(self, code: int) -> str | None:
        self[code] = base = _base_letter(chr(code))
        return base


_base_letters = _BaseLetters()


def fold_letters(text: str) -> str:
    """Return the text as it is searched and sorted by: folded, each run of white space as one blank. Folding the result
    again, or any part of it that ends at a letter, changes nothing."""
    if text.isascii():
        return " ".join(text.lower().split())
    folded = unicodedata.normalize("NFKD", text).translate(_base_letters)
    if not folded.isascii():
        folded = unicodedata.normalize("NFC", folded)
    return " ".join(folded.split())


def readings(typed: str) -> list[Reading]:
    """Return the ways in which these words can be meant, none when nothing but white space was typed: each word for
    itself, in any order, and rows of digits with blanks or brackets between them as one phone number. A fragment that
    begins with a line end is meant at the beginning of a line."""
    folded = fold_letters(typed)
    words = _words(folded)
    if not words:
        return []
    found = [tuple(_word_group(word) for word in words)]
    numbers = [number for match in _PHONE.finditer(folded) if _is_phone(number := match.group().strip())]
    if any(_ABROAD.match(number) or " " in number for number in numbers):
        others = _PHONE.sub(lambda match: " " if _is_phone(match.group().strip()) else match.group(), folded)
        groups = [[word] for word in _words(others)] + [phone_fragments(number) for number in numbers]
        found.append(tuple(map(tuple, groups)))
    return found


def phone_fragments(typed: str) -> list[str]:
    """Return what the digits of a stored phone may contain if this number, or part of one, was meant: they may be
    stored with or without the country code and the zero before the national number."""
    abroad = _ABROAD.match(typed)
    if abroad:
        number = _digits(typed[abroad.end() :])
        found = list(dict.fromkeys([number, *_with_country(number, whole=False)]))
        return found if len(number) >= LONG else [start + part for part in found for start in ("\n", "\n00")]
    number = _digits(typed)
    national = number.lstrip("0")
    fragments = [number, national] if len(national) >= MIN_DIGITS else [number]
    from_america = _with_country(number[3:], whole=True) if number.startswith("011") else ()
    return list(dict.fromkeys([*fragments, *_with_country(number, whole=True), *from_america]))


def _with_country(number: str, *, whole: bool) -> Iterator[str]:
    """Yield how a number that begins with its country code may be stored. `whole`: only if it is long enough to be
    one, because nothing says that these digits are a country code."""
    try:
        parsed = phonenumbers.parse(f"+{number}", None)
    except NumberParseException:
        return
    national, code = phonenumbers.national_significant_number(parsed), str(parsed.country_code)
    if whole and phonenumbers.is_possible_number_with_reason(parsed) != ValidationResult.IS_POSSIBLE:
        return
    yield from (f"{code}{national}", f"{code}0{national}")
    if len(national) >= LONG:
        yield from (f"\n{national}", f"\n0{national}")


def _words(folded: str) -> list[str]:
    return [word.strip(_NOT_PART_OF_A_WORD) or word for word in folded.split()][:MAX_WORDS]


def _word_group(word: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys([word, *phone_fragments(word)])) if _is_phone(word) else (word,)


def _is_phone(word: str) -> bool:
    return bool(_PHONE.fullmatch(word)) and (len(_digits(word)) >= MIN_DIGITS or bool(_ABROAD.match(word)))


def _digits(folded: str) -> str:
    return "".join(filter(str.isdecimal, folded))


def _base_letter(letter: str) -> str | None:
    code, combining = ord(letter), unicodedata.combining(letter)
    invisible = unicodedata.category(letter) == "Cf" or 0xFE00 <= code <= 0xFE0F
    if invisible or combining in _POINTS or combining in _ACCENTS:
        return None
    if letter.isdecimal():
        return str(unicodedata.decimal(letter))
    if unicodedata.name(letter, "").startswith("LATIN ") or any(code in part for part in _QUOTES_AND_DASHES):
        return anyascii(letter).lower().replace("`", "'") or letter
    folded = letter.casefold()
    return folded if folded == letter else folded.translate(_base_letters)
