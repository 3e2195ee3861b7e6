from __future__ import annotations

import pytest

V2021_04 = {"Version": "2021-04-15"}


def test_the_message_export_needs_two_passes_for_everything(api, location):
    id_ = location.create(firstName="Ana")
    text, mail = location.add_message(id_, "hi"), location.add_message(id_, "<p>hi</p>", kind="EMAIL")
    path = "/conversations/messages/export?locationId=dental"
    without = api.request("GET", path, headers=V2021_04).json()
    only = api.request("GET", path + "&channel=Email", headers=V2021_04).json()
    assert [row["id"] for row in without["messages"]] == [text]
    assert [row["id"] for row in only["messages"]] == [mail]


@pytest.mark.parametrize(("seconds", "status"), [(119, 200), (121, 400)])
def test_an_export_cursor_dies_after_two_idle_minutes(api, location, clock, seconds, status):
    id_ = location.create(firstName="Ana")
    for at in range(15):
        location.add_message(id_, f"{at}")
    path = "/conversations/messages/export?locationId=dental&limit=10"
    first = api.request("GET", path, headers=V2021_04).json()
    clock.move(seconds=seconds)
    second = api.request("GET", f"{path}&cursor={first['nextCursor']}", headers=V2021_04)
    assert (first["total"], second.status_code) == (15, status)


def test_an_email_shows_its_body_only_by_its_own_id(api, location):
    mail = location.add_message(location.create(firstName="Ana"), "<p>hi</p>", kind="EMAIL")
    talk = next(iter(location.related.conversations))
    listed = api.request("GET", f"/conversations/{talk}/messages", headers=V2021_04).json()["messages"]["messages"][0]
    assert ("body" in listed, listed["meta"]["email"]["messageIds"]) == (False, [mail])
    assert api.request("GET", f"/conversations/messages/email/{mail}", headers=V2021_04).json()["body"] == "<p>hi</p>"


def test_sending_a_message_is_counted(api, location, sandbox):
    id_ = location.create(firstName="Ana")
    body = {"type": "SMS", "contactId": id_, "message": "hi"}
    assert api.request("POST", "/conversations/messages", body, headers=V2021_04).status_code == 201
    assert [sent["contactId"] for sent in sandbox.ledger.messages_sent] == [id_]


def test_storing_a_message_needs_the_apps_own_provider_and_sends_nothing(api, location, sandbox):
    id_ = location.create(firstName="Ana")
    body = {"type": "SMS", "contactId": id_, "message": "hi", "conversationProviderId": "P"}
    assert api.request("POST", "/conversations/messages/inbound", body, headers=V2021_04).status_code == 500
    location.message_providers.add("P")
    assert api.request("POST", "/conversations/messages/inbound", body, headers=V2021_04).status_code == 200
    assert (len(location.related.messages), sandbox.ledger.messages_sent) == (1, [])
