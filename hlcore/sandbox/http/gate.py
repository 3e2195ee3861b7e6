"""What every request passes: ledger, version, token, budget, faults, contract.

Answers in the spelling of ``Version: v3`` (HighLevel's v3 OpenAPI files).
"""

from __future__ import annotations

import traceback
import uuid
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from hlcore.sandbox.faults import AFTER, BEFORE, Fault
from hlcore.sandbox.http.answers import ContractViolation, SandboxError, SandboxResponse, no_access
from hlcore.sandbox.http.operations import VERSIONS, Operation, OperationCall, Operations
from hlcore.sandbox.ledger import LedgerEntry
from hlcore.sandbox.state.location import SandboxLocation
from hlcore.sandbox.state.sandbox import Sandbox, SandboxGrant

CHANNELS_V3 = {"Call": "call", "Email": "email", "SMS": "sms", "WhatsApp": "whatsApp", "GMB": "gmb", "FB": "fb"}


def to_v3(value: Any) -> Any:
    """The same answer with v3's keys; ``succeded`` stays beside ``succeeded``, as there."""
    if isinstance(value, list):
        return [to_v3(one) for one in value]
    if not isinstance(value, dict):
        return value
    found = {key: to_v3(one) for key, one in value.items()}
    if isinstance(found.get("dndSettings"), dict):
        found["dndSettings"] = {CHANNELS_V3.get(k, k): one for k, one in found["dndSettings"].items()}
    if "succeded" in found:
        found["succeeded"] = found["succeded"]
    return found


HTML = b"<!DOCTYPE html><html><head><title>Just a moment</title></head><body><h1>502</h1></body></html>"
OPEN_PATH = "/oauth/token"


@dataclass(slots=True)
class Received:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    raw: bytes
    base_url: str = ""

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(slots=True)
class Outcome:
    """``cut``: "" sends the answer whole, "half" breaks off inside its body, "all" sends nothing."""

    answer: SandboxResponse
    cut: str = ""
    delay: float = 0.0
    faults: list[Fault] = field(default_factory=list)


def handle(sandbox: Sandbox, operations: Operations, received: Received) -> Outcome:
    """Carry out one request and write it into the ledger."""
    with sandbox.lock:
        turn = _RequestHandler(sandbox, operations, received)
        outcome = turn.run()
        kinds = ",".join(fault.kind for fault in outcome.faults)
        body = _decode_or_none(received.raw) if received.raw else None
        place = turn.location.id if turn.location else ""
        sandbox.ledger.add(
            LedgerEntry(
                received.method, received.path, outcome.answer.status, place, sandbox.now(), received.query, body, kinds
            )
        )
        return outcome


class _RequestHandler:
    """One request on its way through the checks."""

    def __init__(self, sandbox: Sandbox, operations: Operations, received: Received) -> None:
        self.sandbox = sandbox
        self.operations = operations
        self.received = received
        self.location: SandboxLocation | None = None
        self.grant: SandboxGrant | None = None
        self.trace_id = str(uuid.uuid4())
        self.headers: dict[str, str] = {}

    def run(self) -> Outcome:
        outcome = Outcome(SandboxResponse(500, b""))
        try:
            operation, params = self._route()
            version = self._version(operation)
            self._authorize(operation)
            self._spend()
            if self._faults_before(outcome):
                return self._finish(outcome)
            answer = self._carry_out(operation, params, version)
        except SandboxError as refusal:
            answer = refusal.answer(self.trace_id)
            if isinstance(refusal, ContractViolation):
                self._off_contract(str(refusal))
        except Exception:  # a mistake of the sandbox itself: it must show, not look like HighLevel's
            self.sandbox.ledger.crashes.append(f"{self.received.name}\n{traceback.format_exc()}")
            answer = SandboxResponse.of(
                {"statusCode": 500, "message": "the sandbox itself failed; see ledger.crashes"}, 500
            )
        outcome.answer = answer
        self._faults_after(outcome)
        return self._finish(outcome)

    def _finish(self, outcome: Outcome) -> Outcome:
        outcome.answer.headers = {**self.headers, **outcome.answer.headers}
        return outcome

    def _route(self) -> tuple[Operation, dict[str, str]]:
        found = self.operations.find(self.received.method, self.received.path)
        if found is None:
            self._off_contract("unknown path")
            raise SandboxError(404, f"Cannot {self.received.name}")
        return found

    def _version(self, operation: Operation) -> str:
        version = self.received.headers.get("version", "")
        if operation.path == OPEN_PATH:
            return version
        if not version:
            self._off_contract("no Version header")
            raise SandboxError(401, "version header was not found.")
        if version not in VERSIONS:
            self._off_contract(f"Version {version}")
            raise SandboxError(401, "version header is invalid")
        if version not in (operation.version, "v3"):
            self._off_contract(f"Version {version} instead of {operation.version}")
        return version

    def _authorize(self, operation: Operation) -> None:
        if operation.path == OPEN_PATH:
            return
        scheme, _, token = self.received.headers.get("authorization", "").partition(" ")
        grant = self.sandbox.tokens.get(token)
        if scheme.lower() != "bearer" or grant is None:
            kind = "Invalid Private Integration token" if token.startswith("pit-") else "Invalid JWT"
            raise SandboxError(401, kind)
        self.grant = grant
        if grant.location:
            self.location = self.sandbox.locations[grant.location]
        if grant.revoked or (grant.expires_at and grant.expires_at <= self.sandbox.now()):
            raise SandboxError(401, "Invalid token: access token is invalid")
        if grant.scopes is not None and operation.scope and operation.scope not in grant.scopes:
            raise SandboxError(401, "The token is not authorized for this scope.")

    def _spend(self) -> None:
        if self.location is None:
            return
        budget = self.location.budget
        within = budget.take(self.sandbox.now())
        self.headers = budget.headers()
        if within:
            return
        self.sandbox.ledger.over_limit += 1
        if budget.enforced:
            self.sandbox.ledger.rate_limited += 1
            raise SandboxError(429, "Too Many Requests")

    def _faults_before(self, outcome: Outcome) -> bool:
        """Return whether a fault answered instead of the operation."""
        struck = self.location.faults.pick(BEFORE, self.received.name) if self.location else []
        outcome.faults += struck
        for fault in struck:
            if fault.kind == "lost_request":
                outcome.cut = "all"
                return True
            if fault.kind == "gone" and self.received.method != "GET":
                continue
            outcome.answer = _fault_error(fault).answer(self.trace_id)
            if fault.kind == "too_many" and fault.options.get("retry_after") is not None:
                outcome.answer.headers["Retry-After"] = str(fault.options["retry_after"])
            return True
        return False

    def _carry_out(self, operation: Operation, params: dict[str, str], version: str) -> SandboxResponse:
        received = self.received
        unknown = set(received.query) - operation.query
        if unknown:
            raise ContractViolation(422, [f"property {name} should not exist" for name in sorted(unknown)])
        body = self._body()
        account = self._account(params, body)
        call = OperationCall(
            self.sandbox, self.grant or SandboxGrant(""), account, params, received.query, body, version, self.trace_id,
            received.base_url,
        )  # fmt: skip
        result = operation.handler(call)
        self.location = self.location or call.account
        if isinstance(result, SandboxResponse):
            return result
        if version == "v3":
            result = to_v3(msgspec.json.decode(result) if isinstance(result, bytes) else result)
        return SandboxResponse.of(result, operation.status)

    def _body(self) -> Any:
        if not self.received.raw:
            return {}
        if "application/x-www-form-urlencoded" in self.received.headers.get("content-type", ""):
            return dict(parse_qsl(self.received.raw.decode()))
        body = _decode_or_none(self.received.raw)
        if not isinstance(body, dict):
            raise ContractViolation(400, "Unexpected token in JSON")
        return body

    def _account(self, params: dict[str, str], body: Any) -> SandboxLocation | None:
        """The location the request is about; it must be the token's own. Raises SandboxError (403)."""
        sent = body.get("locationId") if isinstance(body, dict) else None
        query = self.received.query
        asked = params.get("locationId") or query.get("locationId") or query.get("location_id") or sent
        if self.location is not None:
            if isinstance(asked, str) and asked and asked != self.location.id:
                raise no_access()
            return self.location
        return self.sandbox.locations.get(str(asked)) if asked else None

    def _faults_after(self, outcome: Outcome) -> None:
        struck = self.location.faults.pick(AFTER, self.received.name) if self.location else []
        outcome.faults += struck
        for fault in struck:
            if fault.kind == "latency":
                outcome.delay += float(fault.options.get("seconds", 0.05))
            elif fault.kind == "html":
                outcome.answer = SandboxResponse(200, HTML, {"Content-Type": "text/html; charset=utf-8"})
            elif fault.kind == "truncated":
                outcome.answer = replace(outcome.answer, body=outcome.answer.body[: len(outcome.answer.body) // 2])
            elif fault.kind == "done_but":
                outcome.answer = _fault_error(fault).answer(self.trace_id)
            else:
                outcome.cut = "half" if fault.kind == "reset" else "all"

    def _off_contract(self, why: str) -> None:
        self.sandbox.ledger.off_contract.append(f"{self.received.name}: {why}")


def _decode_or_none(raw: bytes) -> Any:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _fault_error(fault: Fault) -> SandboxError:
    """Return the error that a fault answers instead of the true answer."""
    fixed = {
        "too_many": SandboxError(429, "Too Many Requests"),
        "token_revoked": SandboxError(401, "Invalid token: access token is invalid"),
        "invalid_jwt": SandboxError(401, "Invalid JWT"),
        "scope_401": SandboxError(401, "The token is not authorized for this scope."),
        "iam_401": SandboxError(
            401, "This route is not yet supported by the IAM Service. Please update your IAM config."
        ),
        "wrong_location": no_access(),
        "gone": SandboxError(404, "Contact not found"),
    }
    if fault.kind in fixed:
        return fixed[fault.kind]
    status = int(fault.options.get("status", 500))
    return SandboxError(status, ["Unprocessable Entity"] if status == 422 else "Internal server error")
