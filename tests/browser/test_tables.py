"""Tables: a click on a header sorts all rows in the database, or nothing; never the texts of one page."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import OpenWindow, Server, Window
from tests.browser.test_recovery import ROW, tick

UNDER_THE_BAR = "e => document.querySelector('[data-testid=stMain]').scrollBy(0, e.getBoundingClientRect().top - 100)"


def header(window: Window, table: Locator, x: float) -> None:
    """The header is clicked at this distance from the table's left side."""
    table.evaluate(
        "e => document.querySelector('[data-testid=stMain]').scrollBy(0, e.getBoundingClientRect().top - 100)"
    )
    window.settle()
    box = table.bounding_box()
    assert box
    window.page.mouse.click(box["x"] + x, box["y"] + ROW / 2)
    window.settle()


def column(window: Window, table: Locator, number: int) -> list[str]:
    """The texts of a column (from 1) of the rows on show, as readers of screens are told them, once it is drawn."""
    drawn = table.locator(f"canvas [role=gridcell][aria-colindex='{number}']")
    expect(drawn).not_to_have_count(0)
    found: list[str] = []
    while not found:  # the cells are replaced while the table is drawn again
        window.settle()
        found = drawn.all_text_contents()
    return found


def test_a_header_of_contacts_sorts_everybody_and_opens_nobody(server: Server, window: OpenWindow) -> None:
    visitor = window(server)
    page = visitor.open("/contacts")
    table = page.get_by_test_id("stDataFrame").first
    first = column(visitor, table, 1)
    header(visitor, table, 60)
    expect(page).to_have_url(re.compile(r"order=By\+name%2C\+Z\+to\+A"))
    last = column(visitor, table, 1)
    assert not set(last) & set(first), "only the page was sorted"
    assert "contact=" not in page.url
    header(visitor, table, 60)
    expect(page).not_to_have_url(re.compile("order="))
    assert column(visitor, table, 1) == first


def test_a_header_of_at_risk_keeps_who_is_ticked(server: Server, window: OpenWindow) -> None:
    visitor = window(server)
    page = visitor.open("/at_risk?location=demoRecruiting000001")
    table = page.get_by_test_id("stDataFrame").first
    column(visitor, table, 2)
    header(visitor, table, 90)
    expect(page).to_have_url(re.compile("risk_order=By\\+name"))
    column(visitor, table, 2)
    tick(visitor, 1)
    expect(page.get_by_text("1 person chosen")).to_be_visible()
    header(visitor, table, 90)
    expect(page).to_have_url(re.compile(r"risk_order=By\+name%2C"))
    expect(page.get_by_text("1 person chosen")).to_be_visible()


def test_no_menu_offers_to_sort_one_page(server: Server, window: OpenWindow) -> None:
    visitor = window(server)
    for path, others in (("/contacts", "Hide column"), ("/activity", "Hide column")):
        page = visitor.open(path)
        box = page.get_by_test_id("stDataFrame").first.bounding_box()
        assert box
        menu = page.get_by_test_id("stDataFrameColumnMenu")
        for x in range(140, 200, 4):
            page.mouse.move(box["x"] + x, box["y"] + ROW / 2)
            page.mouse.click(box["x"] + x, box["y"] + ROW / 2)
            if menu.count():
                break
        expect(menu.get_by_text(others)).to_be_visible()
        expect(menu.get_by_text("Sort ascending")).not_to_be_visible()
        expect(menu.get_by_text("Sort descending")).not_to_be_visible()


def test_a_header_of_a_read_only_table_changes_nothing(server: Server, window: OpenWindow) -> None:
    visitor = window(server)
    page = visitor.open("/activity?location=demoRecruiting000001")
    table = page.get_by_test_id("stDataFrame").first
    before = column(visitor, table, 1)
    for x in (60, 200, 400):
        header(visitor, table, x)
        after = column(visitor, table, 1)
        new = after.index(before[0])  # rounds that began in between
        assert after[new : new + 10] == before[:10]


def test_each_page_has_its_title_and_an_unknown_address_says_so(server: Server, window: OpenWindow) -> None:
    visitor = window(server)
    page = visitor.open("/at_risk")
    expect(page).to_have_title("At risk · Contact Vault")
    page = visitor.open("/nonsense")
    expect(page).to_have_title("Page not found · Contact Vault")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_test_id("stMain").get_by_role("link", name="Contacts").click()
    page.wait_for_url("**/contacts")
    expect(page).to_have_title("Contacts · Contact Vault")


@pytest.mark.parametrize("path", ["/a/b", "/contacts/x", "/a/b/c?location=x", "/a//b", "/oauth/nothing", "/media2/x"])
def test_an_unknown_address_of_several_parts_says_so_and_leads_home(
    server: Server, window: OpenWindow, path: str
) -> None:
    visitor = window(server)
    answer = visitor.page.goto(server.url + path)
    assert answer
    assert answer.status == 404
    expect(visitor.page).to_have_title("Page not found · Contact Vault")
    visitor.page.get_by_role("link", name="Open the Overview").click()
    visitor.settle()
    expect(visitor.page).to_have_title("Overview · Contact Vault")
    assert visitor.faults == []
