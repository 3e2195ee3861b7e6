"""Calls about the account itself: what a copy of its contacts needs to be understood."""

from __future__ import annotations

from hlcore.errors import BrokenAnswer
from hlcore.highlevel import json_slices
from hlcore.highlevel.api.base import ApiGroup, parse_list, parse_object
from hlcore.highlevel.types import ApiResponse, RecordPage

PAGE = 100


class LocationCalls:
    """The location, its fields, tags, users, pipelines and other lists."""

    def location(self: ApiGroup) -> bytes:
        """The location itself; a real check of token and location id."""
        return self._ask("location", parse_object("location"))

    def custom_fields(self: ApiGroup, model: str = "all") -> list[bytes]:
        """The definitions of custom fields of contacts, opportunities, or all."""
        return self._ask("custom_fields", parse_list("customFields"), query={"model": model})

    def custom_values(self: ApiGroup) -> list[bytes]:
        """The location's custom values."""
        return self._ask("custom_values", parse_list("customValues"))

    def tags(self: ApiGroup) -> list[bytes]:
        """The tags that exist in the location."""
        return self._ask("tags", parse_list("tags"))

    def users(self: ApiGroup) -> list[bytes]:
        """The location's users; deleted ones may be among them, marked `deleted`."""
        return self._ask("users", parse_list("users"), query={"locationId": self.location_id})

    def pipelines(self: ApiGroup) -> list[bytes]:
        """The location's opportunity pipelines with their stages."""
        return self._ask("pipelines", parse_list("pipelines"), query={"locationId": self.location_id})

    def lost_reasons(self: ApiGroup) -> list[bytes]:
        """All reasons for which opportunities are lost, from as many pages as it takes."""
        return _all_pages(self, "lost_reasons", "lostReasons")

    def businesses(self: ApiGroup) -> list[bytes]:
        """All businesses of the location, from as many pages as it takes."""
        return _all_pages(self, "businesses", "businesses")

    def calendars(self: ApiGroup) -> list[bytes]:
        """The location's calendars."""
        return self._ask("calendars", parse_list("calendars"), query={"locationId": self.location_id})

    def workflows(self: ApiGroup) -> list[bytes]:
        """The location's workflows (names and states; who is in them cannot be read)."""
        return self._ask("workflows", parse_list("workflows"), query={"locationId": self.location_id})

    def campaigns(self: ApiGroup) -> list[bytes]:
        """The location's campaigns."""
        return self._ask("campaigns", parse_list("campaigns"), query={"locationId": self.location_id})


def _all_pages(asking: ApiGroup, endpoint: str, name: str) -> list[bytes]:
    """All rows of a list that is read with `skip`: until a page is short, or as many came as were promised."""

    def parse(answer: ApiResponse) -> RecordPage:
        total = json_slices.number(json_slices.value(answer.body, "total"))
        return RecordPage(json_slices.rows(answer.body, name), total, None)

    found: list[bytes] = []
    while True:
        query = {"locationId": asking.location_id, "limit": PAGE, "skip": len(found)}
        page = asking._ask(endpoint, parse, query=query)
        if page.rows and page.rows[0] in found:
            raise BrokenAnswer(f"{endpoint}: HighLevel answered with the same page again", status=200)
        found += page.rows
        if len(page.rows) < PAGE or len(found) == page.total:
            return found
