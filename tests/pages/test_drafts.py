"""The draft of a restore has an address: a reload, a change of mind and a second tab find the same plan."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from hlcore.runtime import Runtime
from hlcore.sandbox import Sandbox
from hlcore.ui.components.contact_picker import SELECTION_KEY
from tests.pages.conftest import frame, text_of
from tests.pages.test_restore import PEOPLE, confirmed, preview, until


def address(page: AppTest) -> str:
    """The number of the draft in the page's address."""
    value = page.query_params["draft"]
    return str(value if isinstance(value, str) else value[0])


def reopened(draft_id: str) -> AppTest:
    """The Restore page at this address, in another session, once the plan is there."""
    other = frame()
    other.query_params["draft"] = draft_id
    other.run().switch_page("restore.py").run()
    return until(other, lambda: "planning" not in other.session_state or other.session_state["planning"].done)


def test_a_reload_finds_the_people_and_the_decisions_and_asks_nothing_again(
    app: AppTest, highlevel: Sandbox, runtime: Runtime
) -> None:
    page = preview(app, PEOPLE, "Create again now")
    page.text_input(key="marker").set_value("vip-back").run()
    until(page, lambda: page.session_state["planning"].done)
    highlevel.ledger.clear()
    other = reopened(address(page))
    assert other.session_state[SELECTION_KEY] == PEOPLE
    assert (other.session_state["how"], other.text_input(key="marker").value) == ("Create again now", "vip-back")
    assert "3 people can be brought back now" in text_of(other)
    assert len(highlevel.ledger) == 0


def test_another_choice_asks_nothing_again(app: AppTest, highlevel: Sandbox) -> None:
    page = preview(app, PEOPLE, "Create again now")
    highlevel.ledger.clear()
    page.text_input(key="marker").set_value("vip-back").run()
    page.get_by_key("tags_when").set_value("Not at all").run()
    page.checkbox(key="past_appointments").check().run()
    page.multiselect(key="leave_out").set_value(["city"]).run()
    page.get_by_key("how").set_value("Best way for each").run()
    page.get_by_key("how").set_value("Create again now").run()
    until(page, lambda: page.session_state["planning"].done)
    assert "3 people can be brought back now" in text_of(page)
    assert [str(entry) for entry in highlevel.ledger.requests("")] == []


def test_the_address_names_nobody(app: AppTest, highlevel: Sandbox) -> None:
    page = preview(app, PEOPLE)
    values = str(page.query_params)
    assert all(contact.contact_id not in values for contact in PEOPLE)


def test_the_address_of_a_confirmed_draft_leads_to_its_jobs(app: AppTest, highlevel: Sandbox, runtime: Runtime) -> None:
    page = preview(app, PEOPLE, "Create again now")
    draft_id = address(page)
    confirmed(page)
    other = frame()
    other.query_params["draft"] = draft_id
    other.run().switch_page("restore.py").run()
    assert other.title[0].value == "Restore 1 and 2"


@pytest.mark.parametrize("draft_id", ["unknown", "x" * 500, "é"])
def test_an_unknown_draft_is_said(app: AppTest, draft_id: str) -> None:
    app.query_params["draft"] = draft_id
    page = app.run().switch_page("restore.py").run()
    assert not page.exception
    assert "not kept any more" in text_of(page)
    assert page.title[0].value == "Restore"


def test_a_draft_left_by_the_menu_is_found_again(app: AppTest, highlevel: Sandbox) -> None:
    page = preview(app, PEOPLE, "Create again now")
    page.text_input(key="marker").set_value("vip-back").run()
    draft_id = address(page)
    page.switch_page("settings.py").run()
    page.switch_page("restore.py").run()
    until(page, lambda: page.session_state["planning"].done)
    assert address(page) == draft_id
    assert page.text_input(key="marker").value == "vip-back"
