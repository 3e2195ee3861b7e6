"""What becomes of one contact of a restore."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hlcore.model.fidelity import Difference

REFUSED = "HighLevel refused this value."
CLOSED = frozenset({"dnd", "dndSettings"})


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one contact. `raw`: the new contact as HighLevel shows it in the end."""

    outcome: str
    new_id: str = ""
    verified: bool | None = None
    differences: tuple[Difference, ...] = ()
    error: str = ""
    raw: bytes | None = None


@dataclass(frozen=True, slots=True)
class Later:
    """Nothing can be done about this contact before this moment."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Made:
    """The contact exists under its new id. `body` is what HighLevel took."""

    contact_id: str
    body: dict[str, Any]
    at: datetime
