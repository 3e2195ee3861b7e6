"""What every page starts with: the Office of this process, the person, and the accounts on show.

Who is looking: the person behind this browser session, decided by `governance.roles` from three facts.

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

from collections.abc import Mapping, Sequence
from datetime import datetime
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

import streamlit as st

from hlcore.app_context import AppContext
from hlcore.governance.roles import User, user_of
from hlcore.runtime import get_runtime
from hlcore.settings import Settings
from hlcore.store import locations as stored
from hlcore.store.locations import Location

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


CHOICE = "location"
"""Session key and URL parameter of the account on show; an id, never personal data."""


def app_context() -> AppContext:
    """The Office on show. The frame lets no page run before it is open; a page that runs all the same stops here."""
    found = get_runtime().context
    if found is None:
        st.stop()
    return found


def now() -> datetime:
    """This moment, by the Office's clock."""
    return app_context().clock.now()


def settings() -> Settings:
    """The settings of this process."""
    return get_runtime().settings


def auth_configured() -> bool:
    """Whether sign-in (`[auth]` in secrets.toml) is set up."""
    return bool(st.secrets.load_if_toml_exists() and st.secrets.get("auth"))


def remote_address() -> str | None:
    """The other end of the browser's connection; None when it is this machine."""
    return st.context.ip_address


def current_user() -> User:
    """Who is looking, decided anew on every run."""
    configured = auth_configured()
    signed_in = configured and bool(getattr(st.user, "is_logged_in", False))
    claims = st.user.to_dict() if signed_in else {}
    email, name = claims.get("email"), claims.get("name")
    return user_of(
        settings(),
        signed_in_email=email if isinstance(email, str) else None,
        email_verified=claims.get("email_verified"),
        name=name if isinstance(name, str) else "",
        loopback=is_local(st.get_option("server.address"), remote_address(), st.context.headers.to_dict()),
        auth_configured=configured,
    )


def locations() -> list[Location]:
    """Every account that has a copy here, the disconnected ones too, by name."""
    with app_context().vault.read() as tx:
        return stored.all(tx, connected_only=False)


def selected_location() -> Location | None:
    """The one account on show; None while all are."""
    found = selected_locations()
    return found[0] if len(found) == 1 else None


def selected_locations() -> list[Location]:
    """The accounts on show: the chosen one, or all."""
    every = locations()
    wanted = st.session_state.get(CHOICE) or ""
    return [location for location in every if location.location_id == wanted] or every


def selected_location_ids() -> list[str]:
    """The ids of the accounts on show."""
    return [location.location_id for location in selected_locations()]


def timezone_of(location: Location | None) -> str:
    """The account's time zone; UTC for none."""
    return location.timezone if location is not None else "UTC"


def shared_timezone(found: Sequence[Location]) -> str:
    """The time zone that these accounts share; UTC where they differ."""
    zones = {location.timezone for location in found}
    return zones.pop() if len(zones) == 1 else "UTC"


def name_of(location_id: str, found: Sequence[Location]) -> str:
    """The account's name; its id when it is unknown."""
    return next((location.name for location in found if location.location_id == location_id), location_id)


def select_location() -> None:
    """The selector that all pages share, drawn by the frame when there is more than one account. The choice is kept
    in the session and in the URL (`?location=<id>`)."""
    names = {location.location_id: location.name for location in locations()}
    if st.session_state.get(CHOICE) not in (*names, ""):
        asked = st.query_params.get(CHOICE, "")
        st.session_state[CHOICE] = asked if asked in names else ""
    if len(names) > 1:
        st.selectbox(
            "Account",
            ["", *names],
            key=CHOICE,
            format_func=lambda found: names.get(found, "All accounts"),
            persist_state="session",
        )
    _tell_url(st.session_state.get(CHOICE) or "" if len(names) > 1 else "")


def _tell_url(wanted: str) -> None:
    if st.query_params.get(CHOICE, "") == wanted:
        return
    if wanted:
        st.query_params[CHOICE] = wanted
    else:
        del st.query_params[CHOICE]
