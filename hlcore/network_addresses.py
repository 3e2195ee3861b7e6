"""Addresses of hosts and pages, judged the same way wherever a decision about trust depends on them."""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_address
from urllib.parse import SplitResult, urlsplit

_PORTS = {"http": 80, "https": 443}
_HOST_NAME = re.compile(r"(?=.{1,253}\.?$)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*\.?")
_PRINTABLE = re.compile(r"[!-~]+")


def is_loopback_name(host: str) -> bool:
    """Whether this host name or address can only mean this machine."""
    name = host.strip().strip("[]").lower().rstrip(".")
    if name == "localhost":
        return True
    try:
        address = ip_address(name)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback


def check_web_address(text: str, *, secure: bool) -> str:
    """Return the address without blanks around it and without a slash at its end.

    Raises ValueError, without the address, unless it is `https://HOST[:PORT][/PATH][?QUERY]`, or the same with `http`
    where it is not to be `secure`. On this machine itself `http` is always secure enough.
    """
    address = text.strip().rstrip("/")
    parts = _split(address)
    if not _PRINTABLE.fullmatch(address) or "\\" in address:
        raise ValueError("an address has no blanks and only ASCII characters (an international name starts with xn--)")
    if parts is None or parts.scheme not in _PORTS or not address.lower().startswith(f"{parts.scheme}://"):
        raise ValueError("expected an address that starts with https:// and names a host")
    if "@" in parts.netloc:
        raise ValueError("an address must not hold a user name or password")
    if parts.fragment or "#" in address:
        raise ValueError("an address must not have a part behind #")
    if _port(parts) is None:
        raise ValueError("the port is not a number between 1 and 65535")
    if not _is_host(parts.hostname or "", bracketed="[" in parts.netloc):
        raise ValueError("expected the name or the address of a host behind https:// (an IPv6 address in brackets)")
    if secure and parts.scheme == "http" and not is_loopback_name(parts.hostname or ""):
        raise ValueError("must start with https:// (plain http is for this machine only)")
    return address


def host_name(host: str) -> str:
    """Return the name or address in a header `Host`, without its port; '' when it is none."""
    parts = _split(f"//{host}")
    if parts is None or "@" in parts.netloc or parts.netloc != host or _port(parts, "http") is None:
        return ""
    return parts.hostname or ""


def is_same_origin(origin: str, host: str) -> bool:
    """Whether `origin`, as a browser sends it, is a page of the server that the header `Host` names, port included."""
    ours, theirs = _split(f"//{host}"), _split(origin)
    if ours is None or theirs is None or theirs.scheme not in _PORTS or not host_name(host):
        return False
    if origin.lower() != f"{theirs.scheme}://{theirs.netloc}".lower() or not host_name(theirs.netloc):
        return False
    port = _port(ours, theirs.scheme)
    return ours.hostname == theirs.hostname and port is not None and port == _port(theirs)


def _split(address: str) -> SplitResult | None:
    try:
        return urlsplit(address)
    except ValueError:
        return None


def _port(parts: SplitResult, scheme: str = "") -> int | None:
    """Return the port, the scheme's own where none is named; None when it is no port."""
    try:
        port = parts.port
    except ValueError:
        return None
    if port is None:
        named = parts.netloc.rpartition("]")[2].partition(":")[1]
        return None if named else _PORTS.get(scheme or parts.scheme)
    return port or None


def _is_host(name: str, *, bracketed: bool) -> bool:
    if bracketed:
        try:
            return isinstance(ip_address(name), IPv6Address) and "%" not in name
        except ValueError:
            return False
    if name.replace(".", "").isdigit():
        try:
            return bool(ip_address(name))
        except ValueError:
            return False
    return bool(_HOST_NAME.fullmatch(name))
