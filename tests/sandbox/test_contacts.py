from __future__ import annotations

import pytest

ANA = {"firstName": "Ana", "lastName": "Abara", "email": "ana@example.com", "phone": "+14155550123"}


def test_a_created_contact_reads_back_as_it_was_written(api, location):
    field = location.add_custom_field("Plan", id="F1")
    dnd = {"SMS": {"status": "active", "message": "", "code": ""}}
    custom = [{"id": field, "field_value": ["a", "b"]}, {"id": "unknown", "field_value": "x"}]
    made = api.create(**ANA, tags=["VIP"], dndSettings=dnd, customFields=custom)
    contact = api.request("GET", f"/contacts/{made.json()['contact']['id']}").json()["contact"]
    assert made.status_code == 201
    assert {key: contact[key] for key in ANA} == ANA
    assert (contact["tags"], contact["dndSettings"]) == (["vip"], dnd)
    assert contact["customFields"] == [{"id": "F1", "value": ["a", "b"]}]


def test_empty_fields_are_left_out(api):
    contact = api.create(firstName="Ana", city="").json()["contact"]
    assert not {"city", "email", "phone"} & set(contact)


@pytest.mark.parametrize("field", ["email", "phone"])
def test_rejects_a_duplicate_naming_the_twin_and_the_field(api, location, field):
    twin = location.create(**ANA)
    answer = api.create(firstName="Eve", **{field: ANA[field].upper()})
    assert answer.status_code == 400
    body = answer.json()
    assert body["message"] == "This location does not allow duplicated contacts."
    assert body["meta"] == {"contactId": twin, "matchingField": field, "contactName": "Ana Abara"}


def test_allows_duplicates_where_the_location_does(api, location):
    location.allow_duplicates = True
    location.create(**ANA)
    assert api.create(**ANA).status_code == 201


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"additionalEmails": []}, "property additionalEmails should not exist"),
        ({"email": "nobody"}, "email must be an email"),
        ({"phone": "12"}, "phone must be a valid phone number"),
        ({"dnd": "yes"}, "dnd must be a boolean value"),
        ({"assignedTo": "ghost"}, "assignedTo is not a user of this location"),
        ({"dndSettings": {"Fax": {"status": "active"}}}, "dndSettings.property Fax should not exist"),
    ],
    ids=["whitelist", "email", "phone", "type", "owner", "channel"],
)
def test_rejects_what_highlevel_refuses_with_a_list_of_messages(api, body, message):
    answer = api.create(firstName="Ana", **body)
    assert (answer.status_code, answer.json()["message"]) == (422, [message])


def test_an_unknown_property_is_off_the_contract_a_refused_value_is_not(api, sandbox):
    api.create(firstName="Ana", phone="12")
    assert sandbox.ledger.off_contract == []
    api.create(firstName="Ana", nonsense=1)
    assert sandbox.ledger.off_contract == ["POST /contacts/: ['property nonsense should not exist']"]


@pytest.mark.parametrize("name", ["gender", "locationId", "companyName"])
def test_update_rejects_what_only_create_takes(api, location, name):
    id_ = location.create(**ANA)
    answer = api.request("PUT", f"/contacts/{id_}", {name: "x"})
    assert answer.status_code in (403, 422)


def test_rejects_a_deleted_owner(api, location):
    user = location.add_user("Dana Dew")
    location.remove_user(user)
    assert api.create(firstName="Ana", assignedTo=user).status_code == 422


def test_update_overwrites_tags_and_merges_custom_fields(api, location):
    one, two = location.add_custom_field("One"), location.add_custom_field("Two")
    id_ = location.create(**ANA, tags=["old"], customFields=[{"id": one, "value": "1"}])
    body = {"tags": ["New"], "customFields": [{"id": two, "field_value": "2"}]}
    contact = api.request("PUT", f"/contacts/{id_}", body).json()["contact"]
    assert contact["tags"] == ["new"]
    assert contact["customFields"] == [{"id": one, "value": "1"}, {"id": two, "value": "2"}]


@pytest.mark.parametrize("status", [404, 400])
def test_a_deleted_contact_answers_as_switched(api, location, status):
    id_ = location.create(**ANA)
    assert api.request("DELETE", f"/contacts/{id_}").json()["succeded"] is True
    location.faults.deleted_status = status
    assert api.request("GET", f"/contacts/{id_}").status_code == status
    assert api.request("PUT", f"/contacts/{id_}", {"city": "x"}).status_code == status


def test_rejects_a_contact_of_another_location(api, sandbox):
    other = sandbox.add_location("other", "Other").create(firstName="Eve")
    answer = api.request("GET", f"/contacts/{other}")
    assert answer.status_code == 403
    assert answer.json()["message"] == "The token does not have access to this location."


def test_duplicate_search_prefers_email_and_wants_a_criterion(api, location):
    by_mail = location.create(**ANA)
    location.create(firstName="Eve", phone="+15550001111")
    both = {"locationId": "dental", "email": ANA["email"], "number": "+15550001111"}
    assert api.request("GET", "/contacts/search/duplicate", params=both).json()["contact"]["id"] == by_mail
    nothing = api.request("GET", "/contacts/search/duplicate", params={"locationId": "dental"})
    assert nothing.status_code == 400


def test_upsert_takes_the_email_match_and_drops_the_other_ones_phone(api, location):
    ana = location.create(**ANA)
    location.create(firstName="Eve", phone="+15550001111")
    body = {"locationId": "dental", "email": ANA["email"], "phone": "+15550001111"}
    answer = api.request("POST", "/contacts/upsert", body).json()
    assert (answer["new"], answer["contact"]["id"], answer["contact"]["phone"]) == (False, ana, ANA["phone"])


def test_creating_starts_the_automations_and_tells_whether_the_person_was_reachable(api, location, sandbox):
    location.add_workflow(trigger="contact_created")
    location.add_workflow(trigger="tag_added", tag="VIP")
    api.create(**ANA, tags=["vip"], dnd=True, dndSettings={})
    api.create(firstName="Eve", email="eve@example.com")
    assert [start.reachable for start in sandbox.ledger.workflow_starts] == [False, False, True]
    assert sandbox.ledger.creates_without_dnd == ["Eve"]


def test_adding_a_tag_the_contact_has_starts_nothing(api, location, sandbox):
    location.add_workflow(trigger="tag_added", tag="vip")
    id_ = location.create(**ANA, tags=["vip"])
    assert api.request("POST", f"/contacts/{id_}/tags", {"tags": ["VIP"]}).status_code == 201
    assert sandbox.ledger.workflow_starts == []


@pytest.mark.parametrize(
    ("headers", "status", "message"),
    [
        ({"Version": ""}, 401, "version header was not found."),
        ({"Version": "2020-01-01"}, 401, "version header is invalid"),
        ({"Authorization": "Bearer pit-wrong"}, 401, "Invalid Private Integration token"),
        ({"Authorization": "Bearer eyJ"}, 401, "Invalid JWT"),
    ],
    ids=["no-version", "bad-version", "bad-pit", "bad-jwt"],
)
def test_rejects_bad_headers_in_highlevels_words(api, headers, status, message):
    answer = api.request("GET", "/contacts/x", headers=headers)
    assert (answer.status_code, answer.json()["message"]) == (status, message)


def test_rejects_a_token_without_the_scope(api, sandbox):
    sandbox.add_token("pit-narrow", "dental", scopes={"locations.readonly"})
    answer = api.request("GET", "/contacts/x", headers={"Authorization": "Bearer pit-narrow"})
    assert (answer.status_code, answer.json()["message"]) == (401, "The token is not authorized for this scope.")


def test_an_unknown_path_is_refused_and_remembered(api, sandbox):
    assert api.request("GET", "/contacts/deleted/list").status_code == 404
    assert sandbox.ledger.off_contract == ["GET /contacts/deleted/list: unknown path"]


def test_the_ledger_holds_every_request_with_its_body(api, sandbox):
    api.search(pageLimit=1)
    entry = sandbox.ledger[0]
    assert (entry.method, entry.path, entry.status, entry.location) == ("POST", "/contacts/search", 200, "dental")
    assert entry.body["pageLimit"] == 1
