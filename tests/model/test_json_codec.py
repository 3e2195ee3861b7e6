"""What each policy of the JSON codec accepts, and what it does with the rest."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hlcore.model.json_codec import (
    decode_lossy,
    decode_lossy_object,
    decode_object,
    decode_strict,
    decode_tolerant,
    encode,
    encode_sorted,
)

UNREADABLE = [b"", b"{", b"no", b'{"a":"\xff"}', b'"a"\x00', b"[" * 100_000]
IDS = ["empty", "cut", "words", "not utf-8", "nul", "deep"]
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)


@given(values)
def test_what_is_encoded_is_decoded(value: Any) -> None:
    assert decode_strict(encode(value)) == decode_tolerant(encode_sorted(value)) == decode_lossy(encode(value)) == value


@pytest.mark.parametrize("raw", UNREADABLE, ids=IDS)
def test_strict_decoding_raises(raw: bytes) -> None:
    for decode in (decode_strict, decode_tolerant):
        with pytest.raises(ValueError):
            decode(raw)


@pytest.mark.parametrize("raw", [*UNREADABLE, b"[1]", b"null", b"7"], ids=[*IDS, "list", "null", "number"])
def test_what_is_no_object_has_no_members(raw: bytes) -> None:
    assert decode_object(raw) == {}


@pytest.mark.parametrize("decode", [decode_strict, decode_tolerant, decode_object, decode_lossy, decode_lossy_object])
def test_half_an_emoji_is_read_and_written_back(decode: Any) -> None:
    raw = b'{"name":"\\ud83d"}'
    assert decode(raw) == {"name": "\ud83d"}
    assert encode(decode(raw)) == raw


def test_only_tolerant_decoding_reads_what_json_does_not_know() -> None:
    assert decode_tolerant(b'{"a":Infinity}') == decode_object(b'{"a":Infinity}') == {"a": float("inf")}
    with pytest.raises(ValueError, match="Infinity"):
        decode_strict(b'{"a":Infinity}')


def test_lossy_decoding_marks_broken_characters() -> None:
    assert decode_lossy(b'{"a":"x\xff"}') == decode_lossy_object(b'{"a":"x\xff"}') == {"a": "x\ufffd"}
    assert decode_lossy(b"{") is None
    assert decode_lossy_object(b"[1]") == {}


def test_sorted_bytes_do_not_depend_on_the_order_of_keys() -> None:
    assert encode_sorted({"b": 1, "a": [2]}) == encode_sorted(json.loads('{"a": [2], "b": 1}'))
