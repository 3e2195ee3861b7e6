"""One call: its attempts, the pauses between them, and what is true when they are over."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import structlog
import tenacity

from hlcore.errors import AnswerLost, BrokenAnswer, BudgetSpent, HighLevelError, RateLimited, ScopeMissing, TokenRefused
from hlcore.highlevel.clock import Clock, wait
from hlcore.highlevel.endpoints import Endpoint
from hlcore.highlevel.error_mapping import ErrorResponse, clean_id, refusal
from hlcore.highlevel.rate_limit.headers import retry_after
from hlcore.highlevel.rate_limit.limiter import Limiter, Priority
from hlcore.highlevel.transport import Response, Transport, TransportError
from hlcore.highlevel.types import ApiResponse, SentRequest

T = TypeVar("T")
_log = structlog.wrap_logger(
    logging.getLogger("hlcore.highlevel"),
    wrapper_class=structlog.stdlib.BoundLogger,
    processors=[
        structlog.stdlib.filter_by_level,
        structlog.contextvars.merge_contextvars,
        structlog.processors.LogfmtRenderer(key_order=["event"]),
    ],
)
"""Ends in the standard library's logging, never on standard output, where commands print their results."""

FIRST_WAIT = 0.5
LONGEST_WAIT = 30.0


@dataclass(slots=True)
class ClientState:
    """What all calls of a client share: connections, budget, time, listeners."""

    wire: Transport
    limiter: Limiter
    clock: Clock
    token: Callable[[], str]
    retries: int
    on_request: Callable[[SentRequest], None] | None
    cancelled: Callable[[], bool] | None
    meter: Callable[[], None] | None = None
    on_refused: Callable[[str], None] | None = None


class _Failed(Exception):
    """An attempt failed. `done`: HighLevel may have done what it was asked. `again`: trying again may help."""

    def __init__(self, error: HighLevelError, *, done: bool, again: bool, after: float = 0.0) -> None:
        super().__init__(str(error))
        self.error = error
        self.done = done
        self.again = again
        self.after = after


@dataclass(slots=True)
class ApiCall(Generic[T]):
    """One call to HighLevel, `parse` included: an answer that cannot be parsed is a failed attempt."""

    line: ClientState
    priority: Priority
    endpoint: Endpoint
    path: str
    query: Mapping[str, str]
    body: Any
    parse: Callable[[ApiResponse], T]
    attempts: int = 0
    maybe_done: bool = False
    second_chance: bool = True

    def run(self) -> T:
        """The parsed answer.

        A read, or a write that may be repeated, is tried again after everything that can pass; another
        write only while it surely was not done. Raises AnswerLost when a write may or may not have been
        done, otherwise the error of the last attempt."""
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(self.line.retries + 1),
            wait=_pause,
            retry=tenacity.retry_if_exception(self._may_repeat),
            sleep=lambda seconds: wait(self.line.clock, seconds, self.line.cancelled),
            before_sleep=self._log_retry,
            reraise=True,
        )
        try:
            return retrying(self._attempt)
        except _Failed as failed:
            raise self._final(failed) from failed.__cause__

    def _attempt(self) -> T:
        self.attempts += 1
        token = _usable(self.line.token())
        permit = self.line.limiter.acquire(self.priority, self.line.cancelled, self.line.meter)
        started = self.line.clock.monotonic()
        response: Response | None = None
        try:
            response = self.line.wire.send(self.endpoint.method, self.path, self.query, self._headers(token), self.body)
        except TransportError as exc:
            raise _Failed(exc.error, done=exc.sent, again=True) from exc.__cause__
        finally:
            permit.done(response.headers if response else None)
            self._tell(response, started)
        return self._understand(response, token)

    def _headers(self, token: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {token}", "Version": self.endpoint.version}

    def _understand(self, response: Response, token: str) -> T:
        """The parsed good answer; raises _Failed for every other."""
        trace_id = _trace_id(response)
        reply = ErrorResponse.read(
            self.endpoint,
            response.status,
            b"" if response.status in self.endpoint.ok else response.body,
            sent=_names(self.body),
            trace_id=trace_id,
        )
        error = refusal(reply)
        if error is not None:
            raise self._failure(error, response, token)
        try:
            response.body.decode()
            parsed = self.parse(ApiResponse(self.endpoint.name, response.status, response.body, trace_id))
        except BrokenAnswer as exc:
            exc.status, exc.trace_id = response.status, trace_id
            raise _Failed(exc, done=True, again=True) from exc.__cause__
        except (ValueError, RecursionError) as exc:
            broken = BrokenAnswer(f"{self.endpoint.name}: HighLevel's answer is not readable", status=response.status)
            raise _Failed(broken, done=True, again=True) from exc
        return parsed

    def _failure(self, error: HighLevelError, response: Response, token: str) -> _Failed:
        if isinstance(error, RateLimited):
            return self._too_many(error, response)
        if isinstance(error, ScopeMissing):
            return _Failed(error, done=False, again=self._once())
        if isinstance(error, TokenRefused):
            if self.line.on_refused is not None and self.second_chance:
                self.line.on_refused(token)
            return _Failed(error, done=False, again=_usable(self.line.token()) != token and self._once())
        if response.status >= 500 or response.status in (408, 425):
            asked = retry_after(response.headers, self.line.clock.now()) if "Retry-After" in response.headers else 0.0
            return _Failed(error, done=True, again=True, after=asked)
        return _Failed(error, done=False, again=False)

    def _too_many(self, error: HighLevelError, response: Response) -> _Failed:
        seconds = retry_after(response.headers, self.line.clock.now())
        if self.line.limiter.daily_remaining == 0:
            spent = BudgetSpent("HighLevel says that this location's requests of the day are used up", status=429)
            return _Failed(spent, done=False, again=False)
        self.line.limiter.pause(seconds)
        return _Failed(error, done=False, again=True, after=seconds)

    def _once(self) -> bool:
        chance, self.second_chance = self.second_chance, False
        return chance

    def _may_repeat(self, exc: BaseException) -> bool:
        if not isinstance(exc, _Failed):
            return False
        self.maybe_done = self.maybe_done or exc.done
        return exc.again and (self.endpoint.repeatable or not self.maybe_done)

    def _final(self, failed: _Failed) -> HighLevelError:
        error = failed.error
        if not (self.endpoint.writes and self.maybe_done and failed.again):
            return error
        return AnswerLost(
            f"{self.endpoint.name}: sent, but whether it was done is not known. {error}",
            hint="Look in HighLevel whether it was done before trying again.",
            status=error.status,
            trace_id=error.trace_id,
        )

    def _tell(self, response: Response | None, started: float) -> None:
        milliseconds = round((self.line.clock.monotonic() - started) * 1000)
        status = response.status if response else 0
        name, method = self.endpoint.name, self.endpoint.method
        _log.debug("highlevel.request", endpoint=name, method=method, status=status, ms=milliseconds)
        if self.line.on_request is not None:
            trace_id = _trace_id(response) if response else ""
            self.line.on_request(SentRequest(name, method, status, milliseconds, self.attempts, trace_id))

    def _log_retry(self, state: tenacity.RetryCallState) -> None:
        failed = state.outcome.exception() if state.outcome else None
        reason = type(failed.error).__name__ if isinstance(failed, _Failed) else ""
        seconds = round(state.upcoming_sleep, 1)
        _log.info("highlevel.retry", endpoint=self.endpoint.name, attempt=self.attempts, reason=reason, wait=seconds)


def _pause(state: tenacity.RetryCallState) -> float:
    """What HighLevel asked to wait, plus full jitter (0 … 0.5 s, doubling up to 30 s)."""
    failed = state.outcome.exception() if state.outcome else None
    asked = failed.after if isinstance(failed, _Failed) else 0.0
    ceiling = FIRST_WAIT if asked else min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** (state.attempt_number - 1))
    return asked + random.uniform(0, ceiling)


def _usable(token: str) -> str:
    """The token, if it can stand in a header at all; the fault of a header would be told together with its value."""
    bare = token.strip()
    if not bare or not bare.isascii() or not bare.isprintable() or " " in bare:
        raise TokenRefused("There is no token, or it holds characters that no token has")
    return bare


def _trace_id(response: Response) -> str:
    return clean_id(response.headers.get("X-Trace-Id", ""))


def _names(body: Any) -> frozenset[str]:
    """The names of all properties of a body, at every depth."""
    if isinstance(body, Mapping):
        return frozenset(map(str, body)).union(*map(_names, body.values()))
    if isinstance(body, (list, tuple)):
        return frozenset().union(*map(_names, body))
    return frozenset()
