"""E-mail addresses as an allow-list compares them: strictly, so that nothing that merely looks alike gets in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_ADDRESS = re.compile(r"[^@\s\x00-\x1f\x7f-\x9f\"(),:;<>\[\\\]]{1,64}@[^@\s]{1,253}")
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


def canonical(address: str) -> str:
    """The address in the one spelling that lists compare; '' when it is not a plain address.

    Blanks around it and the case of A–Z do not matter. There is exactly one `@`, no blank, quote, comment or control
    character, and the domain is written as the name system knows it (`bücher.example` as `xn--bcher-kva.example`).
    Letters that only become equal by case folding or by Unicode's compatibility forms (the Kelvin sign, full-width
    letters) stay different.
    """
    tidy = address.strip(" \t\r\n").translate(_LOWER)
    if not _ADDRESS.fullmatch(tidy):
        return ""
    local, _, domain = tidy.partition("@")
    name = domain_name(domain)
    return f"{local}@{name}" if name and _is_plain(local) else ""


def domain_name(domain: str) -> str:
    """The domain as the name system knows it; '' when it is none. A leading `@` (as people write it) is left out."""
    tidy = domain.strip(" \t\r\n").translate(_LOWER).removeprefix("@")
    if not tidy.isascii():
        tidy = _encoded(tidy)
    return tidy if len(tidy) <= 253 and _DOMAIN.fullmatch(tidy) else ""


def is_listed(address: str, addresses: Iterable[str]) -> bool:
    """Whether this very address is on the list."""
    mine = canonical(address)
    return bool(mine) and any(mine == canonical(listed) for listed in addresses)


def is_of(address: str, domains: Iterable[str]) -> bool:
    """Whether the address is of one of the domains. A sub-domain is another domain."""
    mine = canonical(address).partition("@")[2]
    return bool(mine) and any(mine == domain_name(domain) for domain in domains)


def _encoded(domain: str) -> str:
    """An international domain in ASCII; '' for one that is not in its normal form already, or whose full stop is not
    the ASCII one."""
    if not _is_plain(domain) or domain != domain.lower() or "\u3002" in domain:
        return ""
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError:
        return ""


def _is_plain(text: str) -> bool:
    """No compatibility forms, and nothing invisible or that turns the direction of writing."""
    visible = all(unicodedata.category(char)[0] not in "CZ" for char in text)
    return visible and unicodedata.normalize("NFKC", text) == text
