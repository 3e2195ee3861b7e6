"""What surrounds contacts: deals, messages, appointments, account data, tokens, events, and the process itself."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import sys

import httpx
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import load_pem_public_key

OLD = {"Version": "2021-04-15"}


def test_deleting_a_contact_takes_its_opportunities_with_it(api, location):
    id_ = location.create(firstName="Ana")
    deal = location.add_opportunity(id_, "Crown")
    assert api.ask("DELETE", f"/contacts/{id_}").status_code == 200
    assert api.ask("GET", f"/opportunities/{deal}").status_code == 404


def test_opportunity_pages_follow_the_double_cursor(api, location, clock):
    id_ = location.create(firstName="Ana")
    deals = []
    for at in range(7):
        clock.move(seconds=1)
        deals.append(location.add_opportunity(id_, f"Deal {at}"))
    first = api.ask("GET", "/opportunities/search?location_id=dental&limit=4").json()
    second = api.ask("GET", first["meta"]["nextPageUrl"]).json()
    found = [row["id"] for row in first["opportunities"] + second["opportunities"]]
    assert (found, "nextPageUrl" in second["meta"]) == (deals[::-1], False)


def test_the_opportunity_feed_can_end_early_and_leave_live_rows_out(api, location):
    id_ = location.create(firstName="Ana")
    deals = [location.add_opportunity(id_, f"Deal {at}") for at in range(5)]
    path = "/opportunities/search?location_id=dental&limit=2"
    location.faults.on("omits", where="GET /opportunities", ids=[deals[0]])
    with location.faults.during("ends_early", where="GET /opportunities"):
        page = api.ask("GET", path).json()
    assert (len(page["opportunities"]), page["meta"]) == (2, {"total": 4, "currentPage": 1})
    assert api.ask("GET", f"/opportunities/{deals[0]}").status_code == 200


def test_the_message_export_needs_two_passes_for_everything(api, location):
    id_ = location.create(firstName="Ana")
    text, mail = location.add_message(id_, "hi"), location.add_message(id_, "<p>hi</p>", kind="EMAIL")
    path = "/conversations/messages/export?locationId=dental"
    without = api.ask("GET", path, headers=OLD).json()
    only = api.ask("GET", path + "&channel=Email", headers=OLD).json()
    assert [row["id"] for row in without["messages"]] == [text]
    assert [row["id"] for row in only["messages"]] == [mail]


@pytest.mark.parametrize(("seconds", "status"), [(119, 200), (121, 400)])
def test_an_export_cursor_dies_after_two_idle_minutes(api, location, clock, seconds, status):
    id_ = location.create(firstName="Ana")
    for at in range(15):
        location.add_message(id_, f"{at}")
    path = "/conversations/messages/export?locationId=dental&limit=10"
    first = api.ask("GET", path, headers=OLD).json()
    clock.move(seconds=seconds)
    second = api.ask("GET", f"{path}&cursor={first['nextCursor']}", headers=OLD)
    assert (first["total"], second.status_code) == (15, status)


def test_an_email_shows_its_body_only_by_its_own_id(api, location):
    mail = location.add_message(location.create(firstName="Ana"), "<p>hi</p>", kind="EMAIL")
    talk = next(iter(location.related.conversations))
    listed = api.ask("GET", f"/conversations/{talk}/messages", headers=OLD).json()["messages"]["messages"][0]
    assert ("body" in listed, listed["meta"]["email"]["messageIds"]) == (False, [mail])
    assert api.ask("GET", f"/conversations/messages/email/{mail}", headers=OLD).json()["body"] == "<p>hi</p>"


def test_sending_a_message_is_counted(api, location, sandbox):
    id_ = location.create(firstName="Ana")
    body = {"type": "SMS", "contactId": id_, "message": "hi"}
    assert api.ask("POST", "/conversations/messages", body, headers=OLD).status_code == 201
    assert [sent["contactId"] for sent in sandbox.ledger.messages_sent] == [id_]


def test_storing_a_message_needs_the_apps_own_provider_and_sends_nothing(api, location, sandbox):
    id_ = location.create(firstName="Ana")
    body = {"type": "SMS", "contactId": id_, "message": "hi", "conversationProviderId": "P"}
    assert api.ask("POST", "/conversations/messages/inbound", body, headers=OLD).status_code == 500
    location.message_providers.add("P")
    assert api.ask("POST", "/conversations/messages/inbound", body, headers=OLD).status_code == 200
    assert (len(location.related.messages), sandbox.ledger.messages_sent) == (1, [])


@pytest.mark.parametrize(("notify", "started"), [(True, 1), (False, 0)])
def test_an_appointment_runs_automations_unless_told_not_to(api, location, sandbox, notify, started):
    id_, calendar = location.create(firstName="Ana"), location.add_calendar()
    body = {"calendarId": calendar, "locationId": "dental", "contactId": id_, "toNotify": notify}
    body |= {"startTime": "2026-10-01T09:00:00Z", "ignoreDateRange": True}
    answer = api.ask("POST", "/calendars/events/appointments", body, headers=OLD)
    assert (answer.status_code, len(sandbox.ledger.workflow_starts)) == (200, started)
    events = api.ask("GET", f"/contacts/{id_}/appointments").json()["events"]
    assert [event["id"] for event in events] == [answer.json()["id"]]


def test_rejects_a_version_that_is_not_the_operations_own_quietly(api, sandbox):
    assert api.ask("GET", "/calendars/?locationId=dental").status_code == 200
    assert sandbox.ledger.off_contract == ["GET /calendars/: Version 2021-07-28 instead of 2021-04-15"]


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/locations/dental", "location"),
        ("/locations/dental/tags", "tags"),
        ("/locations/dental/customFields?model=all", "customFields"),
        ("/locations/dental/customValues", "customValues"),
        ("/locations/search", "locations"),
        ("/users/?locationId=dental", "users"),
        ("/users/search?companyId=c&locationId=dental", "users"),
        ("/businesses/?locationId=dental", "businesses"),
        ("/campaigns/?locationId=dental", "campaigns"),
        ("/workflows/?locationId=dental", "workflows"),
        ("/opportunities/pipelines?locationId=dental", "pipelines"),
    ],
)
def test_account_data_answers_under_its_documented_key(api, location, sandbox, path, key):
    location.add_user("Dana Dew")
    answer = api.ask("GET", path)
    assert (answer.status_code, key in answer.json(), sandbox.ledger.off_contract) == (200, True, [])


def test_rejects_data_of_a_location_that_is_not_the_tokens(api):
    assert api.ask("GET", "/locations/other/tags").status_code == 403


def test_tasks_of_the_whole_location_come_in_pages(api, location):
    id_ = location.create(firstName="Ana")
    tasks = [location.add_task(id_, f"Task {at}") for at in range(30)]
    found = [
        row["id"]
        for skip in (0, 25)
        for row in api.ask("POST", "/locations/dental/tasks/search", {"skip": skip}).json()["tasks"]
    ]
    assert found == tasks


def test_a_refresh_token_works_once(api, sandbox):
    sandbox.add_app("app", "secret")
    form = {"client_id": "app", "client_secret": "secret", "grant_type": "authorization_code"}
    first = api.client.post("/oauth/token", data={**form, "code": sandbox.authorize("dental")}).json()
    again = {**form, "grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = api.client.post("/oauth/token", data=again).json()
    third = api.client.post("/oauth/token", data=again)
    assert (third.status_code, third.json()["error"]) == (400, "invalid_grant")
    header = {"Authorization": f"Bearer {second['access_token']}"}
    assert api.ask("GET", "/locations/dental", headers=header).status_code == 200


def test_an_access_token_lasts_a_day(api, sandbox, clock):
    sandbox.add_app("app", "secret")
    form = {"client_id": "app", "client_secret": "secret", "grant_type": "authorization_code"}
    token = api.client.post("/oauth/token", data={**form, "code": sandbox.authorize("dental")}).json()
    clock.move(days=1)
    answer = api.ask("GET", "/locations/dental", headers={"Authorization": f"Bearer {token['access_token']}"})
    assert answer.json()["message"] == "Invalid token: access token is invalid"


def test_rejects_refreshing_for_a_paused_location_and_keeps_the_refresh_token(api, sandbox, location):
    sandbox.add_app("app", "secret")
    form = {"client_id": "app", "client_secret": "secret", "grant_type": "authorization_code"}
    first = api.client.post("/oauth/token", data={**form, "code": sandbox.authorize("dental")}).json()
    again = {**form, "grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    location.active = False
    assert api.client.post("/oauth/token", data=again).json()["message"] == "Location is not active"
    location.active = True
    assert api.client.post("/oauth/token", data=again).status_code == 200


def test_an_agency_token_buys_a_location_token(api, sandbox):
    agency = {"Authorization": f"Bearer {sandbox.add_token('agency')}"}
    installed = api.ask("GET", "/oauth/installedLocations?companyId=c&appId=a", headers=agency).json()
    assert [row["_id"] for row in installed["locations"]] == ["dental"]
    form = {"companyId": "c", "locationId": "dental"}
    token = api.client.post("/oauth/locationToken", data=form, headers=agency).json()["access_token"]
    assert api.ask("GET", "/locations/dental", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_events_are_signed_over_their_exact_bytes(location, sandbox):
    id_ = location.create(firstName="Ana", email="a@example.com")
    location.delete(id_)
    event = location.events[-1]
    headers = event.headers(legacy=True)
    assert (event.type, event.payload["id"], event.payload["email"]) == ("ContactDelete", id_, "a@example.com")
    current, legacy = (
        load_pem_public_key(pem.encode()) for pem in (sandbox.keys.public_pem, sandbox.keys.legacy_public_pem)
    )
    current.verify(base64.b64decode(headers["X-GHL-Signature"]), event.body)
    signature = base64.b64decode(headers["X-WH-Signature"])
    legacy.verify(signature, event.body, padding.PKCS1v15(), hashes.SHA256())
    with pytest.raises(InvalidSignature):
        current.verify(base64.b64decode(headers["X-GHL-Signature"]), event.body + b" ")


def test_every_change_leaves_its_event(location):
    id_ = location.create(firstName="Ana")
    location.edit(id_, tags=["x"], dnd=True)
    location.add_note(id_, "n")
    location.add_task(id_, "t")
    location.add_opportunity(id_, "o")
    location.add_appointment(id_, None)
    location.add_message(id_, "m")
    assert [event.type for event in location.events] == [
        "ContactCreate", "ContactUpdate", "ContactTagUpdate", "ContactDndUpdate", "NoteCreate", "TaskCreate",
        "OpportunityCreate", "AppointmentCreate", "InboundMessage",
    ]  # fmt: skip
    assert len({event.payload["webhookId"] for event in location.events}) == 9


def test_events_carry_the_keys_of_highlevels_own_examples(location):
    location.delete(location.create(firstName="Ana", tags=["x"], dateAdded="2026-01-01"))
    payload = location.events[-1].payload
    assert {"type", "locationId", "id", "firstName", "tags", "dateAdded", "timestamp", "webhookId"} <= set(payload)
    assert "_trigger" not in json.dumps(payload)


def test_v3_spells_its_keys_otherwise(api, location):
    id_ = location.create(firstName="Ana", dndSettings={"WhatsApp": {"status": "active"}})
    contact = api.ask("GET", f"/contacts/{id_}", headers={"Version": "v3"}).json()["contact"]
    assert contact["dndSettings"] == {"whatsApp": {"status": "active"}}


def test_the_process_says_where_it_is_and_answers_there():
    command = [sys.executable, "-m", "hlcore.sandbox", "--contacts", "30", "--latency-ms", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        hello = json.loads(process.stdout.readline())
        headers = {"Authorization": f"Bearer {hello['token']}", "Version": "2021-07-28"}
        body = {"locationId": hello["location_id"], "pageLimit": 1}
        answer = httpx.post(hello["url"] + "/contacts/search", json=body, headers=headers)
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=10)
    assert (answer.json()["total"], answer.headers["X-RateLimit-Remaining"]) == (30, "99")
