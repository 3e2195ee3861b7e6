"""Users, their roles, and the actions that a role allows.

A viewer reads; a restorer also restores, exports and changes settings. Where sign-in (OIDC) is configured, it and the
settings decide the role. Without it, whoever opens the dashboard on this machine may do everything, and whoever opens
it from another machine may do nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from hlcore.errors import NotAllowed
from hlcore.governance.email_addresses import canonical_address, is_in_domains, is_listed
from hlcore.settings import Settings


class Role(StrEnum):
    """The kind of access that a user has."""

    NONE = "none"
    VIEWER = "viewer"
    RESTORER = "restorer"


class Action(StrEnum):
    """What can be done; the value is its name in the audit log."""

    SIGN_IN = "sign_in"
    VIEW = "view"  # a page, or the record of one contact
    SEARCH = "search"
    RESTORE = "restore"
    EXPORT = "export"
    CONNECT = "connect"
    DISCONNECT = "disconnect"
    SETTINGS = "settings"
    SYNC = "sync"
    VERIFY = "verify"  # the vault against itself, or against HighLevel
    QUARANTINE = "quarantine"  # decide what becomes of an item that was set aside


How = Literal["local", "oidc", "cli", "worker"]

VIEWER_ACTIONS = frozenset({Action.SIGN_IN, Action.VIEW, Action.SEARCH})
PERMISSIONS: dict[Role, frozenset[Action]] = {
    Role.NONE: frozenset(),
    Role.VIEWER: VIEWER_ACTIONS,
    Role.RESTORER: frozenset(Action),
}
WORKER_ACTIONS = frozenset({Action.VIEW, Action.SYNC, Action.CONNECT, Action.RESTORE, Action.VERIFY})
"""What the background worker may do: no exports, no changes of settings."""

SIGN_IN_HINT = (
    "Set up sign-in ([auth] in .streamlit/secrets.toml) and who may enter (HLCORE_ALLOWED_EMAILS, "
    "HLCORE_ALLOWED_DOMAINS, HLCORE_RESTORERS), or open the dashboard on this machine only "
    "(--server.address localhost)."
)


@dataclass(frozen=True, slots=True)
class User:
    """Who acts. `email` is the name in the audit log; `why` says what is missing where the role is none."""

    email: str
    name: str
    role: Role
    how: How
    why: str = ""

    def may(self, action: Action) -> bool:
        """Whether this user may do it."""
        return action in PERMISSIONS[self.role] and (self.how != "worker" or action in WORKER_ACTIONS)

    @property
    def label(self) -> str:
        """What a page calls this user."""
        return self.name or self.email


WORKER = User("worker", "Background worker", Role.RESTORER, "worker")


def cli_user(login: str = "") -> User:
    """Return the user of the command line, who may do everything: the operating system has let them in."""
    return User(f"cli:{login}" if login else "cli", login or "Command line", Role.RESTORER, "cli")


def identify_user(
    settings: Settings,
    *,
    signed_in_email: str | None,
    email_verified: object = None,
    name: str = "",
    loopback: bool,
    auth_configured: bool,
) -> User:
    """Return the user of the dashboard, with role none where they may not enter.

    `email_verified`: the claim of that name, None when the provider sends none (Microsoft Entra does not); any other
    value than true refuses. `loopback`: the dashboard is bound to this machine only, which counts where no sign-in is
    configured. With sign-in and empty lists, nobody may enter.
    """
    if not auth_configured:
        return _without_sign_in(loopback)
    if not signed_in_email:
        return _nobody("", "Sign in to go on.")
    address = canonical_address(signed_in_email)
    if not address:
        return _nobody("", "The sign-in service sent no usable e-mail address.")
    if email_verified is not None and not _is_true(email_verified):
        return _nobody(address, "The sign-in service says that this e-mail address is not verified.")
    role = role_of(settings, address)
    if role is Role.NONE:
        return _nobody(address, "This account is not on the list of people who may enter. Ask an administrator.")
    return User(address, name, role, "oidc")


def role_of(settings: Settings, email: str) -> Role:
    """Return the role that the settings give this address."""
    if is_listed(email, settings.restorers):
        return Role.RESTORER
    if is_listed(email, settings.allowed_emails) or is_in_domains(email, settings.allowed_domains):
        return Role.VIEWER
    return Role.NONE


def require(user: User, action: Action) -> None:
    """Raise NotAllowed, with what would help, unless the user may do this."""
    if user.may(action):
        return
    if user.role is Role.NONE:
        raise NotAllowed("Nobody is signed in who may do this.", hint=user.why)
    raise NotAllowed(f"The role {user.role} does not allow: {action.replace('_', ' ')}.")


def _without_sign_in(loopback: bool) -> User:
    if loopback:
        return User("local", "Local user", Role.RESTORER, "local")
    return User("", "", Role.NONE, "local", f"This dashboard can be reached from other machines. {SIGN_IN_HINT}")


def _nobody(email: str, why: str) -> User:
    return User(email, "", Role.NONE, "oidc", why)


def _is_true(claim: object) -> bool:
    return claim is True or (isinstance(claim, str) and claim.strip().lower() == "true")
