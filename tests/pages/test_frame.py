"""The product's name in the corner can be read whichever theme is on, also right after it was switched."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from hlcore.ui import frame

THEMES = tomllib.loads((Path(__file__).parents[2] / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"]
LEAST = 3.0
"""WCAG 2.2, 1.4.3: large letters (from 14 pt bold, 18.66 px)."""


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("background", ["header", "sidebar"])
def test_the_one_logo_can_be_read_on_both_themes(theme: str, background: str) -> None:
    svg = frame.wordmark_svg()
    (colour,) = re.findall(r'<text[^>]* fill="(#[0-9A-F]{6})"', svg)
    (size,) = re.findall(r'font-size="([0-9.]+)" font-weight="700"', svg)
    colours = THEMES[theme]["sidebar"] if background == "sidebar" else THEMES[theme]
    assert float(size) >= 18.66
    assert contrast(colour, colours["backgroundColor"]) >= LEAST
