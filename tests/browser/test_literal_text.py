"""Names and notes are shown as they are: nobody's text becomes a link, an icon, an emoji or a format."""

from __future__ import annotations

import json
import random
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from playwright.sync_api import TimeoutError

from hlcore.app_context import AppContext
from hlcore.model.contact import parse_contact
from hlcore.settings import Settings
from hlcore.store import locations, records
from hlcore.store.contacts import writes as contact_writes
from hlcore.store.deletions import queries, register
from hlcore.ui.settings.connect import HELP_URL
from tests.browser.conftest import OpenWindow, Server, StartServer, Window

LOCATION, AT = "literalLocation00001", datetime(2026, 3, 2, 9, tzinfo=UTC)
MEMBERS = [
    *("http://evil.example/a_b", "HTTPS://EVIL.example", "www.evil.example", "a.b+c@evil.example", "mailto:a@b.co"),
    *("[x](https://evil.example)", "![x](https://evil.example/p.png)", "<https://evil.example>", "<b>bold</b>"),
    *("*star*", "_low_", "~~gone~~", "`code`", "$x^2$", "$$y$$", "# head", "> said", "1. one", "2) two", "- dash"),
    *(":smile:", ":+1:", ":material/star:", ":material_star:", ":streamlit:", ":red[x]", ":red-badge[x]"),
    *("-->", "->", "<-", "<->", "--", ">=", "<=", "~=", "[^1]", "|a|b|", "---", "a\\*b", "14:05:30", "5 < 6 & 7"),
    *("::x", "&copy;"),
]  # fmt: skip
ODD = "http://evil.example www.evil.example a@evil.example :smile: -> *x*"
LINKS_ELSEWHERE = """() => [...document.querySelectorAll('a[href]')].map(a => a.href)
    .filter(href => !href.startsWith(location.origin))"""
OWN_LINKS = (HELP_URL, "https://app.gohighlevel.com/v2/location/")
SHOWN = "() => [...document.querySelectorAll('[data-testid=stMarkdownContainer] p')].map(p => p.innerText.trim())"


def titles(number: int) -> list[str]:
    """Texts made of one to three members, some of them joined without a blank."""
    chance = random.Random(11)
    mixed = [
        chance.choice([" ", "", ", ", "/"]).join(chance.sample(MEMBERS, chance.randint(2, 3))) for _ in range(number)
    ]
    return [*MEMBERS, *mixed]


@pytest.fixture(scope="module")
def odd_server(start_server: StartServer, tmp_path_factory: pytest.TempPathFactory) -> Server:
    """A dashboard on a vault in which the account, its people and their notes are called like markup."""
    folder = tmp_path_factory.mktemp("literal")
    settings = Settings(data_dir=folder, database_url=f"sqlite:///{folder / 'vault.db'}", worker="off", demo="off")
    context = AppContext.open(settings)
    rows = [
        {
            "id": f"literal{number}",
            "firstName": ODD,
            "lastName": "",
            "email": "a@evil.example",
            "tags": [ODD],
            "source": ODD,
        }
        for number in range(2)
    ]
    with context.vault.write() as tx:
        locations.connect(tx, LOCATION, name=ODD, timezone="UTC", company_id="", token=b"x", at=AT, raw=None)
        contact_writes.insert_contacts(tx, LOCATION, [parse_contact(json.dumps(row).encode()) for row in rows], at=AT)
        notes = [(f"n{at:03}", "literal0", json.dumps({"title": text, "body": text}).encode())
                 for at, text in enumerate(titles(40))]  # fmt: skip
        records.save(tx, LOCATION, "note", notes, at=AT)
        changed = {**rows[0], "companyName": ODD, "tags": [f"{ODD} 2"]}
        contact_writes.replace(tx, LOCATION, [parse_contact(json.dumps(changed).encode())], at=AT, run_id=1)
        register.mark_suspected(tx, LOCATION, [("literal1", AT)], at=AT, detected_by="listing")
        row = queries.list_for_contact(tx, LOCATION, "literal1")[-1].disappearance_id
        register.confirm(tx, row, at=AT, status="deleted", cause="unknown", evidence=ODD)
    context.close()
    return start_server(data=folder, HLCORE_WORKER="off", HLCORE_DEMO="off")


def test_titles_of_notes_are_shown_letter_for_letter(odd_server: Server, window: OpenWindow) -> None:
    visitor = window(odd_server)
    visitor.open(f"/contacts?contact=literal0&in={LOCATION}&part=Notes+and+more")
    expected = [" ".join(text.split()) for text in titles(40)]
    visitor.wait_for(expected[-1])
    with suppress(TimeoutError):  # Streamlit draws a text again when it has loaded what formats need
        visitor.page.wait_for_function(f"texts => texts.every(text => ({SHOWN})().includes(text))", arg=expected)
    shown = visitor.page.evaluate(SHOWN)
    assert [text for text in expected if text not in shown] == [], [text for text in shown if text not in expected]
    assert _links(visitor) == []


def test_no_page_makes_a_link_of_a_bare_address(odd_server: Server, window: OpenWindow) -> None:
    visitor = window(odd_server)
    visitor.open("/")
    for path in ("/at_risk", "/contacts", "/backups", "/settings", "/webhooks"):
        visitor.turn_to(path)
        assert _links(visitor) == [], path
    for number, part in ((0, "History"), (1, "Disappearances")):
        visitor.open(f"/contacts?contact=literal{number}&in={LOCATION}&part={part}")
        visitor.wait_for("evil.example")
        assert _links(visitor) == [], part
    assert visitor.asked == []


def _links(visitor: Window) -> list[str]:
    """Return the links that lead out of the dashboard, without those that it shows itself."""
    return [link for link in visitor.page.evaluate(LINKS_ELSEWHERE) if not link.startswith(OWN_LINKS)]
