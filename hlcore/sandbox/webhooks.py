"""Signed webhook deliveries, as HighLevel builds them; nothing is sent unless a test posts it.

Headers and algorithms: HighLevel's WebhookAuthentication page. The keys are generated in this process."""

from __future__ import annotations

import base64
import urllib.error
import urllib.request
from datetime import datetime
from functools import cached_property
from typing import Any

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hlcore.sandbox.ids import iso


class SigningKeys:
    """The key pairs of one sandbox, generated on first use: the current one (Ed25519) and the legacy one (RSA)."""

    @cached_property
    def _current(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.generate()

    @cached_property
    def _legacy(self) -> RSAPrivateKey:
        return generate_private_key(public_exponent=65537, key_size=2048)

    @property
    def public_pem(self) -> str:
        return _pem(self._current.public_key())

    @property
    def legacy_public_pem(self) -> str:
        return _pem(self._legacy.public_key())

    def sign(self, body: bytes) -> str:
        return base64.b64encode(self._current.sign(body)).decode()

    def sign_legacy(self, body: bytes) -> str:
        return base64.b64encode(self._legacy.sign(body, padding.PKCS1v15(), hashes.SHA256())).decode()


def _pem(key: Ed25519PublicKey | RSAPublicKey) -> str:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


class SandboxEvent:
    """One delivery. ``payload`` is what HighLevel would post; ``body`` its exact bytes."""

    def __init__(self, payload: dict[str, Any], keys: SigningKeys) -> None:
        self.payload = payload
        self._keys = keys

    @property
    def type(self) -> str:
        return str(self.payload["type"])

    @property
    def body(self) -> bytes:
        return msgspec.json.encode(self.payload)

    def headers(self, *, current: bool = True, legacy: bool = False) -> dict[str, str]:
        """Return the request headers with the current signature, the legacy one, both or none."""
        headers = {"Content-Type": "application/json", "User-Agent": "HighLevel-Webhooks"}
        if current:
            headers["X-GHL-Signature"] = self._keys.sign(self.body)
        if legacy:
            headers["X-WH-Signature"] = self._keys.sign_legacy(self.body)
        return headers

    def post(self, url: str, *, current: bool = True, legacy: bool = False, timeout: float = 10) -> int:
        """Deliver to this address and return the HTTP status of the answer."""
        headers = self.headers(current=current, legacy=legacy)
        request = urllib.request.Request(url, data=self.body, headers=headers, method="POST")  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=timeout) as response:  # noqa: S310
                return int(response.status)
        except urllib.error.HTTPError as error:
            return error.code

    def __repr__(self) -> str:
        return f"SandboxEvent({self.type}, id={self.payload.get('id')})"


CONTACT_KEYS = (
    "address1", "city", "state", "companyName", "country", "source", "dateAdded", "dateOfBirth", "dnd", "email",
    "name", "firstName", "lastName", "phone", "postalCode", "tags", "website", "assignedTo", "customFields", "timezone",
)  # fmt: skip
OTHER_KEYS = {
    "Note": ("id", "body", "contactId", "dateAdded"),
    "Task": ("id", "assignedTo", "body", "contactId", "title", "dateAdded", "dueDate"),
    "Opportunity": (
        "id", "assignedTo", "contactId", "monetaryValue", "name", "pipelineId", "pipelineStageId", "source", "status",
    ),
    "Message": (
        "attachments", "body", "contactId", "contentType", "conversationId", "dateAdded", "direction", "messageType",
        "status", "conversationProviderId", "messageId", "userId",
    ),
}  # fmt: skip


def build_payload(kind: str, record: dict[str, Any], location_id: str, at: datetime, webhook_id: str) -> dict[str, Any]:
    """Return the flat JSON of one event without empty fields. ``kind``: an event type as HighLevel lists them."""
    payload: dict[str, Any] = {"type": kind, "locationId": location_id}
    if kind.startswith("Contact"):
        keys = ("id", *CONTACT_KEYS, *(("dndSettings",) if kind in ("ContactDndUpdate", "ContactDelete") else ()))
        payload |= {key: record[key] for key in keys if key in record} | {"attachments": []}
    elif kind.startswith("Appointment"):
        payload["appointment"] = record
    else:
        record_kind = next(name for name in OTHER_KEYS if name in kind)
        payload |= {key: record[key] for key in OTHER_KEYS[record_kind] if key in record}
    if kind.startswith("Opportunity"):
        payload["dateAdded"] = record["createdAt"]
    if "Message" in kind:
        payload["messageType"] = str(record["messageType"]).removeprefix("TYPE_")
    return {**payload, "timestamp": iso(at), "webhookId": webhook_id}
