"""What stands around every page: who may come in, the start-up screen, the marks for demo and local mode."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from hlcore.errors import VaultError
from hlcore.governance.audit import recorded
from hlcore.governance.roles import Action, Role, User
from hlcore.runtime import StartupStage, get_runtime
from hlcore.ui import session
from hlcore.ui.components import errors
from hlcore.ui.components.formatting import plain

ICON = Path(__file__).parent / "assets" / "icon.svg"
CHOSEN = Path(__file__).parent / "assets" / "chosen.css"
WORD = "#14877F"
"""Of large letters, on the sidebar and the header of either theme: at least 3.9 : 1."""
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


def logo() -> None:
    """The product's mark in the corner."""
    st.logo(wordmark(), size="large", icon_image=ICON.read_text(encoding="utf-8"))
    st.html(CHOSEN)


def wordmark() -> str:
    """The mark with the product's name, as SVG. The page is not told when the theme is switched, and not every browser
    tells an image; so one colour serves both themes."""
    mark = ICON.read_text(encoding="utf-8").split("\n", 1)[1].rsplit("</svg>", 1)[0]
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 196 32" width="196" height="32">'
        f"{mark}"
        f'<text x="40" y="22.500" fill="{WORD}" font-size="19" font-weight="700" '
        "font-family=\"system-ui,-apple-system,'Segoe UI',Roboto,sans-serif\">Contact Vault</text></svg>"
    )


def admit(user: User) -> bool:
    """Whether the person may come in; if not, the page says what to do instead, and nothing else."""
    if user.role is not Role.NONE:
        return _remember_entry(user, refused=False)
    with st.container(horizontal_alignment="center"), st.container(border=True, width=620, key="entrance"):
        if not session.auth_configured():
            _set_up_sign_in(user)
        elif user.email or getattr(st.user, "is_logged_in", False):
            _remember_entry(user, refused=True)
            _not_on_the_list(user)
        else:
            _sign_in()
    return False


def opened() -> bool:
    """Whether the vault is open; if not, the page shows how far the start has come and goes on by itself."""
    if get_runtime().startup_status.stage is StartupStage.READY and get_runtime().context is not None:
        return True
    with st.container(horizontal_alignment="center"), st.container(border=True, width=620, key="opening"):
        st.title("One moment")
        _opening()
    return False


def sidebar(user: User) -> None:
    """Below the menu: the account on show, and who is looking."""
    session.select_location()
    with st.container(key="who", gap="xsmall"):
        if user.how == "local":
            st.badge(
                "Local mode",
                icon=":material/computer:",
                color="gray",
                help="No sign-in is set up. Whoever uses this computer can see, restore and export everything. "
                "The dashboard answers on this computer only.",
            )
            return
        may = "may restore" if user.role is Role.RESTORER else "may look"
        st.caption(f":material/person: {plain(user.label)} · {may}")
        st.button("Sign out", key="sign_out", icon=":material/logout:", on_click=st.logout, type="tertiary")


def banner(user: User) -> None:
    """Above the page: the mark of the demo, and what keeps the account named by the settings from being connected."""
    if get_runtime().shows_demo:
        with st.container(border=True, horizontal=True, vertical_alignment="center", key="demo", gap="small"):
            st.markdown(
                ":violet-badge[:material/science: Demo] Two invented accounts. "
                "Everything works as with your own; nothing reaches HighLevel.",
                width="content",
            )
            if user.may(Action.CONNECT):
                st.page_link(SETTINGS_PAGE, label="Connect your account", icon=":material/link:", width="content")
    trouble = get_runtime().connection_error
    if trouble is not None and not any(found.connected for found in session.locations()):
        errors.show(trouble)


@st.fragment(run_every="1s")
def _opening() -> None:
    now = get_runtime().startup_status
    if now.stage is StartupStage.READY:
        st.rerun()
    if now.stage is StartupStage.FAILED and now.error is not None:
        errors.show(now.error)
        st.caption("Contact Vault tries again every few seconds; this page goes on by itself.")
        return
    if now.stage is StartupStage.BUILDING:
        st.markdown(
            "No account is connected yet, so the **demo** is being prepared: two invented accounts live through "
            "sixty days. This happens once."
        )
        st.progress(now.progress.share or 0.0, text=now.progress.stage)
    else:
        st.markdown("The vault is being opened.")
        st.progress(0.0, text=now.progress.stage)


def _sign_in() -> None:
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
    """The named providers of `[auth]`, none when there is only the one without a name."""
    auth = st.secrets.get("auth", {})
    if "client_id" in auth:
        return []
    return [str(name) for name, value in auth.items() if hasattr(value, "keys") and "client_id" in value]


def _not_on_the_list(user: User) -> None:
    st.title("You cannot enter yet")
    st.markdown(plain(user.why))
    st.button("Sign in with another account", key="sign_out", icon=":material/logout:", on_click=st.logout)


def _set_up_sign_in(user: User) -> None:
    st.title("Sign-in is not set up")
    st.markdown(
        "This dashboard is reached in a way that other people could use too, and nobody has to sign in. "
        "Until that is changed **no page shows a single contact**. Do one of the two:"
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


def _remember_entry(user: User, *, refused: bool) -> bool:
    """The audit log has one line for each session that signed in, or was turned away. Nobody enters unrecorded: when
    the line cannot be written, the page says so and it is False."""
    key = f"entered:{user.email}:{refused}"
    found = get_runtime().context
    if user.how != "oidc" or found is None or st.session_state.get(key):
        return True
    try:
        with recorded(found.vault, user, Action.SIGN_IN, now=found.clock.now):
            pass
    except VaultError as error:
        if not refused:
            errors.show(error)
            return False
    st.session_state[key] = True
    return True
