"""The table of requests agrees with HighLevel's own OpenAPI files."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from hlcore.errors import Rejected
from hlcore.highlevel import ENDPOINTS, Endpoint

FILES = Path(__file__).parents[2].parent / "shared" / "highlevel" / "openapi"
RULES_OF_ITS_OWN = {"email": "no Version and no scope are documented"}


@cache
def documented() -> dict[tuple[str, str], dict[str, Any]]:
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for file in sorted(FILES.glob("*.json")):
        for path, methods in json.loads(file.read_text()).get("paths", {}).items():
            found |= {(name.upper(), bare(path)): spec for name, spec in methods.items()}
    return found


def bare(path: str) -> str:
    return re.sub(r"{\w+}", "{}", path)


needs_files = pytest.mark.skipif(not FILES.is_dir(), reason="HighLevel's OpenAPI files are not beside this checkout")
every = pytest.mark.parametrize("endpoint", ENDPOINTS.values(), ids=list(ENDPOINTS))


@needs_files
@every
def test_method_path_and_version_are_documented(endpoint: Endpoint) -> None:
    spec = documented()[endpoint.method, bare(endpoint.path)]
    versions = [each["schema"]["enum"] for each in spec["parameters"] if each["name"] == "Version"]
    assert versions == [[endpoint.version]] or endpoint.name in RULES_OF_ITS_OWN


@needs_files
@every
def test_the_scope_is_the_documented_one(endpoint: Endpoint) -> None:
    spec = documented()[endpoint.method, bare(endpoint.path)]
    scopes = {scope for each in spec.get("security", []) for names in each.values() for scope in names}
    assert not scopes or endpoint.scope in scopes


@needs_files
@every
def test_the_documented_status_is_a_good_one(endpoint: Endpoint) -> None:
    spec = documented()[endpoint.method, bare(endpoint.path)]
    assert {int(code) for code in spec["responses"] if code.startswith("2")} <= endpoint.ok


@every
def test_what_makes_something_new_is_never_repeated(endpoint: Endpoint) -> None:
    makes_new = endpoint.name.startswith("create_")
    assert endpoint.repeatable is not makes_new


def test_nothing_in_the_table_messages_anybody_or_upserts() -> None:
    paths = {(endpoint.method, endpoint.path) for endpoint in ENDPOINTS.values()}
    assert ("POST", "/conversations/messages") not in paths
    assert not [path for method, path in paths if "upsert" in path or ("workflow/" in path and method != "GET")]


@pytest.mark.parametrize("contact_id", ["", " ", ".", ".."], ids=["empty", "blank", "dot", "two dots"])
def test_an_id_that_would_change_the_route_is_refused(contact_id: str) -> None:
    with pytest.raises(Rejected):
        ENDPOINTS["contact"].fill({"contactId": contact_id})


def test_ids_are_percent_encoded() -> None:
    assert ENDPOINTS["notes"].fill({"contactId": "a/b?c"}) == "/contacts/a%2Fb%3Fc/notes"
