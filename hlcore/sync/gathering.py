"""One sitting of capturing: what every step of it needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

from hlcore.errors import (
    BudgetSpent,
    Cancelled,
    ContractError,
    LocationInactive,
    ScopeMissing,
    TokenRefused,
    Unauthorized,
    WrongLocation,
)
from hlcore.highlevel import Client
from hlcore.model.planner import Policy, Wish
from hlcore.model.progress import Listener, Progress, silent
from hlcore.store import Vault
from hlcore.store.captures import Place
from hlcore.sync.report import never

ENDS = (TokenRefused, WrongLocation, LocationInactive, BudgetSpent, Cancelled)
"""Errors after which asking on makes no sense."""

CLOSED = (ScopeMissing, ContractError, Unauthorized)
"""Errors that close one kind to this token, not all of them."""


@dataclass(slots=True)
class Gathering:
    """`taken` counts by kind what was captured; `idle` are wishes for which nothing is left to do in this sitting;
    `tried` are contacts that failed, by purpose and kind; `places` say how far the list of contacts never captured was
    read, by kind; `notes` say what was odd. `lock` is held around every writing transaction."""

    vault: Vault
    client: Client
    location_id: str
    now: Callable[[], datetime]
    policy: Policy = field(default_factory=Policy)
    listener: Listener = silent
    cancelled: Callable[[], bool] = never
    workers: int = 8
    taken: Counter[str] = field(default_factory=Counter)
    idle: set[Wish] = field(default_factory=set)
    tried: dict[str, set[str]] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def tell(self, stage: str, done: int = 0, total: int = 0) -> None:
        """Tell whoever waits. Raises Cancelled when somebody asked to stop."""
        self.stop_if_asked()
        self.listener(Progress(stage, done, total))

    def stop_if_asked(self) -> None:
        """Raises Cancelled when somebody asked to stop."""
        if self.cancelled():
            raise Cancelled("Stopped. What was captured is kept; the next run goes on from here.")

    def note(self, text: str) -> None:
        """Say once what was odd."""
        if text not in self.notes:
            self.notes.append(text)
