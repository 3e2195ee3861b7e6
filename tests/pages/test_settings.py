"""Settings: connecting, tuning and syncing accounts, checked and recorded."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from hlcore.app_context import AppContext
from hlcore.runtime import Runtime
from hlcore.sandbox import Sandbox
from hlcore.store import audit, locations, runs
from hlcore.store.audit import AuditEntry
from tests.pages.conftest import DENTAL, HARBOR, MARA, frame, sign_in, text_of

TOKEN = "pit-new-office-token"


def settings_page(app: AppTest) -> AppTest:
    return app.run().switch_page("settings.py").run()


def connect(app: AppTest, location_id: str, token: str) -> AppTest:
    app.text_input(key="connect_location").set_value(location_id)
    app.text_input(key="connect_token").set_value(token)
    return app.button(key="connect_send").click().run()


def trail(context: AppContext) -> list[AuditEntry]:
    with context.vault.read() as tx:
        return audit.list_entries(tx, limit=20, offset=0)


def test_every_account_has_its_card(app: AppTest) -> None:
    page = settings_page(app)
    assert "2 accounts are connected" in text_of(page)
    assert "Brightwater Dental" in text_of(page)
    assert "Harbor & Pine" in text_of(page).replace("\\", "")


def test_the_scopes_to_tick_are_those_that_the_requests_need(app: AppTest) -> None:
    text = text_of(settings_page(app))
    assert "contacts.readonly" in text
    assert "contacts.write" in text


def test_connecting_asks_highlevel_and_keeps_the_token_out_of_the_page(
    runtime: Runtime, highlevel: Sandbox, context: AppContext
) -> None:
    highlevel.add_location("locThird000000000001", "Third Office", "Asia/Kolkata", token=TOKEN)
    page = connect(settings_page(frame()), "locThird000000000001", TOKEN)
    assert "Third Office is connected" in text_of(page)
    assert TOKEN not in text_of(page)
    assert page.text_input(key="connect_token").value == ""
    with context.vault.read() as tx:
        assert TOKEN.encode() not in (locations.get_token(tx, "locThird000000000001") or b"")
    assert [(line.act, line.outcome) for line in trail(context)] == [("connect", "done")]


def test_a_refused_token_says_what_to_do(runtime: Runtime, highlevel: Sandbox, context: AppContext) -> None:
    page = connect(settings_page(frame()), HARBOR, "pit-wrong")
    assert "Private Integration Token" in page.error[0].value
    assert "pit-wrong" not in text_of(page)
    assert [(line.act, line.outcome) for line in trail(context)] == [("connect", "failed")]


def test_a_token_of_another_account_is_not_taken(runtime: Runtime, highlevel: Sandbox, context: AppContext) -> None:
    page = connect(settings_page(frame()), DENTAL, f"pit-{HARBOR}")
    assert page.error
    assert trail(context)[0].outcome == "failed"


def test_no_answer_from_highlevel_is_said_calmly(app: AppTest, context: AppContext) -> None:
    page = connect(settings_page(app), HARBOR, "pit-any")
    assert page.error
    assert not page.exception


def test_the_form_asks_for_both_values(app: AppTest) -> None:
    page = connect(settings_page(app), "", "")
    assert "needed" in page.error[0].value


def test_the_recovery_window_is_saved_and_recorded(app: AppTest, context: AppContext) -> None:
    page = settings_page(app)
    page.radio(key=f"window_choice_{HARBOR}").set_value("60 days")
    page.button(key=f"window_send_{HARBOR}").click().run()
    with context.vault.read() as tx:
        location = locations.get(tx, HARBOR)
    assert location
    assert location.window.days == 60
    assert trail(context)[0].act == "settings"


def test_a_hipaa_account_has_no_window(app: AppTest, context: AppContext) -> None:
    page = settings_page(app)
    page.radio(key=f"window_choice_{DENTAL}").set_value("None: HIPAA account")
    page.button(key=f"window_send_{DENTAL}").click().run()
    with context.vault.read() as tx:
        location = locations.get(tx, DENTAL)
    assert location
    assert (location.hipaa, location.window.days, location.hipaa_recreate) == (True, 0, False)


def test_recreating_under_hipaa_is_a_decision_that_is_kept(app: AppTest, context: AppContext) -> None:
    page = settings_page(app)
    page.radio(key=f"window_choice_{DENTAL}").set_value("None: HIPAA account")
    page.checkbox(key=f"window_policy_{DENTAL}").check()
    page.button(key=f"window_send_{DENTAL}").click().run()
    with context.vault.read() as tx:
        location = locations.get(tx, DENTAL)
    assert location
    assert location.hipaa_recreate
    assert trail(context)[0].detail["hipaa_recreate"] is True


def test_a_window_of_ones_own_keeps_its_reason(app: AppTest, context: AppContext) -> None:
    page = settings_page(app)
    page.radio(key=f"window_choice_{HARBOR}").set_value("Another number")
    page.number_input(key=f"window_days_{HARBOR}").set_value(45)
    page.text_input(key=f"window_reason_{HARBOR}").set_value("Support said so")
    page.button(key=f"window_send_{HARBOR}").click().run()
    with context.vault.read() as tx:
        location = locations.get(tx, HARBOR)
    assert location
    assert (location.window.days, location.window.reason) == (45, "Support said so")


def test_the_alarm_is_saved_as_a_share(app: AppTest, context: AppContext) -> None:
    page = settings_page(app)
    page.number_input(key=f"floor_{HARBOR}").set_value(10)
    page.number_input(key=f"share_{HARBOR}").set_value(5.0)
    page.button(key=f"care_send_{HARBOR}").click().run()
    with context.vault.read() as tx:
        location = locations.get(tx, HARBOR)
    assert location
    assert (location.incident_floor, location.incident_share) == (10, 0.05)


def test_disconnecting_keeps_the_copy(app: AppTest, context: AppContext) -> None:
    page = settings_page(app)
    page.button(key=f"disconnect_{DENTAL}").click().run()
    assert "Its copy stays" in text_of(page)
    with context.vault.read() as tx:
        location = locations.get(tx, DENTAL)
        kept = runs.count(tx, [DENTAL])
    assert location
    assert (location.connected, location.has_token, kept > 0) == (False, False, True)
    assert trail(context)[0].act == "disconnect"


def test_sync_now_runs_a_round(runtime: Runtime, highlevel: Sandbox, context: AppContext) -> None:
    page = settings_page(frame())
    with context.vault.read() as tx:
        before = runs.count(tx, [HARBOR])
    page.button(key=f"sync_{HARBOR}").click().run()
    job = runtime.tasks.get(f"sync:{HARBOR}")
    assert job
    assert job.thread
    job.thread.join(20)
    with context.vault.read() as tx:
        newest = runs.list_recent(tx, [HARBOR], limit=1)[0]
        assert runs.count(tx, [HARBOR]) == before + 1
    assert newest.outcome == "complete"
    assert trail(context)[0].act == "sync"


def test_a_viewer_cannot_change_anything(runtime: Runtime, context: AppContext) -> None:
    page = settings_page(sign_in(frame(), MARA))
    assert page.button(key=f"sync_{HARBOR}").disabled
    assert page.button(key=f"window_send_{HARBOR}").disabled
    assert page.button(key="connect_send").disabled
    assert not [button for button in page.button if button.key == f"disconnect_{HARBOR}"]


def test_an_empty_vault_says_how_to_begin(empty_runtime: Runtime) -> None:
    page = settings_page(frame())
    assert "No account is connected" in text_of(page)
    assert not page.exception
