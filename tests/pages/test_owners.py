"""Owners stand under their names everywhere, those who have left the account too, and never under an id."""

from __future__ import annotations

import msgspec
import pytest
from streamlit.testing.v1 import AppTest

from hlcore.app_context import AppContext
from hlcore.model.contact import parse_contact
from hlcore.sandbox import Sandbox
from hlcore.store import records
from hlcore.store.contacts import reads as contact_reads
from hlcore.store.contacts import writes as contact_writes
from hlcore.ui.components.contact_picker import ContactRef
from tests.pages.conftest import HARBOR, text_of
from tests.pages.test_restore import preview

ADA, LOST, LONG_LOST = "har0000005", "har0000003", "har0000000"
GONE, ID = "Ana Ruiz (left)", "usrAna00000000000001"


@pytest.fixture
def owned(context: AppContext) -> AppContext:
    """Ana Ruiz, who has left the account, owns three contacts, and a task and an opportunity of one of them."""
    now = context.clock.now()
    with context.vault.write() as tx:
        user = msgspec.json.encode({"id": ID, "name": "Ana Ruiz", "deleted": True})
        records.save(tx, HARBOR, "user", [(ID, "", user)], at=now)
        for contact_id in (ADA, LOST, LONG_LOST):
            stored = contact_reads.get(tx, HARBOR, contact_id)
            assert stored
            raw = msgspec.json.encode({**msgspec.json.decode(stored.raw), "assignedTo": ID})
            contact_writes.replace(tx, HARBOR, [parse_contact(raw)], at=now, run_id=1)
        for kind in ("task", "opportunity"):
            raw = msgspec.json.encode({"id": f"{kind}1", "title": "Call", "name": "Deal", "assignedTo": ID})
            records.save(tx, HARBOR, kind, [(f"{kind}1", ADA, raw)], at=now)
    return context


def shown(page: AppTest) -> str:
    """Everything that can be read on the page, the choices of its filters too."""
    choices = [str(option) for box in page.selectbox for option in box.options]
    return "\n".join([text_of(page), *(str(text.value) for text in page.get("text")), *choices]).replace("\\", "")


@pytest.mark.parametrize(
    ("file", "query"),
    [
        ("contacts.py", {"show": "Deleted"}),
        ("contacts.py", {"contact": ADA, "in": HARBOR}),
        ("contacts.py", {"contact": ADA, "in": HARBOR, "part": "History"}),
        ("contacts.py", {"contact": ADA, "in": HARBOR, "part": "Notes and more"}),
        ("at_risk.py", {}),
        ("changes.py", {}),
    ],
    ids=lambda given: str(given)[:60],
)
def test_a_page_names_the_owner_who_has_left(app: AppTest, owned: AppContext, file: str, query: dict[str, str]) -> None:
    app.query_params.update({"location": HARBOR, **query})
    text = shown(app.run().switch_page(file).run())
    assert GONE in text or (file == "changes.py" and "Nobody was changed" in text)
    assert ID not in text


def test_a_plan_names_the_owner_who_has_left(app: AppTest, owned: AppContext, highlevel: Sandbox) -> None:
    page = preview(app, [ContactRef(HARBOR, LONG_LOST)])
    text = shown(page)
    assert "owner Ana Ruiz (this user no longer exists)" in text
    assert ID not in text
