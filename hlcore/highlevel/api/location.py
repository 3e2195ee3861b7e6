"""Requests about the location and its reference data."""

from __future__ import annotations

from hlcore.errors import BrokenAnswer
from hlcore.highlevel import json_slices
from hlcore.highlevel.api.base import ApiGroup, parse_list, parse_object
from hlcore.highlevel.types import ApiResponse, RecordPage

PAGE_SIZE = 100
MAX_PAGES = 1_000


class LocationCalls:
    """The location, its custom fields, tags, users, pipelines and other lists."""

    def location(self: ApiGroup) -> bytes:
        """Return the location itself; proves that the token and the location id belong together."""
        return self._request("location", parse_object("location"))

    def custom_fields(self: ApiGroup, model: str = "all") -> list[bytes]:
        """Return the definitions of the custom fields of contacts, of opportunities, or of all."""
        return self._request("custom_fields", parse_list("customFields"), query={"model": model})

    def custom_values(self: ApiGroup) -> list[bytes]:
        """Return the location's custom values."""
        return self._request("custom_values", parse_list("customValues"))

    def tags(self: ApiGroup) -> list[bytes]:
        """Return the tags that exist in the location."""
        return self._request("tags", parse_list("tags"))

    def users(self: ApiGroup) -> list[bytes]:
        """Return the location's users; deleted ones may be included, marked `deleted`."""
        return self._request("users", parse_list("users"), query={"locationId": self.location_id})

    def pipelines(self: ApiGroup) -> list[bytes]:
        """Return the location's opportunity pipelines with their stages."""
        return self._request("pipelines", parse_list("pipelines"), query={"locationId": self.location_id})

    def lost_reasons(self: ApiGroup) -> list[bytes]:
        """Return all reasons for which opportunities are lost, over all pages."""
        return _all_pages(self, "lost_reasons", "lostReasons")

    def businesses(self: ApiGroup) -> list[bytes]:
        """Return all businesses of the location, over all pages."""
        return _all_pages(self, "businesses", "businesses")

    def calendars(self: ApiGroup) -> list[bytes]:
        """Return the location's calendars."""
        return self._request("calendars", parse_list("calendars"), query={"locationId": self.location_id})

    def workflows(self: ApiGroup) -> list[bytes]:
        """Return the location's workflows: names and states; HighLevel does not tell which contacts are in them."""
        return self._request("workflows", parse_list("workflows"), query={"locationId": self.location_id})

    def campaigns(self: ApiGroup) -> list[bytes]:
        """Return the location's campaigns."""
        return self._request("campaigns", parse_list("campaigns"), query={"locationId": self.location_id})


def _all_pages(client: ApiGroup, endpoint: str, name: str) -> list[bytes]:
    """Return all rows of a list that is paged with `skip`: until a page is short, or `total` rows were read.

    Raises BrokenAnswer when HighLevel ignores `skip` and sends the same page again, and for a list that does not end.
    """

    def parse(answer: ApiResponse) -> RecordPage:
        total = json_slices.count(json_slices.value_if_readable(answer.body, "total"))
        return RecordPage(json_slices.find_list(answer.body, name), total, None)

    rows: list[bytes] = []
    for _ in range(MAX_PAGES):
        query = {"locationId": client.location_id, "limit": PAGE_SIZE, "skip": len(rows)}
        page = client._request(endpoint, parse, query=query)
        if page.rows and set(page.rows) <= set(rows):
            raise BrokenAnswer(f"{endpoint}: HighLevel answered with the same page again", status=200)
        rows += page.rows
        if len(page.rows) < PAGE_SIZE or len(rows) == page.total:
            return rows
    raise BrokenAnswer(f"{endpoint}: HighLevel's list does not end", status=200)
