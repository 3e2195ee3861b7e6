"""Every page, on a desktop and on a phone, light and dark: nothing overflows, fails, or asks for anything elsewhere.

With `--screenshots FOLDER` each of these views is also saved there as a PNG (`make screenshots`).
"""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.browser.conftest import PATHS, OpenWindow, Server, Window

WIDTHS = {"phone": (390, 844), "desktop": (1440, 900)}
BACKGROUND = "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
IS_DARK = f"dark => ({BACKGROUND}.match(/[0-9]+/g).slice(0, 3).reduce((a, b) => a + +b, 0) < 200) === dark"
FITS = """() => Math.max(
    document.documentElement.scrollWidth - innerWidth,
    ...[...document.querySelectorAll('[data-testid=stMain]')].map(e => e.scrollWidth - e.clientWidth)) <= 0"""
CONTENT_HEIGHT = "document.querySelector('[data-testid=stMain]').scrollHeight"
CHOSEN_IS_READABLE = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8").partition("\n")[2]


def test_every_page_fits_and_nothing_fails(server: Server, window: OpenWindow, screenshot_folder: Path | None) -> None:
    visitor = window(server)
    visitor.open("/")
    for path in PATHS:
        page = visitor.turn_to(path)
        for theme in ("dark", "light"):
            page.emulate_media(color_scheme=theme)
            page.wait_for_function(IS_DARK, arg=theme == "dark", timeout=30_000)
            page.wait_for_function(CHOSEN_IS_READABLE, timeout=30_000)
            for name, (width, height) in WIDTHS.items():
                page.set_viewport_size({"width": width, "height": height})
                _is_right(visitor, f"{path} on a {name}, {theme}")
                if screenshot_folder:
                    _save_screenshot(visitor, screenshot_folder / f"{path.strip('/') or 'overview'}-{name}-{theme}.png")
    assert visitor.faults == []
    assert visitor.asked == [], "a page asked for something outside this machine"


def _is_right(visitor: Window, where: str) -> None:
    visitor.settle()
    page = visitor.page
    assert page.locator("h1").first.inner_text().strip(), where
    assert _fits(visitor), f"{where} scrolls sideways"
    assert page.get_by_test_id("stException").count() == 0, where
    assert page.locator("[data-testid=stAlertContentError]").count() == 0, where
    assert len(page.get_by_test_id("stMain").inner_text()) > 60, f"{where} is empty"


def _save_screenshot(visitor: Window, file: Path) -> None:
    """Save the whole page, also what has to be scrolled to."""
    page = visitor.page
    size = page.viewport_size
    assert size
    page.set_viewport_size({"width": size["width"], "height": max(size["height"], page.evaluate(CONTENT_HEIGHT))})
    visitor.settle()
    page.screenshot(path=file, animations="disabled")
    page.set_viewport_size(size)


def _fits(visitor: Window) -> bool:
    """Whether nothing sticks out sideways, once charts and tables have drawn themselves anew."""
    try:
        visitor.page.wait_for_function(FITS, timeout=15_000)
    except PlaywrightTimeout:
        return False
    return True
