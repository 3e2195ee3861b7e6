"""Who is looking: the person behind this browser session, decided by `governance.roles` from three facts.

1. *Is sign-in configured?* `[auth]` in `.streamlit/secrets.toml` (OpenID Connect). Then only who signed in counts.
2. *Who signed in?* The e-mail address that the identity provider vouches for.
3. *Is this local?* Only when all of these hold: the server is bound to a loopback address (`server.address`, which
   `.streamlit/config.toml` sets to 127.0.0.1; an empty value means every address and is not local), the connection
   comes from this machine, the browser names a loopback host (Host and Origin, so that neither a rebound name nor a
   web page elsewhere passes), and no header shows that a proxy stands in front (X-Forwarded-For and its kin).
   A proxy that hides every trace of itself cannot be told from a browser on this machine: whoever puts one in front
   must configure sign-in.

Without sign-in, local means local mode with a clear mark; anything else means that no page shows a contact.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

PROXY_HEADERS = (
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-port",
    "x-real-ip",
    "x-original-host",
    "cf-connecting-ip",
    "true-client-ip",
    "x-client-ip",
    "x-envoy-external-address",
)


def is_local(address: str | None, remote: str | None, headers: Mapping[str, str]) -> bool:
    """Whether a session is surely on this machine. `address`: what the server is bound to; `remote`: the other end
    of the connection, None when it is this machine; `headers`: of the request that opened it."""
    lower = {name.lower(): value for name, value in headers.items()}
    if not is_loopback_name(address or "") or (remote is not None and not is_loopback_name(remote)):
        return False
    if any(lower.get(name) for name in PROXY_HEADERS):
        return False
    named = [lower[name] for name in ("host", "origin") if lower.get(name)]
    return all(is_loopback_name(_host_of(value)) for value in named)


def is_loopback_name(host: str) -> bool:
    """Whether this host name or address can only mean this machine."""
    name = host.strip().strip("[]").lower().rstrip(".")
    if name == "localhost":
        return True
    try:
        found = ip_address(name)
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped.is_loopback
    return found.is_loopback


def _host_of(value: str) -> str:
    try:
        return urlsplit(value if "//" in value else f"//{value}").hostname or ""
    except ValueError:
        return ""
