"""One step of an account's turn (a sync, a slice of capturing, a restore): whatever it raises ends this step alone.

The error is logged without personal data and counted in the quarantine, as an item of the kind 'account' whose
reference names the step. The step pauses longer from failure to failure, so that an account in trouble takes no time
from the others, and is forgotten as soon as the step succeeds.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from hlcore.app_context import AppContext
from hlcore.errors import Cancelled, HighLevelError, RunInProgress, StoreError, VaultError
from hlcore.log_privacy import describe_exception
from hlcore.model.moments import is_recent
from hlcore.store import Tx, quarantine
from hlcore.store.quarantine import QuarantinedItem

log = structlog.get_logger(__name__)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=15), timedelta(minutes=15)
MAX_ITEMS = 1_000
SAID_ELSEWHERE = (RunInProgress, HighLevelError)
"""Errors that say nothing about this step: another process does it, or the run's outcome names HighLevel's refusal."""


@dataclass(slots=True)
class AccountStep:
    """A step. `may_begin`: it is not pausing after a failure; `begun` is set by whoever does something in it."""

    may_begin: bool = True
    begun: bool = False


def list_paused_steps(tx: Tx, *, at: datetime) -> list[QuarantinedItem]:
    """Return the steps of all locations that pause at `at` because they failed."""
    failed = quarantine.list_accounts(tx, limit=MAX_ITEMS)
    return [item for item in failed if _pauses(item, at)]


def _pause(item: QuarantinedItem) -> timedelta:
    return min(LONGEST_PAUSE, FIRST_PAUSE * (1 << max(0, min(item.attempts - 1, 10))))


@contextmanager
def account_step(context: AppContext, location_id: str, name: str) -> Iterator[AccountStep]:
    """Do this step of the location in the block, and note its failure or success. Raises only Cancelled,
    and StoreError before the block begins."""
    known = _find(context, location_id, name)
    step = AccountStep(may_begin=known is None or not _pauses(known, context.clock.now()))
    try:
        yield step
        if known is not None and step.begun:
            with context.vault.write() as tx:
                quarantine.resolve(tx, location_id, quarantine.ACCOUNT, [name])
    except Cancelled:
        raise
    except Exception as exc:
        _note(context, location_id, name, exc)


def _find(context: AppContext, location_id: str, name: str) -> QuarantinedItem | None:
    with context.vault.read() as tx:
        items = quarantine.list_accounts(tx, location_id=location_id, limit=MAX_ITEMS)
    return next((item for item in items if item.reference == name), None)


def _pauses(item: QuarantinedItem, now: datetime) -> bool:
    return item.state != quarantine.RETRY and is_recent(item.last_seen_at, now, _pause(item))


def _note(context: AppContext, location_id: str, name: str, exc: Exception) -> None:
    text = str(exc) if isinstance(exc, VaultError) else describe_exception(exc)
    log.warning(f"{name.split(maxsplit=1)[0]}_failed", location=location_id, kind=type(exc).__name__, text=text)
    if isinstance(exc, SAID_ELSEWHERE):
        return
    try:
        with context.vault.write() as tx:
            quarantine.note_failure(tx, location_id, quarantine.ACCOUNT, name, exc, at=context.clock.now())
    except StoreError as store_error:
        log.error("failure_not_noted", location=location_id, kind="StoreError", text=str(store_error))
