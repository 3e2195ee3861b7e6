"""What every request passes: version, token, rate limit, faults, contract; the ledger records it.

Answers to ``Version: v3`` get the keys of HighLevel's v3 OpenAPI files here.
"""

from __future__ import annotations

import traceback
import uuid
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from hlcore.sandbox.faults import AFTER_OPERATION, BEFORE_OPERATION, Fault
from hlcore.sandbox.http.answers import ContractViolation, SandboxError, SandboxResponse, no_access
from hlcore.sandbox.http.operations import VERSIONS, Operation, OperationCall, Operations
from hlcore.sandbox.ledger import LedgerEntry
from hlcore.sandbox.state.location import SandboxLocation
from hlcore.sandbox.state.sandbox import Sandbox, SandboxGrant

CHANNELS_V3 = {"Call": "call", "Email": "email", "SMS": "sms", "WhatsApp": "whatsApp", "GMB": "gmb", "FB": "fb"}
HTML_PAGE = b"<!DOCTYPE html><html><head><title>Just a moment</title></head><body><h1>502</h1></body></html>"
OAUTH_PATH = "/oauth/token"


@dataclass(slots=True)
class SandboxRequest:
    """A request as it arrived; header names are in lower case, `raw` is the body."""

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
    """The answer and what the faults do to it. ``cut``: "" sends it whole, "half" breaks off inside its body, "all"
    sends nothing; ``delay`` in seconds."""

    answer: SandboxResponse
    cut: str = ""
    delay: float = 0.0
    faults: list[Fault] = field(default_factory=list)


def handle(sandbox: Sandbox, operations: Operations, request: SandboxRequest) -> Outcome:
    """Carry out one request and record it in the ledger."""
    with sandbox.lock:
        handler = _RequestHandler(sandbox, operations, request)
        outcome = handler.run()
        entry = LedgerEntry(
            method=request.method, path=request.path, status=outcome.answer.status,
            location=handler.location.id if handler.location else "", at=sandbox.now(), query=request.query,
            body=_decode_or_none(request.raw) if request.raw else None,
            fault=",".join(fault.kind for fault in outcome.faults),
        )  # fmt: skip
        sandbox.ledger.add(entry)
        return outcome


class _RequestHandler:
    """One request on its way through the checks. ``location`` and ``headers`` are known once the token is."""

    def __init__(self, sandbox: Sandbox, operations: Operations, request: SandboxRequest) -> None:
        self.sandbox = sandbox
        self.operations = operations
        self.request = request
        self.location: SandboxLocation | None = None
        self.grant: SandboxGrant | None = None
        self.trace_id = str(uuid.uuid4())
        self.headers: dict[str, str] = {}

    def run(self) -> Outcome:
        outcome = Outcome(SandboxResponse(500, b""))
        try:
            operation, params = self._route()
            version = self._check_version(operation)
            self._authorize(operation)
            self._count_against_limit()
            if self._faults_before(outcome):
                return self._finish(outcome)
            answer = self._perform(operation, params, version)
        except SandboxError as refusal:
            answer = refusal.to_response(self.trace_id)
            if isinstance(refusal, ContractViolation):
                self._off_contract(str(refusal))
        except Exception:  # a bug of the sandbox must not look like an error of HighLevel
            self.sandbox.ledger.crashes.append(f"{self.request.name}\n{traceback.format_exc()}")
            answer = SandboxError(500, "the sandbox itself failed; see ledger.crashes").to_response(self.trace_id)
        outcome.answer = answer
        self._faults_after(outcome)
        return self._finish(outcome)

    def _finish(self, outcome: Outcome) -> Outcome:
        outcome.answer.headers = {**self.headers, **outcome.answer.headers}
        return outcome

    def _route(self) -> tuple[Operation, dict[str, str]]:
        found = self.operations.find(self.request.method, self.request.path)
        if found is None:
            self._off_contract("unknown path")
            raise SandboxError(404, f"Cannot {self.request.name}")
        return found

    def _check_version(self, operation: Operation) -> str:
        version = self.request.headers.get("version", "")
        if operation.path == OAUTH_PATH:
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
        if operation.path == OAUTH_PATH:
            return
        scheme, _, token = self.request.headers.get("authorization", "").partition(" ")
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

    def _count_against_limit(self) -> None:
        if self.location is None:
            return
        limit = self.location.rate_limit
        is_within = limit.take(self.sandbox.now())
        self.headers = limit.headers()
        if is_within:
            return
        self.sandbox.ledger.over_limit += 1
        if limit.enforced:
            self.sandbox.ledger.rate_limited += 1
            raise SandboxError(429, "Too Many Requests")

    def _faults_before(self, outcome: Outcome) -> bool:
        """Return whether a fault answered instead of the operation."""
        faults = self.location.faults.pick(BEFORE_OPERATION, self.request.name) if self.location else []
        outcome.faults += faults
        for fault in faults:
            if fault.kind == "lost_request":
                outcome.cut = "all"
                return True
            if fault.kind == "gone" and self.request.method != "GET":
                continue
            outcome.answer = _fault_error(fault).to_response(self.trace_id)
            if fault.kind == "too_many" and fault.options.get("retry_after") is not None:
                outcome.answer.headers["Retry-After"] = str(fault.options["retry_after"])
            return True
        return False

    def _perform(self, operation: Operation, params: dict[str, str], version: str) -> SandboxResponse:
        query = self.request.query
        unknown = set(query) - operation.query
        if unknown:
            raise ContractViolation(422, [f"property {name} should not exist" for name in sorted(unknown)])
        body = self._body()
        location = self._requested_location(params, body)
        call = OperationCall(
            self.sandbox, self.grant or SandboxGrant(""), location, params, query, body, version, self.trace_id,
            self.request.base_url,
        )  # fmt: skip
        result = operation.handler(call)
        self.location = self.location or call.optional_location
        if isinstance(result, SandboxResponse):
            return result
        if version == "v3":
            result = _to_v3(msgspec.json.decode(result) if isinstance(result, bytes) else result)
        return SandboxResponse.from_value(result, operation.status)

    def _body(self) -> Any:
        if not self.request.raw:
            return {}
        if "application/x-www-form-urlencoded" in self.request.headers.get("content-type", ""):
            return dict(parse_qsl(self.request.raw.decode()))
        body = _decode_or_none(self.request.raw)
        if not isinstance(body, dict):
            raise ContractViolation(400, "Unexpected token in JSON")
        return body

    def _requested_location(self, params: dict[str, str], body: Any) -> SandboxLocation | None:
        """Return the location that the request is about. Raises SandboxError (403) when it is not the token's."""
        in_body = body.get("locationId") if isinstance(body, dict) else None
        query = self.request.query
        id_ = params.get("locationId") or query.get("locationId") or query.get("location_id") or in_body
        if self.location is not None:
            if isinstance(id_, str) and id_ and id_ != self.location.id:
                raise no_access()
            return self.location
        return self.sandbox.locations.get(str(id_)) if id_ else None

    def _faults_after(self, outcome: Outcome) -> None:
        faults = self.location.faults.pick(AFTER_OPERATION, self.request.name) if self.location else []
        outcome.faults += faults
        for fault in faults:
            if fault.kind == "latency":
                outcome.delay += float(fault.options.get("seconds", 0.05))
            elif fault.kind == "html":
                outcome.answer = SandboxResponse(200, HTML_PAGE, {"Content-Type": "text/html; charset=utf-8"})
            elif fault.kind == "truncated":
                outcome.answer = replace(outcome.answer, body=outcome.answer.body[: len(outcome.answer.body) // 2])
            elif fault.kind == "done_but":
                outcome.answer = _fault_error(fault).to_response(self.trace_id)
            else:
                outcome.cut = "half" if fault.kind == "reset" else "all"

    def _off_contract(self, why: str) -> None:
        self.sandbox.ledger.off_contract.append(f"{self.request.name}: {why}")


def _to_v3(value: Any) -> Any:
    """Return the answer with v3's keys. ``succeeded`` stands beside the misspelt ``succeded``, as in HighLevel's."""
    if isinstance(value, list):
        return [_to_v3(item) for item in value]
    if not isinstance(value, dict):
        return value
    answer = {key: _to_v3(item) for key, item in value.items()}
    if isinstance(answer.get("dndSettings"), dict):
        answer["dndSettings"] = {CHANNELS_V3.get(key, key): item for key, item in answer["dndSettings"].items()}
    if "succeded" in answer:
        answer["succeeded"] = answer["succeded"]
    return answer


def _decode_or_none(raw: bytes) -> Any:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _fault_error(fault: Fault) -> SandboxError:
    """Return the error that this fault answers instead of the true answer."""
    errors = {
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
    if fault.kind in errors:
        return errors[fault.kind]
    status = int(fault.options.get("status", 500))
    return SandboxError(status, ["Unprocessable Entity"] if status == 422 else "Internal server error")
