"""Restore: preview, confirm, watch, result. HighLevel is the sandbox, spoken to over HTTP."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest
from sqlalchemy import update
from streamlit.testing.v1 import AppTest

from hlcore.app_context import AppContext
from hlcore.errors import NotAllowed
from hlcore.governance.roles import Role, User
from hlcore.restore.job_control import create_job, pause_job
from hlcore.restore.plan import RestorePath
from hlcore.runtime import Runtime
from hlcore.sandbox import Sandbox
from hlcore.store import audit
from hlcore.store.contacts import reads as contact_reads
from hlcore.store.contacts import writes as contact_writes
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.restores import jobs as restore_jobs
from hlcore.store.tables import disappearances
from hlcore.ui.components.contact_picker import SELECTION_KEY, ContactRef
from hlcore.ui.restore import downloads, tasks
from tests.conftest import Cast
from tests.pages.conftest import DENTAL, HARBOR, MARA, frame, sign_in, text_of

PEOPLE = [ContactRef(HARBOR, "har0000003"), ContactRef(DENTAL, "den0000000"), ContactRef(HARBOR, "har0000000")]


def preview(app: AppTest, people: list[ContactRef], how: str = "Best way for each") -> AppTest:
    """The Restore page about these people, once the plan is there."""
    app.session_state[SELECTION_KEY] = people
    app.session_state["how"] = how
    page = app.run().switch_page("restore.py")
    return until(page, lambda: page.session_state["planning"].done)


def until(page: AppTest, come: Callable[[], bool]) -> AppTest:
    """The page drawn again until this is true, at most for a while."""
    end = time.monotonic() + 30
    page.run()
    while not come() and time.monotonic() < end:
        time.sleep(0.02)
        page.run()
    assert come()
    return page.run()


def confirmed(page: AppTest) -> AppTest:
    """The page after the restore was confirmed and has ended."""
    page.button(key="restore").click().run()
    page.button(key="sure").click().run()
    return until(page, lambda: "back in HighLevel" in text_of(page))


@pytest.fixture
def captured(context: AppContext) -> None:
    """Everything that belonged to them had been captured when they were gone, and no channel was closed."""
    kinds = " detail note task opportunity appointment conversation message "
    with context.vault.write() as tx:
        for person in PEOPLE:
            stored = contact_reads.get(tx, person.location_id, person.contact_id)
            assert stored
            detail = json.dumps({**json.loads(stored.raw), "dnd": False}).encode()
            contact_writes.store_detail(tx, person.location_id, person.contact_id, detail, stored.changed_at)
        tx.execute(update(disappearances).values(captured_kinds=kinds))


def test_nobody_chosen_says_where_to_choose(app: AppTest) -> None:
    page = app.run().switch_page("restore.py").run()
    text = text_of(page)
    assert "Nobody is chosen" in text
    assert "If many vanished at once, Bulk deletions has them together." in text
    assert "Nobody has been restored yet" in text


def test_the_preview_says_for_each_what_will_become_of_them(app: AppTest, highlevel: Sandbox) -> None:
    page = preview(app, PEOPLE)
    text = text_of(page).replace("\\", "")
    assert "1 person can be brought back now" in text
    assert "For 2 people HighLevel's own restore is still open" in text
    assert "**Ada Sample00** :green-badge[:material/person_add: Create again]" in text
    assert "**Dev Sample03** :blue-badge[:material/open_in_new: Restore in HighLevel first]" in text
    for part in ("Comes back", "Will be different", "Beyond any program", "before 5 Apr 2026, ", "EDT"):
        assert part in text


def test_planning_writes_nothing(app: AppTest, highlevel: Sandbox, context: AppContext) -> None:
    before = len(highlevel.locations[HARBOR].contacts)
    preview(app, PEOPLE, "Create again now")
    assert len(highlevel.locations[HARBOR].contacts) == before
    with context.vault.read() as tx:
        assert restore_jobs.list_jobs(tx, [HARBOR, DENTAL], limit=5) == []


def test_whoever_can_be_restored_in_highlevel_may_be_created_again_instead(app: AppTest, highlevel: Sandbox) -> None:
    page = preview(app, PEOPLE[:1])
    page.button(key="instead").click()
    until(page, lambda: page.session_state["planning"].restorable_count == 1)
    assert page.button(key="restore").label == "Restore 1 person …"


def test_confirming_names_the_number_and_that_nobody_gets_a_message(app: AppTest, highlevel: Sandbox) -> None:
    page = preview(app, PEOPLE, "Create again now")
    page.button(key="restore").click().run()
    text = text_of(page).replace("\\", "")
    assert "**2 people** will be created again in **Harbor & Pine Recruiting**" in text
    assert "**Nobody gets a message.**" in text
    page.button(key="cancel").click().run()
    assert "planning" in page.session_state


def test_the_result_shows_new_ids_and_that_each_was_verified(
    app: AppTest, highlevel: Sandbox, context: AppContext
) -> None:
    page = confirmed(preview(app, PEOPLE, "Create again now"))
    assert "3 people are back in HighLevel" in text_of(page)
    assert "every field is as planned" in text_of(page)
    values = [new_id for frame in page.dataframe for new_id in frame.value["New id"]]
    living = {*highlevel.locations[HARBOR].contacts, *highlevel.locations[DENTAL].contacts}
    assert len(values) == 3
    assert set(values) <= living
    page.query_params["job"] = ""
    page.switch_page("at_risk.py").run()
    assert list(page.dataframe[0].value["Name"]) == ["Eve Sample04", "Bo Sample01"]


def test_another_session_opens_the_job_by_its_number(app: AppTest, highlevel: Sandbox, runtime: Runtime) -> None:
    confirmed(preview(app, PEOPLE[:1], "Create again now"))
    other = frame()
    other.query_params["job"] = "1"
    other.run().switch_page("restore.py").run()
    assert other.title[0].value == "Restore 1"
    assert "1 person is back" in text_of(other)


def test_an_earlier_restore_can_be_opened_from_the_list(app: AppTest, highlevel: Sandbox, runtime: Runtime) -> None:
    confirmed(preview(app, PEOPLE[:1], "Create again now"))
    other = frame().run().switch_page("restore.py").run()
    other.button(key="open_1").click().run()
    assert other.title[0].value == "Restore 1"


@pytest.mark.parametrize("param", ["999", "nonsense", "1,2,3"])
def test_an_unknown_job_is_said(app: AppTest, param: str) -> None:
    app.query_params["job"] = param
    page = app.run().switch_page("restore.py").run()
    assert not page.exception
    assert page.error or page.title[0].value == "Restore"


def test_a_token_that_is_refused_is_explained_and_can_be_tried_again(app: AppTest, highlevel: Sandbox) -> None:
    highlevel.revoke(f"pit-{HARBOR}")
    page = preview(app, PEOPLE[:1])
    assert "token" in page.error[0].value.lower()
    page.button(key="again").click()
    until(page, lambda: page.session_state["planning"].done)


def test_the_receipt_is_one_file_for_all_accounts_and_recorded(
    app: AppTest, highlevel: Sandbox, context: AppContext, cast: Cast
) -> None:
    confirmed(preview(app, PEOPLE, "Create again now"))
    with context.vault.read() as tx:
        jobs = restore_jobs.list_jobs(tx, [HARBOR, DENTAL], limit=5)
    lines = downloads.receipt_file(context, jobs, cast.sam).decode("utf-8-sig").splitlines()
    assert [line.startswith("contact_id,") for line in lines] == [True, False, False, False]
    with context.vault.read() as tx:
        assert audit.list_entries(tx, limit=1, offset=0)[0].act == "export"


def test_the_printable_receipt_names_everybody_shows_names_literally_and_is_recorded(
    app: AppTest, highlevel: Sandbox, context: AppContext, cast: Cast
) -> None:
    confirmed(preview(app, PEOPLE, "Create again now"))
    with context.vault.read() as tx:
        jobs = restore_jobs.list_jobs(tx, [HARBOR, DENTAL], limit=5)
        new_ids = [item.new_contact_id for job in jobs for item in restore_jobs.list_items(tx, job.job_id)]
    parts = [(job, "Fun & <b>Games</b>", "America/New_York") for job in jobs]
    html = downloads.printed_file(context, parts, "Restore 1", {"recreated": "Created again"}, cast.sam).decode()
    assert all(new_id in html for new_id in new_ids)
    assert html.count("<td>Created again</td><td>as planned</td>") == 3
    assert "Fun &amp; &lt;b&gt;Games&lt;/b&gt;" in html
    with context.vault.read() as tx:
        assert audit.list_entries(tx, limit=1, offset=0)[0].subject.startswith("printable receipt of job")
    with pytest.raises(NotAllowed):
        downloads.printed_file(context, parts, "Restore 1", {}, cast.mara)


def test_a_viewer_sees_the_preview_and_may_not_confirm(
    runtime: Runtime, highlevel: Sandbox, context: AppContext
) -> None:
    page = preview(sign_in(frame(), MARA), PEOPLE, "Create again now")
    assert page.button(key="restore").disabled
    assert "Your role may look, not restore" in text_of(page)


def test_a_viewer_is_refused_behind_the_page_too(
    runtime: Runtime, highlevel: Sandbox, context: AppContext, cast: Cast
) -> None:
    path: RestorePath = "recreate"
    planning = tasks.start_planning(runtime, context, PEOPLE[:1], path)
    end = time.monotonic() + 30
    while not planning.done and time.monotonic() < end:
        time.sleep(0.02)
    with pytest.raises(NotAllowed):
        tasks.start_restore(runtime, context, planning, cast.mara)
    with context.vault.read() as tx:
        assert restore_jobs.list_jobs(tx, [HARBOR], limit=5) == []
        assert audit.list_entries(tx, limit=1, offset=0)[0].outcome == "refused"


def test_a_paused_job_waits_and_goes_on(
    app: AppTest, highlevel: Sandbox, context: AppContext, runtime: Runtime
) -> None:
    page = preview(app, PEOPLE[:1], "Create again now")
    plan = page.session_state["planning"].plans[0]
    sam = User("local", "Local user", Role.RESTORER, "local")
    job_id = create_job(context.vault, plan, sam, context.clock.now)
    pause_job(context.vault, job_id, sam, context.clock.now)
    other = frame()
    other.query_params["job"] = str(job_id)
    other.run().switch_page("restore.py").run()
    assert "… Waiting" in text_of(other)
    other.button(key=f"job_{job_id}_play_arrow").click().run()
    until(other, lambda: "1 person is back" in text_of(other))


def test_who_came_back_meanwhile_is_left_alone(app: AppTest, highlevel: Sandbox, context: AppContext) -> None:
    highlevel.locations[HARBOR].native_restore("har0000003")
    with context.vault.read() as tx:
        assert deletion_queries.list_for_contact(tx, HARBOR, "har0000003")
    page = preview(app, PEOPLE[:1], "Create again now")
    assert "This person is alive" in text_of(page)
    assert "1 person cannot be restored now" in text_of(page)


def test_the_preview_says_in_numbers_how_much_of_each_comes_back_and_what_may_start(
    app: AppTest, highlevel: Sandbox, captured: None
) -> None:
    highlevel.locations[HARBOR].add_workflow("Welcome series")
    text = text_of(preview(app, PEOPLE[:1], "Create again now")).replace("\\", "")
    assert "% comes back]" in text
    assert " fields" in text
    assert "“Welcome series”" in text


def test_a_marker_tag_chosen_on_the_page_is_in_the_create_call(app: AppTest, highlevel: Sandbox) -> None:
    page = preview(app, PEOPLE[:1], "Create again now")
    page.text_input(key="marker").set_value("restored").run()
    until(page, lambda: page.session_state["planning"].done)
    confirmed(page)
    (create,) = highlevel.ledger.requests("POST /contacts/?") or [
        item for item in highlevel.ledger.requests("POST /contacts/") if item.path == "/contacts/"
    ]
    assert create.body["tags"] == ["restored"]


def test_somebody_who_was_never_back_is_not_topped_up(app: AppTest, highlevel: Sandbox) -> None:
    page = preview(app, PEOPLE[:1], "Top up who came back")
    assert "there is nothing to top up" in text_of(page)


def test_what_failed_can_be_tried_again_from_the_result(
    app: AppTest, highlevel: Sandbox, runtime: Runtime, context: AppContext
) -> None:
    page = preview(app, PEOPLE[:1], "Create again now")
    fault = highlevel.locations[HARBOR].faults.on("status", status=422, where="POST /contacts/")
    page.button(key="restore").click().run()
    page.button(key="sure").click().run()
    until(page, lambda: "could not be restored" in text_of(page))
    fault.off()
    page.button(key="try_again").click().run()
    until(page, lambda: "1 person is back in HighLevel" in text_of(page))


def test_a_conflict_is_shown_side_by_side(app: AppTest, highlevel: Sandbox, context: AppContext) -> None:
    with context.vault.read() as tx:
        stored = contact_reads.get(tx, HARBOR, PEOPLE[0].contact_id)
    assert stored is not None
    assert stored.email
    highlevel.locations[HARBOR].create(firstName="Somebody", email=stored.email)
    page = preview(app, PEOPLE[:1], "Create again now")
    (values,) = [item.value for item in page.dataframe if "Living" in item.value]
    assert "Somebody" in list(values["Living"])
    assert "Nothing is overwritten" in text_of(page)


def test_the_plan_and_the_receipt_begin_with_a_summary_and_can_be_narrowed_to_problems(
    app: AppTest, highlevel: Sandbox, captured: None
) -> None:
    highlevel.locations[HARBOR].native_restore("har0000003")
    page = preview(app, PEOPLE, "Create again now")
    assert "**3: 2 whole, 1 not.**" in text_of(page).replace("\\", "")
    page.get_by_key("extent").set_value("Problems").run()
    text = text_of(page)
    assert "Dev Sample03" in text
    assert "Ada Sample00" not in text
    page.get_by_key("extent").set_value("All").run()
    page = confirmed(page)
    assert "1 not" in text_of(page)
    page.get_by_key("extent").set_value("Problems").run()
    assert [name for frame in page.dataframe for name in frame.value["Person"]] == ["Dev Sample03"]


def test_all_of_it_is_never_said_of_someone_of_whom_not_all_is_known(app: AppTest, highlevel: Sandbox) -> None:
    text = text_of(preview(app, PEOPLE[:1], "Create again now")).replace("\\", "")
    assert "(of what is known)" in text
    assert "messages (never captured, so nobody knows what there was)" in text
    assert "1 whole" not in text


def test_all_of_it_never_stands_beside_what_is_lost_without_the_reason(
    app: AppTest, highlevel: Sandbox, captured: None
) -> None:
    text = text_of(preview(app, PEOPLE[:1], "Create again now")).replace("\\", "")
    assert "100 % comes back" in text
    assert "Does not come back" not in text
    assert "HighLevel shows it to no program" in text
