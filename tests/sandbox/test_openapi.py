"""Every answer fits HighLevel's OpenAPI files, patched where those are known to be wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

jsonschema = pytest.importorskip("jsonschema")
FOLDER = Path(__file__).parents[2].parent / "shared" / "highlevel"
pytestmark = pytest.mark.skipif(not (FOLDER / "openapi").is_dir(), reason="HighLevel's OpenAPI files are not here")


class Specs:
    """The response schemas of one file, by method and path."""

    def __init__(self, name: str) -> None:
        self.whole = _patched(json.loads((FOLDER / "openapi" / name).read_text()))

    def check(self, method: str, path: str, answer: Any) -> None:
        responses = self.whole["paths"][path][method.lower()]["responses"]
        assert str(answer.status_code) in responses, (method, path, answer.status_code, answer.text)
        content = responses[str(answer.status_code)].get("content", {})
        schema = content.get("application/json", {}).get("schema")
        if schema is None:
            return
        root = {"components": self.whole["components"], **schema}
        jsonschema.Draft4Validator(root).validate(answer.json())


def _patched(value: Any) -> Any:
    """``any`` is no JSON type; shared schemas lie in another folder; nullable is OpenAPI's own word."""
    if isinstance(value, list):
        return [_patched(one) for one in value]
    if not isinstance(value, dict):
        return value
    found = {key: _patched(one) for key, one in value.items()}
    if found.get("type") == "any":
        return {}
    if found.get("items") == {"type": "array"}:
        found["items"] = {}  # an untyped list of objects is written as a list of untyped lists
    if "common-schemas" in str(found.get("$ref", "")):
        common = next(FOLDER.rglob("common-schemas.json"))
        return json.loads(common.read_text())["components"]["schemas"][found["$ref"].rpartition("/")[2]]
    if found.get("nullable") and isinstance(found.get("type"), str):
        found["type"] = [found["type"], "null"]
    if set(found.get("properties", {})) == {"id", "value"}:
        found["properties"]["value"] = {}  # lists and numbers come as they are, whatever the file says
    return found


@pytest.fixture(scope="module")
def contacts() -> Specs:
    return Specs("contacts.json")


@pytest.fixture(scope="module")
def opportunities() -> Specs:
    return Specs("opportunities.json")


FULL = {
    "firstName": "Zoë",
    "lastName": "كوهين 🦊",
    "email": "zoe@example.com",
    "phone": "+14155550123",
    "companyName": "Kite",
    "tags": ["VIP"],
    "dnd": True,
    "dndSettings": {"SMS": {"status": "active", "message": "stop", "code": "1"}},
    "dateOfBirth": "1990-01-02",
    "source": "test",
    "customFields": [{"id": "F1", "field_value": "x"}, {"id": "F2", "field_value": ["a", "b"]}],
}


@pytest.fixture
def person(location, api) -> str:
    location.add_custom_field("One", id="F1")
    location.add_custom_field("Two", id="F2", data_type="MULTIPLE_OPTIONS")
    return str(api.create(**FULL).json()["contact"]["id"])


def test_contact_answers_fit(api, contacts, person):
    contacts.check("GET", "/contacts/{contactId}", api.request("GET", f"/contacts/{person}"))
    contacts.check("POST", "/contacts/", api.create(firstName="Eve"))
    contacts.check("PUT", "/contacts/{contactId}", api.request("PUT", f"/contacts/{person}", {"city": "Leeds"}))
    contacts.check("GET", "/contacts/", api.request("GET", "/contacts/?locationId=dental"))
    upsert = api.request("POST", "/contacts/upsert", {"locationId": "dental", "email": FULL["email"]})
    contacts.check("POST", "/contacts/upsert", upsert)
    contacts.check("POST", "/contacts/search", api.search())
    twin = api.request("GET", "/contacts/search/duplicate", params={"locationId": "dental", "email": FULL["email"]})
    contacts.check("GET", "/contacts/search/duplicate", twin)
    contacts.check("DELETE", "/contacts/{contactId}", api.request("DELETE", f"/contacts/{person}"))


def test_refusals_fit(api, contacts, person):
    contacts.check("POST", "/contacts/", api.create(firstName="Ana", nonsense=1))
    contacts.check("POST", "/contacts/", api.create(**FULL))
    contacts.check("GET", "/contacts/{contactId}", api.request("GET", "/contacts/x", headers={"Version": "1"}))


def test_invented_people_fit(api, contacts, location):
    for id_ in location.fill(300):
        contacts.check("GET", "/contacts/{contactId}", api.request("GET", f"/contacts/{id_}"))


@pytest.mark.parametrize("kind", ["notes", "tasks"])
def test_note_and_task_answers_fit(api, contacts, person, kind):
    body = {"notes": {"body": "called", "title": "Call"}, "tasks": {"title": "Call", "dueDate": "2026-12-01T09:00:00Z"}}
    key, parameter = {"notes": ("note", "{id}"), "tasks": ("task", "{taskId}")}[kind]
    base, path = f"/contacts/{person}/{kind}", f"/contacts/{{contactId}}/{kind}"
    made = api.request("POST", base, {**body[kind], **({"completed": False} if kind == "tasks" else {})})
    contacts.check("POST", path, made)
    one = f"{base}/{made.json()[key]['id']}"
    contacts.check("GET", path, api.request("GET", base))
    contacts.check("GET", f"{path}/{parameter}", api.request("GET", one))
    contacts.check("PUT", f"{path}/{parameter}", api.request("PUT", one, {"body": "again"}))
    if kind == "tasks":
        contacts.check(
            "PUT", f"{path}/{{taskId}}/completed", api.request("PUT", one + "/completed", {"completed": True})
        )
    contacts.check("DELETE", f"{path}/{parameter}", api.request("DELETE", one))


def test_tags_followers_bulk_and_appointments_fit(api, contacts, person, location):
    user, business = location.add_user("Dana Dew"), location.add_business("Kite")
    location.add_appointment(person, "2026-12-01T09:00:00Z")
    path = "/contacts/{contactId}"
    for method in ("POST", "DELETE"):
        contacts.check(method, f"{path}/tags", api.request(method, f"/contacts/{person}/tags", {"tags": ["X"]}))
        answer = api.request(method, f"/contacts/{person}/followers", {"followers": [user]})
        contacts.check(method, f"{path}/followers", answer)
    contacts.check("GET", f"{path}/appointments", api.request("GET", f"/contacts/{person}/appointments"))
    bulk = {"locationId": "dental", "ids": [person], "businessId": business}
    contacts.check("POST", "/contacts/bulk/business", api.request("POST", "/contacts/bulk/business", bulk))
    tags = {"locationId": "dental", "contacts": [person], "tags": ["y"]}
    bulk_tags = api.request("POST", "/contacts/bulk/tags/update/add", tags)
    contacts.check("POST", "/contacts/bulk/tags/update/{type}", bulk_tags)


def test_opportunity_answers_fit(api, opportunities, person, location):
    pipeline = location.add_pipeline("Sales")
    location.add_lost_reason("Price")
    body = {"pipelineId": pipeline, "locationId": "dental", "name": "Crown", "status": "open", "contactId": person}
    made = api.request("POST", "/opportunities/", body)
    opportunities.check("POST", "/opportunities/", made)
    one = f"/opportunities/{made.json()['opportunity']['id']}"
    opportunities.check("GET", "/opportunities/{id}", api.request("GET", one))
    opportunities.check("PUT", "/opportunities/{id}", api.request("PUT", one, {"monetaryValue": 12.5}))
    opportunities.check("PUT", "/opportunities/{id}/status", api.request("PUT", one + "/status", {"status": "won"}))
    opportunities.check("GET", "/opportunities/search", api.request("GET", "/opportunities/search?location_id=dental"))
    search = {"locationId": "dental", "query": "", "limit": 10, "page": 1}
    opportunities.check("POST", "/opportunities/search", api.request("POST", "/opportunities/search", search))
    for path in ("pipelines", "lost-reason"):
        answer = api.request("GET", f"/opportunities/{path}?locationId=dental")
        opportunities.check("GET", f"/opportunities/{path}", answer)
    opportunities.check("DELETE", "/opportunities/{id}", api.request("DELETE", one))
