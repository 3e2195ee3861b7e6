"""Every page, at a desk and on a phone, light and dark: nothing overflows, fails, or asks for anything elsewhere."""

from __future__ import annotations

import pytest
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.browser.conftest import PATHS, OpenWindow, Server, Window

WIDTHS = {"desk": (1440, 900), "phone": (390, 844)}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_page_fits_and_nothing_fails(server: Server, window: OpenWindow, dark: bool) -> None:
    visitor = window(server, dark=dark)
    for path in PATHS:
        page = visitor.open(path)
        for name, (width, height) in WIDTHS.items():
            page.set_viewport_size({"width": width, "height": height})
            visitor.settle()
            where = f"{path} on a {name}"
            assert page.locator("h1").first.inner_text().strip(), where
            assert _fits(visitor), f"{where} scrolls sideways"
            assert page.get_by_test_id("stException").count() == 0, where
            assert page.locator("[data-testid=stAlertContentError]").count() == 0, where
            assert len(page.get_by_test_id("stMain").inner_text()) > 60, f"{where} is empty"
        assert _is_dark(visitor) is dark, path
        page.set_viewport_size({"width": 1440, "height": 900})
    assert visitor.faults == []
    assert visitor.asked == [], "a page asked for something outside this machine"


def _fits(visitor: Window) -> bool:
    """Whether nothing sticks out sideways, once charts and tables have drawn themselves anew."""
    script = """() => Math.max(
        document.documentElement.scrollWidth - innerWidth,
        ...[...document.querySelectorAll('[data-testid=stMain]')].map(e => e.scrollWidth - e.clientWidth)) <= 0"""
    try:
        visitor.page.wait_for_function(script, timeout=15_000)
    except PlaywrightTimeout:
        return False
    return True


def _is_dark(visitor: Window) -> bool:
    script = "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
    color = str(visitor.page.evaluate(script))
    return sum(int(part) for part in color.removeprefix("rgb(").removesuffix(")").split(",")[:3]) < 200
