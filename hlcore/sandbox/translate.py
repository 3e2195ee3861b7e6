"""Answers in the spelling of ``Version: v3`` (HighLevel's v3 OpenAPI files)."""

from __future__ import annotations

from typing import Any

CHANNELS_V3 = {
    "Call": "call",
    "Email": "email",
    "SMS": "sms",
    "WhatsApp": "whatsApp",
    "GMB": "gmb",
    "FB": "fb",
}


def to_v3(value: Any) -> Any:
    """The same answer with v3's keys; ``succeded`` stays beside ``succeeded``, as there."""
    if isinstance(value, list):
        return [to_v3(one) for one in value]
    if not isinstance(value, dict):
        return value
    found = {key: to_v3(one) for key, one in value.items()}
    if isinstance(found.get("dndSettings"), dict):
        found["dndSettings"] = {CHANNELS_V3.get(k, k): one for k, one in found["dndSettings"].items()}
    if "succeded" in found:
        found["succeeded"] = found["succeded"]
    return found
