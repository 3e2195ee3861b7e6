"""Contacts: found in the database, opened by id, every opening in the audit log."""

from __future__ import annotations

import msgspec
import pytest
from streamlit.testing.v1 import AppTest

from hlcore.app_context import AppContext
from hlcore.model.contact import parse_contact
from hlcore.runtime import Runtime
from hlcore.store import audit, records
from hlcore.store.contacts import reads as contact_reads
from hlcore.store.contacts import writes as contact_writes
from hlcore.store.deletions import register
from hlcore.store.restores import jobs as restore_jobs
from hlcore.ui.components.contact_picker import SELECTION_KEY, ContactRef
from tests.pages.conftest import FRAME, HARBOR, MARA, frame, sign_in, text_of
from tests.support.worlds import ManualClock

ADA, LOST = "har0000005", "har0000003"


def page_of(app: AppTest) -> AppTest:
    return app.run().switch_page("contacts.py").run()


def record(app: AppTest, contact_id: str, part: str = "Details") -> AppTest:
    app.query_params["contact"] = contact_id
    app.query_params["in"] = HARBOR
    app.query_params["part"] = part
    return page_of(app)


def views(context: AppContext) -> list[str]:
    with context.vault.read() as tx:
        return [line.subject for line in audit.list_entries(tx, limit=20, offset=0, act="view")]


def change(context: AppContext, contact_id: str, **fields: object) -> None:
    """The next copy of this contact differs in these fields."""
    with context.vault.write() as tx:
        stored = contact_reads.get(tx, HARBOR, contact_id)
        assert stored
        raw = msgspec.json.encode({**msgspec.json.decode(stored.raw), **fields})
        contact_writes.replace(tx, HARBOR, [parse_contact(raw)], at=context.clock.now(), run_id=1)


def test_the_first_page_is_cut_by_the_database_in_order(app: AppTest) -> None:
    page = page_of(app)
    assert len(page.dataframe[0].value) == 25
    assert page.dataframe[0].value["Name"][0] == "Ada Sample00"
    assert "1–25 of 60" in text_of(page)


@pytest.mark.parametrize(
    ("typed", "name"),
    [("sample07", "Cleo Sample07"), ("har9@", "Eve Sample09"), ("555 010-0012", "Cleo Sample12")],
    ids=["name", "e-mail", "phone"],
)
def test_search_finds_by(app: AppTest, typed: str, name: str) -> None:
    page = page_of(app)
    page.text_input(key="contacts_search").set_value(typed).run()
    assert name in list(page.dataframe[0].value["Name"])
    assert len(page.dataframe[0].value) <= 2


def test_only_the_deleted_on_wish(app: AppTest) -> None:
    app.query_params["show"] = "Deleted"
    page = page_of(app)
    assert {status[0] for status in page.dataframe[0].value["Status"]} == {"✕ Deleted"}
    assert len(page.dataframe[0].value) == 6


def test_a_misspelled_name_offers_the_nearest_ones(app: AppTest) -> None:
    page = page_of(app)
    page.text_input(key="contacts_search").set_value("cloe sampel12").run()
    assert "Did you mean" in text_of(page)
    assert page.button(key="nearest_0").label == "Cleo Sample12"
    page.button(key="nearest_0").click().run()
    assert page.text_input(key="contacts_search").value == "Cleo Sample12"
    assert set(page.dataframe[0].value["Name"]) == {"Cleo Sample12"}


def test_nobody_found_says_what_to_do(app: AppTest) -> None:
    page = page_of(app)
    page.text_input(key="contacts_search").set_value("nobody at all").run()
    assert "Nobody matches" in text_of(page)
    page.button(key="clear").click().run()
    assert page.dataframe


def test_an_empty_vault_says_where_to_begin(empty_runtime: Runtime) -> None:
    assert "No contacts yet" in text_of(page_of(frame()))


def test_the_record_shows_every_field_under_its_name(app: AppTest, context: AppContext) -> None:
    with context.vault.write() as tx:
        field = b'{"id":"cf1","name":"Notice period","dataType":"TEXT"}'
        records.save(tx, HARBOR, "custom_field", [("cf1", "", field)], at=context.clock.now())
    change(context, ADA, customFields=[{"id": "cf1", "value": "2 weeks"}], website="https://sample.example", odd="kept")
    page = record(app, ADA)
    text = text_of(page) + "\n".join(str(element.value) for element in page.get("text"))
    for part in ("Notice period", "2 weeks", "https://sample.example", "Odd", "kept", "har5@example.org"):
        assert part in text.replace("\\", "")


def test_opening_a_record_is_recorded_once_and_without_a_name(app: AppTest, context: AppContext) -> None:
    page = record(app, ADA)
    page.run()
    assert views(context) == [f"contact {ADA}"]
    page.button(key="back").click().run()
    assert page.title[0].value == "Contacts"


def test_the_history_tells_field_by_field_what_changed(app: AppTest, context: AppContext, clock: ManualClock) -> None:
    change(context, ADA, companyName="Oak & Iron", tags=["client"], dateUpdated="2026-04-01T00:00:00Z")
    text = text_of(record(app, ADA, "History")).replace("\\", "")
    assert "Company: :green[+ Oak & Iron]" in text
    assert "EDT" in text
    assert "searchAfter" not in text


def test_a_record_without_changes_says_so(app: AppTest) -> None:
    assert "Nothing has changed" in text_of(record(app, ADA, "History"))


def test_disappearances_stand_with_their_evidence(app: AppTest) -> None:
    text = text_of(record(app, "har0000003", "Disappearances"))
    assert "404" in text
    assert "1 day left" in text


def test_notes_are_shown_as_text_never_as_markup(app: AppTest, context: AppContext) -> None:
    with context.vault.write() as tx:
        note = b'{"id":"n1","body":"**call** [me](https://evil.example)","dateAdded":"2026-03-01T10:00:00Z"}'
        records.save(tx, HARBOR, "note", [("n1", ADA, note)], at=context.clock.now())
    text = text_of(record(app, ADA, "Notes and more"))
    assert "\\*\\*call\\*\\*" in text
    assert "](https" not in text


def test_a_deleted_person_can_be_sent_to_the_preview(app: AppTest) -> None:
    page = record(app, "har0000003")
    page.button(key="restore_person").click().run()
    assert page.session_state[SELECTION_KEY] == [ContactRef(HARBOR, "har0000003")]


def test_a_viewer_sees_the_record_but_restores_nobody(runtime: Runtime, context: AppContext) -> None:
    page = record(sign_in(frame(), MARA), "har0000003")
    assert page.button(key="restore_person").disabled
    assert views(context) == ["contact har0000003"]


@pytest.mark.parametrize("contact_id", ["nobody", "'; DROP TABLE contacts; --"])
def test_an_unknown_id_is_said_and_recorded_as_failed(app: AppTest, context: AppContext, contact_id: str) -> None:
    page = record(app, contact_id)
    assert "Nothing is held" in page.error[0].value
    with context.vault.read() as tx:
        assert audit.list_entries(tx, limit=1, offset=0)[0].outcome == "failed"


def test_an_erased_person_is_shown_nowhere(app: AppTest, context: AppContext) -> None:
    with context.vault.write() as tx:
        register.erase_contact(tx, HARBOR, "har0000003", at=context.clock.now())
    page = record(app, "har0000003")
    assert "Nothing is held" in page.error[0].value
    assert "Dev Sample03" not in text_of(page)


def test_the_old_record_of_a_restored_person_leads_to_the_new_one_and_back(app: AppTest, context: AppContext) -> None:
    with context.vault.write() as tx:
        register.mark_recreated(tx, HARBOR, LOST, new_contact_id="har0000010", at=context.clock.now())
        job_id = restore_jobs.create_job(
            tx, HARBOR, by="sam", at=context.clock.now(), items=[(LOST, "recreate", {})], options=None
        )
        restore_jobs.record_outcome(
            tx, job_id, LOST, at=context.clock.now(), outcome="recreated", new_contact_id="har0000010"
        )
    page = record(app, LOST)
    page.button(key="new_har0000010").click().run()
    assert page.query_params["contact"] == "har0000010"
    page.button(key=f"earlier_{LOST}").click().run()
    assert page.query_params["contact"] == LOST


def test_an_address_opens_the_same_filters_order_and_page(app: AppTest) -> None:
    page = page_of(app)
    page.selectbox(key="contacts_tag").set_value("client").run()
    page.selectbox(key="order").set_value("By name, Z to A").run()
    page.button(key="contacts_next").click().run()
    names = list(page.dataframe[0].value["Name"])
    query = dict(page.query_params)
    assert query["order"] == "By name, Z to A"
    assert "26–30 of 30" in text_of(page)
    assert "client" not in str(query), "a tag is the account's own text"
    again = AppTest.from_file(str(FRAME), default_timeout=60)
    again.query_params.update(query)
    reopened = page_of(again)
    assert list(reopened.dataframe[0].value["Name"]) == names
    assert reopened.selectbox(key="contacts_tag").value == "client"


def test_what_is_typed_never_reaches_the_address(app: AppTest) -> None:
    page = page_of(app)
    page.text_input(key="contacts_search").set_value("sample07").run()
    assert "sample07" not in str(dict(page.query_params))


@pytest.mark.parametrize("asked", ["9999", "-3", "0", "x", "٣", "1e9", "9" * 30])
def test_a_page_that_does_not_exist_is_the_nearest_or_the_first(app: AppTest, asked: str) -> None:
    app.query_params["contacts_page"] = asked
    page = page_of(app)
    assert not page.exception
    assert len(page.dataframe[0].value)
