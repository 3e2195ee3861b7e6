"""Every request that Contact Vault can send to HighLevel, as one table.

Method, path, `Version` and scope are those of HighLevel's OpenAPI files (github.com/GoHighLevel/highlevel-api-docs);
where a file names no scope, that of its family in the documentation of scopes is given. A request that is not in this
table cannot be sent. Nothing here sends a message to a contact, and nothing is an upsert.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote

from hlcore.errors import Rejected

MAIN = "2021-07-28"
CONVERSATIONS = "2021-04-15"
"""The version of conversations and calendars."""

_READ = frozenset({200})
_SEARCH = frozenset({200, 201})
_WRITE = frozenset({200, 201})
_DELETE = frozenset({200, 201, 204})


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One request. `repeatable`: sending it twice has the same effect as sending it once. `ok`: statuses of a good
    answer. `searches_for`: the kind of record that a search looks for, so that "not found" is an answer."""

    name: str
    method: str
    path: str
    version: str
    scope: str
    repeatable: bool
    writes: bool
    ok: frozenset[int]
    searches_for: str = ""

    @property
    def subjects(self) -> tuple[str, ...]:
        """The records that the path names beside the location, outermost first: `("contact", "note")`; or what is
        searched for."""
        named = tuple(name for name in _NAMES.findall(self.path) if name != "location")
        return (*named, self.searches_for) if self.searches_for else named

    def fill(self, values: Mapping[str, str]) -> str:
        """Return the path with these ids, percent-encoded. Raises Rejected for an id that would change the route."""
        filled = self.path
        for name in _PARAMETERS.findall(self.path):
            value = values[name]
            if not value.strip() or set(value) == {"."}:
                raise Rejected(f"{self.name}: {name} is empty or no id", status=0)
            filled = filled.replace("{" + name + "}", quote(value, safe=""))
        return filled


_PARAMETERS = re.compile(r"{(\w+)}")
_NAMES = re.compile(r"{(\w+?)Id}")


def _read(name: str, path: str, scope: str, version: str = MAIN) -> Endpoint:
    return Endpoint(name, "GET", path, version, scope + ".readonly", True, False, _READ)


def _search(name: str, path: str, scope: str) -> Endpoint:
    return Endpoint(name, "POST", path, MAIN, scope + ".readonly", True, False, _SEARCH)


def _create(name: str, path: str, scope: str, version: str = MAIN) -> Endpoint:
    return Endpoint(name, "POST", path, version, scope + ".write", False, True, _WRITE)


def _set(name: str, method: str, path: str, scope: str, version: str = MAIN) -> Endpoint:
    ok = _DELETE if method == "DELETE" else _WRITE
    return Endpoint(name, method, path, version, scope + ".write", True, True, ok)


_LOCATION = "/locations/{locationId}"
_CONTACT = "/contacts/{contactId}"
_NOTE = _CONTACT + "/notes/{noteId}"
_TASK = _CONTACT + "/tasks/{taskId}"

_TABLE = (
    # contacts
    _search("search_contacts", "/contacts/search", "contacts"),
    _read("contact", _CONTACT, "contacts"),
    replace(_read("find_duplicate", "/contacts/search/duplicate", "contacts"), searches_for="contact"),
    _create("create_contact", "/contacts/", "contacts"),
    _set("update_contact", "PUT", _CONTACT, "contacts"),
    _set("delete_contact", "DELETE", _CONTACT, "contacts"),
    _set("add_tags", "POST", _CONTACT + "/tags", "contacts"),
    _set("add_followers", "POST", _CONTACT + "/followers", "contacts"),
    _set("set_business", "POST", "/contacts/bulk/business", "contacts"),
    # what hangs on a contact
    _read("notes", _CONTACT + "/notes", "contacts"),
    _create("create_note", _CONTACT + "/notes", "contacts"),
    _set("update_note", "PUT", _NOTE, "contacts"),
    _read("tasks", _CONTACT + "/tasks", "contacts"),
    _search("search_tasks", _LOCATION + "/tasks/search", "locations/tasks"),
    _create("create_task", _CONTACT + "/tasks", "contacts"),
    _read("appointments", _CONTACT + "/appointments", "contacts"),
    _create("create_appointment", "/calendars/events/appointments", "calendars/events", CONVERSATIONS),
    _read("search_opportunities", "/opportunities/search", "opportunities"),
    _read("opportunity", "/opportunities/{opportunityId}", "opportunities"),
    _create("create_opportunity", "/opportunities/", "opportunities"),
    _set("add_opportunity_followers", "POST", "/opportunities/{opportunityId}/followers", "opportunities"),
    # conversations
    _read("search_conversations", "/conversations/search", "conversations", CONVERSATIONS),
    _read("messages", "/conversations/{conversationId}/messages", "conversations/message", CONVERSATIONS),
    _read("export_messages", "/conversations/messages/export", "conversations/message", CONVERSATIONS),
    _read("email", "/conversations/messages/email/{emailId}", "conversations/message", CONVERSATIONS),
    # the account
    _read("location", _LOCATION, "locations"),
    _read("custom_fields", _LOCATION + "/customFields", "locations/customFields"),
    _read("custom_values", _LOCATION + "/customValues", "locations/customValues"),
    _read("tags", _LOCATION + "/tags", "locations/tags"),
    _read("users", "/users/", "users"),
    _read("pipelines", "/opportunities/pipelines", "opportunities"),
    _read("lost_reasons", "/opportunities/lost-reason", "opportunities"),
    _read("businesses", "/businesses/", "businesses"),
    _read("calendars", "/calendars/", "calendars", CONVERSATIONS),
    _read("workflows", "/workflows/", "workflows"),
    _read("campaigns", "/campaigns/", "campaigns"),
)

ENDPOINTS: Mapping[str, Endpoint] = {endpoint.name: endpoint for endpoint in _TABLE}
