"""The grammar of counts, the same in every text that people read: reasons, evidence, plans, pages and commands."""

from __future__ import annotations

IRREGULAR = {"person": "people", "child": "children"}
"""Nouns that the rule of `_regular_plural` does not know."""


def form(number: int, singular: str, plural_form: str = "") -> str:
    """Return the form of a noun or verb that fits this number: 'contact' or 'contacts', 'was' or 'were'."""
    if number == 1:
        return singular
    return plural_form or IRREGULAR.get(singular) or _regular_plural(singular)


def plural(number: int, singular: str, plural_form: str = "", *, none: str = "no") -> str:
    """Return '1 contact', '2,345 contacts' or 'no contacts'. With `plural_form` the words may hold a verb ('person is',
    'people are'); `none` stands for zero."""
    return f"{f'{number:,}' if number else none} {form(number, singular, plural_form)}"


def kind_plural(kind: str) -> str:
    """Return a kind of record in the plural, for people: 'opportunities', 'custom fields'."""
    return _regular_plural(kind.replace("_", " "))


def joined(parts: list[str]) -> str:
    """Return 'a', 'a and b' or 'a, b and c'."""
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1] if parts else "")))


def capitalized(text: str) -> str:
    """Return the text with its first letter in upper case and the rest as it is."""
    return text[:1].upper() + text[1:]


def _regular_plural(word: str) -> str:
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith("s") else f"{word}s"
