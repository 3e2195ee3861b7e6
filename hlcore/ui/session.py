"""What every page starts from: the process's AppContext, the user in front of it, and the locations on show.

`governance.roles` decides the user's role from three facts, anew on every run:

1. *Is sign-in configured?* `[auth]` in `.streamlit/secrets.toml` (OpenID Connect). Then only the signed-in user counts.
2. *Who signed in?* The e-mail address that the identity provider vouches for.
3. *Is this session local?* See `is_local`. Without sign-in a local session has all rights, under the mark "Local mode",
   unless the setting LOCAL_MODE is off; any other sees no contact on any page.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import streamlit as st

from hlcore.app_context import AppContext
from hlcore.governance.roles import User, identify_user
from hlcore.network_addresses import host_name, is_loopback_name, is_same_origin
from hlcore.runtime import get_runtime
from hlcore.settings import Settings
from hlcore.store import locations as stored_locations
from hlcore.store.locations import Location
from hlcore.ui.components import address

LOCATION_KEY = "location"
"""Session key and query parameter of the location on show: an id, never personal data."""
PROXY_HEADERS = (
    *("cdn-loop", "client-ip", "fastly-client-ip", "forwarded", "forwarded-for", "proxy-client-ip", "true-client-ip"),
    *("via", "x-client-ip", "x-cluster-client-ip", "x-forwarded"),
)
PROXY_HEADER_FAMILIES = (
    *("x-forwarded-", "x-envoy-", "x-original-", "x-real-", "x-proxy", "x-remote-", "x-appengine-", "x-azure-"),
    *("x-amz-cf-", "x-amzn-", "cf-", "fly-", "tailscale-", "ngrok-", "wl-proxy-"),
)
"""Headers by which a proxy shows itself, in full and by their beginnings. A browser sends none of them, so the name
alone decides, whatever the value."""


def app_context() -> AppContext:
    """Return the AppContext on show. The frame runs no page before there is one; a page that runs anyway stops here."""
    context = get_runtime().context
    if context is None:
        st.stop()
    return context


def now() -> datetime:
    """Return the present moment by the AppContext's clock."""
    return app_context().clock.now()


def settings() -> Settings:
    """Return the settings of this process."""
    return get_runtime().settings


def current_user() -> User:
    """Return the user in front of this page, with the role that `governance.roles` gives them."""
    signed_in = auth_configured() and bool(getattr(st.user, "is_logged_in", False))
    return user_from(st.user.to_dict() if signed_in else {}, remote_address(), st.context.headers.to_dict())


def user_from(claims: Mapping[str, Any], remote: str | None, headers: Mapping[str, str]) -> User:
    """Return the user whom these facts of a connection show. `claims`: of whoever has signed in, else empty."""
    email, name = claims.get("email"), claims.get("name")
    return identify_user(
        settings(),
        signed_in_email=email if isinstance(email, str) else None,
        email_verified=claims.get("email_verified"),
        name=name if isinstance(name, str) else "",
        loopback=local_mode_allowed() and is_local(st.get_option("server.address"), remote, headers),
        auth_configured=auth_configured(),
    )


def auth_configured() -> bool:
    """Whether sign-in (`[auth]` in secrets.toml) is set up, be it only in part."""
    return bool(st.secrets.load_if_toml_exists()) and "auth" in st.secrets


def local_mode_allowed() -> bool:
    """Whether a user of this machine may enter without signing in: not if the settings say so, and not while there is a
    file of secrets that cannot be read, because it may ask for sign-in."""
    if settings().local_mode == "off":
        return False
    return bool(st.secrets.load_if_toml_exists()) or not any(map(os.path.lexists, st.get_option("secrets.files")))


def remote_address() -> str | None:
    """Return the other end of the browser's connection; None when it is this machine."""
    return st.context.ip_address


def is_local(server_address: str | None, remote: str | None, headers: Mapping[str, str]) -> bool:
    """Whether a session is certain to be on this machine.

    True only if the server is bound to a loopback address (empty means every address, which is not local), the
    connection comes from this machine (`remote` is None or loopback), the browser names a loopback host, the page that
    asks is this server's own (`Origin` equals `Host` with its port, so that neither DNS rebinding nor another program's
    page on this machine passes), and no header shows a proxy. A proxy that leaves no trace cannot be told from a
    browser on this machine: whoever runs one must configure sign-in or switch local mode off.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    if not is_loopback_name(server_address or "") or (remote is not None and not is_loopback_name(remote)):
        return False
    if any(name in PROXY_HEADERS or name.startswith(PROXY_HEADER_FAMILIES) for name in lower):
        return False
    if not lower:  # no connection at all: a script that runs without a server
        return True
    host = lower.get("host", "")
    return is_loopback_name(host_name(host)) and is_same_origin(lower.get("origin", f"http://{host}"), host)


def locations() -> list[Location]:
    """Return every location that has a copy here, the disconnected ones too, by name."""
    with app_context().vault.read() as tx:
        return stored_locations.list_all(tx, connected_only=False)


def selected_locations() -> list[Location]:
    """Return the locations on show: the selected one, or all."""
    known = locations()
    selected = st.session_state.get(LOCATION_KEY) or ""
    return [location for location in known if location.location_id == selected] or known


def selected_location() -> Location | None:
    """Return the one location on show; None while it is several or none."""
    selected = selected_locations()
    return selected[0] if len(selected) == 1 else None


def selected_location_ids() -> list[str]:
    """Return the ids of the locations on show."""
    return [location.location_id for location in selected_locations()]


def audit_location_ids() -> list[str] | None:
    """Return the location to narrow the audit log to; None for all of it, entries without a location included."""
    selected = selected_location()
    return [selected.location_id] if selected is not None and len(locations()) > 1 else None


def find_location(location_id: str, among: Sequence[Location]) -> Location | None:
    """Return the location with this id; None when it is not among these."""
    return next((location for location in among if location.location_id == location_id), None)


def location_name(location_id: str, among: Sequence[Location]) -> str:
    """Return the location's name; its id when it is not among these."""
    location = find_location(location_id, among)
    return location.name if location is not None else location_id


def timezone_of(location_id: str, among: Sequence[Location]) -> str:
    """Return the location's time zone; UTC when it is not among these."""
    location = find_location(location_id, among)
    return location.timezone if location is not None else "UTC"


def shared_timezone(among: Sequence[Location]) -> str:
    """Return the time zone that these locations share; UTC where they differ."""
    zones = {location.timezone for location in among}
    return zones.pop() if len(zones) == 1 else "UTC"


def show_location_selector() -> None:
    """Draw the selector shared by all pages, if there are several locations. The choice is kept in the session and in
    the URL (`?location=<id>`)."""
    names = {location.location_id: location.name for location in locations()}
    asked = address.read(LOCATION_KEY)
    if asked is not None or st.session_state.get(LOCATION_KEY) not in (*names, ""):
        st.session_state[LOCATION_KEY] = asked if asked in names else ""
    if len(names) > 1:
        st.selectbox(
            "Account",
            ["", *names],
            key=LOCATION_KEY,
            format_func=lambda location_id: names.get(location_id, "All accounts"),
            persist_state="session",
        )
    address.write(LOCATION_KEY, st.session_state.get(LOCATION_KEY) or "" if len(names) > 1 else "")
