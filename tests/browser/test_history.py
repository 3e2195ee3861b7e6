"""The browser's Back and Forward go through what was chosen on a page, also after a reload."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenWindow, Server, Window
from tests.browser.test_names import click_name

CHOICES = [
    ("/", "span", "radio", ("60 days", "90 days"), "30 days"),
    ("/at_risk", "left", "radio", ("This week", "Later"), "At risk"),
    ("/contacts", "show", "radio", ("Deleted", "Restored"), "Everybody"),
    ("/activity", "view", "tab", ("Who did what", "Set aside"), "Rounds"),
]


def at(window: Window, path: str, **query: str) -> None:
    """The browser is at this address and the page is drawn."""
    where = f"{window.base}{path}" + (f"?{urlencode(query)}" if query else "")
    window.page.wait_for_url(where)
    window.settle()


@pytest.mark.parametrize(("path", "name", "role", "values", "first"), CHOICES, ids=[row[0] for row in CHOICES])
def test_back_and_forward_go_through_the_choices_of_a_page(
    server: Server, window: OpenWindow, path: str, name: str, role: str, values: tuple[str, str], first: str
) -> None:
    visitor = window(server)
    page = visitor.open(path)

    def shows(value: str) -> None:
        at(visitor, path, **({} if value == first else {name: value}))
        chosen = page.get_by_test_id("stMain").get_by_role(role, name=value, exact=True)  # type: ignore[arg-type]
        expect(chosen).to_have_attribute("aria-selected" if role == "tab" else "aria-checked", "true")

    for value in values:
        page.get_by_test_id("stMain").get_by_role(role, name=value, exact=True).click()  # type: ignore[arg-type]
        shows(value)
    page.go_back()
    shows(values[0])
    page.go_back()
    shows(first)
    page.go_forward()
    shows(values[0])
    page.reload()
    shows(values[0])
    page.go_back()
    shows(first)
    assert visitor.faults == []


def test_the_part_of_a_record_is_in_the_address(server: Server, window: OpenWindow) -> None:
    visitor = window(server)
    page = visitor.open("/contacts?show=Deleted")
    click_name(visitor)
    for part in ("History", "Disappearances"):
        page.get_by_role("radio", name=part).click()
        page.wait_for_url(f"**part={part}")
        visitor.settle()
    page.reload()
    visitor.settle()
    expect(page.get_by_role("radio", name="Disappearances")).to_be_checked()
    for part in ("History", "Details"):
        page.go_back()
        visitor.settle()
        expect(page.get_by_role("radio", name=part)).to_be_checked()
    page.go_back()
    page.wait_for_url("**/contacts?show=Deleted")
    expect(page.get_by_role("radio", name="Deleted")).to_be_checked()


def test_the_account_and_the_fields_to_put_back_are_in_the_address(server: Server, window: OpenWindow) -> None:
    visitor = window(server)
    page = visitor.open("/changes?location=demoDental0000000001")
    page.get_by_test_id("stMain").get_by_text(re.compile(r"^Source · \d+$")).click()
    page.wait_for_url(re.compile("changes_fields="))
    visitor.settle()
    page.reload()
    visitor.settle()
    expect(page.get_by_role("button", name=re.compile("^Put 1 field back"))).to_be_visible()
    page.go_back()
    at(visitor, "/changes", location="demoDental0000000001")
    expect(page.get_by_role("button", name=re.compile("^Put back"))).to_be_visible()
