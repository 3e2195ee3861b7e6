"""What a person decides on the preview: the plan that follows, the job and the file say the same."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from streamlit.testing.v1 import AppTest

from hlcore.app_context import AppContext
from hlcore.errors import NotAllowed
from hlcore.governance.roles import Action
from hlcore.restore.plan import Plan
from hlcore.sandbox import Sandbox
from hlcore.store import audit, records
from hlcore.store.contacts import reads as contact_reads
from hlcore.store.deletions import register
from hlcore.store.restores import jobs as restore_jobs
from hlcore.ui.restore import downloads
from tests.conftest import Cast
from tests.pages.conftest import HARBOR, text_of
from tests.pages.test_restore import PEOPLE, confirmed, preview, until

DEV = PEOPLE[:1]


def decide(page: AppTest, act: Callable[[], object]) -> AppTest:
    """The page after this decision, once the new plan is there."""
    before = page.session_state["planning"]
    act()
    page.run()
    return until(page, lambda: page.session_state["planning"] is not before and page.session_state["planning"].done)


def plan_of(page: AppTest) -> Plan:
    plan: Plan = page.session_state["planning"].plans[0]
    return plan


def opened(page: AppTest) -> AppTest:
    """The first person's lines are on show."""
    page.toggle(key=f"lines_{DEV[0].contact_id}").set_value(True).run()
    return page


def test_each_field_of_a_person_is_shown_with_copy_and_what_will_be_written(app: AppTest, highlevel: Sandbox) -> None:
    page = opened(preview(app, DEV, "Create again now"))
    (frame,) = [item.value for item in page.dataframe if "Will be written" in item.value]
    email = frame[frame["Field"] == "E-mail"].iloc[0]
    assert email["Last copy"] == email["Will be written"] != ""
    assert (frame["Why not"] != "").any()


def test_a_field_that_is_unticked_for_one_person_does_not_come_back(
    app: AppTest, highlevel: Sandbox, context: AppContext
) -> None:
    page = opened(preview(app, DEV, "Create again now"))
    key = f"leave_{DEV[0].contact_id}"
    page = decide(page, lambda: page.multiselect(key=key).set_value(["email", "tags"]))
    assert "Left out, as you asked" in text_of(page)
    assert plan_of(page).items[0].left_out[0] == "e-mail"
    assert page.multiselect(key=key).value == ["email", "tags"]
    assert page.toggle(key=f"lines_{DEV[0].contact_id}").value
    page = confirmed(page)
    assert "every field is as planned" in text_of(page)
    with context.vault.read() as tx:
        job = restore_jobs.get_job(tx, 1)
        (item,) = restore_jobs.list_items(tx, 1)
    assert list(job.options["choices"]["leave_out_of"][DEV[0].contact_id]) == ["email", "tags"]
    assert not highlevel.locations[HARBOR].contacts[item.new_contact_id].get("email")


def test_a_field_can_be_left_out_for_everybody_and_ticked_again(app: AppTest, highlevel: Sandbox) -> None:
    page = preview(app, DEV, "Create again now")
    page = decide(page, lambda: page.multiselect(key="leave_out").set_value(["email", "note"]))
    assert plan_of(page).choices.leave_out == ("email", "note")
    assert "email" not in (plan_of(page).items[0].body or {})
    page = decide(page, lambda: page.multiselect(key="leave_out").set_value([]))
    assert "email" in (plan_of(page).items[0].body or {})


def test_a_decision_asks_highlevel_nothing_anew(app: AppTest, highlevel: Sandbox) -> None:
    page = preview(app, PEOPLE, "Create again now")
    assert len(highlevel.ledger)
    highlevel.ledger.clear()
    page = decide(page, lambda: page.multiselect(key="leave_out").set_value(["note"]))
    page = decide(page, lambda: page.button_group(key="tags_when").set_value("Not at all"))
    assert plan_of(page).choices.tags == "none"
    assert len(highlevel.ledger) == 0


def test_one_erased_while_the_preview_is_open_is_not_shown_again(
    app: AppTest, highlevel: Sandbox, context: AppContext
) -> None:
    page = preview(app, DEV, "Create again now")
    assert "Dev Sample03" in text_of(page)
    with context.vault.write() as tx:
        register.erase_contact(tx, HARBOR, DEV[0].contact_id, at=context.clock.now())
    page = decide(page, lambda: None)
    assert "Dev Sample03" not in text_of(page)
    assert page.session_state["planning"].restorable_count == 0


def test_do_not_disturb_is_not_on_offer(app: AppTest, highlevel: Sandbox) -> None:
    page = opened(preview(app, DEV, "Create again now"))
    offered = [*page.multiselect(key="leave_out").options, *page.multiselect(key=f"leave_{DEV[0].contact_id}").options]
    assert not [item for item in offered if "isturb" in item]


def test_a_conflict_is_decided_for_one_person(app: AppTest, highlevel: Sandbox, context: AppContext) -> None:
    with context.vault.read() as tx:
        stored = contact_reads.get(tx, HARBOR, DEV[0].contact_id)
    assert stored is not None
    other = highlevel.locations[HARBOR].create(firstName="Somebody", email=stored.email)
    page = preview(app, DEV, "Create again now")
    assert plan_of(page).items[0].action == "skip"
    offers = page.button_group(key=f"conflict_{DEV[0].contact_id}")
    page = decide(page, lambda: offers.set_value("fill"))
    item = plan_of(page).items[0]
    assert (item.action, item.target_id) == ("top_up", other)


def keep_opportunity(context: AppContext, pipeline: dict[str, Any]) -> None:
    """The vault holds an opportunity of the first person, and the pipeline as it was."""
    at, stage = context.clock.now(), pipeline["stages"][0]["id"]
    deal = {"id": "opp1", "name": "Roof", "pipelineId": pipeline["id"], "pipelineStageId": stage, "status": "open"}
    with context.vault.write() as tx:
        records.save(tx, HARBOR, "pipeline", [(pipeline["id"], "", msgspec.json.encode(pipeline))], at=at)
        records.save(tx, HARBOR, "opportunity", [("opp1", DEV[0].contact_id, msgspec.json.encode(deal))], at=at)


def test_a_stage_that_is_gone_is_asked_before_anybody_is_restored(
    app: AppTest, highlevel: Sandbox, context: AppContext
) -> None:
    location = highlevel.locations[HARBOR]
    retired_id, sales_id = location.add_pipeline("Retired"), location.add_pipeline("Sales")
    retired = dict(location.related.pipelines.pop(retired_id))
    then = f"{retired_id}/{retired['stages'][0]['id']}"
    stage = f"{sales_id}/{location.related.pipelines[sales_id]['stages'][0]['id']}"
    keep_opportunity(context, retired)
    page = preview(app, DEV, "Create again now")
    assert "Where do these opportunities go?" in text_of(page)
    page = decide(page, lambda: page.selectbox(key=f"place_{then}").set_value(stage))
    assert page.selectbox(key=f"place_{then}").value == stage
    assert "as you chose" in text_of(page)
    confirmed(page)
    assert [f"{item['pipelineId']}/{item['pipelineStageId']}" for item in location.related.opportunities.values()] == [
        stage
    ]


def test_the_plan_is_one_safe_file_and_the_download_is_recorded(
    app: AppTest, highlevel: Sandbox, context: AppContext, cast: Cast
) -> None:
    page = preview(app, PEOPLE, "Create again now")
    plans = page.session_state["planning"].plans
    data = downloads.plan_file(context, plans, cast.sam)
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
    assert {row["contact_id"] for row in rows} == {contact.contact_id for contact in PEOPLE}
    assert {row["path"] for row in rows} == {"recreate"}
    phones = [row["will_be_written"] for row in rows if row["field"] == "phone" and row["will_be_written"]]
    assert all(phone.startswith("'+") for phone in phones)
    with context.vault.read() as tx:
        line = audit.list_entries(tx, limit=1, offset=0)[0]
    assert (line.act, line.subject) == (Action.EXPORT, "restore plan")


def test_who_may_not_export_gets_no_plan_either(
    app: AppTest, highlevel: Sandbox, context: AppContext, cast: Cast
) -> None:
    page = preview(app, DEV, "Create again now")
    assert not cast.mara.may(Action.EXPORT)
    with pytest.raises(NotAllowed):
        downloads.plan_file(context, page.session_state["planning"].plans, cast.mara)
