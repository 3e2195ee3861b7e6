"""Importing this registers every operation."""

from . import routes_contacts, routes_parts, routes_search

__all__ = ["routes_contacts", "routes_parts", "routes_search"]
