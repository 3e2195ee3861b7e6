"""Calls about the account itself: what a copy of its contacts needs to be understood."""

from __future__ import annotations

from hlcore.errors import BrokenAnswer
from hlcore.highlevel import json_slices
from hlcore.highlevel.api.base import Asking, all_of, the
from hlcore.highlevel.types import Answer, Page

PAGE = 100


class AccountCalls:
    """The location, its fields, tags, users, pipelines and other lists."""

    def location(self: Asking) -> bytes:
        """The location itself; a real check of token and location id."""
        return self._ask("location", the("location"))

    def custom_fields(self: Asking, model: str = "all") -> list[bytes]:
        """The definitions of custom fields of contacts, opportunities, or all."""
        return self._ask("custom_fields", all_of("customFields"), query={"model": model})

    def custom_values(self: Asking) -> list[bytes]:
        """The location's custom values."""
        return self._ask("custom_values", all_of("customValues"))

    def tags(self: Asking) -> list[bytes]:
        """The tags that exist in the location."""
        return self._ask("tags", all_of("tags"))

    def users(self: Asking) -> list[bytes]:
        """The location's users; deleted ones may be among them, marked `deleted`."""
        return self._ask("users", all_of("users"), query={"locationId": self.location_id})

    def pipelines(self: Asking) -> list[bytes]:
        """The location's opportunity pipelines with their stages."""
        return self._ask("pipelines", all_of("pipelines"), query={"locationId": self.location_id})

    def lost_reasons(self: Asking) -> list[bytes]:
        """All reasons for which opportunities are lost, from as many pages as it takes."""
        return _all_pages(self, "lost_reasons", "lostReasons")

    def businesses(self: Asking) -> list[bytes]:
        """All businesses of the location, from as many pages as it takes."""
        return _all_pages(self, "businesses", "businesses")

    def calendars(self: Asking) -> list[bytes]:
        """The location's calendars."""
        return self._ask("calendars", all_of("calendars"), query={"locationId": self.location_id})

    def workflows(self: Asking) -> list[bytes]:
        """The location's workflows (names and states; who is in them cannot be read)."""
        return self._ask("workflows", all_of("workflows"), query={"locationId": self.location_id})

    def campaigns(self: Asking) -> list[bytes]:
        """The location's campaigns."""
        return self._ask("campaigns", all_of("campaigns"), query={"locationId": self.location_id})


def _all_pages(asking: Asking, endpoint: str, name: str) -> list[bytes]:
    """All rows of a list that is read with `skip`: until a page is short, or as many came as were promised."""

    def parse(answer: Answer) -> Page:
        total = json_slices.number(json_slices.value(answer.body, "total"))
        return Page(json_slices.rows(answer.body, name), total, None)

    found: list[bytes] = []
    while True:
        query = {"locationId": asking.location_id, "limit": PAGE, "skip": len(found)}
        page = asking._ask(endpoint, parse, query=query)
        if page.rows and page.rows[0] in found:
            raise BrokenAnswer(f"{endpoint}: HighLevel answered with the same page again", status=200)
        found += page.rows
        if len(page.rows) < PAGE or len(found) == page.total:
            return found
