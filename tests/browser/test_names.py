"""A name leads to the person's record from every list, and Back from there to the list under its filter."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenWindow, Server, Window
from tests.browser.test_recovery import BOX, ROW


def click_name(window: Window, *, row: int = 1, boxes: bool = False) -> None:
    """The name in this row (from 1) of the page's last table is clicked; `boxes`: it has a box before each row."""
    grid = window.page.get_by_test_id("stDataFrame").last
    grid.evaluate(
        "e => document.querySelector('[data-testid=stMain]').scrollBy(0, e.getBoundingClientRect().top - 100)"
    )
    window.settle()
    box = grid.bounding_box()
    assert box
    window.page.mouse.click(box["x"] + 40 + (2 * BOX if boxes else 0), box["y"] + row * ROW + ROW / 2)
    window.page.wait_for_url(re.compile(r"/contacts\?.*contact="))
    window.settle()


@pytest.mark.parametrize("width", [1440, 390])
def test_a_name_at_risk_opens_the_record_and_back_leads_to_the_filter(
    server: Server, window: OpenWindow, width: int
) -> None:
    staff = window(server, width=width)
    page = staff.open("/at_risk")
    page.get_by_text("This week", exact=True).first.click()
    page.wait_for_url("**/at_risk?left=This+week")
    staff.settle()
    click_name(staff, boxes=True)
    expect(page.get_by_role("button", name="Restore …")).to_be_visible()
    page.go_back()
    page.wait_for_url("**/at_risk?left=This+week")
    staff.settle()
    expect(page.get_by_role("radio", name="This week")).to_be_checked()


def test_back_after_a_reload_of_the_record_leads_to_the_filter_at_once(server: Server, window: OpenWindow) -> None:
    staff = window(server)
    page = staff.open("/at_risk?left=Later")
    click_name(staff, boxes=True)
    page.reload()
    staff.settle()
    page.go_back()
    page.wait_for_url("**/at_risk?left=Later")
    staff.settle()
    expect(page.get_by_role("radio", name="Later")).to_be_checked()


def test_a_name_of_a_bulk_deletion_opens_the_record(server: Server, window: OpenWindow) -> None:
    staff = window(server)
    page = staff.open("/incidents")
    page.get_by_test_id("stMain").get_by_role("button", name="Open").first.click()
    page.wait_for_url("**/incidents?*incident=*")
    staff.settle()
    click_name(staff)
    expect(page.get_by_role("button", name="All contacts")).to_be_visible()
