"""E-mail addresses and domains as an allow-list compares them: strictly, so that no look-alike is let in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_ADDRESS = re.compile(r"[^@\s\x00-\x1f\x7f-\x9f\"(),:;<>\[\\\]]{1,64}@[^@\s]{1,253}")
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")


def canonical_address(address: str) -> str:
    """Return the address in the spelling that lists compare; '' when it is not a plain address.

    Blanks around it and the case of A–Z are ignored. A plain address has exactly one `@` and no blank, quote, comment
    or control character; its domain is converted to its DNS form (`bücher.example` to `xn--bcher-kva.example`). Letters
    that only case folding or Unicode's compatibility forms make equal (the Kelvin sign, full-width letters) differ.
    """
    tidy = address.strip(" \t\r\n").translate(_LOWER)
    if not _ADDRESS.fullmatch(tidy):
        return ""
    local, _, domain = tidy.partition("@")
    name = canonical_domain(domain)
    return f"{local}@{name}" if name and _is_plain(local) else ""


def canonical_domain(domain: str) -> str:
    """Return the domain in its DNS form; '' when it is not a domain. A leading `@`, as people write it, is dropped."""
    tidy = domain.strip(" \t\r\n").translate(_LOWER).removeprefix("@")
    if not tidy.isascii():
        tidy = _encoded(tidy)
    return tidy if len(tidy) <= 253 and _DOMAIN.fullmatch(tidy) else ""


def is_listed(address: str, addresses: Iterable[str]) -> bool:
    """Whether this address is on the list."""
    wanted = canonical_address(address)
    return bool(wanted) and any(wanted == canonical_address(listed) for listed in addresses)


def is_in_domains(address: str, domains: Iterable[str]) -> bool:
    """Whether the address belongs to one of the domains. A subdomain is another domain."""
    wanted = canonical_address(address).partition("@")[2]
    return bool(wanted) and any(wanted == canonical_domain(domain) for domain in domains)


def _encoded(domain: str) -> str:
    """Return an international domain in ASCII; '' for one that is not in its normal form, or whose full stop is not the
    ASCII one."""
    if not _is_plain(domain) or domain != domain.lower() or "\u3002" in domain:
        return ""
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError:
        return ""


def _is_plain(text: str) -> bool:
    """Whether the text has no compatibility forms, nothing invisible and nothing that changes the writing direction."""
    visible = all(unicodedata.category(char)[0] not in "CZ" for char in text)
    return visible and unicodedata.normalize("NFKC", text) == text
