"""Webhook deliveries: whether HighLevel signed them, and which event and record they hold.

Two signatures over the raw body are in use (HighLevel, "Webhook Integration Guide"): `X-GHL-Signature`, Ed25519, and
the older `X-WH-Signature`, RSA-SHA256 with PKCS#1 v1.5, both in base64. HighLevel publishes the keys there. They are
the same for all apps: a valid signature does not yet mean that the delivery is for this app.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from hlcore.highlevel import json_slices
from hlcore.model.json_codec import decode_strict
from hlcore.model.moments import parse_moment
from hlcore.settings import Settings, read_public_key

SIGNATURE, LEGACY_SIGNATURE = "x-ghl-signature", "x-wh-signature"
MAX_BODY_BYTES = 256 * 1024
_USABLE_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:@+=-]{0,63}")
ENVELOPE = frozenset({"type", "timestamp", "webhookId", "appId", "versionId", "companyId"})

CURRENT_KEY = """\
-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAi2HR1srL4o18O8BRa7gVJY7G7bupbN3H9AwJrHCDiOg=
-----END PUBLIC KEY-----
"""
LEGACY_KEY = """\
-----BEGIN PUBLIC KEY-----
MIICIjANBgkqhkiG9w0BAQEFAAOCAg8AMIICCgKCAgEAokvo/r9tVgcfZ5DysOSC
Frm602qYV0MaAiNnX9O8KxMbiyRKWeL9JpCpVpt4XHIcBOK4u3cLSqJGOLaPuXw6
dO0t6Q/ZVdAV5Phz+ZtzPL16iCGeK9po6D6JHBpbi989mmzMryUnQJezlYJ3DVfB
csedpinheNnyYeFXolrJvcsjDtfAeRx5ByHQmTnSdFUzuAnC9/GepgLT9SM4nCpv
uxmZMxrJt5Rw+VUaQ9B8JSvbMPpez4peKaJPZHBbU3OdeCVx5klVXXZQGNHOs8gF
3kvoV5rTnXV0IknLBXlcKKAQLZcY/Q9rG6Ifi9c+5vqlvHPCUJFT5XUGG5RKgOKU
J062fRtN+rLYZUV+BjafxQauvC8wSWeYja63VSUruvmNj8xkx2zE/Juc+yjLjTXp
IocmaiFeAO6fUtNjDeFVkhf5LNb59vECyrHD2SQIrhgXpO4Q3dVNA5rw576PwTzN
h/AMfHKIjE4xQA1SZuYJmNnmVZLIZBlQAF9Ntd03rfadZ+yDiOXCCs9FkHibELhC
HULgCsnuDJHcrGNd5/Ddm5hxGQ0ASitgHeMZ0kcIOwKDOzOU53lDza6/Y09T7sYJ
PQe7z0cvj7aE4B+Ax1ZoZGPzpJlZtGXCsu9aTEGEnKzmsFqwcSsnw3JB31IGKAyk
T1hhTiaCeIY/OwwwNUY2yvcCAwEAAQ==
-----END PUBLIC KEY-----
"""


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """The event in a delivery; '' for what the delivery leaves out.

    `sent_at` is None where HighLevel names no time. `webhook_id` is HighLevel's, or derived from the bytes.
    `company_id` without `location_id`: the event is about a whole agency. `odd` says why it cannot be known what record
    it is about: 'UnusableId' or 'NoId', else ''.
    """

    type: str
    webhook_id: str
    location_id: str = ""
    company_id: str = ""
    app_id: str = ""
    sent_at: datetime | None = None
    record_id: str = ""
    contact_id: str = ""
    conversation_id: str = ""
    odd: str = ""


@dataclass(frozen=True, slots=True)
class Verifier:
    """The public keys that a delivery may be signed with."""

    current: Ed25519PublicKey
    legacy: RSAPublicKey

    @classmethod
    def from_settings(cls, settings: Settings) -> Verifier:
        """Load the keys of the settings, HighLevel's own where none is set. Raises SettingsError naming the setting."""
        return cls(
            read_public_key("HLCORE_WEBHOOK_KEY", settings.webhook_key or CURRENT_KEY, Ed25519PublicKey),
            read_public_key("HLCORE_WEBHOOK_LEGACY_KEY", settings.webhook_legacy_key or LEGACY_KEY, RSAPublicKey),
        )

    def is_genuine(self, body: bytes, headers: Mapping[str, str]) -> bool:
        """Whether one of the two signatures matches these bytes. Header names in lower case. Never raises."""
        current, legacy = _decode_signature(headers.get(SIGNATURE)), _decode_signature(headers.get(LEGACY_SIGNATURE))
        return bool(current and self._is_current(current, body)) or bool(legacy and self._is_legacy(legacy, body))

    def _is_current(self, signature: bytes, body: bytes) -> bool:
        try:
            self.current.verify(signature, body)
        except InvalidSignature:
            return False
        return True

    def _is_legacy(self, signature: bytes, body: bytes) -> bool:
        try:
            self.legacy.verify(signature, body, PKCS1v15(), SHA256())
        except InvalidSignature:
            return False
        return True


def parse_event(body: bytes) -> WebhookEvent | None:
    """Return the event in these bytes; None when they are not a JSON object with a `type`. Never raises: members that
    cannot be read, because they are nested too deeply or a number is too long, count as absent.

    Payloads are flat (HighLevel's webhook documentation); an appointment is a member of its own, and tasks come without
    their contact (API issue 332).
    """
    payload = _payload(body)
    event_type = _text(payload, "type")
    if not event_type:
        return None
    nested = payload.get("appointment")
    record = nested if isinstance(nested, dict) else payload
    about_contact = event_type.startswith("Contact")
    contact_id, contact_odd = _id(payload, "id", "contactId") if about_contact else _id(record, "contactId")
    record_id, record_odd = (
        (contact_id, contact_odd) if about_contact else _id(record, "messageId", "emailMessageId", "id")
    )
    given_id = _text(payload, "webhookId")
    return WebhookEvent(
        type=event_type[:48],
        webhook_id=given_id if _USABLE_ID.fullmatch(given_id) else "body-" + hashlib.sha256(body).hexdigest(),
        location_id=_text(payload, "id" if event_type.startswith("Location") else "locationId"),
        company_id=_text(payload, "companyId"),
        app_id=_text(payload, "appId"),
        sent_at=parse_moment(payload.get("timestamp")),
        record_id=record_id,
        contact_id=contact_id,
        conversation_id=_text(payload, "conversationId"),
        odd="UnusableId" if contact_odd or record_odd else "" if contact_id or record_id else "NoId",
    )


def _payload(body: bytes) -> dict[str, Any]:
    try:
        payload = decode_strict(body)
    except (ValueError, RecursionError):
        members = json_slices.shallow_members(body).items()
        payload = {name: value for name, raw in members if (value := _decoded(raw)) is not None}
    return payload if isinstance(payload, dict) else {}


def _decoded(raw: bytes) -> Any:
    try:
        return decode_strict(raw)
    except (ValueError, RecursionError):
        return None


def _id(record: Mapping[str, Any], *names: str) -> tuple[str, bool]:
    """Return the first of these ids that the record names, and whether that one is none that HighLevel could have
    given: it is no text, too long, or holds what no id holds."""
    for name in names:
        value = record.get(name)
        if value is not None and value != "":
            usable = isinstance(value, str) and bool(_USABLE_ID.fullmatch(value.strip()))
            return (value.strip(), False) if usable else ("", True)
    return "", False


def record_in(body: bytes) -> bytes:
    """Return the record in a delivery: its members byte for byte, without the envelope. Raises BrokenAnswer."""
    record = {name: part for name, part in json_slices.members(body).items() if name not in ENVELOPE}
    return b"{" + b",".join(json.dumps(name).encode() + b":" + part for name, part in record.items()) + b"}"


def _decode_signature(header: str | None) -> bytes:
    try:
        return base64.b64decode(header or "", validate=True)
    except (binascii.Error, ValueError):
        return b""


def _text(payload: Mapping[str, Any], name: str) -> str:
    value = payload.get(name)
    return value.strip()[:80] if isinstance(value, str) else ""
