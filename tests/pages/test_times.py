"""Every moment on every page is written one way, in the account's time zone; a table says its zone once."""

from __future__ import annotations

import re

import msgspec
import pytest
from streamlit.testing.v1 import AppTest

from hlcore.app_context import AppContext
from hlcore.model.contact import parse_contact
from hlcore.sandbox import Sandbox
from hlcore.store import audit, quarantine, records
from hlcore.store.contacts import reads as contact_reads
from hlcore.store.contacts import writes as contact_writes
from hlcore.ui.components.contact_picker import ContactRef
from tests.pages.conftest import HARBOR
from tests.pages.test_restore import confirmed, preview

MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
STYLE = re.compile(rf"\b[1-9]\d? {MONTH} \d{{4}}, \d\d:\d\d\b")
IN_TABLE = re.compile(rf"(?:deleted |last seen )?{STYLE.pattern}")
CLOCK = re.compile(r"\b\d{1,2}:\d\d\b")
FOREIGN = re.compile(r"\b\d{4}-\d\d-\d\d\b|\b\d{1,2} (?:January|February|March|April|June|July|August|September)\b")
NEW_YORK = re.compile(r" E[SD]T\b")
ADA, LOST = "har0000005", "har0000003"
PARTS = ("Details", "History", "Disappearances", "Notes and more", "Restores")
PAGES: list[tuple[str, dict[str, str]]] = [
    ("overview.py", {}),
    ("at_risk.py", {}),
    ("at_risk.py", {"left": "Window closed"}),
    ("bulk_deletions.py", {}),
    ("contacts.py", {}),
    *(("contacts.py", {"contact": contact, "in": HARBOR, "part": part}) for part in PARTS for contact in (ADA, LOST)),
    ("changes.py", {}),
    ("restore.py", {}),
    ("backups.py", {}),
    *(("activity.py", {"view": view}) for view in ("Rounds", "Who did what", "Set aside")),
    ("webhooks.py", {}),
    ("settings.py", {}),
]


@pytest.fixture
def eventful(context: AppContext) -> AppContext:
    """Something with a moment is on every page."""
    now = context.clock.now()
    with context.vault.write() as tx:
        stored = contact_reads.get(tx, HARBOR, ADA)
        assert stored
        changed = {**msgspec.json.decode(stored.raw), "companyName": "Oak", "dateUpdated": "2026-04-01T00:00:00Z"}
        contact_writes.replace(tx, HARBOR, [parse_contact(msgspec.json.encode(changed))], at=now, run_id=1)
        note = b'{"id":"n1","body":"Called","dateAdded":"2026-03-01T10:00:00Z"}'
        records.save(tx, HARBOR, "note", [("n1", ADA, note)], at=now)
        quarantine.set_aside(tx, HARBOR, quarantine.CONTACT, "x1", "NoId", at=now, place="here:1")
        for act in ("export", "restore"):
            audit.append(tx, actor="sam", role="restorer", act=act, location_id=HARBOR, subject="x", at=now)
    return context


def moments_outside_tables(page: AppTest) -> str:
    """Every text of the page that is not in a table."""
    kinds = ("title", "subheader", "markdown", "caption", "error", "warning", "info", "success", "text", "expander")
    return "\n".join(str(element.value) for kind in kinds for element in page.get(kind) if hasattr(element, "value"))


def check(page: AppTest) -> int:
    """Every moment of the page is in the one style; returns how many there were."""
    assert not page.exception
    cells = [str(cell) for frame in page.dataframe for cell in frame.value.to_numpy().ravel()]
    in_tables = [cell for cell in cells if IN_TABLE.fullmatch(cell)]
    text = "\n".join([moments_outside_tables(page), *(set(cells) - set(in_tables))]).replace("\\", "")
    assert not FOREIGN.findall(text)
    assert len(CLOCK.findall(text)) == len(STYLE.findall(text)), CLOCK.findall(text)
    assert all(NEW_YORK.match(text, found.end()) for found in STYLE.finditer(text)), "a text names the zone each time"
    assert not in_tables or "imes in America/New York" in text, "a table names its zone once"
    return len(in_tables) + len(STYLE.findall(text))


@pytest.mark.parametrize(("file", "query"), PAGES, ids=lambda given: str(given)[:60])
def test_every_moment_of_a_page_is_in_one_style_and_zone(
    app: AppTest, eventful: AppContext, file: str, query: dict[str, str]
) -> None:
    app.query_params.update({"location": HARBOR, **query})
    found = check(app.run().switch_page(file).run())
    assert found or file not in ("overview.py", "at_risk.py", "backups.py", "activity.py"), "nothing was checked"


def test_a_plan_and_its_job_are_in_that_style(app: AppTest, context: AppContext, highlevel: Sandbox) -> None:
    app.query_params["location"] = HARBOR
    people = [ContactRef(HARBOR, "har0000003"), ContactRef(HARBOR, "har0000000")]
    page = preview(app, people)
    assert check(page)
    assert check(confirmed(page))


@pytest.mark.parametrize("file", ["overview.py", "at_risk.py", "contacts.py", "activity.py", "backups.py"])
def test_a_table_of_accounts_in_several_zones_is_in_utc_and_says_so(
    app: AppTest, eventful: AppContext, file: str
) -> None:
    page = app.run().switch_page(file).run()
    cells = [str(cell) for frame in page.dataframe for cell in frame.value.to_numpy().ravel()]
    assert [cell for cell in cells if STYLE.search(cell) and not IN_TABLE.fullmatch(cell)] == []
    assert "imes in UTC" in moments_outside_tables(page)
