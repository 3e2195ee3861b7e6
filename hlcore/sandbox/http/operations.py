"""A request whose token was checked, and the table of operations that answer it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from hlcore.sandbox.http.answers import no_access, not_found
from hlcore.sandbox.http.contract import check_body
from hlcore.sandbox.state.location import SandboxLocation
from hlcore.sandbox.state.location_base import Item
from hlcore.sandbox.state.sandbox import Sandbox, SandboxGrant

V2021_07 = "2021-07-28"
V2021_04 = "2021-04-15"
VERSIONS = frozenset({V2021_07, V2021_04, "2023-02-21", "v3"})


@dataclass(slots=True)
class OperationCall:
    """A request after its token was checked, as a handler gets it.

    ``optional_location`` is None when the token is the agency's and the request names no location."""

    sandbox: Sandbox
    grant: SandboxGrant
    optional_location: SandboxLocation | None
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
        """The location of this call. Raises SandboxError (403) when neither token nor request says which."""
        if self.optional_location is None:
            raise no_access()
        return self.optional_location

    @property
    def locations(self) -> list[SandboxLocation]:
        """The location of this call; all of them when the token is the agency's."""
        return [self.optional_location] if self.optional_location else list(self.sandbox.locations.values())

    def reply(self, **fields: Any) -> dict[str, Any]:
        """Return the JSON of an answer: these fields and the trace id."""
        return {**fields, "traceId": self.trace_id}

    def find(self, items: dict[str, Item], name: str, key: str = "id") -> Item:
        """Return the item whose id stands in the path as ``key``. Raises SandboxError (404) that names ``name``."""
        item = items.get(self.params[key])
        if item is None:
            raise not_found(name)
        return item

    def fields(self, allowed: dict[str, str], required: tuple[str, ...] = ()) -> dict[str, Any]:
        """Return the JSON body after whitelisting and type checks. Raises ContractViolation (422)."""
        return check_body(self.body, allowed, required)


Handler = Callable[[OperationCall], Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """A method and path of HighLevel's API, what it accepts, and the handler that answers it."""

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
        """Decorate the handler of an operation. It returns a JSON value, its bytes or a `SandboxResponse`, or raises
        SandboxError. ``query``: the parameters it accepts, separated by spaces."""
        pattern = re.compile("^" + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path.rstrip("/")) + "/?$")

        def add(handler: Handler) -> Handler:
            names = frozenset(query.split())
            self._operations.append(Operation(method, path, handler, version, scope, names, status, pattern))
            return handler

        return add

    def find(self, method: str, path: str) -> tuple[Operation, dict[str, str]] | None:
        """Return the operation of a request and its path parameters; of several, the one with the most literal path."""
        matches = [(op, match.groupdict()) for op in self if op.method == method and (match := op.pattern.match(path))]
        return min(matches, key=lambda match: len(match[1]), default=None)
