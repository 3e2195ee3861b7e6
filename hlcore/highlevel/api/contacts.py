"""Calls about contacts themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hlcore.errors import BrokenAnswer, Gone, Rejected
from hlcore.highlevel import json_slices, types
from hlcore.highlevel.api.base import ApiGroup, parse_object
from hlcore.highlevel.types import ApiResponse, SearchPage

LARGEST_PAGE = 500
LARGEST_BULK = 50


class ContactCalls:
    """Search, read, create, change and delete contacts; tags, followers, business."""

    def search_contacts(
        self: ApiGroup,
        *,
        search_after: list[Any] | None = None,
        limit: int = LARGEST_PAGE,
        filters: list[dict[str, Any]] | None = None,
        sort: list[dict[str, Any]] | None = None,
    ) -> SearchPage:
        """One page of the location's contacts. `search_after` is the `next` of the page before, with the same sort.

        The rows are what the search index shows: writes of the last minutes, and live contacts, may be
        missing from it and from `total`. Raises BrokenAnswer for a page that cannot be whole."""
        body: dict[str, Any] = {"locationId": self.location_id, "pageLimit": limit}
        given = {"searchAfter": search_after, "filters": filters, "sort": sort}
        body |= {name: value for name, value in given.items() if value}
        return self._ask("search_contacts", lambda answer: types.search_page(answer.body, answer.trace_id), body=body)

    def contact(self: ApiGroup, contact_id: str) -> bytes:
        """The contact as it is now, exactly as HighLevel sent it. Raises Gone only when HighLevel says that it

        does not exist (any more): 404, or 400, in words that mean this very contact. All else is another error."""

        def parse(answer: ApiResponse) -> bytes:
            found = json_slices.part(answer.body, "contact")
            if json_slices.value(found, "id") != contact_id:
                raise BrokenAnswer("HighLevel answered with another contact than the one asked for")
            return found

        return self._ask("contact", parse, path={"contactId": contact_id})

    def find_duplicate(self: ApiGroup, *, email: str = "", phone: str = "") -> bytes | None:
        """The live contact that holds this e-mail or phone by the location's rules for duplicates, or None: when the
        answer names nobody, or is a "not found" of the contact (nobody documents which of them it is)."""
        if not (email or phone):
            raise Rejected("find_duplicate needs an e-mail or a phone number", status=0)
        query = {"locationId": self.location_id, "email": email, "number": phone}
        try:
            return self._ask("find_duplicate", _holder, query=query)
        except Gone:
            return None

    def create_contact(self: ApiGroup, body: dict[str, Any]) -> bytes:
        """A new contact exists; the answer is the contact. Sets off the location's automations.

        Never sent twice once it may have been done: raises AnswerLost instead. Raises Duplicate and Rejected;
        HighLevel was seen to answer 422 and create the contact all the same (API issue 64), so after *any*
        error look with `find_duplicate` before the next try."""
        return self._ask("create_contact", parse_object("contact"), body={**body, "locationId": self.location_id})

    def update_contact(self: ApiGroup, contact_id: str, body: dict[str, Any]) -> bytes:
        """The contact has these values; the answer is the contact. May be repeated. `tags` replaces all tags."""
        return self._ask("update_contact", parse_object("contact"), path={"contactId": contact_id}, body=body)

    def delete_contact(self: ApiGroup, contact_id: str) -> None:
        """The contact is deleted. Raises Gone when it already was (or when the answer that said so was lost)."""
        self.call("delete_contact", path={"contactId": contact_id})

    def add_tags(self: ApiGroup, contact_id: str, tags: Sequence[str]) -> None:
        """The contact has these tags too. May set off automations. HighLevel lower-cases them."""
        self.call("add_tags", path={"contactId": contact_id}, body={"tags": list(tags)})

    def remove_tags(self: ApiGroup, contact_id: str, tags: Sequence[str]) -> None:
        """The contact has none of these tags."""
        self.call("remove_tags", path={"contactId": contact_id}, body={"tags": list(tags)})

    def add_followers(self: ApiGroup, contact_id: str, user_ids: Sequence[str]) -> None:
        """These users follow the contact too."""
        self.call("add_followers", path={"contactId": contact_id}, body={"followers": list(user_ids)})

    def set_business(self: ApiGroup, contact_ids: Sequence[str], business_id: str | None) -> None:
        """These contacts belong to this business, or to none. Sent in parts of 50; may be repeated."""
        for start in range(0, len(contact_ids), LARGEST_BULK):
            ids = list(contact_ids[start : start + LARGEST_BULK])
            body = {"locationId": self.location_id, "ids": ids, "businessId": business_id}
            self.call("set_business", body=body)


def _holder(answer: ApiResponse) -> bytes | None:
    """The contact in the answer of a duplicate search, None for nobody."""
    found = json_slices.optional_part(answer.body, "contact")
    if found is not None and not isinstance(json_slices.value(found, "id"), str):
        raise BrokenAnswer("HighLevel answered with a contact without id")
    return found
