"""What surrounds every page: admission, the start-up screen, the sidebar, the banners for demo and local mode."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st

from hlcore.errors import VaultError
from hlcore.governance.audit import audited, record_refused_sign_in
from hlcore.governance.roles import Action, Role, User
from hlcore.runtime import StartupStage, get_runtime
from hlcore.ui import session
from hlcore.ui.components import errors
from hlcore.ui.components.formatting import escaped

ICON = Path(__file__).parent / "assets" / "icon.svg"
SELECTION_CSS = Path(__file__).parent / "assets" / "chosen.css"
WORDMARK_COLOR = "#14877F"
"""Contrast, for large letters, with the sidebar and the header of either theme: at least 3.9 : 1."""
DEFAULT_PAGE = "overview"
"""The name of the page at `/`, which no other page may have."""
UNKNOWN = "Page not found"
SETTINGS_PAGE = "settings.py"
SIGN_IN_EXAMPLE = """\
# .streamlit/secrets.toml
[auth]
redirect_uri = "https://vault.example.com/oauth2callback"
cookie_secret = "…"            # python -c "import secrets; print(secrets.token_hex(32))"
client_id = "…"                # from your identity provider (Google, Microsoft, Okta, …)
client_secret = "…"
server_metadata_url = "https://accounts.google.com/.well-known/openid-configuration"

[hlcore]
restorers = "mara@example.com"        # may look, restore, export and change settings
allowed_domains = "example.com"       # may look
"""


def show_logo() -> None:
    """Draw the product's mark in the corner of the sidebar."""
    st.logo(wordmark_svg(), size="large", icon_image=ICON.read_text(encoding="utf-8"))
    st.html(SELECTION_CSS)


def wordmark_svg() -> str:
    """Return the mark with the product's name, as SVG, in one colour for both themes: the page does not learn when the
    theme is switched, and not every browser tells an image."""
    mark = ICON.read_text(encoding="utf-8").split("\n", 1)[1].rsplit("</svg>", 1)[0]
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 196 32" width="196" height="32">'
        f"{mark}"
        f'<text x="40" y="22.500" fill="{WORDMARK_COLOR}" font-size="19" font-weight="700" '
        "font-family=\"system-ui,-apple-system,'Segoe UI',Roboto,sans-serif\">Contact Vault</text></svg>"
    )


def admit(user: User) -> bool:
    """Whether the user may enter; if not, draw what to do instead, and nothing else."""
    if user.role is not Role.NONE:
        return _record_entry(user, refused=False)
    with st.container(horizontal_alignment="center"), st.container(border=True, width=620, key="entrance"):
        if not session.auth_configured():
            _show_sign_in_setup(user)
        elif user.email or getattr(st.user, "is_logged_in", False):
            _record_entry(user, refused=True)
            _show_not_admitted(user)
        else:
            _show_sign_in()
    return False


def ensure_open() -> bool:
    """Whether the vault is open; if not, draw the progress of the start until it is."""
    if get_runtime().startup_status.stage is StartupStage.READY and get_runtime().context is not None:
        return True
    with st.container(horizontal_alignment="center"), st.container(border=True, width=620, key="opening"):
        st.title("One moment")
        _watch_startup()
    return False


def with_unknown_address(menu: Mapping[str, Sequence[st.Page]]) -> dict[str, list[st.Page]]:
    """Return the pages of the menu and, where the browser's address is none of theirs, a hidden page of that address
    which says so: Streamlit alone shows the Overview in its place, behind a dialog."""
    pages = {section: list(of_section) for section, of_section in menu.items()}
    base = st.get_option("server.baseUrlPath").strip("/")
    path = urlsplit(st.context.url or "").path.strip("/").removeprefix(base).strip("/")
    name = path.rpartition("/")[2]
    links = [page for of_section in menu.values() for page in of_section]
    if name not in {"", DEFAULT_PAGE, *(page.url_path for page in links)}:
        unknown = st.Page(partial(_show_unknown_address, links), title=UNKNOWN, url_path=name, visibility="hidden")
        pages[""] = [*pages.get("", []), unknown]
    return pages


def _show_unknown_address(pages: Sequence[st.Page]) -> None:
    st.title(UNKNOWN, anchor=False)
    st.markdown("No page has this address. It may have been typed wrong, or come from another version.")
    with st.container(gap="xsmall"):
        for page in pages:
            st.page_link(page, width="content")


def show_sidebar(user: User) -> None:
    """Draw the location selector and the user below the menu."""
    session.show_location_selector()
    with st.container(key="who", gap="xsmall"):
        if user.how == "local":
            st.badge(
                "Local mode",
                icon=":material/computer:",
                color="gray",
                help="No sign-in is set up. Whoever can log in to this computer can see, restore and export "
                "everything. The dashboard answers on this computer only. HLCORE_LOCAL_MODE=off ends this.",
            )
            return
        may = "may restore" if user.role is Role.RESTORER else "may look"
        st.caption(f":material/person: {escaped(user.label)} · {may}")
        st.button("Sign out", key="sign_out", icon=":material/logout:", on_click=st.logout, type="tertiary")


def show_banner(user: User) -> None:
    """Draw the mark of the demo, and why the account named by the settings could not be connected."""
    if get_runtime().shows_demo:
        with st.container(border=True, horizontal=True, vertical_alignment="center", key="demo", gap="small"):
            st.markdown(
                ":violet-badge[:material/science: Demo] Two invented accounts. "
                "Everything works as with your own; nothing reaches HighLevel.",
                width="content",
            )
            if user.may(Action.CONNECT):
                st.page_link(SETTINGS_PAGE, label="Connect your account", icon=":material/link:", width="content")
    error = get_runtime().connection_error
    if error is not None and not any(location.connected for location in session.locations()):
        errors.show_error(error)


@st.fragment(run_every="1s")
def _watch_startup() -> None:
    status = get_runtime().startup_status
    if status.stage is StartupStage.READY:
        st.rerun()
    if status.stage is StartupStage.FAILED and status.error is not None:
        errors.show_error(status.error)
        st.caption("Contact Vault tries again every few seconds; this page goes on by itself.")
        return
    if status.stage is StartupStage.BUILDING:
        st.markdown(
            "No account is connected yet, so the **demo** is being prepared: two invented accounts live through "
            "sixty days. This happens once."
        )
        st.progress(status.progress.share or 0.0, text=status.progress.stage)
    else:
        st.markdown("The vault is being opened.")
        st.progress(0.0, text=status.progress.stage)


def _show_sign_in() -> None:
    st.title("Sign in")
    st.markdown("Contact Vault keeps a copy of your company's contacts. Sign in with your work account to go on.")
    for provider in _providers() or [""]:
        label = f"Sign in with {provider.capitalize()}" if provider else "Sign in"
        st.button(
            label,
            key=f"sign_in_{provider}",
            type="primary",
            icon=":material/login:",
            on_click=st.login,
            args=(provider,) if provider else (),
        )


def _providers() -> list[str]:
    """Return the named providers of `[auth]`; none when it has a single one without a name."""
    auth = st.secrets.get("auth", {})
    if "client_id" in auth:
        return []
    return [str(name) for name, value in auth.items() if hasattr(value, "keys") and "client_id" in value]


def _show_not_admitted(user: User) -> None:
    st.title("You cannot enter yet")
    st.markdown(escaped(user.why))
    st.button("Sign in with another account", key="sign_out", icon=":material/logout:", on_click=st.logout)


def _show_sign_in_setup(user: User) -> None:
    st.title("Sign-in is not set up")
    if session.local_mode_allowed():
        st.markdown(
            "This dashboard is reached in a way that other people could use too, and nobody has to sign in. "
            "Until that is changed **no page shows a single contact**. Do one of the two:"
        )
    else:
        st.markdown(
            "Local mode is off: it is switched off by HLCORE_LOCAL_MODE, or the file `secrets.toml` cannot be read. "
            "Until that is changed or sign-in is set up **no page shows a single contact**."
        )
    st.markdown(
        "**1. On this computer only:** start it with `--server.address=127.0.0.1` (the default of "
        "`.streamlit/config.toml`) and open `http://localhost:8501`, with no proxy in front."
    )
    st.markdown("**2. For several people:** set up sign-in with your identity provider, and who may enter:")
    st.code(SIGN_IN_EXAMPLE, language="toml", wrap_lines=True)
    st.caption(
        "The same lists can be set as HLCORE_RESTORERS, HLCORE_ALLOWED_EMAILS and HLCORE_ALLOWED_DOMAINS. "
        "Restart Contact Vault afterwards."
    )


def _record_entry(user: User, *, refused: bool) -> bool:
    """Record each session that signs in, or is turned away, once in the audit log, and return whether the user may go
    on: nobody enters unrecorded."""
    key = f"entered:{user.email}:{refused}"
    context = get_runtime().context
    if user.how != "oidc" or context is None or st.session_state.get(key):
        return True
    try:
        if refused:
            record_refused_sign_in(context.vault, user, now=context.clock.now)
        else:
            with audited(context.vault, user, Action.SIGN_IN, now=context.clock.now):
                pass
    except VaultError as error:
        if not refused:
            errors.show_error(error)
            return False
    st.session_state[key] = True
    return True
