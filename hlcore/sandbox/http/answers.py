"""Answers and refusals in HighLevel's shapes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hlcore.sandbox.state.record import encode

ERRORS = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 422: "Unprocessable Entity"}


@dataclass(slots=True)
class SandboxResponse:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, value: Any, status: int = 200) -> SandboxResponse:
        return cls(status, value if isinstance(value, bytes) else encode(value))


class SandboxError(Exception):
    """An answer with an error status. ``message``: text or, as class-validator gives it, a list of texts."""

    def __init__(self, status: int, message: str | list[str], **more: Any) -> None:
        super().__init__(str(message))
        self.status = status
        self.message = message
        self.more = more

    def answer(self, trace_id: str) -> SandboxResponse:
        body: dict[str, Any] = {"statusCode": self.status, "message": self.message}
        if self.status in ERRORS and "meta" not in self.more:
            body["error"] = ERRORS[self.status]
        return SandboxResponse.of({**body, **self.more, "traceId": trace_id}, self.status)


class ContractViolation(SandboxError):
    """A refusal of something that HighLevel's documentation rules out; the ledger keeps it as off the contract."""


def no_access() -> SandboxError:
    return SandboxError(403, "The token does not have access to this location.")


def not_found(what: str) -> SandboxError:
    return SandboxError(404, f"{what} not found")


def number(text: str | None, default: int, most: int | None = None, name: str = "limit") -> int:
    """A whole number of the query string. Raises SandboxError (422)."""
    if text is None or text == "":
        return default
    if not text.isdigit():
        raise ContractViolation(422, [f"{name} must be a number string"])
    if most is not None and int(text) > most:
        raise ContractViolation(422, [f"{name} must not be greater than {most}"])
    return int(text)
