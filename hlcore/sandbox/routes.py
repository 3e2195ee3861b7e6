"""Importing this registers every operation."""

from . import (
    routes_account,
    routes_calendars,
    routes_contacts,
    routes_conversations,
    routes_oauth,
    routes_opportunities,
    routes_parts,
    routes_search,
)

__all__ = [
    "routes_account",
    "routes_calendars",
    "routes_contacts",
    "routes_conversations",
    "routes_oauth",
    "routes_opportunities",
    "routes_parts",
    "routes_search",
]
