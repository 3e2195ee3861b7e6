"""Everything hlcore raises on purpose, as one tree.

VaultError
├── SettingsError              a setting is missing or wrong
│   └── KeyMissing             the key of an existing vault is gone
├── NotAllowed                 the user may not do this
├── NotFound                   no such location, contact, job or run here
├── Cancelled                  a user, or a shutdown, asked to stop
├── RunInProgress              another run holds this location
├── StoreError                 the database refused, or cannot be reached
│   ├── SchemaTooNew           the database was written by a newer Contact Vault
│   └── VaultMissing           there was a vault, and its database is gone or empty
├── ExportError                a file could not be written
└── HighLevelError             HighLevel refused or could not be reached
    ├── Unreachable            network, time-out, 5xx: trying again later can help
    │   ├── BrokenAnswer       an answer that is not what HighLevel documents
    │   └── AnswerLost         a write was sent, and it is not known whether it was carried out
    ├── RateLimited            429 although we waited
    ├── BudgetSpent            the day's request budget is used up
    ├── Unauthorized           401
    │   ├── TokenRefused       the token is wrong, expired or revoked
    │   │   └── GrantLost      the app's authorisation is used up or withdrawn: a user must connect again
    │   ├── ScopeMissing       the token may not do this
    │   └── ContractError      wrong route or version header: a defect in Contact Vault
    ├── WrongLocation          the token belongs to another location
    ├── LocationInactive       the sub-account is paused
    ├── Gone                   HighLevel says this record does not exist (any more)
    ├── Duplicate              a live contact already holds this e-mail or phone
    └── Rejected               HighLevel will never accept this request as it is

Every error says what happened (the message) and what to do (`hint`). Texts never hold a token or personal data.
"""

from __future__ import annotations

from collections.abc import Sequence


class VaultError(Exception):
    """Base of everything hlcore raises on purpose."""

    hint = ""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        if hint:
            self.hint = hint


class SettingsError(VaultError):
    """A setting is missing or has a value that cannot work; the message names it."""


class KeyMissing(SettingsError):
    """The vault holds accounts, and the key that encrypts their tokens is gone. No new key is made."""

    hint = (
        "Put the key file back from a backup, or correct HLCORE_DATA_DIR or HLCORE_SECRET_KEY. If the key is lost for "
        "good, make a new one: python -m hlcore new-key. Then connect each account again; the copies stay."
    )


class NotAllowed(VaultError):
    """The user may not do this."""

    hint = "Ask an administrator of Contact Vault for the role that allows it."


class NotFound(VaultError):
    """There is no such location, contact, job or run in this vault."""


class Cancelled(VaultError):
    """A stop was requested; what was done so far is kept, and the next run continues from there."""


class RunInProgress(VaultError):
    """Another run is working on this location."""

    hint = "Wait for it to finish; Activity shows its progress."


class StoreError(VaultError):
    """The database refused or cannot be reached."""

    hint = "Check HLCORE_DATABASE_URL, that the database runs, and that its disk is not full."


class SchemaTooNew(StoreError):
    """The database was written by a newer version of Contact Vault."""

    hint = "Install the newer version again; an older one must not write to this database."


class VaultMissing(StoreError):
    """A vault was here, and its database is gone or empty. No new one is made."""

    hint = (
        "Put the database back from a backup, or correct HLCORE_DATABASE_URL or HLCORE_DATA_DIR. To begin with an "
        "empty vault on purpose: python -m hlcore new-vault. It holds no copy of anybody yet."
    )


class ExportError(VaultError):
    """A file could not be written."""


class HighLevelError(VaultError):
    """HighLevel refused, or could not be reached.

    `status` is the HTTP status (0 when there was no answer), `trace_id` HighLevel's id of the request, for its support.
    """

    def __init__(self, message: str, *, hint: str = "", status: int = 0, trace_id: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.trace_id = trace_id


class Unreachable(HighLevelError):
    """No usable answer after all retries."""

    hint = "Nothing is lost: the next run goes on where this one stopped."


class BrokenAnswer(Unreachable):
    """HighLevel's answer is not what it documents: HTML, truncated JSON, missing members."""


class AnswerLost(Unreachable):
    """A write was sent and its answer never came: it may or may not have been carried out."""


class RateLimited(HighLevelError):
    """HighLevel refused for its rate limit although the client waited."""

    hint = "Another program may use the same token; the next run waits and goes on."


class BudgetSpent(HighLevelError):
    """The location's requests of this day are used up, or only the share reserved for restores is left."""

    hint = "HighLevel allows 200,000 requests a day for each location; work goes on tomorrow by itself."


class Unauthorized(HighLevelError):
    """A 401 of an unknown kind."""

    hint = "Reconnect the account on the Settings page."


class TokenRefused(Unauthorized):
    """The token is wrong, expired or revoked."""

    hint = "Create a new Private Integration Token in HighLevel and connect the account again on the Settings page."


class GrantLost(TokenRefused):
    """The OAuth app's authorisation is used up or withdrawn: a user must connect again."""

    hint = "Connect the account again with HighLevel on the Settings page; nothing that was copied is lost."


class ScopeMissing(Unauthorized):
    """The token may not do this."""

    hint = "Open the Private Integration in HighLevel, tick the missing scope and save; the token stays the same."


class ContractError(Unauthorized):
    """HighLevel does not accept the route or the version header: a defect of Contact Vault, not of the token."""

    hint = "The token is fine. Update Contact Vault, or report this with the trace id."


class WrongLocation(HighLevelError):
    """The token belongs to another location."""

    hint = "Check that the location id and the token come from the same sub-account."


class LocationInactive(HighLevelError):
    """The sub-account is paused."""

    hint = "Activate the sub-account in HighLevel."


class Gone(HighLevelError):
    """HighLevel says that this record does not exist, or no longer exists."""


class Duplicate(HighLevelError):
    """A live contact already holds this e-mail or phone."""

    def __init__(self, message: str, *, contact_id: str, field: str, status: int = 400, trace_id: str = "") -> None:
        super().__init__(message, status=status, trace_id=trace_id)
        self.contact_id = contact_id
        self.field = field


class Rejected(HighLevelError):
    """HighLevel will never accept this request as it is.

    `fields` are the names of the body's properties that the answer complains about (empty when unknown).
    """

    def __init__(
        self, message: str, *, fields: Sequence[str] = (), hint: str = "", status: int = 422, trace_id: str = ""
    ) -> None:
        super().__init__(message, hint=hint, status=status, trace_id=trace_id)
        self.fields = tuple(fields)
