"""Every act is checked and leaves a line in the audit log, whatever became of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hlcore.errors import NotAllowed, StoreError
from hlcore.governance.roles import Action, User, require
from hlcore.store import Vault, audit

Now = Callable[[], datetime]
DONE, REFUSED, FAILED = "done", "refused", "failed"


@dataclass(slots=True)
class AuditNote:
    """The line that will be written. Ids and counts only, never personal data."""

    subject: str = ""
    detail: dict[str, Any] = field(default_factory=dict)

    def note(self, **facts: Any) -> None:
        """These facts (counts, ids, sizes) will stand in the line."""
        self.detail.update(facts)


@contextmanager
def recorded(
    vault: Vault,
    user: User,
    act: Action,
    *,
    now: Now,
    location_id: str = "",
    subject: str = "",
    detail: dict[str, Any] | None = None,
) -> Iterator[AuditNote]:
    """The block runs only if the person may do this, and the audit log says what became of it: done, refused or
    failed (with the kind of error, never its text). The line has a transaction of its own: it stays when the act is
    rolled back. Raises NotAllowed; whatever the block raises; StoreError when a finished act could not be recorded.
    """
    entry = AuditNote(_impersonal(subject), dict(detail or {}))
    try:
        require(user, act)
        yield entry
    except BaseException as exc:
        outcome = REFUSED if isinstance(exc, NotAllowed) else FAILED
        entry.note(error=type(exc).__name__)
        try:
            _append(vault, user, act, now(), location_id, entry, outcome)
        except StoreError as lost:
            exc.add_note(f"The audit log could not be written either: {lost}")
        raise
    _append(vault, user, act, now(), location_id, entry, DONE)


def _append(
    vault: Vault, user: User, act: Action, at: datetime, location_id: str, entry: AuditNote, outcome: str
) -> None:
    with vault.write() as tx:
        audit.append(
            tx,
            at=at,
            actor=user.email or "nobody",
            role=str(user.role),
            act=str(act),
            location_id=location_id,
            subject=_impersonal(entry.subject),
            outcome=outcome,
            detail={**entry.detail, "how": user.how},
        )


def _impersonal(subject: str) -> str:
    """The subject. Raises ValueError for one that holds an e-mail address: the audit log is kept for ever."""
    if "@" in subject:
        raise ValueError("the subject of an audit line names ids and counts, never a person")
    return subject
