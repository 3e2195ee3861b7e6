"""Answers and refusals in HighLevel's shapes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hlcore.sandbox.state.record import encode

ERROR_NAMES = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 422: "Unprocessable Entity"}


@dataclass(slots=True)
class SandboxResponse:
    """The answer to one request; `body` is JSON unless a fault replaces it."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_value(cls, value: Any, status: int = 200) -> SandboxResponse:
        """Encode the value; bytes are JSON already."""
        return cls(status, value if isinstance(value, bytes) else encode(value))


class SandboxError(Exception):
    """A refusal with HTTP status and message. HighLevel's validation answers a list of messages."""

    def __init__(self, status: int, message: str | list[str], **extra: Any) -> None:
        super().__init__(str(message))
        self.status = status
        self.message = message
        self.extra = extra

    def to_response(self, trace_id: str) -> SandboxResponse:
        body: dict[str, Any] = {"statusCode": self.status, "message": self.message}
        if self.status in ERROR_NAMES and "meta" not in self.extra:
            body["error"] = ERROR_NAMES[self.status]
        return SandboxResponse.from_value({**body, **self.extra, "traceId": trace_id}, self.status)


class ContractViolation(SandboxError):
    """A refusal of what HighLevel's documentation rules out; the ledger lists it in `off_contract`."""


def no_access() -> SandboxError:
    """Return the error for a location that is not the token's."""
    return SandboxError(403, "The token does not have access to this location.")


def not_found(name: str) -> SandboxError:
    """Return the error for something that does not exist; `name`: "Note"."""
    return SandboxError(404, f"{name} not found")


def public_fields(item: dict[str, Any]) -> dict[str, Any]:
    """Return the item without the keys that only the sandbox knows; they begin with an underscore."""
    return {key: value for key, value in item.items() if not key.startswith("_")}
