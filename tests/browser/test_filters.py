"""From every filter every way leads on: no page, button or link fails because the address holds a filter.

The everyday run takes the ways that once failed and one of each page; `-m slow` presses every button and link of every
page under every filter, on a desktop and on a phone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import OpenWindow, Server, Window
from tests.browser.test_recovery import ROW, tick

FILTERS = {
    "/": {"span": ("60 days", "90 days")},
    "/at_risk": {"left": ("Last day", "This week", "Later", "Window closed")},
    "/contacts": {
        "show": ("In HighLevel", "Deleted", "Restored"),
        "order": ("Newest first", "Oldest first", "Last changed first"),
    },
    "/activity": {"outcome": ("Complete", "Needs a look"), "view": ("Who did what",), "act": ("restore", "export")},
    "/backups": {"what": ("register", "notes")},
}
"""Path → query parameter → values other than the first."""
WIDTHS = {"desktop": 1440, "phone": 390}
LEADS_ON = "[data-testid=stMain] :is([data-testid=stButton] button:enabled, a[data-testid=stPageLink-NavLink])"

NOTE_RUNS = """() => {
    const app = document.querySelector('[data-testid=stApp]');
    window.hasRun = false;
    new MutationObserver(() => { window.hasRun ||= app.dataset.testScriptState !== 'notRunning'; })
        .observe(app, {attributes: true, attributeFilter: ['data-test-script-state']});
}"""
"""From now on `window.hasRun` tells whether the page was run: right after a click it still looks finished."""


def filtered() -> Iterator[str]:
    """Every page under each of its filters, as a path with its query."""
    for path, params in FILTERS.items():
        for name, values in params.items():
            shown = {"view": "Who did what"} if name == "act" else {}
            for value in values:
                yield f"{path}?{urlencode({**shown, name: value})}"


def is_right(visitor: Window, where: str) -> None:
    """The page is drawn, and nothing on it or in the browser went wrong."""
    visitor.settle()
    assert visitor.page.locator("[data-testid=stAlertContentError]").all_inner_texts() == [], where
    assert visitor.page.get_by_test_id("stException").count() == 0, where
    assert visitor.faults == [], where


def press(visitor: Window, button: Locator, path: str) -> None:
    """The button is pressed and the page at this path is drawn, without the filter of the page before."""
    button.click()
    visitor.page.wait_for_url(re.compile(rf"{re.escape(visitor.base + path)}(\?|$)"))
    is_right(visitor, path)


@pytest.fixture(params=WIDTHS)
def visitor(request: pytest.FixtureRequest, server: Server, window: OpenWindow) -> Window:
    """A visitor on a desktop, then on a phone."""
    return window(server, width=WIDTHS[request.param])


@pytest.mark.parametrize("group", ["Last day", "This week"])
def test_who_is_ticked_under_a_filter_is_restored(server: Server, window: OpenWindow, group: str) -> None:
    staff = window(server, width=1440 if group == "Last day" else 390)
    page = staff.open("/")
    ways = {"Last day": "Save them now", "This week": "Decide who comes back"}
    press(staff, page.get_by_role("button", name=ways[group]), "/at_risk")
    tick(staff, 1)
    press(staff, page.get_by_role("button", name="Restore 1 …"), "/restore")
    expect(page.get_by_text("Preview for 1 person")).to_be_visible()
    assert "left=" not in page.url


def test_a_deleted_persons_page_under_a_filter_leads_to_the_restore(server: Server, window: OpenWindow) -> None:
    staff = window(server)
    page = staff.open("/contacts?show=Deleted&order=Newest+first")
    box = page.get_by_test_id("stDataFrame").first.bounding_box()
    assert box
    page.mouse.click(box["x"] + 40, box["y"] + 1.5 * ROW)
    page.wait_for_url("**/contacts*contact=*")
    staff.settle()
    press(staff, page.get_by_role("button", name="Restore …"), "/restore")
    expect(page.get_by_text("Preview for 1 person")).to_be_visible()


@pytest.mark.slow
@pytest.mark.parametrize("address", list(filtered()))
def test_every_button_and_link_works_under_every_filter(visitor: Window, address: str) -> None:
    visitor.open(address)
    is_right(visitor, address)
    pressed, number = 0, -1
    while (number := number + 1) < visitor.page.locator(LEADS_ON).count():
        button = visitor.page.locator(LEADS_ON).nth(number)
        if not button.is_visible():
            continue
        label = button.inner_text()
        before = visitor.page.url
        visitor.page.evaluate(NOTE_RUNS)
        button.click()
        visitor.page.wait_for_function("window.hasRun")
        is_right(visitor, f"{label!r} at {address}")
        pressed += 1
        if visitor.page.url != before or visitor.page.get_by_role("dialog").count():
            visitor.open(address)
    assert pressed
