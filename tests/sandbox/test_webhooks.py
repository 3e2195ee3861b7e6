from __future__ import annotations

import base64
import json

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import load_pem_public_key


def test_events_are_signed_over_their_exact_bytes(location, sandbox):
    id_ = location.create(firstName="Ana", email="a@example.com")
    location.delete(id_)
    event = location.events[-1]
    headers = event.headers(legacy=True)
    assert (event.type, event.payload["id"], event.payload["email"]) == ("ContactDelete", id_, "a@example.com")
    current, legacy = (
        load_pem_public_key(pem.encode()) for pem in (sandbox.keys.public_pem, sandbox.keys.legacy_public_pem)
    )
    current.verify(base64.b64decode(headers["X-GHL-Signature"]), event.body)
    signature = base64.b64decode(headers["X-WH-Signature"])
    legacy.verify(signature, event.body, padding.PKCS1v15(), hashes.SHA256())
    with pytest.raises(InvalidSignature):
        current.verify(base64.b64decode(headers["X-GHL-Signature"]), event.body + b" ")


def test_every_change_leaves_its_event(location):
    id_ = location.create(firstName="Ana")
    location.edit(id_, tags=["x"], dnd=True)
    location.add_note(id_, "n")
    location.add_task(id_, "t")
    location.add_opportunity(id_, "o")
    location.add_appointment(id_, None)
    location.add_message(id_, "m")
    assert [event.type for event in location.events] == [
        "ContactCreate", "ContactUpdate", "ContactTagUpdate", "ContactDndUpdate", "NoteCreate", "TaskCreate",
        "OpportunityCreate", "AppointmentCreate", "InboundMessage",
    ]  # fmt: skip
    assert len({event.payload["webhookId"] for event in location.events}) == 9


def test_events_carry_the_keys_of_highlevels_own_examples(location):
    location.delete(location.create(firstName="Ana", tags=["x"], dateAdded="2026-01-01"))
    payload = location.events[-1].payload
    assert {"type", "locationId", "id", "firstName", "tags", "dateAdded", "timestamp", "webhookId"} <= set(payload)
    assert "_trigger" not in json.dumps(payload)
