"""What a group of API methods needs of the client that inherits it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from hlcore.highlevel import json_slices
from hlcore.highlevel.calls import T
from hlcore.highlevel.types import ApiResponse


class ApiGroup(Protocol):
    """The client, as its API methods see it."""

    location_id: str

    def call(
        self,
        endpoint_name: str,
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
    ) -> ApiResponse: ...

    def _request(
        self,
        name: str,
        parse: Callable[[ApiResponse], T],
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
    ) -> T: ...


def parse_object(name: str) -> Callable[[ApiResponse], bytes]:
    """Return a parser that gives the exact bytes of the object under `name`."""
    return lambda answer: json_slices.find_object(answer.body, name)


def parse_list(name: str) -> Callable[[ApiResponse], list[bytes]]:
    """Return a parser that gives the exact bytes of each element under `name`."""
    return lambda answer: json_slices.find_list(answer.body, name)
