"""What the groups of calls need of the client they are part of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from hlcore.highlevel import json_slices
from hlcore.highlevel.calls import T
from hlcore.highlevel.types import ApiResponse


class ApiGroup(Protocol):
    """A client, as its groups of calls see it."""

    location_id: str

    def call(
        self,
        endpoint_name: str,
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
    ) -> ApiResponse: ...

    def _ask(
        self,
        name: str,
        parse: Callable[[ApiResponse], T],
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
    ) -> T: ...


def parse_object(name: str) -> Callable[[ApiResponse], bytes]:
    """Parses an answer to the exact bytes of the object under `name`."""
    return lambda answer: json_slices.part(answer.body, name)


def parse_list(name: str) -> Callable[[ApiResponse], list[bytes]]:
    """Parses an answer to the exact bytes of each element under `name`."""
    return lambda answer: json_slices.rows(answer.body, name)
