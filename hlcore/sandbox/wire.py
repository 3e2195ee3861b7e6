"""Requests, answers and refusals in HighLevel's shapes, and the table of routes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .record import encode

if TYPE_CHECKING:
    from .location import Location
    from .world import Grant, Sandbox

V2021_07 = "2021-07-28"
V2021_04 = "2021-04-15"
VERSIONS = frozenset({V2021_07, V2021_04, "2023-02-21", "v3"})
ERRORS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    422: "Unprocessable Entity",
}


@dataclass(slots=True)
class Answer:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, value: Any, status: int = 200) -> Answer:
        return cls(status, value if isinstance(value, bytes) else encode(value))


class Refusal(Exception):
    """An answer with an error status. ``message``: text or, as class-validator gives it, a list of texts."""

    def __init__(self, status: int, message: str | list[str], **more: Any) -> None:
        super().__init__(str(message))
        self.status = status
        self.message = message
        self.more = more

    def answer(self, trace_id: str) -> Answer:
        body: dict[str, Any] = {"statusCode": self.status, "message": self.message}
        if self.status in ERRORS and "meta" not in self.more:
            body["error"] = ERRORS[self.status]
        return Answer.of({**body, **self.more, "traceId": trace_id}, self.status)


class Breach(Refusal):
    """A refusal of something that HighLevel's documentation rules out; the ledger keeps it as off the contract."""


@dataclass(slots=True)
class Call:
    """One request after its token was checked."""

    sandbox: Sandbox
    grant: Grant
    account: Location | None
    params: dict[str, str]
    query: dict[str, str]
    body: Any
    version: str
    trace_id: str
    base_url: str = ""

    @property
    def v3(self) -> bool:
        return self.version == "v3"

    @property
    def location(self) -> Location:
        """The sub-account of this call. Raises Refusal (403) when the token does not say which."""
        if self.account is None:
            raise no_access()
        return self.account

    def fields(self, allowed: dict[str, str], required: tuple[str, ...] = ()) -> dict[str, Any]:
        """The JSON body after whitelisting and type checks. Raises Refusal (422) naming every violation."""
        from .contract import check

        return check(self.body, allowed, required)


Handler = Callable[[Call], Any]


@dataclass(frozen=True, slots=True)
class Operation:
    method: str
    path: str
    handler: Handler
    version: str
    scope: str
    query: frozenset[str]
    status: int
    pattern: re.Pattern[str]
    v3_only: bool = False


OPERATIONS: list[Operation] = []


def operation(
    method: str, path: str, scope: str = "", *, version: str = V2021_07, query: str = "", status: int = 200
) -> Callable[[Handler], Handler]:
    """Register a handler. It answers a JSON value (or its bytes), an `Answer`, or raises `Refusal`."""
    pattern = re.compile("^" + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path.rstrip("/")) + "/?$")

    def register(handler: Handler) -> Handler:
        names = frozenset(query.split())
        OPERATIONS.append(Operation(method, path, handler, version, scope, names, status, pattern))
        return handler

    return register


def find(method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
    """The operation for a request: one with more literal path comes first."""
    best: tuple[int, Operation, dict[str, str]] | None = None
    for op in OPERATIONS:
        match = op.pattern.match(path) if op.method == method else None
        if match and (best is None or len(match.groupdict()) < best[0]):
            best = (len(match.groupdict()), op, match.groupdict())
    return best and (best[1], best[2])


def no_access() -> Refusal:
    return Refusal(403, "The token does not have access to this location.")


def not_found(what: str) -> Refusal:
    return Refusal(404, f"{what} not found")


def number(text: str | None, default: int, most: int | None = None, name: str = "limit") -> int:
    """A whole number of the query string. Raises Refusal (422)."""
    if text is None or text == "":
        return default
    if not text.isdigit():
        raise Breach(422, [f"{name} must be a number string"])
    if most is not None and int(text) > most:
        raise Breach(422, [f"{name} must not be greater than {most}"])
    return int(text)
