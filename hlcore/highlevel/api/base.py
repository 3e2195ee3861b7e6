"""What the groups of calls need of the client they are part of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from hlcore.highlevel import json_slices
from hlcore.highlevel.calls import T
from hlcore.highlevel.types import Answer


class Asking(Protocol):
    """A client, as its groups of calls see it."""

    location_id: str

    def call(
        self,
        endpoint_name: str,
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
    ) -> Answer: ...

    def _ask(
        self,
        name: str,
        parse: Callable[[Answer], T],
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
    ) -> T: ...


def the(name: str) -> Callable[[Answer], bytes]:
    """Parses an answer to the exact bytes of the object under `name`."""
    return lambda answer: json_slices.part(answer.body, name)


def all_of(name: str) -> Callable[[Answer], list[bytes]]:
    """Parses an answer to the exact bytes of each element under `name`."""
    return lambda answer: json_slices.rows(answer.body, name)
