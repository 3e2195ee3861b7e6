"""Time travel and undo on the pages: a wrong import is put back, a wrong restore is undone."""

from __future__ import annotations

import time as clocks
from collections.abc import Callable
from datetime import timedelta

import pytest
from streamlit.testing.v1 import AppTest

from hlcore.app_context import AppContext
from hlcore.governance.roles import Role, User
from hlcore.model.restore.revert import FieldHistory
from hlcore.restore.execution.run import run_job
from hlcore.restore.job_control import create_job
from hlcore.restore.planning.planner import plan
from hlcore.sandbox import Sandbox
from hlcore.ui.contacts.revert import tags_text
from tests.pages.conftest import AUTH, HARBOR, MARA, _round, text_of
from tests.support.worlds import ManualClock

SAM = User("sam@example.com", "Sam", Role.RESTORER, "oidc")
CHANGED = [f"har{at:07d}" for at in range(10, 14)]


@pytest.fixture
def imported(context: AppContext, highlevel: Sandbox, clock: ManualClock) -> Sandbox:
    """An import has overwritten the source of four people an hour ago, and a round has noticed."""
    _round(context, HARBOR)
    clock.at += timedelta(hours=1)
    for contact_id in CHANGED:
        highlevel.locations[HARBOR].edit(contact_id, source="bad import")
    clock.at += timedelta(minutes=10)
    _round(context, HARBOR)
    clock.at += timedelta(minutes=10)
    return highlevel


def until(page: AppTest, come: Callable[[], bool]) -> AppTest:
    end = clocks.monotonic() + 30
    while not come() and clocks.monotonic() < end:
        clocks.sleep(0.05)
        page.run()
    assert come()
    return page.run()


def changes(app: AppTest) -> AppTest:
    app.session_state["location"] = HARBOR
    app.run()
    return app.switch_page("changes.py").run()


def fields(app: AppTest) -> list[str]:
    return [str(option) for group in app.button_group for option in group.options]


def test_the_page_names_who_and_what_changed(app: AppTest, imported: Sandbox) -> None:
    app = changes(app)
    assert not app.exception
    assert "4 people** still differ" in text_of(app)
    assert any("Source" in contact_id for contact_id in fields(app))


def test_a_field_is_put_back_for_all_and_verified(app: AppTest, imported: Sandbox) -> None:
    app = changes(app)
    app.button_group[0].set_value(["source"]).run()
    app.button(key="put_back").click().run()
    app.button(key="sure_put_back").click().run()
    assert app.title[0].value == "Putting back 1"
    app.switch_page("restore.py")
    until(app, lambda: "earlier values again" in text_of(app))
    assert "Each was read back" in text_of(app)
    sources = {imported.locations[HARBOR].contacts[contact_id]["source"] for contact_id in CHANGED}
    assert sources <= {"referral", "website"}


def test_without_a_chosen_field_nothing_can_be_put_back(app: AppTest, imported: Sandbox) -> None:
    assert changes(app).button(key="put_back").disabled


def test_a_viewer_may_look_at_changes_only(app: AppTest, imported: Sandbox) -> None:
    app.secrets, app.user = {"auth": AUTH}, MARA
    app = changes(app)
    app.button_group[0].set_value(["source"]).run()
    assert "4 people" in app.button(key="put_back").label
    assert app.button(key="put_back").disabled


def test_a_quiet_day_says_so(app: AppTest) -> None:
    assert "No change is known" in text_of(changes(app))


def test_a_record_shows_an_earlier_state_beside_today(app: AppTest, imported: Sandbox) -> None:
    app.run()
    app.query_params["contact"], app.query_params["in"], app.query_params["part"] = CHANGED[0], HARBOR, "History"
    app.switch_page("contacts.py").run()
    app.button(key="look_back_0").click().run()
    text = text_of(app)
    assert not app.exception
    assert "beside today" in text
    assert "bad import" in text
    assert app.button(key="put_back").disabled


def test_a_restore_is_undone_from_its_page(app: AppTest, context: AppContext, highlevel: Sandbox) -> None:
    lost, now = "har0000000", context.clock.now
    with context.location_context(HARBOR) as harbor:
        job_id = create_job(context.vault, plan(harbor, [lost], context.settings, path="recreate"), SAM, now)
        run_job(harbor, job_id, SAM)
    app.run()
    app.query_params["job"] = str(job_id)
    app.switch_page("restore.py").run()
    before = len(highlevel.locations[HARBOR].contacts)
    app.button(key="undo").click().run()
    app.button(key="sure_undo").click().run()
    until(app, lambda: "deleted again." in text_of(app))
    assert app.title[0].value == f"Undo {job_id + 1}"
    assert len(highlevel.locations[HARBOR].contacts) == before - 1


def test_tags_say_what_replacing_them_does() -> None:
    text = tags_text(FieldHistory("tags", ["a", "b"], ["b", "c"]))
    assert "adds a and takes away c" in text
