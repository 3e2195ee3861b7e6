"""Every refusal has its own meaning, and none of them repeats what was sent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hlcore import errors
from hlcore.highlevel import ENDPOINTS
from hlcore.highlevel.error_mapping import ErrorResponse, redact, refused_fields, to_error


def meaning(status: int, message: object, name: str = "contact", sent: str = "", **more: Any) -> errors.HighLevelError:
    body = json.dumps({"statusCode": status, "message": message, "traceId": "3f2c1b7e-01aa", **more}).encode()
    found = to_error(ErrorResponse.parse(ENDPOINTS[name], status, body, sent=frozenset(sent.split())))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (401, "Invalid token: access token is invalid", errors.TokenRefused),
        (401, "Invalid JWT", errors.TokenRefused),
        (401, "Invalid Private Integration token", errors.TokenRefused),
        (401, "The token is not authorized for this scope.", errors.ScopeMissing),
        (
            401,
            "This route is not yet supported by the IAM Service. Please update your IAM config.",
            errors.ContractError,
        ),
        (401, "version header was not found.", errors.ContractError),
        (401, "version header is invalid", errors.ContractError),
        (401, "something new", errors.Unauthorized),
        (403, "The token does not have access to this location.", errors.WrongLocation),
        (403, "Forbidden resource", errors.Unauthorized),
        (400, "Location is not active", errors.LocationInactive),
        (400, "Invalid field contact_name", errors.Rejected),
        (422, ["property gender should not exist"], errors.Rejected),
        (429, "Too Many Requests", errors.RateLimited),
        (500, "Internal server error", errors.Unreachable),
        (302, "moved", errors.BrokenAnswer),
    ],
    ids=lambda value: str(value)[:40],
)
def test_each_refusal_has_its_own_error(status: int, message: object, kind: type[errors.HighLevelError]) -> None:
    found = meaning(status, message)
    assert type(found) is kind
    assert (found.status, found.trace_id) == (status, "3f2c1b7e-01aa")
    assert found.hint or kind in (errors.Rejected,)


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (404, "Contact not found"),
        (404, "Contact with id 4CeHmuIkzTTXXlOMXnTI not found"),
        (404, "Not Found"),
        (404, "Contact not found in this location"),
        (404, ["No contact found with id 4CeHmuIkzTTXXlOMXnTI"]),
        (400, "Contact not found"),
        (400, "The contact doesn't exist or is deleted"),
        (400, "Contact has been deleted"),
        (400, "Could not find contact"),
        (400, "doesn’t exist or is deleted"),
    ],
)
def test_gone_is_what_highlevel_says_is_gone(status: int, message: object) -> None:
    assert type(meaning(status, message)) is errors.Gone


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (404, "Cannot GET /contacts/4CeHmuIkzTTXXlOMXnTI"),
        (404, "no Route matched with those values"),
        (404, ""),
        (404, "Location not found"),
        (400, "Location not found"),
        (400, "User of the contact not found"),
        (400, "The contact's location was not found"),
        (400, "Bad Request"),
        (400, "contactId must be a mongodb id"),
        (401, "version header was not found."),
        (403, "Contact not found"),
        (410, "Contact not found"),
        (422, "Contact not found"),
        (429, "Contact not found"),
        (500, "Contact not found"),
        (200, "Contact not found"),
    ],
)
def test_nothing_else_is_ever_gone(status: int, message: object) -> None:
    body = json.dumps({"statusCode": status, "message": message}).encode()
    assert not isinstance(
        to_error(ErrorResponse.parse(ENDPOINTS["contact"], status, body, sent=frozenset())), errors.Gone
    )


@given(body=st.binary() | st.text().map(str.encode), status=st.integers(100, 599))
def test_a_body_of_any_other_make_is_never_gone_and_never_stops_us(body: bytes, status: int) -> None:
    found = to_error(ErrorResponse.parse(ENDPOINTS["contact"], status, body, sent=frozenset()))
    assert not isinstance(found, errors.Gone)
    assert found is None or isinstance(found, errors.HighLevelError)


def test_a_search_is_never_gone() -> None:
    assert not isinstance(meaning(404, "Contact not found", "search_contacts"), errors.Gone)


def test_a_missing_route_is_our_defect() -> None:
    assert type(meaning(404, "Cannot GET /contacts/x")) is errors.ContractError


def test_a_duplicate_names_the_other_contact_and_the_field_but_no_person() -> None:
    meta = {"contactId": "c9", "matchingField": "phone", "contactName": "Mara Holm \ud83d"}
    found = meaning(400, "This location does not allow duplicated contacts.", "create_contact", meta=meta)
    assert isinstance(found, errors.Duplicate)
    assert (found.contact_id, found.field) == ("c9", "phone")
    assert "Mara" not in str(found)


@pytest.mark.parametrize(
    ("message", "fields"),
    [
        (
            ["property gender should not exist", "property additionalEmails should not exist"],
            ("gender", "additionalEmails"),
        ),
        ("phone must be a valid phone number", ("phone",)),
        (["email must be an email"], ("email",)),
        ("Invalid phone", ("phone",)),
        ("Invalid phone number passed: +1 555", ("phone",)),
        ("The phone number is not valid", ("phone",)),
        (["each value in tags must be a string"], ("tags",)),
        (["customFields.2.field_value must be a string"], ("customFields.2.field_value",)),
        (["customFields.0.property label should not exist"], ("customFields.0.label",)),
        ("Assigned user does not exist", ("assignedTo",)),
        ("Holm must be at least 2 characters", ()),
        ("Unprocessable Entity", ()),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_rejection_names_the_fields(message: object, fields: tuple[str, ...]) -> None:
    sent = "gender additionalEmails phone email tags customFields assignedTo lastName label"
    found = meaning(422, message, "create_contact", sent)
    assert isinstance(found, errors.Rejected)
    assert found.fields == fields


def test_texts_hold_no_value_that_highlevel_quotes() -> None:
    found = meaning(422, "lastName 'Holm' of mara@holm.example is wrong, +49 151 5555", "create_contact", "lastName")
    assert all(part not in str(found) for part in ("Holm", "mara", "holm", "49", "5555"))
    assert "lastName" in str(found)


@given(st.lists(st.text()))
def test_safe_text_is_made_of_known_words_only(messages: list[str]) -> None:
    words = redact(messages).replace("–", " ").replace("…", " ").split()
    assert len(redact(messages)) <= 160
    assert all(not any(c.isdigit() or c == "@" for c in word) for word in words)


@given(st.lists(st.text()), st.frozensets(st.text()))
def test_field_names_are_only_those_that_were_sent(messages: list[str], sent: frozenset[str]) -> None:
    assert all(name.split(".")[0] in sent for name in refused_fields(messages, sent))
