"""Activity: every round, and who did what."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from streamlit.testing.v1 import AppTest

from hlcore.app_context import AppContext
from hlcore.errors import NotAllowed
from hlcore.export import export_table
from hlcore.governance import quarantine_decisions
from hlcore.governance.audit import audited
from hlcore.governance.roles import Action, Role, User
from hlcore.runtime import Runtime
from hlcore.store import audit, leases, quarantine, runs
from hlcore.ui import activity as ui_activity
from tests.pages.conftest import DENTAL, HARBOR, frame, text_of

SAM = User("sam@example.com", "Sam", Role.RESTORER, "oidc")
MARA = User("mara@example.com", "Mara", Role.VIEWER, "oidc")


def activity(app: AppTest) -> AppTest:
    return app.run().switch_page("activity.py").run()


def act(context: AppContext, user: User, what: Action, location_id: str = "") -> None:
    with audited(context.vault, user, what, now=context.clock.now, location_id=location_id, detail={"rows": 3}):
        pass


def test_every_round_is_there_newest_first(app: AppTest) -> None:
    table = activity(app).dataframe[0].value
    assert len(table) == 10
    assert list(table["Outcome"].unique()) == ["✓ Complete"]
    assert table["Deleted"].sum() == 7
    assert table["Back"].sum() == 1


def test_only_those_that_need_a_look(app: AppTest, context: AppContext) -> None:
    with context.vault.write() as tx:
        run = runs.claim(tx, HARBOR, "watch", at=context.clock.now(), holder="", resume_within=timedelta(0))
        runs.finish(tx, run.run_id, context.clock.now(), outcome="refused", reason="The token was revoked.")
    app.query_params["outcome"] = "Needs a look"
    table = activity(app).dataframe[0].value
    assert list(table["Why"]) == ["The token was revoked."]


def test_an_interrupted_round_says_so(app: AppTest, context: AppContext) -> None:
    with context.vault.write() as tx:
        run = runs.claim(tx, DENTAL, "listing", at=context.clock.now(), holder="gone", resume_within=timedelta(0))
        runs.release(tx, run.run_id)
    assert "Interrupted" in text_of(activity(app))


def test_a_round_in_progress_shows_how_far_it_is(app: AppTest, context: AppContext) -> None:
    with context.vault.write() as tx:
        run = runs.claim(
            tx, DENTAL, "listing", at=context.clock.now(), holder=leases.this_process(), resume_within=timedelta(0)
        )
        runs.record_heartbeat(tx, run.run_id, context.clock.now(), seen=500, total=2000)
    page = activity(app)
    assert "500 of 2,000 contacts read" in str([element.proto for element in page.get("progress")])


def test_the_trail_shows_who_did_what(app: AppTest, context: AppContext) -> None:
    act(context, SAM, Action.SETTINGS, HARBOR)
    app.query_params["view"] = "Who did what"
    table = activity(app).dataframe[0].value
    assert list(table["Who"]) == ["sam@example.com"]
    assert list(table["Did"]) == ["Changed settings"]


def test_the_trail_can_be_filtered(app: AppTest, context: AppContext) -> None:
    act(context, SAM, Action.SETTINGS)
    act(context, SAM, Action.EXPORT)
    app.query_params["view"] = "Who did what"
    page = activity(app)
    page.selectbox(key="act").set_value("export").run()
    assert list(page.dataframe[0].value["Did"]) == ["Downloaded"]


def test_rounds_are_paged_by_the_database(app: AppTest, context: AppContext) -> None:
    with context.vault.write() as tx:
        for _ in range(60):
            run = runs.claim(tx, HARBOR, "watch", at=context.clock.now(), holder="", resume_within=timedelta(0))
            runs.finish(tx, run.run_id, context.clock.now(), outcome="complete", reason="")
    page = activity(app)
    first = page.dataframe[0].value
    page.button(key="runs_next").click().run()
    assert (len(first), len(page.dataframe[0].value)) == (25, 25)
    assert "26–50 of 70 rounds" in text_of(page)


def test_the_file_holds_every_round(context: AppContext) -> None:
    locations = context.locations()
    data = export_table(
        context.vault, ui_activity.RUN_HEADER, ui_activity.run_csv_rows(context.vault, [HARBOR, DENTAL], (), locations),
        subject="rounds", user=SAM, now=context.clock.now,
    )  # fmt: skip
    lines = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
    assert len(lines) == 10
    assert sum(int(line["deleted"]) for line in lines) == 7


def test_a_viewer_cannot_download_and_the_try_is_recorded(context: AppContext) -> None:
    with pytest.raises(NotAllowed):
        export_table(context.vault, ("a",), [("b",)], subject="rounds", user=MARA, now=context.clock.now)
    with context.vault.read() as tx:
        assert audit.list_entries(tx, limit=1)[0].outcome == "refused"


def test_an_empty_vault_explains_itself(empty_runtime: Runtime) -> None:
    page = activity(frame())
    assert "No rounds yet" in text_of(page)
    assert not page.exception


def set_items_aside(context: AppContext, *references: str) -> None:
    with context.vault.write() as tx:
        for reference in references:
            quarantine.set_aside(
                tx, HARBOR, "delivery", reference, "NoId", at=context.clock.now(), place="hlcore.webhooks.events:1"
            )


def test_nothing_set_aside_is_said_calmly(app: AppTest) -> None:
    app.query_params["view"] = "Set aside"
    assert "Nothing was set aside" in text_of(activity(app))


def test_what_was_set_aside_is_on_the_page_with_its_place_in_the_code(app: AppTest, context: AppContext) -> None:
    set_items_aside(context, "d1", "d2")
    app.query_params["view"] = "Set aside"
    page = activity(app)
    assert "2 items could not be handled and were set aside" in text_of(page)
    table = page.dataframe[0].value
    assert sorted(table["Id or digest"]) == ["d1", "d2"]
    assert set(table["Where in the code"]) == {"hlcore.webhooks.events:1"}
    assert set(table["Account"]) == {"Harbor & Pine Recruiting"}
    assert page.button(key="aside_try_again").disabled, "nothing is ticked"


def test_ticked_items_are_tried_again_or_ignored(context: AppContext) -> None:
    """The buttons' own work; a box cannot be ticked without a browser."""
    set_items_aside(context, "d1", "d2")
    with context.vault.read() as tx:
        first, second = quarantine.list_items(tx, [HARBOR], limit=9)
    with pytest.raises(NotAllowed):
        quarantine_decisions.ignore(context.vault, MARA, [first.item_id], now=context.clock.now)
    quarantine_decisions.ignore(context.vault, SAM, [first.item_id], now=context.clock.now)
    quarantine_decisions.try_again(context.vault, SAM, [second.item_id], now=context.clock.now)
    with context.vault.read() as tx:
        assert quarantine.count_waiting(tx) == {}
        assert [entry.subject for entry in audit.list_entries(tx, limit=2)] == ["try again", "ignore"]


@pytest.mark.parametrize("act", ["restore", "export", "verify"])
def test_the_address_narrows_the_audit_trail_to_an_act(app: AppTest, context: AppContext, act: str) -> None:
    for what in (Action.RESTORE, Action.EXPORT, Action.VERIFY):
        with audited(context.vault, SAM, what, now=context.clock.now):
            pass
    app.query_params.update({"view": "Who did what", "act": act})
    page = activity(app)
    assert list(page.dataframe[0].value["Did"]) == [ui_activity.action_label(act)]
    assert not page.toast


@pytest.mark.parametrize(
    ("name", "path"),
    [("act", "activity.py"), ("outcome", "activity.py"), ("view", "activity.py"), ("left", "at_risk.py"),
     ("show", "contacts.py"), ("order", "contacts.py"), ("span", "overview.py"), ("what", "backups.py"),
     ("mode", "backups.py"), ("bom", "backups.py"), ("changes_day", "changes.py"), ("changes_from", "changes.py")],
)  # fmt: skip
@pytest.mark.parametrize("value", ["nonsense", "'; DROP TABLE runs; --", "Restores", "0", "\x00"])
def test_an_unknown_choice_in_the_address_changes_nothing_and_is_said(
    app: AppTest, name: str, path: str, value: str
) -> None:
    app.query_params.update({name: value, **({"view": "Who did what"} if name == "act" else {})})
    page = app.run() if path == "overview.py" else app.run().switch_page(path).run()
    assert not page.exception
    assert name not in page.query_params
    assert "does not have" in page.toast[0].value
    page.run()
    assert not page.toast
