"""Whether a delivery is genuine, and which event it holds."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hlcore.errors import SettingsError
from hlcore.highlevel.webhook_signature import Verifier, parse_event, record_in
from hlcore.sandbox.webhooks import SigningKeys
from hlcore.settings import Settings

EXAMPLES = Path(__file__).parents[3] / "shared" / "highlevel" / "webhook_examples.json"
BODY = b'{"type":"ContactDelete","locationId":"l1","id":"c1","timestamp":"2026-03-02T09:00:00Z","webhookId":"w1"}'


@pytest.fixture(scope="module")
def keys() -> SigningKeys:
    return SigningKeys()


@pytest.fixture(scope="module")
def verifier(keys: SigningKeys) -> Verifier:
    return Verifier.from_settings(Settings(webhook_key=keys.public_pem, webhook_legacy_key=keys.legacy_public_pem))


def test_highlevels_published_keys_are_the_default() -> None:
    found = Verifier.from_settings(Settings())
    assert found.current.public_bytes_raw().hex().startswith("8b61d1d6cacbe28d")
    assert found.legacy.key_size == 4096


def test_either_signature_will_do(verifier: Verifier, keys: SigningKeys) -> None:
    current, legacy = keys.sign(BODY), keys.sign_legacy(BODY)
    assert verifier.is_genuine(BODY, {"x-ghl-signature": current})
    assert verifier.is_genuine(BODY, {"x-wh-signature": legacy})
    assert verifier.is_genuine(BODY, {"x-ghl-signature": "N/A", "x-wh-signature": legacy})


@pytest.mark.parametrize("headers", [{}, {"x-ghl-signature": ""}, {"x-ghl-signature": "N/A"}, {"x-wh-signature": "é"}])
def test_no_usable_signature_is_none(verifier: Verifier, headers: dict[str, str]) -> None:
    assert not verifier.is_genuine(BODY, headers)


def test_the_signature_of_the_other_kind_is_none(verifier: Verifier, keys: SigningKeys) -> None:
    assert not verifier.is_genuine(BODY, {"x-wh-signature": keys.sign(BODY), "x-ghl-signature": keys.sign_legacy(BODY)})


def test_one_other_byte_is_another_body(verifier: Verifier, keys: SigningKeys) -> None:
    headers = {"x-ghl-signature": keys.sign(BODY), "x-wh-signature": keys.sign_legacy(BODY)}
    assert not verifier.is_genuine(BODY + b" ", headers)


@given(st.binary(max_size=200), st.text(max_size=90), st.text(max_size=90))
def test_whatever_is_sent_is_only_ever_true_or_false(verifier: Verifier, body: bytes, one: str, other: str) -> None:
    assert not verifier.is_genuine(body, {"x-ghl-signature": one, "x-wh-signature": other})


@pytest.mark.parametrize("name", ["webhook_key", "webhook_legacy_key"])
def test_a_wrong_key_names_its_setting(name: str, keys: SigningKeys) -> None:
    for wrong in ("nonsense", keys.legacy_public_pem if name == "webhook_key" else keys.public_pem):
        with pytest.raises(SettingsError, match=f"HLCORE_{name.upper()}"):
            Verifier.from_settings(Settings(**{name: wrong}))


def test_a_key_may_come_on_one_line(keys: SigningKeys) -> None:
    bare = "".join(keys.public_pem.splitlines()[1:-1])
    for text in (keys.public_pem.replace("\n", "\\n"), bare):
        found = Verifier.from_settings(Settings(webhook_key=text))
        assert found.is_genuine(BODY, {"x-ghl-signature": keys.sign(BODY)})


def test_a_deletion_says_which_contact_and_when() -> None:
    found = parse_event(BODY)
    assert found
    assert (found.type, found.webhook_id, found.location_id, found.contact_id) == ("ContactDelete", "w1", "l1", "c1")
    assert found.sent_at == datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_without_an_id_of_its_own_a_delivery_is_known_by_its_bytes() -> None:
    one, same, other = (parse_event(body) for body in (b'{"type":"X"}', b'{"type":"X"}', b'{"type":"X" }'))
    assert one
    assert same
    assert other
    assert one.webhook_id == same.webhook_id != other.webhook_id
    assert (one.sent_at, one.contact_id, one.location_id) == (None, "", "")


@given(st.binary(max_size=300) | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(str).map(str.encode))
def test_no_body_breaks_the_reader(body: bytes) -> None:
    assert parse_event(body) is None or parse_event(body).type


def test_every_published_example_says_what_it_is_about() -> None:
    if not EXAMPLES.exists():
        pytest.skip("HighLevel's example payloads are not beside this checkout")
    for name, examples in json.loads(EXAMPLES.read_text()).items():
        for example in examples:
            found = parse_event(json.dumps(example).encode())
            assert found, name
            assert found.type == example["type"], name
            assert found.location_id or found.company_id, name
            if name.startswith(("Contact", "Note", "Task", "Opportunity", "Appointment", "Inbound", "Outbound")):
                assert found.contact_id, name


def test_a_snapshot_keeps_the_bytes_and_leaves_the_envelope() -> None:
    body = b'{"type":"ContactDelete","id":"c1","dnd": true ,"name":"\xc3\x89va","timestamp":"t","webhookId":"w"}'
    assert record_in(body) == b'{"id":"c1","dnd":true,"name":"\xc3\x89va"}'
