"""Misbehaviour that tests switch on. Each kind was reported by HighLevel's users or follows from the API's own texts.

``location.faults.on("status", status=503, times=2)`` makes the next two requests answer 503.
``location.faults.on("reset", share=0.1, where="POST /contacts/search")`` cuts a tenth of the search answers.
The kinds of `IN_SEARCH` concern the contact search; with ``where="GET /opportunities/search"`` empty, total_low,
ends_early and omits concern that feed instead.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

BEFORE_OPERATION = {
    "too_many": "429 below the documented limit; retry_after=seconds or None (no header)",
    "status": "an error status without doing anything; status=500, 502, 503, 504 …",
    "lost_request": "the connection is cut and nothing is done",
    "token_revoked": "401 'Invalid token: access token is invalid'",
    "invalid_jwt": "401 'Invalid JWT'",
    "scope_401": "401 'The token is not authorized for this scope.' for a token that works",
    "iam_401": "401 'This route is not yet supported by the IAM Service.'",
    "wrong_location": "403 'The token does not have access to this location.'",
    "gone": "GET by id of a live record answers 404",
}
AFTER_OPERATION = {
    "done_but": "the request is carried out, then answered with status=500 or 422",
    "lost_answer": "the request is carried out, then the connection is cut",
    "reset": "the answer breaks off in the middle of its body",
    "truncated": "the answer is a complete HTTP message with half of its JSON",
    "html": "200 with an HTML page",
    "latency": "the answer comes after seconds=…",
}
IN_SEARCH = {
    "empty": "a search of a location with contacts answers none, total 0",
    "total_low": "total is lower by by=…",
    "total_cap": "total is never above cap=… (10000)",
    "ends_early": "page after=… of a listing (1) is cut in half, later ones are empty",
    "repeats": "page at=… of a listing (2) shows the rows of the page before",
    "omits": "live rows are missing: ids=…, or a part=… of all; from total too, unless total=False",
}
KINDS = {**BEFORE_OPERATION, **AFTER_OPERATION, **IN_SEARCH}


@dataclass(slots=True)
class Fault:
    """One active misbehaviour. ``times``: how often it strikes, None until `off`. ``share``: of matching requests."""

    kind: str
    times: int | None = None
    share: float = 1.0
    where: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    hits: int = 0
    active: bool = True

    def off(self) -> None:
        self.active = False


class Faults:
    """The misbehaviour of one location.

    ``lag``: seconds until the search index shows a write; GET by id shows it at once.
    ``deleted_status``: what GET and PUT of a deleted contact answer, 404 or 400.
    ``between_pages``: called after each search page with its number in the listing, so that rows can come and go."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)
        self._faults: list[Fault] = []
        self.lag = 0.0
        self.deleted_status = 404
        self.between_pages: Callable[[int], None] | None = None

    def on(self, kind: str, *, times: int | None = None, share: float = 1.0, where: str = "", **options: Any) -> Fault:
        """Switch one on for the next ``times`` requests that begin with ``where`` ("POST /contacts/search").

        Raises ValueError when the kind is not in `KINDS`."""
        if kind not in KINDS:
            raise ValueError(f"no fault {kind!r}; there are {', '.join(KINDS)}")
        if kind == "omits" and "part" in options:
            options["salt"] = self._random.random()
        fault = Fault(kind, times, share, where, options)
        self._faults.append(fault)
        return fault

    @contextmanager
    def during(self, kind: str, **options: Any) -> Iterator[Fault]:
        """Switch one on for the time of the block."""
        fault = self.on(kind, **options)
        try:
            yield fault
        finally:
            fault.off()

    def clear(self) -> None:
        """Switch everything off; from the next request on the search index is up to date."""
        self._faults.clear()
        self.lag, self.deleted_status, self.between_pages = 0.0, 404, None

    def pick(self, kinds: dict[str, str], request: str, *, named: bool = False) -> list[Fault]:
        """Return the faults of these kinds that strike this request, and count each as used.

        ``named``: only faults that were switched on for a path (``where``)."""
        candidates = [fault for fault in self._faults if fault.kind in kinds and (fault.where or not named)]
        striking = [fault for fault in candidates if self._strikes(fault, request)]
        self._faults = [fault for fault in self._faults if fault.active]
        return striking

    def _strikes(self, fault: Fault, request: str) -> bool:
        if not fault.active or not request.startswith(fault.where):
            return False
        if fault.share < 1 and self._random.random() >= fault.share:
            return False
        fault.hits += 1
        if fault.times is not None and fault.hits >= fault.times:
            fault.active = False
        return True
