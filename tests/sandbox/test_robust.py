"""Whatever is sent, the answer is HighLevel's kind of answer, not a mistake of the sandbox."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hlcore.sandbox import Sandbox
from hlcore.sandbox.http import contract
from hlcore.sandbox.http.gate import SandboxRequest, handle
from hlcore.sandbox.routes import OPERATIONS

LEAVES = st.none() | st.booleans() | st.integers(-5, 600) | st.floats(allow_nan=False) | st.text(max_size=8)
KEYS = st.sampled_from(["id", "field", "operator", "value", "gte", "SMS", "status", "direction", "group", "filters"])
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3))
KINDS = {"string": st.text(max_size=8), "boolean": st.booleans(), "number": st.integers(-1, 600)}
KINDS |= {
    "array": st.lists(VALUES, max_size=3),
    "strings": st.lists(VALUES, max_size=2),
    "object": st.dictionaries(KEYS, VALUES, max_size=3),
    "any": VALUES,
}
RIGHT = {"locationId": "dental", "pageLimit": 10, "contactId": "C", "pipelineId": "P", "name": "x", "status": "open",
         "calendarId": "K", "conversationProviderId": "V", "type": "SMS"}  # fmt: skip
BODIES = {
    "POST /contacts/": contract.CREATE_CONTACT,
    "PUT /contacts/C": contract.UPDATE_CONTACT,
    "POST /contacts/upsert": contract.UPSERT_CONTACT,
    "POST /contacts/search": contract.SEARCH_CONTACTS,
    "POST /contacts/C/notes": contract.NOTE,
    "POST /contacts/C/tasks": contract.TASK,
    "POST /contacts/C/tags": contract.TAGS,
    "POST /contacts/C/followers": contract.FOLLOWERS,
    "POST /contacts/bulk/tags/update/add": contract.BULK_TAGS,
    "POST /contacts/bulk/business": contract.BULK_BUSINESS,
    "POST /locations/dental/tasks/search": contract.TASK_SEARCH,
    "POST /locations/dental/customFields": contract.CUSTOM_FIELD,
    "POST /opportunities/": contract.CREATE_OPPORTUNITY,
    "PUT /opportunities/O": contract.UPDATE_OPPORTUNITY,
    "POST /opportunities/upsert": contract.UPSERT_OPPORTUNITY,
    "POST /opportunities/search": contract.SEARCH_OPPORTUNITIES,
    "POST /opportunities/O/followers": contract.FOLLOWERS,
    "POST /calendars/events/appointments": contract.APPOINTMENT,
    "POST /conversations/messages": contract.SEND_MESSAGE,
    "POST /conversations/messages/inbound": contract.INBOUND_MESSAGE,
}


def crashes(method: str, path: str, body: object, version: str = "2021-07-28") -> list[str]:
    sandbox = Sandbox(lambda: datetime(2026, 11, 1, tzinfo=UTC))
    location = sandbox.add_location("dental", "Wren Dental", token="pit")
    location.add_pipeline("Sales", id="P")
    location.add_calendar(id="K")
    location.message_providers.add("V")
    location.add_opportunity(location.create(id="C", firstName="Ana"), "Crown", id="O")
    headers = {"authorization": "Bearer pit", "version": version, "content-type": "application/json"}
    handle(sandbox, OPERATIONS, SandboxRequest(method, path, {}, headers, msgspec.json.encode(body)))
    return sandbox.ledger.crashes


@pytest.mark.parametrize("name", BODIES)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), right=st.booleans())
def test_no_content_of_the_right_types_makes_the_sandbox_itself_fail(name, data, right):
    known = {key: KINDS[kind.rstrip("?")] for key, kind in BODIES[name].items()}
    body = data.draw(st.fixed_dictionaries({}, optional=known))
    body |= {key: value for key, value in RIGHT.items() if right and key in known}
    assert crashes(*name.split(" "), body) == []


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(list(OPERATIONS)), VALUES)
def test_no_body_at_all_makes_the_sandbox_itself_fail(operation, body):
    path = operation.path.replace("{contactId}", "C").replace("{locationId}", "dental").replace("{id}", "O")
    assert crashes(operation.method, path, body, "v3") == []
