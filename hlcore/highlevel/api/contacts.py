"""Requests about contacts themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hlcore.errors import BrokenAnswer, Gone, Rejected
from hlcore.highlevel import json_slices, types
from hlcore.highlevel.api.base import ApiGroup, parse_object
from hlcore.highlevel.types import ApiResponse, SearchPage

MAX_PAGE_SIZE = 500
MAX_BULK_SIZE = 50


class ContactCalls:
    """Search, read, create, change and delete contacts; tags, followers, business."""

    def search_contacts(
        self: ApiGroup,
        *,
        search_after: list[Any] | None = None,
        limit: int = MAX_PAGE_SIZE,
        filters: list[dict[str, Any]] | None = None,
        sort: list[dict[str, Any]] | None = None,
    ) -> SearchPage:
        """Return one page of the location's contacts. `search_after` is the `next` of the page before, with the same
        sort.

        The rows are what the search index shows: writes of the last minutes, and live contacts, may be missing from it
        and from `total`. Raises BrokenAnswer for what is no page.
        """
        body: dict[str, Any] = {"locationId": self.location_id, "pageLimit": limit}
        optional = {"searchAfter": search_after, "filters": filters, "sort": sort}
        body |= {name: value for name, value in optional.items() if value}

        def parse(answer: ApiResponse) -> SearchPage:
            return types.parse_search_page(answer.body, answer.trace_id, location_id=self.location_id)

        return self._request("search_contacts", parse, body=body)

    def contact(self: ApiGroup, contact_id: str) -> bytes:
        """Return the contact as it is now, exactly as HighLevel sent it.

        Raises Gone only when HighLevel says of this very contact that it does not exist (any more), with 404 or 400;
        everything else is another error.
        """

        def parse(answer: ApiResponse) -> bytes:
            contact = json_slices.find_object(answer.body, "contact")
            if json_slices.value(contact, "id") != contact_id:
                raise BrokenAnswer("HighLevel answered with another contact than the one asked for")
            return contact

        return self._request("contact", parse, path={"contactId": contact_id})

    def find_duplicate(self: ApiGroup, *, email: str = "", phone: str = "") -> bytes | None:
        """Return the live contact that holds this e-mail or phone by the location's rules for duplicates.

        None when the answer names no contact, or is a "not found" of the contact; HighLevel does not document which of
        the two it sends.
        """
        if not (email or phone):
            raise Rejected("find_duplicate needs an e-mail or a phone number", status=0)
        query = {"locationId": self.location_id, "email": email, "number": phone}
        try:
            return self._request("find_duplicate", _parse_duplicate, query=query)
        except Gone:
            return None

    def create_contact(self: ApiGroup, body: dict[str, Any]) -> bytes:
        """Create a contact and return it. Starts the location's automations.

        Never sent twice once it may have been done: raises AnswerLost instead. Raises Duplicate and Rejected. HighLevel
        was seen to answer 422 and create the contact all the same (API issue 64), so after *any* error call
        `find_duplicate` before the next try.
        """
        return self._request("create_contact", parse_object("contact"), body={**body, "locationId": self.location_id})

    def update_contact(self: ApiGroup, contact_id: str, body: dict[str, Any]) -> bytes:
        """Set these fields and return the contact. May be repeated. `tags` replaces all tags."""
        return self._request("update_contact", parse_object("contact"), path={"contactId": contact_id}, body=body)

    def delete_contact(self: ApiGroup, contact_id: str) -> None:
        """Delete the contact. Raises Gone when it was deleted already, possibly by an attempt whose answer was lost."""
        self.call("delete_contact", path={"contactId": contact_id})

    def add_tags(self: ApiGroup, contact_id: str, tags: Sequence[str]) -> None:
        """The contact has these tags too. May set off automations. HighLevel lower-cases them."""
        self.call("add_tags", path={"contactId": contact_id}, body={"tags": list(tags)})

    def add_followers(self: ApiGroup, contact_id: str, user_ids: Sequence[str]) -> None:
        """Add these users to the contact's followers."""
        self.call("add_followers", path={"contactId": contact_id}, body={"followers": list(user_ids)})

    def set_business(self: ApiGroup, contact_ids: Sequence[str], business_id: str | None) -> None:
        """Assign these contacts to the business, or to none. Sent in parts of 50; may be repeated."""
        for start in range(0, len(contact_ids), MAX_BULK_SIZE):
            ids = list(contact_ids[start : start + MAX_BULK_SIZE])
            body = {"locationId": self.location_id, "ids": ids, "businessId": business_id}
            self.call("set_business", body=body)


def _parse_duplicate(answer: ApiResponse) -> bytes | None:
    """Return the contact in the answer to a duplicate search, None when there is none."""
    contact = json_slices.find_optional_object(answer.body, "contact")
    if contact is not None and not isinstance(json_slices.value(contact, "id"), str):
        raise BrokenAnswer("HighLevel answered with a contact without id")
    return contact
