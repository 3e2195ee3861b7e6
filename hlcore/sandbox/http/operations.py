"""Requests, answers and refusals in HighLevel's shapes, and the table of routes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hlcore.sandbox.state.location import SandboxLocation
    from hlcore.sandbox.state.sandbox import Sandbox, SandboxGrant
from hlcore.sandbox.http.answers import no_access

V2021_07 = "2021-07-28"
V2021_04 = "2021-04-15"
VERSIONS = frozenset({V2021_07, V2021_04, "2023-02-21", "v3"})


@dataclass(slots=True)
class OperationCall:
    """One request after its token was checked."""

    sandbox: Sandbox
    grant: SandboxGrant
    account: SandboxLocation | None
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
    def location(self) -> SandboxLocation:
        """The sub-account of this call. Raises Refusal (403) when the token does not say which."""
        if self.account is None:
            raise no_access()
        return self.account

    def fields(self, allowed: dict[str, str], required: tuple[str, ...] = ()) -> dict[str, Any]:
        """The JSON body after whitelisting and type checks. Raises Refusal (422) naming every violation."""
        from hlcore.sandbox.http.contract import check

        return check(self.body, allowed, required)


Handler = Callable[[OperationCall], Any]


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
