"""A job that runs or waits is a state of its people, on every page, until it ends."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from hlcore.app_context import AppContext
from hlcore.governance.roles import Role, User
from hlcore.restore.job_control import cancel_job, create_job
from hlcore.restore.plan import Plan, PlanItem
from tests.pages.conftest import HARBOR, text_of

SAM = User("sam@example.com", "Sam", Role.RESTORER, "oidc")
LOST, OTHER = "har0000003", "har0000004"


@pytest.fixture
def job_id(context: AppContext) -> int:
    """A confirmed restore of one person, on which nobody works yet."""
    item = PlanItem(contact_id=LOST, name="Dev", action="recreate", reason="", body={"firstName": "Dev"})
    plan = Plan(location_id=HARBOR, made_at=context.clock.now(), path="recreate", items=(item,), rate=10, index_lag=0)
    return create_job(context.vault, plan, SAM, context.clock.now)


def cells(page: AppTest, column: str) -> list[str]:
    """The texts in this column of the page's first table."""
    return [str(value[0] if isinstance(value, list) else value) for value in page.dataframe[0].value[column]]


@pytest.mark.parametrize("path", ["overview.py", "at_risk.py", "contacts.py", "settings.py", "activity.py"])
def test_every_page_shows_the_job_with_its_progress(app: AppTest, job_id: int, path: str) -> None:
    page = app.run().switch_page(path).run()
    assert f"**Restore {job_id}**: 0 of 1 person" in text_of(page)
    assert f"job={job_id}" in str([link.proto for link in page.get("page_link")])


def test_who_is_in_a_job_is_marked_at_risk_and_not_offered(app: AppTest, job_id: int) -> None:
    page = app.run().switch_page("at_risk.py").run()
    assert sum("Being restored" in cell for cell in cells(page, "Left")) == 1
    page.button(key="all").click().run()
    before = len(page.session_state["risk_chosen"])
    assert LOST not in {contact.contact_id for contact in page.session_state["risk_chosen"]}
    page.button(key="restore").click().run()
    assert len(page.session_state["restore_people"]) == before


def test_contacts_and_the_record_show_it_too(app: AppTest, job_id: int) -> None:
    app.query_params["show"] = "Deleted"
    page = app.run().switch_page("contacts.py").run()
    assert sum("Being restored" in cell for cell in cells(page, "Status")) == 1
    for contact_id, offered in ((LOST, False), (OTHER, True)):
        page.query_params["contact"], page.query_params["in"] = contact_id, HARBOR
        page.run()
        assert ("restore_person" in {button.key for button in page.button}) is offered
        assert (f"Watch job {job_id}" in str([link.proto for link in page.get("page_link")])) is not offered


def test_the_end_of_a_job_is_said_once_and_can_be_dismissed(app: AppTest, job_id: int, context: AppContext) -> None:
    page = app.run()
    cancel_job(context.vault, job_id, SAM, context.clock.now)
    page.run()
    assert [f"Restore {job_id} has ended" in toast.value for toast in page.toast] == [True]
    page.run()
    assert not page.toast
    assert f"**Restore {job_id}**:" in text_of(page)
    page.button(key=f"dismiss_job_{job_id}").click().run()
    assert f"**Restore {job_id}**:" not in text_of(page)


def test_the_end_of_a_job_that_nobody_saw_running_is_said_too(
    app: AppTest, context: AppContext, request: pytest.FixtureRequest
) -> None:
    page = app.run()
    assert not page.toast
    job_id = request.getfixturevalue("job_id")
    cancel_job(context.vault, job_id, SAM, context.clock.now)
    page.run()
    assert [f"Restore {job_id} has ended" in toast.value for toast in page.toast] == [True]
    assert f"**Restore {job_id}**:" in text_of(page)
