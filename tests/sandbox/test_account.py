"""Reference data of a location, its tasks and appointments, and the versions of the API."""

from __future__ import annotations

import pytest

V2021_04 = {"Version": "2021-04-15"}


@pytest.mark.parametrize(("notify", "started"), [(True, 1), (False, 0)])
def test_an_appointment_runs_automations_unless_told_not_to(api, location, sandbox, notify, started):
    id_, calendar = location.create(firstName="Ana"), location.add_calendar()
    body = {"calendarId": calendar, "locationId": "dental", "contactId": id_, "toNotify": notify}
    body |= {"startTime": "2026-10-01T09:00:00Z", "ignoreDateRange": True}
    answer = api.request("POST", "/calendars/events/appointments", body, headers=V2021_04)
    assert (answer.status_code, len(sandbox.ledger.workflow_starts)) == (200, started)
    events = api.request("GET", f"/contacts/{id_}/appointments").json()["events"]
    assert [event["id"] for event in events] == [answer.json()["id"]]


def test_rejects_a_version_that_is_not_the_operations_own_quietly(api, sandbox):
    assert api.request("GET", "/calendars/?locationId=dental").status_code == 200
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
    answer = api.request("GET", path)
    assert (answer.status_code, key in answer.json(), sandbox.ledger.off_contract) == (200, True, [])


def test_rejects_data_of_a_location_that_is_not_the_tokens(api):
    assert api.request("GET", "/locations/other/tags").status_code == 403


def test_tasks_of_the_whole_location_come_in_pages(api, location):
    id_ = location.create(firstName="Ana")
    tasks = [location.add_task(id_, f"Task {at}") for at in range(30)]
    found = [
        row["id"]
        for skip in (0, 25)
        for row in api.request("POST", "/locations/dental/tasks/search", {"skip": skip}).json()["tasks"]
    ]
    assert found == tasks


def test_v3_spells_its_keys_otherwise(api, location):
    id_ = location.create(firstName="Ana", dndSettings={"WhatsApp": {"status": "active"}})
    contact = api.request("GET", f"/contacts/{id_}", headers={"Version": "v3"}).json()["contact"]
    assert contact["dndSettings"] == {"whatsApp": {"status": "active"}}
