"""Stories for the numbers: people disappear from two sub-accounts, on days that matter."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from hlcore.model.contact import parse_contact
from hlcore.store import Vault, leases, locations, records, runs
from hlcore.store.contacts import writes as contact_writes
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.deletions import register

AGENCY, CLINIC = "agency", "clinic"


class Story:
    """A vault, and what happens to the people in it. `clock` is moved by the test."""

    def __init__(self, vault: Vault, clock: Any) -> None:
        self.vault, self.clock = vault, clock
        self.connect(AGENCY, "Europe/Berlin")
        self.connect(CLINIC, "America/New_York")

    def connect(self, location_id: str, timezone: str) -> None:
        with self.vault.write() as tx:
            locations.connect(
                tx,
                location_id,
                name=location_id.title(),
                timezone=timezone,
                company_id="",
                token=b"x",
                at=self.clock(),
                raw=None,
            )

    def add(self, *ids: str, location_id: str = AGENCY, **fields: Any) -> None:
        raws = [json.dumps({"id": each, "locationId": location_id, **fields}).encode() for each in ids]
        with self.vault.write() as tx:
            contact_writes.insert_contacts(tx, location_id, [parse_contact(raw) for raw in raws], at=self.clock())

    def suspect(self, contact_id: str, location_id: str = AGENCY, *, last_seen: datetime | None = None) -> int:
        with self.vault.write() as tx:
            seen = last_seen or self.clock()
            register.mark_suspected(tx, location_id, [(contact_id, seen)], at=self.clock(), detected_by="listing")
            return deletion_queries.list_for_contact(tx, location_id, contact_id)[-1].disappearance_id

    def lose(
        self, contact_id: str, location_id: str = AGENCY, *, days_ago: float = 0, exact: datetime | None = None,
        status: str = "deleted", **fields: Any,
    ) -> int:  # fmt: skip
        """The person is added and was surely there for the last time so many days ago."""
        self.add(contact_id, location_id=location_id, **fields)
        row = self.suspect(contact_id, location_id, last_seen=self.clock() - timedelta(days=days_ago))
        with self.vault.write() as tx:
            if exact:
                register.record_deletion_time(tx, location_id, contact_id, deleted_at=exact, at=self.clock())
            register.confirm(tx, row, at=self.clock(), status=status, cause="unknown", evidence="GET says 404")
        return row

    def returned(self, contact_id: str, location_id: str = AGENCY) -> None:
        with self.vault.write() as tx:
            register.mark_returned(tx, location_id, contact_id, at=self.clock())

    def recreated(self, contact_id: str, location_id: str = AGENCY) -> None:
        with self.vault.write() as tx:
            register.mark_recreated(tx, location_id, contact_id, new_contact_id="new", at=self.clock())

    def user(self, user_id: str, name: str, location_id: str = AGENCY) -> None:
        raw = json.dumps({"id": user_id, "name": name}).encode()
        with self.vault.write() as tx:
            records.save(tx, location_id, "user", [(user_id, "", raw)], at=self.clock())

    def run(self, outcome: str = "complete", reason: str = "", location_id: str = AGENCY, **columns: Any) -> None:
        with self.vault.write() as tx:
            run = runs.claim(
                tx, location_id, "listing", at=self.clock(), holder=leases.this_process(), resume_within=timedelta(0)
            )
            if outcome:
                runs.finish(tx, run.run_id, self.clock(), outcome=outcome, reason=reason, **columns)


@pytest.fixture
def story(vault: Vault, clock: Any) -> Story:
    return Story(vault, clock)
