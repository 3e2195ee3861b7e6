"""The main job, through a real browser: three people at risk are brought back, watched and proven."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenWindow, Server, Window

ROW, BOX = 35, 16
ID = re.compile(r"[A-Za-z0-9]{20}")


def tick(window: Window, row: int) -> None:
    """The box before this row (from 1) of the first table is clicked, again where the table moved under the mouse."""
    grid = window.page.get_by_test_id("stDataFrame").first
    grid.evaluate(
        "e => document.querySelector('[data-testid=stMain]').scrollBy(0, e.getBoundingClientRect().top - 100)"
    )
    window.settle()
    drawn = grid.locator(f"canvas [role=row][aria-rowindex='{row + 1}']")
    wanted = "false" if drawn.get_attribute("aria-selected") == "true" else "true"
    for patience in (5_000, 5_000, 30_000):
        box = grid.bounding_box()
        assert box
        window.page.mouse.click(box["x"] + BOX, box["y"] + row * ROW + ROW / 2)
        with suppress(AssertionError):
            expect(drawn).to_have_attribute("aria-selected", wanted, timeout=patience)
            break
    window.settle()


@pytest.fixture
def restored(server: Server, window: OpenWindow) -> Window:
    """The window of somebody who has confirmed the restore of three people."""
    staff = window(server)
    page = staff.open("/at_risk?location=demoRecruiting000001")
    for row in (1, 2, 4):
        tick(staff, row)
    expect(page.get_by_text("3 people chosen")).to_be_visible()
    page.get_by_role("button", name="Restore 3 …").click()
    expect(page.get_by_text("3 people: in HighLevel, before")).to_be_visible()
    page.get_by_role("button", name="Create them again instead").click()
    expect(page.get_by_text(re.compile("Comes back"))).to_have_count(3)
    expect(page.get_by_text("Each person is created with every channel closed")).to_be_visible()
    page.get_by_role("button", name="Restore 3 people …").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("will be created again in")).to_contain_text("3 people")
    dialog.get_by_role("button", name="Restore 3 people").click()
    return staff


def test_three_people_are_saved_from_at_risk_to_the_receipt(
    restored: Window, window: OpenWindow, server: Server, tmp_path: Path
) -> None:
    page = restored.page
    expect(page.get_by_role("heading", name=re.compile(r"Restore \d+"))).to_be_visible()
    result = page.get_by_test_id("stAlertContentSuccess")  # a toast says the same
    expect(result.get_by_text("3 people are back in HighLevel")).to_be_visible()
    expect(page.get_by_text("every field is as planned")).to_be_visible()
    restored.settle()
    expect(page.get_by_role("radio", name="All", exact=True)).to_be_checked()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download receipt").click()
    download.value.save_as(tmp_path / "receipt.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "receipt.csv").read_text(encoding="utf-8-sig"))))
    assert [row["outcome"] for row in rows] == ["recreated"] * 3
    assert [row["verified"] for row in rows] == ["yes"] * 3
    new_ids = [row["new_id"] for row in rows]
    assert all(ID.fullmatch(new_id) for new_id in new_ids)
    restored.wait_for(*new_ids)
    _another_browser_sees_it_and_they_are_no_longer_at_risk(window(server), page.url, new_ids, rows)


def _another_browser_sees_it_and_they_are_no_longer_at_risk(
    other: Window, url: str, new_ids: list[str], rows: list[dict[str, str]]
) -> None:
    other.page.goto(url)
    other.wait_for("3 people are back in HighLevel", *new_ids)
    other.open("/at_risk?location=demoRecruiting000001")
    search = other.page.get_by_placeholder("Name, e-mail, phone or tag")
    for row in rows:
        search.fill(row["contact_id"])
        expect(other.page.get_by_text("Try fewer letters")).to_be_visible()
        search.fill("")
        expect(other.page.get_by_text("Try fewer letters")).to_have_count(0)


@pytest.mark.parametrize("width", [1440, 390])
def test_the_line_of_a_job_moves_and_covers_nothing(server: Server, window: OpenWindow, width: int) -> None:
    other = window(server, width=width)
    page = other.open("/contacts")
    before = page.locator("h1").bounding_box()
    staff = window(server)
    staff.open("/at_risk?left=Window+closed&location=demoRecruiting000001")
    tick(staff, 1)
    staff.page.get_by_role("button", name="Restore 1 …").click()
    staff.page.get_by_role("button", name="Restore 1 person …").click()
    staff.page.get_by_role("dialog").get_by_role("button", name="Restore 1 person").click()
    line = page.locator(".st-key-open_jobs_lines")
    expect(line.get_by_text("back in HighLevel")).to_be_visible()
    assert page.locator("h1").bounding_box() == before
    last = page.get_by_text("Click a name to open the full record")
    page.get_by_test_id("stMain").evaluate("e => e.scrollTo(0, e.scrollHeight)")
    other.settle()
    expect(line).to_be_in_viewport(ratio=1)
    below, end = line.bounding_box(), last.bounding_box()
    assert below
    assert end
    assert end["y"] + end["height"] <= below["y"], "the line covers the end of the page"


def test_a_person_is_found_opened_and_left_again(server: Server, window: OpenWindow) -> None:
    staff = window(server)
    page = staff.open("/contacts?show=Deleted")
    grid = page.get_by_test_id("stDataFrame").first
    box = grid.bounding_box()
    assert box
    page.mouse.click(box["x"] + 40, box["y"] + 1.5 * ROW)
    page.wait_for_url("**/contacts*contact=*")
    staff.settle()
    expect(page.get_by_text("Do not disturb", exact=True)).to_be_visible()
    page.get_by_text("Disappearances", exact=True).click()
    expect(page.get_by_text("404").first).to_be_visible()
    page.get_by_role("button", name="All contacts").click()
    expect(page.get_by_role("heading", name="Contacts")).to_be_visible()
    page.wait_for_url(lambda url: "contact=" not in url)
    staff.settle()
    expect(page.get_by_test_id("stDataFrame").first).to_be_visible()
    assert "contact=" not in page.url, "the table remembers the click, and the record opens again"


def test_a_backup_is_made_counted_and_fetched(server: Server, window: OpenWindow, tmp_path: Path) -> None:
    staff = window(server)
    page = staff.open("/backups?location=demoDental0000000001")
    page.get_by_text("Deletions register", exact=True).click()
    staff.settle()
    page.get_by_role("button", name="Make file").click()
    expect(page.get_by_text("Deletions register: ready")).to_be_visible()
    digest = page.get_by_test_id("stCode").first.inner_text().strip()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download contact-vault-").click()
    download.value.save_as(tmp_path / "register.csv")
    assert hashlib.sha256((tmp_path / "register.csv").read_bytes()).hexdigest() == digest
