"""One request and its answer, in bytes. The only module that names httpx; its exceptions end here."""

from __future__ import annotations

import ipaddress
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
from hlcore.model.records import encode

POOL_SIZE = 16
LARGEST_ANSWER = 64 * 1024 * 1024
CONNECT_SECONDS = 10.0
WHOLE_ANSWER = 4.0
"""An answer that keeps trickling is given up after so many times the time-out."""

_UNSENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer of any status, its body decompressed."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Form(dict[str, str]):
    """A body that is sent as a form."""


class TransportError(Exception):
    """A request ended without a whole answer. `sent` is False when it surely never reached HighLevel."""

    def __init__(self, error: HighLevelError, *, sent: bool) -> None:
        super().__init__(str(error))
        self.error = error
        self.sent = sent


class _AddressFilter(logging.Filter):
    """httpx logs the whole address of each request, in which an e-mail may stand; that line is dropped."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.WARNING


logging.getLogger("httpx").addFilter(_AddressFilter())


@cache
def _trusted() -> ssl.SSLContext:
    """Which servers are believed; read once, because loading the certificates takes as long as some requests."""
    return httpx.create_ssl_context()


class Transport:
    """The connections to one HighLevel address. Thread-safe; counts what is really sent."""

    def __init__(self, base_url: str, clock: Clock, timeout: float, transport: httpx.BaseTransport | None) -> None:
        self._base = _base(base_url)
        self._clock = clock
        self._timeout = timeout
        self._lock = threading.Lock()
        self._requests = 0
        limits = httpx.Limits(max_connections=POOL_SIZE, max_keepalive_connections=POOL_SIZE, keepalive_expiry=20)
        self._client = httpx.Client(
            transport=transport,
            verify=_trusted(),
            limits=limits,
            timeout=httpx.Timeout(timeout, connect=min(CONNECT_SECONDS, timeout)),
            follow_redirects=False,
            trust_env=not _is_loopback(self._base.host),
            headers={"Accept": "application/json", "User-Agent": "contact-vault"},
        )

    @property
    def requests(self) -> int:
        """How many requests were really sent."""
        return self._requests

    def close(self) -> None:
        """All connections are closed. May be repeated."""
        self._client.close()

    def send(self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: Any) -> Response:
        """The answer to this request; a `body` of the type Form is sent as a form, else as JSON. Redirects are not
        followed. Raises NoAnswer."""
        content, typed = _content(body)
        with self._lock:
            self._requests += 1
        try:
            url = self._base.copy_with(raw_path=self._base.raw_path.rstrip(b"/") + path.encode("ascii"))
            request = self._client.build_request(
                method, url, params=query or None, headers={**headers, **typed}, content=content
            )
            return self._receive(request)
        except _UNSENT as exc:
            error = Unreachable(f"HighLevel could not be reached ({_kind(exc)})")
            raise TransportError(error, sent=False) from exc
        except (httpx.DecodingError, zlib.error) as exc:
            raise TransportError(BrokenAnswer("HighLevel's answer could not be unpacked"), sent=True) from exc
        except httpx.TimeoutException as exc:
            raise TransportError(Unreachable("HighLevel did not answer in time"), sent=True) from exc
        except httpx.RemoteProtocolError as exc:
            raise TransportError(BrokenAnswer("HighLevel's answer broke off"), sent=True) from exc
        except (httpx.TransportError, httpx.StreamError) as exc:
            raise TransportError(Unreachable(f"The connection to HighLevel broke ({_kind(exc)})"), sent=True) from exc

    def _receive(self, request: httpx.Request) -> Response:
        response = self._client.send(request, stream=True)
        ends = self._clock.monotonic() + WHOLE_ANSWER * self._timeout
        body = bytearray()
        try:
            for piece in response.iter_bytes():
                body += piece
                if len(body) > LARGEST_ANSWER:
                    raise TransportError(BrokenAnswer("HighLevel's answer is larger than 64 MB"), sent=True)
                if self._clock.monotonic() > ends:
                    raise TransportError(Unreachable("HighLevel's answer did not end in time"), sent=True)
        finally:
            response.close()
        return Response(response.status_code, response.headers, bytes(body))


def _content(body: Any) -> tuple[bytes | None, dict[str, str]]:
    if body is None:
        return None, {}
    if isinstance(body, Form):
        return urlencode(body).encode(), {"Content-Type": "application/x-www-form-urlencoded"}
    return encode(body), {"Content-Type": "application/json"}


def _base(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as exc:
        raise SettingsError("HLCORE_API_URL is no address", hint="It must start with https://") from exc
    if url.scheme not in ("https", "http") or not url.host or url.userinfo or url.query:
        raise SettingsError("HLCORE_API_URL is no plain address", hint="It must start with https:// and name a host.")
    return url


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _kind(exc: Exception) -> str:
    """The class of the fault in words; its text could hold an address."""
    words = {
        "ConnectTimeout": "time-out",
        "PoolTimeout": "all connections busy",
        "ConnectError": "no connection",
    }
    return words.get(type(exc).__name__, type(exc).__name__)
