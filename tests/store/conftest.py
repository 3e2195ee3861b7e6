"""What the store's tests share: an account, and invented contacts as HighLevel would send them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from hlcore.model.contact import Contact, parse_contact

LOCATION = "locStore000000000001"


@pytest.fixture
def location() -> str:
    return LOCATION


@pytest.fixture
def make_contact() -> Callable[..., Contact]:
    """A contact: `make_contact('c1', firstName='Ada', …)`."""

    def make(contact_id: str, **fields: Any) -> Contact:
        return parse_contact(json.dumps({"id": contact_id, "locationId": LOCATION, **fields}).encode())

    return make
