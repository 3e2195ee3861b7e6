"""When a session is surely on this machine."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hlcore.network_addresses import host_name, is_loopback_name, is_same_origin
from hlcore.ui.session import PROXY_HEADER_FAMILIES, PROXY_HEADERS, is_local

HERE = {"Host": "localhost:8501", "Origin": "http://localhost:8501"}


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost", "::1", "[::1]", "127.8.9.1", "::ffff:127.0.0.1"])
def test_a_loopback_address_is_local(address: str) -> None:
    assert is_local(address, None, HERE)


@pytest.mark.parametrize("address", [None, "", "0.0.0.0", "::", "192.168.1.5", "vault.example.com", "127.0.0.1.com"])
def test_any_other_address_is_not(address: str | None) -> None:
    assert not is_local(address, None, HERE)


@pytest.mark.parametrize("remote", ["10.0.0.7", "203.0.113.9", "fe80::1", "unknown"])
def test_a_connection_from_elsewhere_is_not_local(remote: str) -> None:
    assert not is_local("127.0.0.1", remote, HERE)


NAMED = (
    "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Server", "X-Forwarded",
    "X-Forwarded-Prefix", "X-Forwarded-User", "Forwarded", "Via", "X-Real-IP", "X-Cluster-Client-IP", "Fly-Client-IP",
    "CF-Connecting-IP", "CF-Ray", "True-Client-IP", "X-Client-IP", "Client-IP", "X-Envoy-External-Address",
    "X-Envoy-Original-Path", "X-Original-Host", "X-Original-Forwarded-For", "X-ProxyUser-Ip", "Tailscale-User-Login",
    "X-Amzn-Trace-Id",
)  # fmt: skip


@pytest.mark.parametrize("value", ["203.0.113.9", ""])
@pytest.mark.parametrize("header", [*NAMED, *PROXY_HEADERS, *(f"{family}x" for family in PROXY_HEADER_FAMILIES)])
def test_a_proxy_in_front_is_not_local(header: str, value: str) -> None:
    for spelled in (header.lower(), header.title(), header.upper()):
        assert not is_local("127.0.0.1", None, {**HERE, spelled: value})


@pytest.mark.parametrize(
    "header", ["User-Agent", "Cookie", "Sec-WebSocket-Key", "Accept-Language", "X-Xsrftoken", "DNT"]
)
def test_what_a_browser_sends_by_itself_is_no_proxy(header: str) -> None:
    assert is_local("127.0.0.1", None, {**HERE, header: "x"})


@pytest.mark.parametrize("name", ["Host", "Origin"])
@pytest.mark.parametrize(
    "value", ["vault.example.com", "https://vault.example.com", "http://127.0.0.1.nip.example:8501", ""]
)
def test_a_browser_that_names_another_host_is_not_local(name: str, value: str) -> None:
    assert not is_local("127.0.0.1", None, {**HERE, name: value})


@pytest.mark.parametrize("host", ["localhost:8501", "127.0.0.1:8501", "[::1]:8501", "LOCALHOST:8501", "localhost"])
def test_the_page_and_the_server_are_of_one_origin(host: str) -> None:
    assert is_local("127.0.0.1", "::1" if "::1" in host else "127.0.0.1", {"Host": host, "Origin": f"http://{host}"})


@pytest.mark.parametrize(
    "origin",
    ["http://localhost:8502", "http://localhost", "http://127.0.0.1:8501", "http://[::1]:8501", "null",
     "localhost:8501", "http://localhost:8501/", "http://localhost:8501?", "http://sam@localhost:8501", "http://localhost:8501.",
     "file://", "ftp://localhost:8501", "http://localhost:08501x", "http://localhost.:8501", "http:localhost:8501"],
)  # fmt: skip
def test_a_page_of_another_program_on_this_machine_is_not_local(origin: str) -> None:
    assert not is_local("127.0.0.1", None, {**HERE, "Origin": origin})


def test_a_default_port_need_not_be_named() -> None:
    assert is_same_origin("http://localhost", "localhost:80")
    assert is_same_origin("https://localhost:443", "localhost")
    assert not is_same_origin("https://localhost", "localhost:80")


ports = st.none() | st.integers(1, 65_535)
hosts = st.sampled_from(["localhost", "127.0.0.1", "[::1]", "vault.example.com", "xn--bcher-kva.example"])


@given(hosts, ports, hosts, ports, st.sampled_from(["http", "https"]))
def test_an_origin_is_the_same_exactly_when_host_and_port_are(
    host: str, port: int | None, other: str, other_port: int | None, scheme: str
) -> None:
    default = {"http": 80, "https": 443}[scheme]
    equal = host == other and (port or default) == (other_port or default)
    origin = f"{scheme}://{other}" + (f":{other_port}" if other_port else "")
    assert is_same_origin(origin, host + (f":{port}" if port else "")) is equal


@given(st.text(st.sampled_from("htps:/[]@#?.\\ \n%:-0129afx_é１"), max_size=20), st.text(max_size=20))
def test_no_text_is_of_the_same_origin_as_one_that_names_no_host(one: str, other: str) -> None:
    if is_same_origin(one, other):
        assert host_name(other)


@given(st.text(max_size=80))
def test_no_host_header_breaks_the_decision(text: str) -> None:
    assert is_local("127.0.0.1", None, {"Host": text}) in (True, False)


@given(st.ip_addresses())
def test_addresses_are_loopback_exactly_when_they_are(address: object) -> None:
    mapped = getattr(address, "ipv4_mapped", None) or address
    assert is_loopback_name(str(address)) is mapped.is_loopback
