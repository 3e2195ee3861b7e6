"""Listing contacts: `POST /contacts/search`, the deprecated `GET /contacts/`, and contacts of a business."""

from __future__ import annotations

import math
import random
from typing import Any

from hlcore.sandbox.faults import IN_SEARCH, Fault
from hlcore.sandbox.http.answers import ContractViolation
from hlcore.sandbox.http.contract import SEARCH_CONTACTS, parse_number
from hlcore.sandbox.http.operations import OperationCall, Operations
from hlcore.sandbox.state.filters import BadFilter, check_filters
from hlcore.sandbox.state.location import SandboxLocation
from hlcore.sandbox.state.record import ContactRecord, decode_object, encode, full_name
from hlcore.sandbox.state.search import SearchRequest, SearchResult
from hlcore.sandbox.state.search_index import SORT_VALUES

operations = Operations()

MAX_PAGE_SIZE = 500
MAX_PAGE_MODE_ROWS = 10_000
READ = "contacts.readonly"


@operations.register("POST", "/contacts/search", READ)
def search_contacts(call: OperationCall) -> Any:
    body = call.fields(SEARCH_CONTACTS, ("locationId", "pageLimit"))
    request = _search_request(body)
    result = _apply_faults(call, request)
    rows = b",".join(_row(call.location, record, cursor) for _, record, cursor in result.rows)
    head = b'{"contacts":[%b],"total":%d,"traceId":"%b"}'
    return head % (rows, result.total, call.trace_id.encode())


def _search_request(body: dict[str, Any]) -> SearchRequest:
    limit, page, after = body["pageLimit"], body.get("page", 1), body.get("searchAfter")
    if not 1 <= limit <= MAX_PAGE_SIZE:
        bound = "greater than 500" if limit > MAX_PAGE_SIZE else "less than 1"
        raise ContractViolation(422, [f"pageLimit must not be {bound}"])
    if after and "page" in body:
        raise ContractViolation(400, "page and searchAfter can not be used together")
    if page < 1 or page * limit > MAX_PAGE_MODE_ROWS:
        raise ContractViolation(400, "Use searchAfter to fetch more than 10000 records")
    if len(str(body.get("query", ""))) > 75:
        raise ContractViolation(422, ["query must be shorter than or equal to 75 characters"])
    sort = _sort(body.get("sort") or [{"field": "dateAdded", "direction": "desc"}])
    try:
        filters = check_filters(body.get("filters") or [])
    except BadFilter as exc:
        raise ContractViolation(400, str(exc)) from exc
    return SearchRequest(filters, sort, int(limit), int(page), _cursor(after, sort), body.get("query", ""))


def _sort(body_sort: list[Any]) -> list[tuple[str, bool]]:
    result = []
    for item in body_sort:
        name = str(item.get("field")) if isinstance(item, dict) else ""
        if name not in SORT_VALUES:
            raise ContractViolation(400, f"Invalid sort field {name}")
        if item.get("direction") not in ("asc", "desc"):
            raise ContractViolation(422, ["sort direction must be one of the following values: asc, desc"])
        result.append((name, item["direction"] == "desc"))
    return result


def _cursor(after: list[Any] | None, sort: list[tuple[str, bool]]) -> list[Any] | None:
    if not after:
        return None
    types = [(bool, int) if name == "dnd" else (int, float) if name.startswith("date") else (str,) for name, _ in sort]
    fits = len(after) == len(sort) + 1 and isinstance(after[-1], str)
    if not fits or not all(isinstance(value, kind) for value, kind in zip(after, types, strict=False)):
        raise ContractViolation(400, "Invalid searchAfter")
    return after


def _apply_faults(call: OperationCall, request: SearchRequest) -> SearchResult:
    """Return the page of this search as the active faults change it."""
    location = call.location
    progress = location.search_progress
    location.index.show_due(call.sandbox.now().timestamp() if location.faults.lag else math.inf)
    faults = {fault.kind: fault for fault in location.faults.pick(IN_SEARCH, "POST /contacts/search")}
    is_first = request.after is None and request.page == 1
    progress.page = 1 if is_first else progress.page + 1
    if "omits" in faults:
        request.omit = _omitted(location, faults["omits"])
        request.omit_from_total = bool(faults["omits"].options.get("total", True))
    if "repeats" in faults and progress.page >= int(faults["repeats"].options.get("at", 2)):
        request.after = progress.cursor
        request.page = 1 if progress.cursor is None else request.page
    progress.cursor = request.after
    result = location.searcher.search(request)
    if location.faults.between_pages:
        location.faults.between_pages(progress.page)
    return _with_wrong_total(result, faults, progress.page)


def _with_wrong_total(result: SearchResult, faults: dict[str, Fault], page: int) -> SearchResult:
    if "empty" in faults:
        return SearchResult([], 0)
    rows, total = result.rows, result.total
    if "ends_early" in faults:
        last = int(faults["ends_early"].options.get("after", 1))
        rows = rows[: len(rows) // 2] if page == last else [] if page > last else rows
    if "total_low" in faults:
        total = max(0, total - int(faults["total_low"].options.get("by", 1)))
    if "total_cap" in faults:
        total = min(total, int(faults["total_cap"].options.get("cap", MAX_PAGE_MODE_ROWS)))
    return SearchResult(rows, total)


def _omitted(location: SandboxLocation, fault: Fault) -> set[str]:
    if "ids" in fault.options:
        return set(fault.options["ids"])
    part = float(fault.options.get("part", 0.01))
    if "chosen" not in fault.options:
        draw = random.Random(str(fault.options.get("salt", "")))
        fault.options["chosen"] = {id_ for id_ in location.records if draw.random() < part}
    return set(fault.options["chosen"])


def _row(location: SandboxLocation, record: ContactRecord, cursor: list[Any]) -> bytes:
    """Return one search row as JSON: the record's own bytes and the cursor, unless `row_options` change them."""
    core = record.core if location.row_options.is_default else encode(_reshape(location, record))
    return core[:-1] + b',"searchAfter":' + encode(cursor) + b"}"


def _reshape(location: SandboxLocation, record: ContactRecord) -> dict[str, Any]:
    row = decode_object(record.core)
    if not location.row_options.dnd_settings:
        row.pop("dndSettings", None)
    if not location.row_options.additional:
        row.pop("additionalPhones", None)
        row.pop("additionalEmails", None)
    if location.row_options.street_as_address and "address1" in row:
        row["address"] = row.pop("address1")
    if location.row_options.lowered_first_name and "firstName" in row:
        row |= {"firstNameRaw": row["firstName"], "firstName": str(row["firstName"]).lower()}
    return row


LIST_KEYS = frozenset({
    "id", "locationId", "contactName", "firstName", "firstNameRaw", "lastName", "email", "phone", "timezone", "country",
    "source", "dateAdded", "dateUpdated", "customFields", "tags", "businessId", "followers", "type", "assignedTo",
    "city", "state", "postalCode", "address1", "companyName", "dnd", "website", "dateOfBirth", "additionalEmails",
})  # fmt: skip


@operations.register("GET", "/contacts/", READ, query="locationId startAfterId startAfter query limit page")
def list_contacts(call: OperationCall) -> Any:
    """Newest first. ``startAfter`` without ``startAfterId``, or the reverse, shows the first page again."""
    location = call.location
    limit = parse_number(call.query.get("limit"), 20, 100)
    after, after_id = call.query.get("startAfter"), call.query.get("startAfterId")
    request = SearchRequest([], [("dateAdded", True)], limit, query=call.query.get("query", ""))
    if after and after_id:
        request.after = [parse_number(after.partition(".")[0], 0, name="startAfter"), after_id]
    location.index.show_due(call.sandbox.now().timestamp() if location.faults.lag else math.inf)
    result = location.searcher.search(request)
    rows = [
        {key: value for key, value in _reshape(location, record).items() if key in LIST_KEYS}
        for _, record, _ in result.rows
    ]
    return call.reply(contacts=rows, count=len(rows), meta=_meta(call, result, limit))


def _meta(call: OperationCall, result: SearchResult, limit: int) -> dict[str, Any]:
    if len(result.rows) < limit:
        return {"total": result.total, "currentPage": 1, "nextPage": None, "nextPageUrl": None, "prevPage": None}
    at, id_ = result.rows[-1][2]
    query = f"locationId={call.location.id}&limit={limit}&startAfter={at}&startAfterId={id_}"
    return {
        "total": result.total, "currentPage": 1, "nextPage": 2, "prevPage": None, "startAfter": at, "startAfterId": id_,
        "nextPageUrl": f"{call.base_url}/contacts/?{query}",
    }  # fmt: skip


@operations.register("GET", "/contacts/business/{businessId}", READ, query="locationId limit skip query")
def contacts_of_business(call: OperationCall) -> Any:
    limit, skip = parse_number(call.query.get("limit"), 25), parse_number(call.query.get("skip"), 0, name="skip")
    text = call.query.get("query", "").lower()
    rows = [record.row() for record in call.location.records.values()]
    matches = [
        row for row in rows if row.get("businessId") == call.params["businessId"] and text in full_name(row).lower()
    ]
    return call.reply(contacts=matches[skip : skip + limit], count=len(matches))
