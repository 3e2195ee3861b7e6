"""A file's name says what, of which account and when, in characters that every system allows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hlcore.export.file_names import MAX_BYTES, file_name, safe_part
from hlcore.store import Vault, locations
from hlcore.store.locations import Location

AT = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
FORBIDDEN = set('<>:"/\\|?*\0')


@pytest.fixture
def location(vault: Vault) -> Location:
    with vault.write() as tx:
        locations.connect(tx, "loc1", name="x", timezone="Asia/Tokyo", company_id="", token=b"x", at=AT, raw=None)
    with vault.read() as tx:
        return locations.list_all(tx)[0]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Harbor & Pine: Recruiting/", "Harbor-Pine-Recruiting"),
        ("  Müller—Łódź  ", "Müller-Łódź"),
        ("株式会社 例", "株式会社-例"),
        ("हिन्दी क्लिनिक", "हिन्दी-क्लिनिक"),
        ("../../etc/passwd", "etc-passwd"),
        ("CON", "CON-account"),
        ("lpt9", "lpt9-account"),
        ("aux.csv", "aux-csv"),
        ("\u202egnp.exe", "gnp-exe"),
        ("😀", "loc1"),
        ("", "loc1"),
    ],
)
def test_the_account_stands_in_its_own_script(location: Location, name: str, expected: str) -> None:
    named = file_name("all contacts", [replace(location, name=name)], AT)
    assert named == f"contact-vault-all-contacts-{expected}-2026-11-24-0830.csv"


def test_several_accounts_are_counted_and_timed_by_their_common_clock(location: Location) -> None:
    pair = [location, replace(location, location_id="loc2")]
    assert file_name("notes", pair, AT, suffix="exact") == "contact-vault-notes-2-accounts-2026-11-24-0830-exact.csv"
    apart = [location, replace(location, timezone="America/Chicago")]
    assert file_name("restore 3", apart, AT, extension="html").endswith("-2026-11-23-2330.html")


@given(st.text(max_size=300))
def test_no_name_is_refused_by_a_file_system(name: str) -> None:
    part = safe_part(name)
    assert not FORBIDDEN & set(part)
    assert len(part.encode()) <= MAX_BYTES + len("-account")
    assert part == part.strip(" .")
    assert all(char.isprintable() for char in part)
