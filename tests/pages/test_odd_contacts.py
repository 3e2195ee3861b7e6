"""An account full of odd contacts: every page, record, plan, receipt and file of it works, west of Greenwich too."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from hlcore.app_context import AppContext
from hlcore.model.contact import parse_contact
from hlcore.sandbox import Sandbox
from hlcore.store import Vault, locations, records
from hlcore.store.contacts import reads as contact_reads
from hlcore.store.contacts import writes as contact_writes
from hlcore.store.deletions import queries, register
from hlcore.store.restores import jobs as restore_jobs
from hlcore.ui.components.contact_picker import SELECTION_KEY, ContactRef
from hlcore.ui.contacts.contact_record import SECTIONS
from hlcore.ui.restore import downloads
from tests.conftest import Cast
from tests.pages.conftest import FRAME, HARBOR
from tests.pages.test_restore import until

PAGES = sorted(page.name for page in FRAME.parent.glob("[!_]*.py"))
DEEP: list[Any] = ["x"]
for _ in range(40):
    DEEP = [DEEP]
VALUES: list[Any] = [
    *("9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+05:30", "253402300800000"),
    *("25/12/1990", 10**400, -(10**30), 1e308, float("inf"), float("nan"), 0, -1, True, False, None, "", [], {}),
    *("\ud83d", "\ud83d\ude00 Zoë", "a\0b", "<b>x</b> [x](http://evil.example) :smile:", "x" * 4_000, "\u202eright"),
    *([None, 1, "x", {"email": None}], {"status": "Active"}, {"SMS": "ACTIVE", "": {}}, DEEP),
    [{"id": "cf1", "value": {"a": [1]}}],
]  # fmt: skip
FIELDS = [
    *("firstName", "lastName", "name", "email", "phone", "companyName", "source", "tags", "assignedTo", "dateAdded"),
    *("dateUpdated", "lastActivity", "dateOfBirth", "dnd", "dndSettings", "customFields", "additionalEmails"),
    *("inboundDndSettings", "attributionSource", "followers", "address1", "timezone", "website", "type", "country"),
]  # fmt: skip
RECORD_FIELDS = [
    *("title", "name", "body", "bodyText", "dateAdded", "dueDate", "startTime", "monetaryValue", "status"),
    "pipelineId",
    *("pipelineStageId", "assignedTo", "followers", "completed", "messageType", "meta", "direction", "calendarId"),
]  # fmt: skip
PINNED: list[dict[str, Any]] = [
    {"dateUpdated": "9999-12-31T23:59:59-05:00"},
    {"dateAdded": "0001-01-01T00:00:00Z"},
    {"dnd": "true"},
    {"dndSettings": {"Email": {"status": "Active"}, "SMS": {"status": "ACTIVE"}}},
    {"dateOfBirth": "25/12/1990"},
    {"tags": "vip,hot lead"},
    {"firstName": "Jose\u0301", "lastName": "Mun\u0303oz"},
    {"firstName": "אבי 😀"},
]
ODD = [f"har{number:07}" for number in range(5, 25)]
GONE, GENERATED = ODD[::2], ODD[len(PINNED) :]


def odd_fields(contact_id: str) -> dict[str, Any]:
    """A pinned case, or every field with some odd value, the same in every run."""
    number = ODD.index(contact_id)
    if number < len(PINNED):
        return PINNED[number]
    chance = random.Random(number)
    return {field: chance.choice(VALUES) for field in FIELDS}


@pytest.fixture
def odd_account(context: AppContext, highlevel: Sandbox) -> AppContext:
    """Harbor in Chicago, with twenty odd people, half of them deleted, each with odd versions and records."""
    at = context.clock.now()
    with context.vault.write() as tx:
        token = locations.get_token(tx, HARBOR) or b""
        locations.connect(
            tx, HARBOR, name="Harbor", timezone="America/Chicago", company_id="", token=token, at=at, raw=None
        )
        for kind in ("user", "pipeline", "calendar", "custom_field"):
            entries = [
                (f"e{n}", "", _encode({"id": f"e{n}", "name": value, "stages": value}))
                for n, value in enumerate(VALUES)
            ]
            records.save(tx, HARBOR, kind, entries, at=at)
        for contact_id in ODD:
            _make_odd(tx, contact_id, at)
    for contact_id in GONE:
        highlevel.locations[HARBOR].delete(contact_id)
    with context.vault.write() as tx:
        register.mark_suspected(tx, HARBOR, [(contact_id, at) for contact_id in GONE], at=at, detected_by="listing")
        for contact_id in GONE:
            row = queries.list_for_contact(tx, HARBOR, contact_id)[-1].disappearance_id
            register.confirm(tx, row, at=at, status="deleted", cause="bulk", evidence="GET says 404")
    return context


def _make_odd(tx: Any, contact_id: str, at: Any) -> None:
    stored = contact_reads.get(tx, HARBOR, contact_id)
    assert stored
    raw = _encode({**json.loads(stored.raw), **odd_fields(contact_id)})
    contact_writes.replace(tx, HARBOR, [parse_contact(raw)], at=at, run_id=1)
    contact_writes.store_detail(tx, HARBOR, contact_id, raw, at=at, run_id=1)
    chance = random.Random(contact_id)
    for kind in ("note", "task", "opportunity", "appointment", "message"):
        fields = {field: chance.choice(VALUES) for field in RECORD_FIELDS}
        record_id = f"{kind}-{contact_id}"
        records.save(tx, HARBOR, kind, [(record_id, contact_id, _encode({**fields, "id": record_id}))], at=at)


def _encode(value: Any) -> bytes:
    return json.dumps(value).encode()


def assert_sound(page: AppTest) -> None:
    assert not page.exception, page.exception[0].value
    assert not page.error, page.error[0].value


@pytest.mark.parametrize("name", PAGES)
def test_every_page_of_the_account_works(odd_account: AppContext, app: AppTest, name: str) -> None:
    page = app.run().switch_page(name).run()
    assert_sound(page)
    for key in ("show", "left"):
        for option in next((widget.options for widget in page.segmented_control if widget.key == key), []):
            assert_sound(page.segmented_control(key=key).set_value(option).run())


@pytest.mark.parametrize("contact_id", [ODD[0], ODD[1], *GENERATED])
def test_every_part_of_a_record_works(odd_account: AppContext, app: AppTest, contact_id: str) -> None:
    app.query_params.update({"contact": contact_id, "in": HARBOR})
    page = app.run().switch_page("contacts.py").run()
    for part in SECTIONS:
        assert_sound(page.segmented_control(key="part").set_value(part).run())


def test_a_year_that_is_before_the_calendar_of_the_zone_is_shown(odd_account: AppContext, app: AppTest) -> None:
    app.query_params.update({"contact": ODD[1], "in": HARBOR})
    page = app.run().switch_page("contacts.py").run()
    assert "1 Jan 1, 00:00 UTC" in "\n".join(str(element.value) for element in page.get("text"))


def test_the_plan_the_restore_and_its_receipts_work(odd_account: AppContext, app: AppTest, cast: Cast) -> None:
    app.session_state[SELECTION_KEY] = [ContactRef(HARBOR, contact_id) for contact_id in GONE]
    app.session_state["how"] = "Create again now"
    page = app.run().switch_page("restore.py")
    assert_sound(page.run())
    until(page, lambda: page.session_state["planning"].done)
    assert_sound(page)
    plans = page.session_state["planning"].plans
    assert {item.contact_id for plan in plans for item in plan.items} == set(GONE)
    assert downloads.plan_file(odd_account, plans, cast.sam).count(b"\r\n") > len(GONE)
    for contact_id in GONE:
        if any(toggle.key == f"lines_{contact_id}" for toggle in page.toggle):
            assert_sound(page.toggle(key=f"lines_{contact_id}").set_value(True).run())
    page.button(key="restore").click().run()
    page.button(key="sure").click().run()
    until(page, lambda: bool(page.get("download_button")) and _ended(odd_account.vault))
    assert not page.exception
    with odd_account.vault.read() as tx:
        jobs = restore_jobs.list_jobs(tx, [HARBOR], limit=1)
    assert downloads.receipt_file(odd_account, jobs, cast.sam).count(b"\r\n") >= len(GONE)
    parts = [(jobs[0], "Harbor", "America/Chicago")]
    assert b"</html>" in downloads.printed_file(odd_account, parts, "Restore", {}, cast.sam)


def _ended(vault: Vault) -> bool:
    with vault.read() as tx:
        return all(job.state == "done" for job in restore_jobs.list_jobs(tx, [HARBOR], limit=1))


@pytest.mark.parametrize("download", [downloads.at_risk_file], ids=lambda function: function.__name__)
def test_small_downloads_work(odd_account: AppContext, cast: Cast, download: Callable[..., bytes]) -> None:
    data = download(odd_account, [ContactRef(HARBOR, contact_id) for contact_id in GONE], None, cast.sam)
    assert data.count(b"\r\n") > len(GONE)
