"""When a listing may be believed. Pure: the walk collects the facts, this decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Checkpoint:
    """Where a walk stands; kept after every page so that a killed run goes on from here.

    `cursor` leads to the next page (None: from the start). `tail` is the last cursor that lies before the
    moments that HighLevel's index may still be missing; `last_total` is the newest total HighLevel told;
    `fetched` counts different contacts.
    """

    cursor: list[Any] | None = None
    tail: list[Any] | None = None
    first_total: int = 0
    last_total: int = 0
    pages: int = 0
    fetched: int = 0
    ended: bool = False

    @classmethod
    def load(cls, kept: dict[str, Any] | None) -> Checkpoint:
        """The checkpoint in this JSON value; a fresh one where there is none or it is of another make."""
        try:
            return cls(**(kept or {}))
        except TypeError:
            return cls()

    def dump(self) -> dict[str, Any]:
        """The JSON value that `load` reads."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a listing was complete, and if not, why, in words."""

    complete: bool
    reason: str = ""


def judge(checkpoint: Checkpoint) -> Verdict:
    """Whether this walk showed the whole location.

    Complete when the cursor ended by itself and at least as many contacts were fetched as HighLevel's newest total
    says. Contacts deleted during the walk lower that total; those added during it come last and are fetched too.
    A listing that is complete by this measure can still have left out live contacts (field reports say it
    happens): that is what asking for each missing one by its id is for.
    """
    if not checkpoint.ended:
        return Verdict(False, "HighLevel's list did not come to its end.")
    if checkpoint.fetched < checkpoint.last_total:
        return Verdict(
            False,
            f"HighLevel's list ended after {checkpoint.fetched:,} contacts although it says it holds "
            f"{checkpoint.last_total:,}.",
        )
    return Verdict(True)
