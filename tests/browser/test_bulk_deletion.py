"""A manager's bad day: hundreds of contacts deleted at once. One button, one plan, a pause, a verified receipt.

The account is a sandbox of its own, spoken to over HTTP by the dashboard's process. `INCIDENT_SIZE=900` makes it as
large as one likes; `INCIDENT_SHOTS=<folder>` keeps a picture of every step.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect

from hlcore.accounts import connection
from hlcore.app_context import AppContext
from hlcore.sandbox import Sandbox, SandboxLocation, serve
from hlcore.settings import Settings
from hlcore.sync.capture.budget import CaptureBudget
from hlcore.sync.capture.run import capture_location
from hlcore.sync.listing.run import sync_location
from hlcore.ui.components.formatting import count
from tests.browser.conftest import OpenWindow, Server, StartServer, Window

SIZE = int(os.environ.get("INCIDENT_SIZE", "60"))
SHOTS = os.environ.get("INCIDENT_SHOTS", "")
PATIENCE = 30_000 + SIZE * 500
PLACE = "locMillbrook00000001"
PACE = 1_000_000
ENV = {
    "HLCORE_DEMO": "off",
    "HLCORE_INDEX_LAG_MINUTES": "0",
    "HLCORE_REQUESTS_PER_10S": str(PACE),
    "HLCORE_WATCH_MINUTES": "0",
}


@dataclass
class Account:
    """The sandbox with the account, the dashboard that looks at it, and who was deleted."""

    sandbox: Sandbox
    location: SandboxLocation
    server: Server
    lost: list[str]


@pytest.fixture
def account(start_server: StartServer, tmp_path: Path) -> Iterator[Account]:
    """Everybody was copied with all records; then SIZE people were deleted at once, and a round has noticed."""
    sandbox = Sandbox(seed=9)
    location = sandbox.add_location(PLACE, "Millbrook Fitness", "Europe/Berlin", token=f"pit-{PLACE}")
    location.rate_limit.burst = location.rate_limit.daily = PACE
    lost = _people(location)
    with serve(sandbox) as there:
        _copy_and_lose(there.url, location, lost, tmp_path)
        server = start_server(data=tmp_path, HLCORE_API_URL=there.url, **ENV)
        yield Account(sandbox, location, server, lost)
        server.stop()


def _people(location: SandboxLocation) -> list[str]:
    sam = location.add_user("Sam Okafor")
    contact_ids, phones = location.fill(SIZE + 20), set[str]()
    for number, contact_id in enumerate(contact_ids):
        if (phone := str(location.contacts[contact_id].get("phone"))) in phones:
            location.edit(contact_id, phone=f"+49301{number:07d}")  # two of one number would not both come back
        phones.add(phone)
        if number % 3 == 0:
            location.add_note(contact_id, "Prefers mornings.", userId=sam)
        if number % 4 == 0:
            location.add_opportunity(contact_id, "Membership", monetaryValue=480, assignedTo=sam)
        if number % 5 == 0:
            location.add_task(contact_id, "Call back", due=datetime.now(UTC) + timedelta(days=3))
    return contact_ids[:SIZE]


def _copy_and_lose(url: str, location: SandboxLocation, lost: list[str], folder: Path) -> None:
    values = {"data_dir": folder, "database_url": f"sqlite:///{folder / 'vault.db'}", "api_url": url}
    context = AppContext.open(
        Settings(**values, index_lag_minutes=0, requests_per_10s=PACE, requests_per_day=PACE * 100)
    )
    connection.connect(context, PLACE, f"pit-{PLACE}")
    rules = context.rules(context.location(PLACE))
    with context.location_context(PLACE) as location_context:
        sync_location(location_context, rules)
        capture_location(location_context, CaptureBudget.of(context.settings, location_context.client.limiter))
        location.delete(*lost)
        sync_location(location_context, rules)
    context.close()


def test_a_bulk_deletion_is_undone_from_one_button_to_a_verified_receipt(
    account: Account, window: OpenWindow, tmp_path: Path
) -> None:
    manager = window(account.server)
    _one_button_leads_to_one_plan(manager)
    account.location.faults.on("latency", seconds=0.25)  # so that there is something to watch and to pause
    _confirm(manager)
    _it_runs_and_is_paused(manager)
    url = manager.page.url
    manager.context.close()
    again = window(account.server)
    again.page.goto(url)
    other = Window(again.context, again.context.new_page(), again.base)
    _another_tab_shows_it_and_offers_nobody_again(other)
    _it_stands_still_and_goes_on(again)
    again.page.reload()
    account.location.faults.clear()
    _the_receipt_proves_it(again, account, tmp_path)
    _the_other_tab_is_told(other, again.page.url)


def _one_button_leads_to_one_plan(manager: Window) -> None:
    page = manager.open("/incidents")
    expect(page.get_by_text(f"{count(SIZE)} people are still gone")).to_be_visible()
    shot(manager, "1-list")
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_role("heading", name=re.compile(f"^{count(SIZE)} of .* deleted at once"))).to_be_visible()
    manager.settle()
    shot(manager, "2-event")
    page.get_by_role("button", name=f"Restore all {count(SIZE)}").click()
    page.wait_for_url(re.compile(r"/restore\?draft=\w+$"))
    expect(page.get_by_text("HighLevel's own restore keeps the contact's id")).to_be_visible(timeout=PATIENCE)
    link = page.get_by_role("link", name="Open contacts in HighLevel")
    assert PLACE in str(link.get_attribute("href"))
    expect(page.get_by_text(re.compile(r"Do it before .* CES?T"))).to_be_visible()
    manager.settle()
    shot(manager, "3-native")
    page.get_by_role("button", name="Create them again instead").click()
    expect(page.get_by_role("button", name=f"Restore {count(SIZE)} people")).to_be_visible(timeout=PATIENCE)
    manager.settle()
    shot(manager, "4-plan")


def _confirm(manager: Window) -> None:
    manager.page.get_by_role("button", name=f"Restore {count(SIZE)} people").click()
    dialog = manager.page.get_by_role("dialog")
    expect(dialog.get_by_text("will be created again in")).to_contain_text(f"{count(SIZE)} people")
    shot(manager, "5-confirm")
    dialog.get_by_role("button", name=f"Restore {count(SIZE)} people").click()


def _it_runs_and_is_paused(manager: Window) -> None:
    page = manager.page
    expect(page.get_by_text(re.compile(r"people a (second|minute)\. Done at about .* CET"))).to_be_visible()
    shot(manager, "6-running")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused: it goes on when somebody says so.")).to_be_visible()
    shot(manager, "7-paused")


def _another_tab_shows_it_and_offers_nobody_again(other: Window) -> None:
    page = other.open("/incidents")
    expect(page.get_by_text(re.compile(rf"Restore \d+: \d+ of {count(SIZE)} people"))).to_be_visible()
    page.get_by_test_id("stMain").get_by_role("button", name="Open").first.click()
    expect(page.get_by_role("link", name=re.compile("^Watch job"))).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Restore "))).to_have_count(0)
    other.wait_for("Being restored")
    page.go_back()
    other.settle()


def _the_other_tab_is_told(other: Window, url: str) -> None:
    page = other.page
    expect(page.get_by_role("link", name="See the receipt")).to_be_visible()  # stays; the toast beside it goes
    expect(page.get_by_text(re.compile(r"Restore \d+: \d+ of"))).to_have_count(0)
    page.get_by_role("link", name="See the receipt").click()
    page.wait_for_url(url)
    expect(page.get_by_text("are back in HighLevel; nobody got a message.").first).to_be_visible()


def _it_stands_still_and_goes_on(again: Window) -> None:
    page = again.page
    expect(page.get_by_text("Paused: it goes on when somebody says so.")).to_be_visible()
    done = page.get_by_text(re.compile(rf"[1-9]\d* of {count(SIZE)} people done"))
    expect(done).to_be_visible()
    shot(again, "8-another-browser")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()


def _the_receipt_proves_it(again: Window, account: Account, folder: Path) -> None:
    page, location = again.page, account.location
    text = f"{count(SIZE)} people are back in HighLevel; nobody got a message."
    result = page.get_by_test_id("stAlertContentSuccess").get_by_text(text)
    expect(result).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("every field is as planned")).to_be_visible()
    again.settle()
    shot(again, "9-receipt")
    rows = list(csv.DictReader(io.StringIO(fetched(again, "Download receipt", folder).decode("utf-8-sig"))))
    assert {row["contact_id"] for row in rows} == set(account.lost)
    assert {(row["outcome"], row["verified"]) for row in rows} == {("recreated", "yes")}
    assert {row["new_id"] for row in rows} <= set(location.contacts)
    assert len(location.contacts) == SIZE + 20
    ledger = account.sandbox.ledger
    assert not ledger.messages_sent
    assert not ledger.creates_without_dnd
    _print(again, fetched(again, "Printable receipt", folder).decode(), rows)


def _print(again: Window, html: str, rows: list[dict[str, str]]) -> None:
    page = again.context.new_page()
    page.set_content(html)
    assert page.locator("tbody tr").count() == SIZE
    expect(page.get_by_text(f"{count(SIZE)} were read back and are as planned.")).to_be_visible()
    text = page.locator("table").inner_text()
    assert all(row["new_id"] in text and row["contact_id"] in text for row in rows)
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/10-printed.png")


def fetched(window: Window, button: str, folder: Path) -> bytes:
    """The file behind this button."""
    with window.page.expect_download() as download:
        window.page.get_by_role("button", name=button).click()
    download.value.save_as(folder / "fetched")
    return (folder / "fetched").read_bytes()


def shot(window: Window, name: str) -> None:
    """A picture of this step at a desk and on a phone, where pictures are wanted."""
    if not SHOTS:
        return
    for width in (390, 1440):
        window.page.set_viewport_size({"width": width, "height": 900})
        window.page.wait_for_timeout(400)
        high = window.page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
        window.page.set_viewport_size({"width": width, "height": min(max(900, int(high)), 2600)})
        window.page.wait_for_timeout(400)
        window.page.screenshot(path=f"{SHOTS}/{name}-{width}.png")
    window.page.set_viewport_size({"width": 1440, "height": 900})
    window.page.wait_for_timeout(1_000)  # the menu slides back; a click during that could miss
