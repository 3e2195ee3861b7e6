"""Invents contacts from a seed; none of these people exists. The same seed invents the same contacts."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from hlcore.sandbox.ids import Ids, from_millis, iso, millis
from hlcore.sandbox.state.record import ContactRecord, Fields

FIRST_NAMES = (
    "Ana", "Ben", "Chloé", "Dmitri", "Élodie", "Fatima", "Grace", "Håkon", "Inès", "João", "Katarína", "Liam", "Mia",
    "Noé", "Olga", "Priya", "Quinn", "Renée", "Søren", "Tomáš", "Uma", "Violet", "Wei", "Ximena", "Yusuf", "Zoë",
    "محمد", "נועה", "美咲", "지훈", "Ελένη", "Мария", "आरव", "Aoife", "Bjørk", "José", "D'Arcy", "Mary-Jane", "R2",
)  # fmt: skip
LAST_NAMES = (
    "Abara", "Brightwater", "Çelik", "Dunmore", "Eriksen", "Fairbairn", "García López", "Hollow", "Ibsen", "Järvinen",
    "Kowalczyk", "Løvås", "Müller", "Nakagawa", "O'Dell", "Petrov", "Quist", "Rossi", "Śliwa", "Tanaka", "Ueda",
    "van der Veld", "Whitlock", "Yıldız", "Zamora", "الحسن", "כהן", "田中", "Παπάς", "Smith 🦊", "=Sum", "de la Cruz",
)  # fmt: skip
COMPANIES = (
    "Bluebird Dental", "Harbour & Sons", "Kite Recruiting", "Łódź Print", "Moss Garden Care", "Nine Oaks Realty",
    "Pomelo Studio", "Quarry Fitness", "Café Zwölf", "Third Floor Yoga",
)  # fmt: skip
CITIES = (
    ("Springfield", "IL", "US", "America/Chicago", "+1217555"),
    ("Portland", "OR", "US", "America/Los_Angeles", "+1503555"),
    ("Leeds", "", "GB", "Europe/London", "+44113496"), ("Köln", "NW", "DE", "Europe/Berlin", "+4922155"),
    ("São Paulo", "SP", "BR", "America/Sao_Paulo", "+5511955"), ("تل", "", "IL", "Asia/Jerusalem", "+9723555"),
    ("Kraków", "", "PL", "Europe/Warsaw", "+4812555"), ("Sydney", "NSW", "AU", "Australia/Sydney", "+6125550"),
)  # fmt: skip
SOURCES = ("website form", "referral", "facebook ads", "csv import", "walk-in", "google")
TAGS = ("vip", "newsletter", "cold", "no show", "whitening", "candidate", "kunde 🎉", "follow up", "2026 spring")
TYPES = ("lead", "lead", "lead", "customer")


class ContactGenerator:
    """Invents contacts that are as awkward as real ones: many scripts, empty fields, shared values, opt-outs.

    ``custom_fields``: data type by field id; ``users``: ids that contacts may be assigned to."""

    def __init__(self, seed: str, custom_fields: dict[str, str], users: list[str]) -> None:
        self._random = random.Random(seed)
        self._custom_fields = custom_fields
        self._users = users
        self._serial = 0

    def invent(self) -> Fields:
        """Return the fields of one contact under HighLevel's names, without id and dates."""
        self._serial += 1
        draw = self._random.random
        first, last = self._pick(FIRST_NAMES), self._pick(LAST_NAMES)
        contact: Fields = {"firstName": first, "lastName": last if draw() < 0.94 else ""}
        city, state, country, zone, prefix = self._pick(CITIES)
        mailbox = f"{_ascii(first)}.{_ascii(last)}"
        if draw() < 0.93:
            contact["email"] = f"{mailbox}.{self._serial}@example.{self._pick(('com', 'org', 'net'))}"
        if draw() < 0.85 or "email" not in contact:
            contact["phone"] = f"{prefix}{self._random.randrange(10_000):04d}"
        if draw() < 0.35:
            contact["companyName"] = self._pick(COMPANIES)
        if draw() < 0.6:
            contact |= {"city": city, "state": state, "country": country, "timezone": zone}
        contact |= {"type": self._pick(TYPES), "source": self._pick(SOURCES), "dnd": False}
        contact["tags"] = list(dict.fromkeys(self._pick(TAGS) for _ in range(self._random.randrange(4))))
        return {**contact, **self._rare_fields(draw())}

    def records(self, location: str, ids: Ids, now: datetime, n: int, days: int) -> Iterator[tuple[str, ContactRecord]]:
        """Yield n contacts with their ids, oldest first, none younger than an hour."""
        end = millis(now) - 3_600_000
        step = max(1, days * 86_400_000 // max(1, n))
        for index in range(n):
            added = end - (n - index) * step + self._random.randrange(step)
            updated = min(end, added + self._random.randrange(30 * 86_400_000))
            contact = self.invent() | {"id": ids.next(), "locationId": location}
            contact |= {"dateAdded": iso(from_millis(added)), "dateUpdated": iso(from_millis(updated))}
            yield contact["id"], ContactRecord.from_fields(contact)

    def _rare_fields(self, roll: float) -> Fields:
        fields: Fields = {}
        if roll < 0.05:
            fields |= {"dnd": True, "dndSettings": _dnd("Call", "Email", "SMS")}
        elif roll < 0.09:
            fields["dndSettings"] = _dnd("SMS")
        elif roll < 0.12:
            fields["dateOfBirth"] = f"19{70 + int(roll * 250)}-04-17T00:00:00.000Z"
        elif roll < 0.16:
            fields |= {
                "address1": "12 Wren Lane, Flat “B”\nRear house",
                "postalCode": "0" + str(1000 + self._serial % 9),
            }
        elif roll < 0.24:
            fields["attributionSource"] = {"url": "https://www.example.com/?a=1&b=2", "medium": "form"}
        if self._users and roll > 0.4:
            fields["assignedTo"] = self._pick(self._users)
        if self._custom_fields and roll > 0.5:
            field_id, kind = self._pick(list(self._custom_fields.items()))
            fields["customFields"] = [{"id": field_id, "value": self._custom_value(kind)}]
        return fields

    def _custom_value(self, kind: str) -> Any:
        if kind in ("NUMERICAL", "MONETORY"):
            return self._serial % 1000 + 0.5
        if kind in ("CHECKBOX", "MULTIPLE_OPTIONS"):
            return ["first", "second"][: 1 + self._serial % 2]
        return "2026-04-17" if kind == "DATE" else f"answer {self._serial}"

    def _pick(self, options: Any) -> Any:
        return options[int(self._random.random() * len(options))]


def _dnd(*channels: str) -> Fields:
    return {channel: {"status": "active", "message": "", "code": ""} for channel in channels}


def _ascii(name: str) -> str:
    return "".join(char for char in name.lower() if char.isascii() and char.isalnum()) or "person"
