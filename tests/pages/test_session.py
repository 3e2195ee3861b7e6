"""When a session is surely on this machine."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hlcore.ui.session import PROXY_HEADERS, is_local, is_loopback_name

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


@pytest.mark.parametrize("header", PROXY_HEADERS)
def test_a_proxy_in_front_is_not_local(header: str) -> None:
    assert not is_local("127.0.0.1", None, {**HERE, header.title(): "203.0.113.9"})


@pytest.mark.parametrize("name", ["Host", "Origin"])
@pytest.mark.parametrize(
    "value", ["vault.example.com", "https://vault.example.com", "http://127.0.0.1.nip.example:8501"]
)
def test_a_browser_that_names_another_host_is_not_local(name: str, value: str) -> None:
    assert not is_local("127.0.0.1", None, {**HERE, name: value})


@given(st.text(max_size=80))
def test_no_host_header_breaks_the_decision(text: str) -> None:
    assert is_local("127.0.0.1", None, {"Host": text}) in (True, False)


@given(st.ip_addresses())
def test_addresses_are_loopback_exactly_when_they_are(address: object) -> None:
    mapped = getattr(address, "ipv4_mapped", None) or address
    assert is_loopback_name(str(address)) is mapped.is_loopback
