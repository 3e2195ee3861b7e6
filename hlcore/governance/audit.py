"""The context manager in which every action is checked, and that writes its outcome to the audit log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hlcore.errors import Cancelled, NotAllowed, StoreError
from hlcore.governance.roles import Action, User, require
from hlcore.model.callbacks import Now
from hlcore.store import Vault, audit

DONE, REFUSED, FAILED, STOPPED = "done", "refused", "failed", "stopped"
"""Outcomes of an act. Stopped: a stop was requested, as at a shutdown; what was done stays, and it may go on later."""


@dataclass(slots=True)
class AuditNote:
    """The line that will be written: ids and counts only, never personal data."""

    subject: str = ""
    detail: dict[str, Any] = field(default_factory=dict)

    def add(self, **facts: Any) -> None:
        """Add these facts (counts, ids, sizes) to the line."""
        self.detail.update(facts)


@contextmanager
def audited(
    vault: Vault,
    user: User,
    action: Action,
    *,
    now: Now,
    location_id: str = "",
    subject: str = "",
    detail: dict[str, Any] | None = None,
) -> Iterator[AuditNote]:
    """Run the block if the user may do this, and write its outcome to the audit log: done, refused, stopped or
    failed (with the kind of error, never its text).

    The line has a transaction of its own and stays when the block's is rolled back. Raises NotAllowed; whatever the
    block raises; StoreError when the outcome of a finished block could not be written.
    """
    note = AuditNote(_without_address(subject), dict(detail or {}))
    try:
        require(user, action)
        yield note
    except BaseException as exc:
        outcome = REFUSED if isinstance(exc, NotAllowed) else STOPPED if isinstance(exc, Cancelled) else FAILED
        note.add(error=type(exc).__name__)
        try:
            _append(vault, user, action, now(), location_id, note, outcome)
        except StoreError as store_error:
            exc.add_note(f"The audit log could not be written either: {store_error}")
        raise
    _append(vault, user, action, now(), location_id, note, DONE)


def record_refused_sign_in(vault: Vault, user: User, *, now: Now) -> None:
    """Count a sign-in that was refused; the audit log gets one line for each person and hour. Raises StoreError."""
    with vault.write() as tx:
        audit.append_refused_sign_in(
            tx,
            at=now(),
            actor=user.email or "nobody",
            role=str(user.role),
            act=str(Action.SIGN_IN),
            detail={"error": NotAllowed.__name__, "how": user.how},
        )


def _append(
    vault: Vault, user: User, action: Action, at: datetime, location_id: str, note: AuditNote, outcome: str
) -> None:
    with vault.write() as tx:
        audit.append(
            tx,
            at=at,
            actor=user.email or "nobody",
            role=str(user.role),
            act=str(action),
            location_id=location_id,
            subject=_without_address(note.subject),
            outcome=outcome,
            detail={**note.detail, "how": user.how},
        )


def _without_address(subject: str) -> str:
    """Return the subject. Raises ValueError when it holds an e-mail address: the audit log is kept for ever."""
    if "@" in subject:
        raise ValueError("the subject of an audit line names ids and counts, never a person")
    return subject
