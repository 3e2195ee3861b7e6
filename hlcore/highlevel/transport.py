"""One request and its answer, in bytes. The only module that names httpx; its exceptions end here."""

from __future__ import annotations

import logging
import ssl
import threading
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlencode

import httpx

from hlcore.errors import BrokenAnswer, HighLevelError, SettingsError, Unreachable
from hlcore.highlevel.clock import Clock
from hlcore.model.json_codec import encode
from hlcore.network_addresses import check_web_address, is_loopback_name

POOL_SIZE = 16
MAX_ANSWER_BYTES = 64 * 1024 * 1024
CONNECT_SECONDS = 10.0
WHOLE_ANSWER_TIMEOUTS = 4.0
"""An answer that keeps trickling is given up after this multiple of the time-out."""

_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer of any status, its body decompressed."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Form(dict[str, str]):
    """A body that is sent as a form."""


class TransportError(Exception):
    """A request ended without a whole answer. `sent` is False when it certainly never reached HighLevel."""

    def __init__(self, error: HighLevelError, *, sent: bool) -> None:
        super().__init__(str(error))
        self.error = error
        self.sent = sent


class _AddressFilter(logging.Filter):
    """Drops httpx's log line of each request: its address may hold an e-mail."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.WARNING


logging.getLogger("httpx").addFilter(_AddressFilter())


@cache
def _ssl_context() -> ssl.SSLContext:
    """Return the trusted certificates; cached, because loading them takes as long as some requests."""
    return httpx.create_ssl_context()


class Transport:
    """The connections to one HighLevel address. Thread-safe; counts the requests that it sends."""

    def __init__(self, base_url: str, clock: Clock, timeout: float, transport: httpx.BaseTransport | None) -> None:
        self._base_url = _base_url(base_url)
        self._clock = clock
        self._timeout = timeout
        self._lock = threading.Lock()
        self._requests = 0
        limits = httpx.Limits(max_connections=POOL_SIZE, max_keepalive_connections=POOL_SIZE, keepalive_expiry=20)
        self._client = httpx.Client(
            transport=transport,
            verify=_ssl_context(),
            limits=limits,
            timeout=httpx.Timeout(timeout, connect=min(CONNECT_SECONDS, timeout)),
            follow_redirects=False,
            trust_env=not is_loopback_name(self._base_url.host),
            headers={"Accept": "application/json", "User-Agent": "contact-vault"},
        )

    @property
    def requests(self) -> int:
        """Number of requests sent."""
        return self._requests

    def close(self) -> None:
        """Close all connections. May be repeated."""
        self._client.close()

    def send(self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: Any) -> Response:
        """Send the request and return its answer. A `Form` body is sent as a form, any other as JSON. Redirects are not
        followed. Raises TransportError."""
        content, content_type = _encode_body(body)
        with self._lock:
            self._requests += 1
        try:
            url = self._base_url.copy_with(raw_path=self._base_url.raw_path.rstrip(b"/") + path.encode("ascii"))
            request = self._client.build_request(
                method, url, params=query or None, headers={**headers, **content_type}, content=content
            )
            return self._receive(request)
        except _NOT_SENT as exc:
            error = Unreachable(f"HighLevel could not be reached ({_describe(exc)})")
            raise TransportError(error, sent=False) from exc
        except (httpx.DecodingError, zlib.error) as exc:
            raise TransportError(BrokenAnswer("HighLevel's answer could not be unpacked"), sent=True) from exc
        except httpx.TimeoutException as exc:
            raise TransportError(Unreachable("HighLevel did not answer in time"), sent=True) from exc
        except httpx.RemoteProtocolError as exc:
            raise TransportError(BrokenAnswer("HighLevel's answer broke off"), sent=True) from exc
        except (httpx.TransportError, httpx.StreamError) as exc:
            raise TransportError(
                Unreachable(f"The connection to HighLevel broke ({_describe(exc)})"), sent=True
            ) from exc

    def _receive(self, request: httpx.Request) -> Response:
        response = self._client.send(request, stream=True)
        deadline = self._clock.monotonic() + WHOLE_ANSWER_TIMEOUTS * self._timeout
        body = bytearray()
        try:
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > MAX_ANSWER_BYTES:
                    raise TransportError(BrokenAnswer("HighLevel's answer is larger than 64 MB"), sent=True)
                if self._clock.monotonic() > deadline:
                    raise TransportError(Unreachable("HighLevel's answer did not end in time"), sent=True)
        finally:
            response.close()
        return Response(response.status_code, response.headers, bytes(body))


def _encode_body(body: Any) -> tuple[bytes | None, dict[str, str]]:
    if body is None:
        return None, {}
    if isinstance(body, Form):
        return urlencode(body).encode(), {"Content-Type": "application/x-www-form-urlencoded"}
    return encode(body), {"Content-Type": "application/json"}


def _base_url(text: str) -> httpx.URL:
    """Return the address. Raises SettingsError, also for plain http to another machine: it would show the token."""
    try:
        address = check_web_address(text, secure=True)
        if "?" in address:
            raise ValueError("an address must not have a part behind ?")
        return httpx.URL(address)
    except (ValueError, httpx.InvalidURL) as exc:
        reason = str(exc) if type(exc) is ValueError else "no address"
        raise SettingsError(f"HLCORE_API_URL: {reason}.", hint="It must start with https:// and name a host.") from None


def _describe(exc: Exception) -> str:
    """Return the kind of fault in words; its own text could hold an address."""
    words = {"ConnectTimeout": "time-out", "PoolTimeout": "all connections busy", "ConnectError": "no connection"}
    return words.get(type(exc).__name__, type(exc).__name__)
