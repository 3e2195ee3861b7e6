"""Pages change by one function, which works under every filter."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_only_one_function_switches_pages() -> None:
    callers = {
        path.relative_to(ROOT).as_posix()
        for folder in ("hlcore", "pages")
        for path in (ROOT / folder).rglob("*.py")
        if "st.switch_page(" in path.read_text(encoding="utf-8")
    }
    assert callers == {"hlcore/ui/components/navigation.py"}
