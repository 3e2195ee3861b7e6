"""Texts that both databases hold alike, and the key of the vault."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hlcore.errors import SettingsError
from hlcore.store.encryption import FILE_NAME, Cipher
from hlcore.store.text import checksum, clean, dump_json, fit, is_clean

anything = st.text(st.characters(codec=None, categories=None))


@given(anything)
def test_a_cleaned_text_is_clean_and_a_clean_one_stays(text: str) -> None:
    assert is_clean(clean(text))
    assert clean(text) == text or not is_clean(text)


@given(anything, st.sampled_from([16, 64, 80, 255]))
def test_a_fitted_text_fits(text: str, limit: int) -> None:
    assert len(fit(text, limit)) <= limit
    assert is_clean(fit(text, limit))


@given(st.text(min_size=256, max_size=400), st.text(min_size=1))
def test_long_texts_that_differ_at_their_end_still_differ(text: str, end: str) -> None:
    assert clean(text) == clean(text + end) or fit(text, 255) != fit(text + end, 255)


@given(anything)
def test_a_checksum_is_a_signed_32_bit_number(text: str) -> None:
    value = checksum(text)
    assert (value is None) == (not text)
    assert value is None or -(2**31) <= value < 2**31


values = st.recursive(
    st.none() | st.booleans() | st.integers() | anything,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(anything, inner, max_size=3),
    max_leaves=8,
)


@given(values)
def test_written_json_is_clean_and_says_the_same_but_for_what_no_database_holds(value: object) -> None:
    written = dump_json(value)
    assert is_clean(written)
    assert "\\u0000" not in written.replace("\\\\", "")
    if json.loads(json.dumps(value)) == json.loads(written):
        return
    assert "\\u0000" in json.dumps(value) or "\\ud" in json.dumps(value)


def test_a_secret_is_readable_only_with_its_key(tmp_path: Path) -> None:
    cipher = Cipher.load("", tmp_path)
    hidden = cipher.encrypt("pit-1234")
    assert b"pit" not in hidden
    assert Cipher.load("", tmp_path).decrypt(hidden) == "pit-1234"
    with pytest.raises(SettingsError, match="another key"):
        Cipher("other").decrypt(hidden)


def test_a_key_from_the_settings_still_reads_what_the_kept_one_wrote(tmp_path: Path) -> None:
    hidden = Cipher.load("", tmp_path).encrypt("pit-1234")
    cipher = Cipher.load("my own secret", tmp_path)
    assert cipher.decrypt(hidden) == "pit-1234"
    assert Cipher("my own secret").decrypt(cipher.encrypt("new")) == "new"


def test_the_kept_key_is_its_owner_s_alone(tmp_path: Path) -> None:
    Cipher.load("", tmp_path / "data")
    assert (tmp_path / "data" / FILE_NAME).stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path / "data") == [FILE_NAME]


def test_all_who_start_at_once_have_the_same_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        ciphers = list(pool.map(lambda _: Cipher.load("", tmp_path), range(8)))
    assert {cipher.decrypt(ciphers[0].encrypt("x")) for cipher in ciphers} == {"x"}


@pytest.mark.parametrize("content", ["", "  \n"])
def test_an_empty_key_file_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE_NAME).write_text(content)
    with pytest.raises(SettingsError, match="empty"):
        Cipher.load("", tmp_path)


def test_a_key_never_shows(tmp_path: Path) -> None:
    assert repr(Cipher.load("my own secret", tmp_path)) == "<Cipher>"
