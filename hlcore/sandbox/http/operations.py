"""A request whose token was checked, and the table of operations that answer it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from hlcore.sandbox.http.answers import no_access
from hlcore.sandbox.http.contract import check
from hlcore.sandbox.state.location import SandboxLocation
from hlcore.sandbox.state.sandbox import Sandbox, SandboxGrant

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
        """The sub-account of this call. Raises SandboxError (403) when the token does not say which."""
        if self.account is None:
            raise no_access()
        return self.account

    def fields(self, allowed: dict[str, str], required: tuple[str, ...] = ()) -> dict[str, Any]:
        """The JSON body after whitelisting and type checks. Raises SandboxError (422) naming every violation."""
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


class Operations:
    """A table of operations. A module of routes fills one with `register`; `+` joins two."""

    def __init__(self, operations: Iterable[Operation] = ()) -> None:
        self._operations = list(operations)

    def __iter__(self) -> Iterator[Operation]:
        return iter(self._operations)

    def __add__(self, other: Operations) -> Operations:
        return Operations([*self, *other])

    def register(
        self, method: str, path: str, scope: str = "", *, version: str = V2021_07, query: str = "", status: int = 200
    ) -> Callable[[Handler], Handler]:
        """Decorate a handler, which returns a JSON value (or its bytes) or a `SandboxResponse`, or raises
        `SandboxError`."""
        pattern = re.compile("^" + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path.rstrip("/")) + "/?$")

        def add(handler: Handler) -> Handler:
            names = frozenset(query.split())
            self._operations.append(Operation(method, path, handler, version, scope, names, status, pattern))
            return handler

        return add

    def find(self, method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
        """Return the operation of a request and its path parameters; of several, the one with the most literal path."""
        matches = [(op, match.groupdict()) for op in self if op.method == method and (match := op.pattern.match(path))]
        return min(matches, key=lambda found: len(found[1]), default=None)
