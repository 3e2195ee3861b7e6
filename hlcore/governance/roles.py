"""Who somebody is and what they may do. Pure: the caller brings what sign-in told.

Two roles for people: a viewer looks, a restorer also restores, exports and changes settings. Sign-in (OIDC) decides
when it is configured. Without it, whoever sits at this machine may do everything (local mode), and on any other
address nobody may do anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from hlcore.errors import NotAllowed
from hlcore.governance.email_addresses import canonical, is_listed, is_of
from hlcore.settings import Settings


class Role(StrEnum):
    """What kind of access somebody has."""

    NONE = "none"
    VIEWER = "viewer"
    RESTORER = "restorer"


class Action(StrEnum):
    """What can be done, and is recorded under this name."""

    SIGN_IN = "sign_in"
    VIEW = "view"  # a page, or one person's record
    SEARCH = "search"
    RESTORE = "restore"
    EXPORT = "export"
    CONNECT = "connect"
    DISCONNECT = "disconnect"
    SETTINGS = "settings"
    SYNC = "sync"
    VERIFY = "verify"  # the vault against itself, or against HighLevel


How = Literal["local", "oidc", "cli", "worker"]

LOOKING = frozenset({Action.SIGN_IN, Action.VIEW, Action.SEARCH})
MAY: dict[Role, frozenset[Action]] = {
    Role.NONE: frozenset(),
    Role.VIEWER: LOOKING,
    Role.RESTORER: frozenset(Action),
}
UNATTENDED = frozenset({Action.VIEW, Action.SYNC, Action.CONNECT, Action.RESTORE, Action.VERIFY})
"""What the background worker may do: never an export, never a change of settings."""

WHAT_TO_SET = (
    "Set up sign-in ([auth] in .streamlit/secrets.toml) and who may enter (HLCORE_ALLOWED_EMAILS, "
    "HLCORE_ALLOWED_DOMAINS, HLCORE_RESTORERS), or open the dashboard on this machine only "
    "(--server.address localhost)."
)


@dataclass(frozen=True, slots=True)
class User:
    """Who acts. `email` is the name in the audit log; `why` says, for role none, what is missing."""

    email: str
    name: str
    role: Role
    how: How
    why: str = ""

    def may(self, act: Action) -> bool:
        """Whether this person may do it."""
        return act in MAY[self.role] and (self.how != "worker" or act in UNATTENDED)

    @property
    def label(self) -> str:
        """What a page calls the person."""
        return self.name or self.email


WORKER = User("worker", "Background worker", Role.RESTORER, "worker")


def cli_user(login: str = "") -> User:
    """Whoever runs the command line: the operating system has let them in, so they may do everything."""
    return User(f"cli:{login}" if login else "cli", login or "Command line", Role.RESTORER, "cli")


def user_of(
    settings: Settings,
    *,
    signed_in_email: str | None,
    email_verified: object = None,
    name: str = "",
    loopback: bool,
    auth_configured: bool,
) -> User:
    """The person in front of the dashboard.

    `email_verified` is the claim of that name, None when the provider sends none (Microsoft Entra does not); any
    value but true refuses. With sign-in configured and nobody on the lists, nobody may enter. `loopback`: the
    dashboard is bound to this machine only; it counts only where no sign-in is configured.
    """
    if not auth_configured:
        return _without_sign_in(loopback)
    if not signed_in_email:
        return _nobody("", "Sign in to go on.")
    address = canonical(signed_in_email)
    if not address:
        return _nobody("", "The sign-in service sent no usable e-mail address.")
    if email_verified is not None and not _is_true(email_verified):
        return _nobody(address, "The sign-in service says that this e-mail address is not verified.")
    role = role_of(settings, address)
    if role is Role.NONE:
        return _nobody(address, "This account is not on the list of people who may enter. Ask an administrator.")
    return User(address, name, role, "oidc")


def role_of(settings: Settings, email: str) -> Role:
    """The role that the settings give this address."""
    if is_listed(email, settings.restorers):
        return Role.RESTORER
    if is_listed(email, settings.allowed_emails) or is_of(email, settings.allowed_domains):
        return Role.VIEWER
    return Role.NONE


def require(user: User, act: Action) -> None:
    """Returns when this person may do it. Raises NotAllowed, with what would help."""
    if user.may(act):
        return
    if user.role is Role.NONE:
        raise NotAllowed("Nobody is signed in who may do this.", hint=user.why)
    raise NotAllowed(f"The role {user.role} does not allow: {act.replace('_', ' ')}.")


def _without_sign_in(loopback: bool) -> User:
    if loopback:
        return User("local", "Local user", Role.RESTORER, "local")
    return User("", "", Role.NONE, "local", f"This dashboard can be reached from other machines. {WHAT_TO_SET}")


def _nobody(email: str, why: str) -> User:
    return User(email, "", Role.NONE, "oidc", why)


def _is_true(claim: object) -> bool:
    return claim is True or (isinstance(claim, str) and claim.strip().lower() == "true")
