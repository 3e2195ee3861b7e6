"""Stories of the vault's files: a few people with telling troubles, in two sub-accounts."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from hlcore.export import ExportKind, ExportMode, ExportSelection, Manifest, export_csv
from hlcore.governance.roles import User
from hlcore.model.contact import parse_contact
from hlcore.store import Vault, locations, records
from hlcore.store.contacts import writes as contact_writes
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.deletions import register

AGENCY, CLINIC = "agency", "clinic"
Rows = list[dict[str, str]]


class Story:
    """A vault, and what happens to the people in it."""

    def __init__(self, vault: Vault, now: Callable[[], datetime], person: User) -> None:
        self.vault, self.now, self.user = vault, now, person
        with vault.write() as tx:
            for location_id in (AGENCY, CLINIC):
                locations.connect(
                    tx,
                    location_id,
                    name=location_id.title(),
                    timezone="Europe/Berlin",
                    company_id="",
                    token=b"x",
                    at=now(),
                    raw=None,
                )

    def add(self, contact_id: str, location_id: str = AGENCY, **fields: Any) -> bytes:
        """The person is in the vault; the bytes as HighLevel sent them."""
        raw = json.dumps({"id": contact_id, "locationId": location_id, **fields}, ensure_ascii=False).encode()
        with self.vault.write() as tx:
            contact_writes.insert_contacts(tx, location_id, [parse_contact(raw)], at=self.now())
        return raw

    def change(self, contact_id: str, **fields: Any) -> None:
        raw = json.dumps({"id": contact_id, "locationId": AGENCY, **fields}).encode()
        with self.vault.write() as tx:
            contact_writes.replace(tx, AGENCY, [parse_contact(raw)], at=self.now(), run_id=1)

    def lose(self, contact_id: str, location_id: str = AGENCY, *, days_ago: float = 0, status: str = "deleted") -> int:
        """The person was deleted so many days ago; the row of the register."""
        last_seen = self.now() - timedelta(days=days_ago)
        with self.vault.write() as tx:
            register.mark_suspected(tx, location_id, [(contact_id, last_seen)], at=self.now(), detected_by="listing")
            row = deletion_queries.list_for_contact(tx, location_id, contact_id)[-1].disappearance_id
            register.confirm(tx, row, at=self.now(), status=status, cause="unknown", evidence="GET says 404")
        return row

    def keep(self, kind: str, record_id: str, contact_id: str = "", location_id: str = AGENCY, **fields: Any) -> None:
        """A record or an entry of a catalogue is in the vault."""
        raw = json.dumps({"id": record_id, **fields}).encode()
        with self.vault.write() as tx:
            records.save(tx, location_id, kind, [(record_id, contact_id, raw)], at=self.now())

    def file(
        self, kind: ExportKind = ExportKind.CONTACTS, mode: ExportMode = ExportMode.EXACT, **selection: Any
    ) -> tuple[bytes, Manifest]:
        """The exported bytes and their manifest."""
        out = io.BytesIO()
        manifest = export_csv(
            self.vault, ExportSelection(kind, **selection), out, mode=mode, user=self.user, now=self.now
        )
        return out.getvalue(), manifest

    def rows(
        self, kind: ExportKind = ExportKind.CONTACTS, mode: ExportMode = ExportMode.EXACT, **selection: Any
    ) -> Rows:
        """The file as a program reads it."""
        return read(self.file(kind, mode, **selection)[0])

    def ids(self, **selection: Any) -> list[str]:
        return [row["id"] for row in self.rows(**selection)]


def read(data: bytes) -> Rows:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))


def header(data: bytes) -> Sequence[str]:
    return next(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


@pytest.fixture
def story(vault: Vault, clock: Any, cast: Any) -> Story:
    return Story(vault, clock, cast.sam)
