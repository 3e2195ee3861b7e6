"""What must hold when the odd world has settled: the copy equals HighLevel, what is odd is set aside, and all of it can
be looked at and exported."""

from __future__ import annotations

import contextlib
import io
import json
import os
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest import mock

from streamlit import config
from streamlit.testing.v1 import AppTest

from hlcore.cli.console import app as commands
from hlcore.cli.console import main
from hlcore.export import ExportKind
from hlcore.runtime import Runtime, set_runtime
from hlcore.store import quarantine, records, runs
from hlcore.store.contacts import search as contact_search
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.quarantine import QuarantinedItem
from hlcore.ui.contacts.contact_record import SECTIONS
from tests.support.odd_highlevel import to_json
from tests.support.odd_world import CLEAN, MARK, ODD, OddWorld, as_json, records_of

FRAME = Path(__file__).parents[2] / "pages" / "_frame.py"
PAGES = sorted(page.name for page in FRAME.parent.glob("[!_]*.py"))
PER_CONTACT = ("note", "appointment")
LISTS = {"user": "users", "tag": "tags", "business": "businesses", "calendar": "calendars", "pipeline": "pipelines",
         "custom_field": "custom_fields", "lost_reason": "lost_reasons"}  # fmt: skip
SHOWN_OTHERWISE = {"conversation": {"type", "dateAdded", "lastMessageDate", "starred", "deleted", "inbox"}}
"""Members that HighLevel's lists show differently or not at all."""
LOST = ("deleted", "merged")


def quarantined(world: OddWorld, kind: str) -> list[QuarantinedItem]:
    with world.context.vault.read() as tx:
        return quarantine.list_items(tx, [ODD, CLEAN], kinds=[kind], limit=1_000_000)


def check_contacts(world: OddWorld) -> list[str]:
    """Every good contact is held as it is shown, nobody living is called lost, and everybody deleted is."""
    found = []
    for location_id in (ODD, CLEAN):
        place = world.place(location_id)
        query = contact_search.ContactQuery((location_id,))
        with world.context.vault.read() as tx:
            held = {row.contact_id: row for row in contact_search.iterate(tx, query)}
        for contact_id in world.deleted[location_id] & held.keys():
            if held[contact_id].status not in LOST:
                found.append(f"{location_id} {contact_id}: was deleted, and is {held[contact_id].status}")
        for contact_id, record in place.records.items():
            status = held[contact_id].status if contact_id in held else ""
            is_odd = location_id == ODD and contact_id in world.items.odd
            if status in LOST or (not is_odd and status != "present"):
                found.append(f"{location_id} {contact_id}: lives, and is {status or 'missing'}")
            elif not is_odd:
                strange = world.items.strange.get(contact_id, {}) if location_id == ODD else {}
                found += _contact_differences(world, held[contact_id], record, strange)
        for contact_id in held.keys() - place.records.keys() - world.deleted[location_id]:
            if held[contact_id].status not in LOST:
                found.append(f"{location_id} {contact_id}: never was, and is {held[contact_id].status}")
    return found


def _contact_differences(world: OddWorld, held: Any, record: Any, strange: dict[str, Any]) -> list[str]:
    found = []
    if as_json(held.raw) != as_json(to_json({**record.row(), **strange})):
        found.append(f"{held.contact_id}: the row differs")
    if held.contact_id in world.items.odd_details:
        return found
    if held.detail is None or as_json(held.detail) != as_json(to_json({**record.detail(), **strange})):
        found.append(f"{held.contact_id}: the detail {'differs' if held.detail else 'is missing'}")
    return found


def check_records(world: OddWorld) -> tuple[int, list[str]]:
    """Every good record of a contact that is held is held as it is shown. Also returns how many were compared."""
    found, compared = [], 0
    for location_id in (ODD, CLEAN):
        items = world.items if location_id == ODD else None
        for kind, live in records_of(world.place(location_id)).items():
            with world.context.vault.read() as tx:
                held = {row.record_id: row for row in records.iterate(tx, location_id, kind)}
            for record_id, record in live.items():
                if items and (record_id in items.odd or record["contactId"] in items.odd):
                    continue
                compared += 1
                shown = {**record, **(items.strange.get(record_id, {}) if items else {})}
                found += _record_differences(f"{location_id} {kind} {record_id}", kind, held.get(record_id), shown)
        for kind, name in LISTS.items():
            with world.context.vault.read() as tx:
                known = {row.record_id for row in records.list_of_kind(tx, location_id, kind)}
            entries = getattr(world.place(location_id).related, name)
            missing = {key for key in entries if not (items and key in items.odd)} - known
            compared += len(entries)
            found += [f"{location_id} {kind} {key} is missing" for key in missing]
    return compared, found


def _record_differences(name: str, kind: str, held: Any, shown: dict[str, Any]) -> list[str]:
    if held is None or held.vanished_at is not None:
        return [f"{name}: {'is missing' if held is None else 'counts as vanished'}"]
    stored = json.loads(held.raw)
    members = set(shown) & set(stored) - SHOWN_OTHERWISE.get(kind, set())
    return [
        f"{name}: {member}" for member in members if as_json(to_json(shown[member])) != as_json(to_json(stored[member]))
    ]


def check_quarantine(world: OddWorld) -> list[str]:
    """Everything odd that is still there is set aside, nothing else is, and nothing of it is personal."""
    items, place = world.items, world.place(ODD)
    rows = {item.reference for item in quarantined(world, quarantine.LISTING_ROW)}
    found = []
    for contact_id in items.odd.keys() & place.records.keys():
        raw = items.shown[contact_id]
        if not {contact_id, quarantine.reference_to(_id_in(raw), raw)} & rows:
            found.append(f"row {contact_id} is not set aside")
    lists = {item.reference for item in quarantined(world, quarantine.RECORD)}
    for kind, live in records_of(place).items():
        for record_id, record in live.items():
            if record_id in items.odd and record["contactId"] not in items.odd:
                reference = f"{kind}:{record['contactId'] if kind in PER_CONTACT else 'list'}"
                if not {reference, f"{kind}:{record['contactId']}"} & lists:
                    found.append(f"{kind} {record_id} is not set aside as {reference}")
    for contact_id in (items.odd_details & place.records.keys()) - items.odd.keys():
        if f"detail:{contact_id}" not in lists:
            found.append(f"detail {contact_id} is not set aside")
    deliveries = {item.reference: item for item in quarantined(world, quarantine.DELIVERY)}
    found += [f"delivery {name} is not set aside" for name in world.odd_deliveries - deliveries.keys()]
    healthy = {name for name, who in world.good_deliveries.items() if who not in items.odd_details}
    found += [f"good delivery is set aside: {deliveries[name]}" for name in healthy & deliveries.keys()]
    with world.context.vault.read() as tx:
        everything = quarantine.list_items(tx, [ODD, CLEAN], limit=1_000_000)
    found += [f"of the clean account: {item}" for item in everything if item.location_id == CLEAN]
    found += [f"personal: {item}" for item in everything if MARK.lower() in repr(item).lower()]
    return found


def _id_in(raw: bytes) -> Any:
    with contextlib.suppress(ValueError, RecursionError):
        value = json.loads(raw)
        return value.get("id") if isinstance(value, dict) else None
    return None


def longest_gap(world: OddWorld, location_id: str) -> timedelta:
    """Return the longest time between two complete listings of the account that follow each other."""
    with world.context.vault.read() as tx:
        found = runs.list_recent(tx, [location_id], limit=100_000, outcomes=["complete"])
    began = sorted(run.started_at for run in found if run.kind == "listing")
    return max((later - earlier for earlier, later in pairwise(began)), default=timedelta(0))


def check_pages(world: OddWorld, contacts: int) -> tuple[int, list[str]]:
    """Every page of each account, and every part of some contacts' pages, opens. Also returns how many were opened."""
    found, opened = [], 0
    with _pages_of(world):
        for location_id in (ODD, CLEAN):
            for name in PAGES:
                opened += 1
                found += _open(f"{name} of {location_id}", name, {"location": location_id})
        for view in ("Set aside", "Who did what"):
            opened += 1
            found += _open(f"activity: {view}", "activity.py", {"view": view})
        for contact_id in [*strange_people(world)[:contacts], *sorted(world.deleted[ODD])[:contacts]]:
            for part in SECTIONS:
                opened += 1
                query = {"contact": contact_id, "in": ODD, "part": part}
                found += _open(f"{part} of {contact_id}", "contacts.py", query)
    return opened, found


def _open(what: str, name: str, query: dict[str, str]) -> list[str]:
    app = AppTest.from_file(str(FRAME), default_timeout=120)
    app.query_params.update(query)
    page = app.run().switch_page(name).run()
    return [f"{what}: {shown.value}" for shown in (*page.exception, *page.error)]


@contextlib.contextmanager
def _pages_of(world: OddWorld) -> Iterator[None]:
    runtime = Runtime(world.context.settings, context=world.context)
    previous, address = set_runtime(runtime), config.get_option("server.address")
    config.set_option("server.address", "127.0.0.1")
    with mock.patch("hlcore.ui.session.remote_address", return_value=None):
        yield
    config.set_option("server.address", address)
    set_runtime(previous)


def strange_people(world: OddWorld) -> list[str]:
    """Return the ids of living contacts with arbitrary JSON in their fields."""
    return sorted(world.items.strange.keys() & world.place(ODD).records.keys())


def check_commands(world: OddWorld, folder: Path) -> tuple[Counter[str], list[str]]:
    """Every command that reads works and prints JSON. Also returns the rows of each export."""
    rows, found = Counter[str](), []
    calls = [["status"], ["deletions"], ["verify"], *(["show", name] for name in strange_people(world)[:3])]
    exports = [["export", str(kind.value), "--out", str(folder / f"{kind.value}-{mode}.csv"), "--mode", mode]
               for kind in ExportKind for mode in ("safe", "exact")]  # fmt: skip
    for words in [*calls, *exports]:
        code, output, errors = run_command(world, *words)
        try:
            answer = json.loads(output)
        except ValueError:
            answer = None
        if code not in (0, 1) or not isinstance(answer, dict):
            found.append(f"{' '.join(words)}: exit code {code}, {errors[-300:]}")
        elif words[0] == "verify" and not answer["ok"]:
            found.append(f"verify: {str(answer)[:300]}")
        elif words[0] == "export":
            rows[words[1]] = answer["rows"]
        elif words[0] == "deletions":
            rows["deleted"] = len(answer["deletions"])
    return rows, found


def run_command(world: OddWorld, *words: str) -> tuple[int, str, str]:
    """Run this command on the world's vault; return its exit code and what it printed."""
    settings = world.context.settings
    environment = {
        "HLCORE_DATABASE_URL": settings.database_url, "HLCORE_DATA_DIR": str(settings.data_dir),
        "HLCORE_API_URL": world.url, "HLCORE_SECRET_KEY": "a secret",
    }  # fmt: skip
    output, errors, code = io.StringIO(), io.StringIO(), 0
    with (
        mock.patch.dict(os.environ, environment),
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(errors),
    ):
        try:
            main(lambda: commands([*words, "--json"], standalone_mode=True))
        except SystemExit as exc:
            code = int(exc.code or 0)
    return code, output.getvalue(), errors.getvalue()


def register_size(world: OddWorld, location_id: str) -> int:
    """Return how many contacts of the account are registered as lost."""
    query = deletion_queries.RegisterQuery((location_id,), statuses=LOST)
    with world.context.vault.read() as tx:
        return deletion_queries.count(tx, query)
