"""One call: its attempts, the delays between them, and the error that remains."""

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
from hlcore.highlevel.error_mapping import ErrorResponse, clean_id, to_error
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
"""Writes to the standard library's logging, never to standard output, where commands print their results."""

FIRST_DELAY = 0.5
LONGEST_DELAY = 30.0


@dataclass(slots=True)
class ClientState:
    """What all calls of a client share. `meter` is called before each request, `on_refused` with a refused token."""

    transport: Transport
    limiter: Limiter
    clock: Clock
    token: Callable[[], str]
    retries: int
    on_request: Callable[[SentRequest], None] | None
    cancelled: Callable[[], bool] | None
    meter: Callable[[], None] | None = None
    on_refused: Callable[[str], None] | None = None


class _Failed(Exception):
    """An attempt failed. `maybe_done`: HighLevel may have carried it out. `can_retry`: another attempt may succeed,
    after `delay` seconds where HighLevel asked for them."""

    def __init__(self, error: HighLevelError, *, maybe_done: bool, can_retry: bool, delay: float = 0.0) -> None:
        super().__init__(str(error))
        self.error = error
        self.maybe_done = maybe_done
        self.can_retry = can_retry
        self.delay = delay


@dataclass(slots=True)
class ApiCall(Generic[T]):
    """One call to HighLevel, `parse` included: an answer that cannot be parsed is a failed attempt."""

    state: ClientState
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
        """Return the parsed answer.

        A read, or a write that may be repeated, is tried again after every temporary failure; another write only while
        it was certainly not carried out. Raises AnswerLost when a write may or may not have been carried out, otherwise
        the error of the last attempt.
        """
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(self.state.retries + 1),
            wait=_retry_delay,
            retry=tenacity.retry_if_exception(self._may_repeat),
            sleep=lambda seconds: wait(self.state.clock, seconds, self.state.cancelled),
            before_sleep=self._log_retry,
            reraise=True,
        )
        try:
            return retrying(self._attempt)
        except _Failed as failed:
            raise self._final_error(failed) from failed.__cause__

    def _attempt(self) -> T:
        self.attempts += 1
        token = _checked_token(self.state.token())
        permit = self.state.limiter.acquire(self.priority, self.state.cancelled, self.state.meter)
        started = self.state.clock.monotonic()
        response: Response | None = None
        try:
            response = self.state.transport.send(
                self.endpoint.method, self.path, self.query, self._headers(token), self.body
            )
        except TransportError as exc:
            raise _Failed(exc.error, maybe_done=exc.sent, can_retry=True) from exc.__cause__
        finally:
            permit.release(response.headers if response else None)
            self._report(response, started)
        return self._parse_response(response, token)

    def _headers(self, token: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {token}", "Version": self.endpoint.version}

    def _parse_response(self, response: Response, token: str) -> T:
        """Return the parsed good answer. Raises _Failed for every other."""
        trace_id = _trace_id(response)
        reply = ErrorResponse.parse(
            self.endpoint,
            response.status,
            b"" if response.status in self.endpoint.ok else response.body,
            sent=_property_names(self.body),
            trace_id=trace_id,
        )
        error = to_error(reply)
        if error is not None:
            raise self._failure(error, response, token)
        try:
            parsed = self.parse(ApiResponse(self.endpoint.name, response.status, response.body, trace_id))
        except BrokenAnswer as exc:
            exc.status, exc.trace_id = response.status, trace_id
            raise _Failed(exc, maybe_done=True, can_retry=True) from exc.__cause__
        except (ValueError, RecursionError) as exc:
            broken = BrokenAnswer(f"{self.endpoint.name}: HighLevel's answer is not readable", status=response.status)
            raise _Failed(broken, maybe_done=True, can_retry=True) from exc
        return parsed

    def _failure(self, error: HighLevelError, response: Response, token: str) -> _Failed:
        if isinstance(error, RateLimited):
            return self._rate_limited(error, response)
        if isinstance(error, ScopeMissing):
            return _Failed(error, maybe_done=False, can_retry=self._use_second_chance())
        if isinstance(error, TokenRefused):
            if self.state.on_refused is not None and self.second_chance:
                self.state.on_refused(token)
            return _Failed(
                error,
                maybe_done=False,
                can_retry=_checked_token(self.state.token()) != token and self._use_second_chance(),
            )
        if response.status >= 500 or response.status in (408, 425):
            asked = retry_after(response.headers, self.state.clock.now()) if "Retry-After" in response.headers else 0.0
            return _Failed(error, maybe_done=True, can_retry=True, delay=asked)
        return _Failed(error, maybe_done=False, can_retry=False)

    def _rate_limited(self, error: HighLevelError, response: Response) -> _Failed:
        seconds = retry_after(response.headers, self.state.clock.now())
        if self.state.limiter.daily_remaining == 0:
            spent = BudgetSpent("HighLevel says that this location's requests of the day are used up", status=429)
            return _Failed(spent, maybe_done=False, can_retry=False)
        self.state.limiter.pause(seconds)
        return _Failed(error, maybe_done=False, can_retry=True, delay=seconds)

    def _use_second_chance(self) -> bool:
        chance, self.second_chance = self.second_chance, False
        return chance

    def _may_repeat(self, exc: BaseException) -> bool:
        if not isinstance(exc, _Failed):
            return False
        self.maybe_done = self.maybe_done or exc.maybe_done
        return exc.can_retry and (self.endpoint.repeatable or not self.maybe_done)

    def _final_error(self, failed: _Failed) -> HighLevelError:
        error = failed.error
        if not (self.endpoint.writes and self.maybe_done and failed.can_retry):
            return error
        return AnswerLost(
            f"{self.endpoint.name}: sent, but whether it was done is not known. {error}",
            hint="Check in HighLevel whether it was done before trying again.",
            status=error.status,
            trace_id=error.trace_id,
        )

    def _report(self, response: Response | None, started: float) -> None:
        milliseconds = round((self.state.clock.monotonic() - started) * 1000)
        status = response.status if response else 0
        name, method = self.endpoint.name, self.endpoint.method
        _log.debug("highlevel.request", endpoint=name, method=method, status=status, ms=milliseconds)
        if self.state.on_request is not None:
            trace_id = _trace_id(response) if response else ""
            self.state.on_request(SentRequest(name, method, status, milliseconds, self.attempts, trace_id))

    def _log_retry(self, retry_state: tenacity.RetryCallState) -> None:
        failed = retry_state.outcome.exception() if retry_state.outcome else None
        reason = type(failed.error).__name__ if isinstance(failed, _Failed) else ""
        seconds = round(retry_state.upcoming_sleep, 1)
        _log.info("highlevel.retry", endpoint=self.endpoint.name, attempt=self.attempts, reason=reason, wait=seconds)


def _retry_delay(retry_state: tenacity.RetryCallState) -> float:
    """Return what HighLevel asked to wait, plus full jitter (0 … 0.5 s, doubling up to 30 s)."""
    failed = retry_state.outcome.exception() if retry_state.outcome else None
    asked = failed.delay if isinstance(failed, _Failed) else 0.0
    ceiling = FIRST_DELAY if asked else min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** (retry_state.attempt_number - 1))
    return asked + random.uniform(0, ceiling)


def _checked_token(token: str) -> str:
    """Return the token. Raises TokenRefused for one that cannot be a header: httpx would quote it in its error."""
    stripped = token.strip()
    if not stripped or not stripped.isascii() or not stripped.isprintable() or " " in stripped:
        raise TokenRefused("There is no token, or it holds characters that no token has")
    return stripped


def _trace_id(response: Response) -> str:
    return clean_id(response.headers.get("X-Trace-Id", ""))


def _property_names(body: Any) -> frozenset[str]:
    """Return the names of all properties of a body, at every depth."""
    if isinstance(body, Mapping):
        return frozenset(map(str, body)).union(*map(_property_names, body.values()))
    if isinstance(body, (list, tuple)):
        return frozenset().union(*map(_property_names, body))
    return frozenset()
