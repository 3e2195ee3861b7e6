"""The first page: is the copy good, what was lost, what to do next."""

from __future__ import annotations

from datetime import timedelta

from streamlit.testing.v1 import AppTest

from hlcore.app_context import AppContext
from hlcore.runtime import Runtime
from hlcore.store import locations
from tests.pages.conftest import DENTAL, HARBOR, MARA, frame, sign_in, text_of
from tests.support.worlds import ManualClock


def figures(app: AppTest) -> dict[str, str]:
    return {metric.label: str(metric.value) for metric in app.metric}


def test_the_numbers_are_those_of_the_vault(app: AppTest) -> None:
    """Of 60 contacts 7 were deleted: 5 in the last week, of which one came back; for the 2 of a month ago HighLevel's
    window has closed."""
    assert figures(app.run()) == {"Protected": "54", "Deleted in 7 days": "5", "At risk now": "4", "Restored": "1"}


def test_a_fresh_complete_listing_is_good(app: AppTest, clock: ManualClock) -> None:
    clock.at -= timedelta(hours=1, minutes=50)
    assert "Your copy is good" in text_of(app.run())


def test_a_copy_that_gets_old_says_so_by_itself(app: AppTest, clock: ManualClock) -> None:
    clock.at += timedelta(days=3)
    text = text_of(app.run())
    assert "Your copy is not up to date" in text
    assert "Deletions since then are not noticed" in text


def test_the_chosen_account_alone_is_counted(app: AppTest) -> None:
    app.run().selectbox(key="location").set_value(DENTAL).run()
    assert figures(app)["Protected"] == "28"
    assert app.query_params["location"] == DENTAL


def test_the_account_comes_from_the_address(app: AppTest) -> None:
    app.query_params["location"] = HARBOR
    assert figures(app.run())["Protected"] == "26"


def test_an_unknown_account_in_the_address_shows_all(app: AppTest) -> None:
    app.query_params["location"] = "locUnknown"
    assert figures(app.run())["Protected"] == "54"


def test_several_accounts_have_a_table(app: AppTest) -> None:
    table = app.run().dataframe[0].value
    assert list(table["Account"]) == ["Brightwater Dental", "Harbor & Pine Recruiting"]
    assert list(table["Contacts"]) == [28, 26]


def test_the_next_step_names_the_most_urgent(app: AppTest) -> None:
    app.run()
    assert app.button(key="step_0").label in ("Look at it in Settings", "Save them now", "Decide who comes back")


def test_a_disconnected_account_is_a_step(app: AppTest, context: AppContext) -> None:
    with context.vault.write() as tx:
        locations.disconnect(tx, DENTAL, context.clock.now())
    assert "disconnected" in text_of(app.run())


def test_an_empty_vault_leads_to_connecting(empty_runtime: Runtime) -> None:
    page = frame().run()
    assert "No account is connected yet" in text_of(page)
    assert not page.metric
    assert not page.exception


def test_a_manager_may_read_it(runtime: Runtime) -> None:
    assert figures(sign_in(frame(), MARA).run())["Protected"] == "54"
