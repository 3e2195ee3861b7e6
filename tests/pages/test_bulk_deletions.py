"""A manager sees a bulk deletion as one thing, and one button leads to everybody's restore."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from streamlit.testing.v1 import AppTest

from hlcore.app_context import AppContext
from hlcore.metrics.bulk_deletions import BulkDeletionDetails, OpenValue
from hlcore.model.records import KINDS
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.deletions import register
from hlcore.ui.components.contact_picker import SELECTION_KEY, ContactRef
from hlcore.ui.deletions.bulk_deletions import open_value_text, records_text
from tests.pages.conftest import AUTH, HARBOR, MARA, text_of

DELETED = [f"har{at:07d}" for at in range(10, 22)]


DETAILS = BulkDeletionDetails({"note": 3}, dict.fromkeys(KINDS, 12), OpenValue(2, 2, 500, 12), [], [], [], [], [])


def test_an_open_value_is_never_called_0_where_it_is_not_known() -> None:
    assert open_value_text(OpenValue(0, 0, 0.0, 0), 130) == ("Not known", "known for 0 of 130")
    assert open_value_text(OpenValue(3, 2, 150.5, 60), 130) == ("≥ 150.50", "known for 60 of 130")
    assert open_value_text(OpenValue(0, 0, 0.0, 130), 130) == ("0", "no opportunities")


def test_records_are_counted_with_of_how_many_people_they_are_known() -> None:
    assert records_text(DETAILS, 12) == "3 notes."
    assert records_text(replace(DETAILS, records={}), 12) == "No notes, tasks or other records."
    some = replace(DETAILS, known=DETAILS.known | {"opportunity": 4, "task": 4, "message": 0})
    assert records_text(some, 12) == (
        "3 notes. Known only for some people: messages of 0 of 12; tasks, opportunities of 4 of 12. "
        "What the others had was never captured."
    )
    assert "No notes" not in records_text(replace(some, records={}), 12)


def delete_at_once(context: AppContext) -> None:
    """Twelve people of one account are found gone two hours ago."""
    at = context.clock.now() - timedelta(hours=2)
    with context.vault.write() as tx:
        seen = [(item, at - timedelta(minutes=20)) for item in DELETED]
        register.mark_suspected(tx, HARBOR, seen, at=at, detected_by="listing")
        for item in DELETED:
            row = deletion_queries.list_for_contact(tx, HARBOR, item)[-1]
            register.confirm(tx, row.disappearance_id, at=at, cause="bulk", evidence="12 within 20 minutes.")


def opened(app: AppTest, key: str = "") -> AppTest:
    app.run()
    if key:
        app.query_params["incident"] = key
    return app.switch_page("bulk_deletions.py").run()


def test_without_bulk_deletions_the_page_is_calm(app: AppTest) -> None:
    assert "Nobody was deleted in bulk" in text_of(opened(app))


def test_the_list_says_how_many_are_still_gone(app: AppTest, context: AppContext) -> None:
    delete_at_once(context)
    text = text_of(opened(app))
    assert "12 people are still gone" in text
    assert "12 contacts deleted at once" in text


def test_the_overview_leads_to_a_recent_one(app: AppTest, context: AppContext) -> None:
    delete_at_once(context)
    app.run()
    assert "12 contacts deleted at once" in text_of(app)
    assert app.button(key="see_incident")


def test_one_event_shows_when_evidence_and_people(app: AppTest, context: AppContext) -> None:
    delete_at_once(context)
    app = opened(app)
    next(item for item in app.button if item.label == "Open").click().run()
    text = text_of(app)
    assert not app.exception
    assert "12 of 26 contacts deleted at once" in text
    assert "12 within 20 minutes" in text
    assert "har10@example.org" in text


def test_one_button_takes_all_who_are_still_gone_to_the_restore(app: AppTest, context: AppContext) -> None:
    delete_at_once(context)
    with context.vault.write() as tx:
        register.mark_returned(tx, HARBOR, DELETED[0], at=context.clock.now())
    app = opened(app)
    next(item for item in app.button if item.label == "Open").click().run()
    app.button(key="restore_all").click().run()
    assert app.session_state[SELECTION_KEY] == [ContactRef(HARBOR, item) for item in DELETED[1:]]
    assert app.title[0].value == "Restore"


def test_a_viewer_may_look_but_not_restore(app: AppTest, context: AppContext) -> None:
    delete_at_once(context)
    app.secrets, app.user = {"auth": AUTH}, MARA
    app = opened(app)
    next(item for item in app.button if item.label == "Open").click().run()
    assert app.button(key="restore_all").disabled


def test_an_unknown_event_is_told_calmly(app: AppTest) -> None:
    assert "not among the accounts" in text_of(opened(app, "i-999"))
