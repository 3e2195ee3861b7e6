"""Allow-lists compare addresses strictly: what merely looks alike does not get in."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hlcore.governance.email_addresses import canonical_address, canonical_domain, is_in_domains, is_listed

LOCAL = st.from_regex(r"[a-z0-9][a-z0-9._+-]{0,20}", fullmatch=True)
DOMAIN = st.from_regex(r"[a-z0-9]{1,10}\.(com|org|example)", fullmatch=True)


@given(LOCAL, DOMAIN)
def test_a_plain_address_is_its_own_canonical_form(local: str, domain: str) -> None:
    assert canonical_address(f"{local}@{domain}") == f"{local}@{domain}"


@given(LOCAL, DOMAIN, st.text(" \t\r\n", max_size=3), st.text(" \t\r\n", max_size=3))
def test_case_and_blanks_around_it_do_not_matter(local: str, domain: str, before: str, after: str) -> None:
    assert is_listed(f"{before}{local}@{domain}{after}".upper(), [f"{local}@{domain}"])


@given(st.text())
@example("a@b.com\n@evil.com")
def test_canonical_is_stable(text: str) -> None:
    once = canonical_address(text)
    assert canonical_address(once) == once


@given(st.text())
def test_an_address_of_a_domain_ends_in_exactly_that_domain(text: str) -> None:
    address = canonical_address(text)
    assert is_in_domains(text, ["allowed.com"]) == address.endswith("@allowed.com")
    assert address.count("@") in (0, 1)


@given(st.text(), st.text(min_size=1))
def test_whatever_stands_before_or_after_the_domain_keeps_it_out(before: str, after: str) -> None:
    assert not is_in_domains(f"mara@{before}x.allowed.com", ["allowed.com"])
    assert not is_in_domains(f"mara@allowed.com{after}x", ["allowed.com"]) or after.strip(" \t\r\n") == ""


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("mara@allowed.com@evil.com", id="two_at_signs"),
        pytest.param("mara@evil.com@allowed.com", id="two_at_signs_allowed_last"),
        pytest.param("mara@sub.allowed.com", id="subdomain"),
        pytest.param("mara@notallowed.com", id="ends_alike"),
        pytest.param("mara@allowed.com.evil.com", id="begins_alike"),
        pytest.param("mara@allowed.com.", id="trailing_dot"),
        pytest.param("mara@allowed.com\n@evil.com", id="newline"),
        pytest.param("mara@evil.com\n@allowed.com", id="newline_allowed_last"),
        pytest.param("mara@allowed.com\x00.evil.com", id="nul"),
        pytest.param('"mara@evil.com"@allowed.com', id="quoted_local_part"),
        pytest.param("mara(comment)@allowed.com", id="comment"),
        pytest.param("Mara <mara@allowed.com>", id="display_name"),
        pytest.param("mara@evil.com,mara@allowed.com", id="list"),
        pytest.param("mara @allowed.com", id="inner_blank"),
        pytest.param("mara@\u0430llowed.com", id="cyrillic_a"),
        pytest.param("mara@\uff41llowed.com", id="full_width"),
        pytest.param("mara@allowed\u3002com", id="ideographic_stop"),
        pytest.param("mara@allowed\u200b.com", id="zero_width"),
        pytest.param("mara@\u202eallowed.com", id="turned_direction"),
        pytest.param("mara\uff20allowed.com", id="full_width_at"),
        pytest.param("@allowed.com", id="no_local_part"),
        pytest.param("allowed.com", id="no_at"),
        pytest.param("", id="empty"),
    ],
)
def test_lookalikes_of_an_allowed_domain_stay_out(address: str) -> None:
    assert not is_in_domains(address, ["allowed.com"])


def test_the_kelvin_sign_is_no_k() -> None:
    assert not is_in_domains("mara@bank\u212a.com".replace("k\u212a", "\u212a"), ["bank.com"])
    assert not is_listed("\u212aim@allowed.com", ["kim@allowed.com"])


def test_plus_addresses_are_other_addresses() -> None:
    assert not is_listed("mara+x@allowed.com", ["mara@allowed.com"])


def test_an_international_domain_may_be_listed_in_either_spelling() -> None:
    for listed in ("bücher.example", "xn--bcher-kva.example", "@Bücher.example"):
        assert is_in_domains("mara@bücher.example", [listed.lower()])
        assert is_in_domains("mara@XN--bcher-kva.example", [listed.lower()])


@pytest.mark.parametrize("given_", ["@allowed.com", " allowed.com ", "ALLOWED.com"])
def test_domains_may_be_listed_as_people_write_them(given_: str) -> None:
    assert canonical_domain(given_) == "allowed.com"


@pytest.mark.parametrize("given_", ["*", "*.com", "com", "", "@", "a..com", "-a.com", "a@b.com"])
def test_a_pattern_is_no_domain(given_: str) -> None:
    assert canonical_domain(given_) == ""
