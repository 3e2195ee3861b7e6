"""At risk: who can still be saved, the most urgent first; the choice is kept by id, whatever the table shows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from streamlit.testing.v1 import AppTest

from hlcore.app_context import AppContext
from hlcore.runtime import Runtime
from hlcore.store import locations
from hlcore.store.deletions import register
from hlcore.ui.components.contact_list import ContactFilters
from hlcore.ui.components.contact_picker import SELECTION_KEY, ContactRef
from hlcore.ui.deletions import at_risk as deletion_at_risk
from hlcore.ui.restore import downloads
from hlcore.ui.session import locations as locations_on_show
from tests.conftest import Cast
from tests.pages.conftest import DENTAL, HARBOR, MARA, frame, sign_in, text_of
from tests.support.worlds import ManualClock

SOON = ["Dev Sample03", "Eve Sample04"]
LATER = ["Ada Sample00", "Bo Sample01"]


def at_risk(app: AppTest) -> AppTest:
    return app.run().switch_page("at_risk.py").run()


def names(app: AppTest) -> list[str]:
    return list(app.dataframe[0].value["Name"])


def tick(app: AppTest, rows: Sequence[int]) -> AppTest:
    """Tick these rows of the table on show, as the browser would."""
    app.session_state[app.dataframe[0].key] = {"selection": {"rows": list(rows), "columns": [], "cells": []}}
    return app.run()


def test_the_most_urgent_stand_first_with_days_and_words(app: AppTest) -> None:
    page = at_risk(app)
    assert names(page) == [*SOON, *LATER]
    assert [cell[0] for cell in page.dataframe[0].value["Left"]] == ["! 1 day left"] * 2 + ["· 25 days left"] * 2
    assert "4 people" in page.markdown[0].value


def test_how_long_is_left_narrows_the_table(app: AppTest) -> None:
    app.query_params["left"] = "This week"
    assert names(at_risk(app)) == SOON


def test_people_whose_window_has_closed_are_a_group_of_their_own(app: AppTest) -> None:
    app.query_params["left"] = "Window closed"
    page = at_risk(app)
    assert sorted(names(page)) == ["Ada Sample00", "Bo Sample01"]
    assert page.dataframe[0].value["Left"][0] == ["⌛ Window closed"]


def test_search_and_tag_narrow_the_table_and_the_counts(app: AppTest) -> None:
    page = at_risk(app)
    page.text_input(key="risk_search").set_value("har4").run()
    assert names(page) == ["Eve Sample04"]
    page.selectbox(key="risk_tag").set_value("client").run()
    assert not page.dataframe
    assert "Nobody matches" in text_of(page)
    page.button(key="clear").click().run()
    assert len(names(page)) == 4


def test_one_account_shows_its_own_people_only(app: AppTest) -> None:
    app.query_params["location"] = DENTAL
    page = at_risk(app)
    assert names(page) == LATER
    assert "Account" not in page.dataframe[0].value


def test_the_window_and_the_clock_are_explained(app: AppTest) -> None:
    text = text_of(at_risk(app))
    assert "security overview says 30 days" in text
    assert "last time Contact Vault surely saw the person" in text


def test_ticked_people_go_to_the_preview(app: AppTest) -> None:
    page = tick(at_risk(app), [0, 2])
    assert page.session_state["risk_chosen"] == {
        ContactRef(HARBOR, "har0000003"): None,
        ContactRef(DENTAL, "den0000000"): None,
    }
    page.button(key="restore").click().run()
    assert page.session_state[SELECTION_KEY] == [ContactRef(HARBOR, "har0000003"), ContactRef(DENTAL, "den0000000")]
    assert page.title[0].value == "Restore"


def test_the_choice_survives_another_page_of_the_table(app: AppTest) -> None:
    page = tick(at_risk(app), [1])
    page.session_state["left"] = "Later"
    tick(page.run(), [0])
    assert set(page.session_state["risk_chosen"]) == {
        ContactRef(HARBOR, "har0000004"),
        ContactRef(DENTAL, "den0000000"),
    }


def test_unticking_takes_a_person_out_of_the_choice(app: AppTest) -> None:
    page = tick(at_risk(app), [0, 1])
    tick(page, [1])
    assert list(page.session_state["risk_chosen"]) == [ContactRef(HARBOR, "har0000004")]


def test_a_click_on_a_table_that_meanwhile_shows_others_chooses_nobody(app: AppTest, context: AppContext) -> None:
    page = at_risk(app)
    with context.vault.write() as tx:
        register.mark_returned(tx, HARBOR, "har0000003", at=context.clock.now())
    tick(page, [0])
    assert names(page) == ["Eve Sample04", *LATER]
    assert not page.session_state["risk_chosen"]


def test_everybody_can_be_chosen_at_once_and_let_go(app: AppTest) -> None:
    page = at_risk(app)
    page.button(key="all").click().run()
    assert len(page.session_state["risk_chosen"]) == 4
    page.button(key="clear_choice").click().run()
    assert not page.session_state["risk_chosen"]


def test_who_came_back_is_no_longer_there(app: AppTest, context: AppContext) -> None:
    with context.vault.write() as tx:
        for contact_id in ("har0000003", "har0000004"):
            register.mark_returned(tx, HARBOR, contact_id, at=context.clock.now())
    assert names(at_risk(app)) == LATER


def test_nobody_at_risk_is_said_calmly(app: AppTest, context: AppContext) -> None:
    with context.vault.write() as tx:
        for location_id in (HARBOR, DENTAL):
            locations.set_window(tx, location_id, days=None, reason="", hipaa=True)
    page = at_risk(app)
    assert "Nobody is at risk" in text_of(page)
    assert not page.dataframe


def test_a_viewer_looks_and_is_told_why_not_more(runtime: Runtime) -> None:
    page = at_risk(sign_in(frame(), MARA))
    assert len(names(page)) == 4
    assert page.button(key="restore").disabled
    assert page.button(key="restore").help == "Your role may look, not restore."
    assert page.get("download_button")[0].proto.disabled


def test_the_export_holds_the_chosen_or_all_that_match(runtime: Runtime, context: AppContext, cast: Cast) -> None:
    query = deletion_at_risk.AT_RISK.query(locations_on_show(), ContactFilters())
    chosen = downloads.at_risk_file(context, [ContactRef(HARBOR, "har0000004")], query, cast.sam).decode("utf-8-sig")
    everybody = downloads.at_risk_file(context, [], query, cast.sam).decode("utf-8-sig")
    assert [line.split(",")[1] for line in chosen.splitlines()[1:]] == ["har0000004"]
    assert len(everybody.splitlines()) == 5
    assert "days_left" in chosen.splitlines()[0]


@pytest.mark.parametrize(("days", "closed"), [(0, 0), (2, 2), (40, 4)])
def test_days_pass_and_windows_close(app: AppTest, clock: ManualClock, days: int, closed: int) -> None:
    clock.at += timedelta(days=days)
    page = at_risk(app)
    assert len(names(page)) == 4 - closed if closed < 4 else not page.dataframe


def live_twice(context: AppContext) -> None:
    """Somebody was created again as another contact, and came back under the old id."""
    with context.vault.write() as tx:
        register.mark_recreated(tx, HARBOR, "har0000002", new_contact_id="har0000010", at=context.clock.now())
        register.mark_returned(tx, HARBOR, "har0000002", at=context.clock.now())


def test_who_lives_twice_is_said_on_the_page_and_on_both_records(app: AppTest, context: AppContext) -> None:
    assert "twice in HighLevel" not in text_of(at_risk(app))
    live_twice(context)
    page = at_risk(app)
    assert "1 person lives twice in HighLevel" in text_of(page)
    page.button(key="twin_har0000010").click().run()
    assert "1 person lives twice in HighLevel" in text_of(page)
    page.button(key="twin_har0000002").click().run()
    assert "1 person lives twice in HighLevel" in text_of(page)


@pytest.mark.parametrize(("page", "phrase"), [("at_risk.py", "at risk"), ("bulk_deletions.py", "deleted in bulk")])
def test_without_an_account_nobody_is_reassured(empty_runtime: Runtime, page: str, phrase: str) -> None:
    text = text_of(frame().run().switch_page(page).run())
    assert f"Nobody is {phrase}, as far as is known" in text or f"Nobody was {phrase}, as far as is known" in text
    assert "No account is connected yet" in text
    assert ":material/verified:" not in text
    assert "No deleted person's recovery window is open" not in text


def test_before_the_first_complete_listing_and_with_a_stale_copy_nobody_is_reassured(
    app: AppTest, context: AppContext, clock: ManualClock
) -> None:
    with context.vault.write() as tx:
        for location_id in (HARBOR, DENTAL):
            locations.set_window(tx, location_id, days=None, reason="", hipaa=True)
    clock.advance(days=3)
    assert "Deletions since then are not noticed" in text_of(at_risk(app))
    with context.vault.write() as tx:
        tx.exec_driver_sql("UPDATE runs SET outcome = 'incomplete', reason = 'cut off'")
    text = text_of(at_risk(app))
    assert "There is no complete copy yet" in text
    assert "Nobody is at risk, as far as is known" in text
