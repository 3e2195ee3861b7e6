"""Importing this registers every operation."""

from hlcore.sandbox.routes import account, calendars, contacts, conversations, oauth, opportunities, records, search

__all__ = [
    "account",
    "calendars",
    "contacts",
    "conversations",
    "oauth",
    "opportunities",
    "records",
    "search",
]
