"""Listing contacts: `POST /contacts/search`, the deprecated `GET /contacts/`, and contacts of a business."""

from __future__ import annotations

import math
import random
from typing import Any

from hlcore.sandbox.faults import SEARCH, Fault
from hlcore.sandbox.http.answers import ContractViolation, number
from hlcore.sandbox.http.contract import SEARCH_CONTACTS
from hlcore.sandbox.http.operations import OperationCall, Operations
from hlcore.sandbox.state.filters import BadFilter, checked
from hlcore.sandbox.state.location import SandboxLocation
from hlcore.sandbox.state.record import ContactRecord, decode_object, encode, full_name
from hlcore.sandbox.state.search import SearchRequest, SearchResult
from hlcore.sandbox.state.search_index import SORTS

operations = Operations()

MOST = 500
PAGE_MODE_MOST = 10_000
READ = "contacts.readonly"


@operations.register("POST", "/contacts/search", READ)
def search_contacts(call: OperationCall) -> Any:
    body = call.fields(SEARCH_CONTACTS, ("locationId", "pageLimit"))
    question = _question(body)
    found = _apply_faults(call, question)
    rows = b",".join(_row(call.location, record, cursor) for _, record, cursor in found.rows)
    head = b'{"contacts":[%b],"total":%d,"traceId":"%b"}'
    return head % (rows, found.total, call.trace_id.encode())


def _question(body: dict[str, Any]) -> SearchRequest:
    limit, page, after = body["pageLimit"], body.get("page", 1), body.get("searchAfter")
    if not 1 <= limit <= MOST:
        raise ContractViolation(422, [f"pageLimit must not be {'greater than 500' if limit > MOST else 'less than 1'}"])
    if after and "page" in body:
        raise ContractViolation(400, "page and searchAfter can not be used together")
    if page < 1 or page * limit > PAGE_MODE_MOST:
        raise ContractViolation(400, "Use searchAfter to fetch more than 10000 records")
    if len(str(body.get("query", ""))) > 75:
        raise ContractViolation(422, ["query must be shorter than or equal to 75 characters"])
    sort = _sort(body.get("sort") or [{"field": "dateAdded", "direction": "desc"}])
    try:
        filters = checked(body.get("filters") or [])
    except BadFilter as exc:
        raise ContractViolation(400, str(exc)) from exc
    return SearchRequest(filters, sort, int(limit), int(page), _cursor(after, sort), body.get("query", ""))


def _sort(given: list[Any]) -> list[tuple[str, bool]]:
    found = []
    for item in given:
        name = str(item.get("field")) if isinstance(item, dict) else ""
        if name not in SORTS:
            raise ContractViolation(400, f"Invalid sort field {name}")
        if item.get("direction") not in ("asc", "desc"):
            raise ContractViolation(422, ["sort direction must be one of the following values: asc, desc"])
        found.append((name, item["direction"] == "desc"))
    return found


def _cursor(after: list[Any] | None, sort: list[tuple[str, bool]]) -> list[Any] | None:
    if not after:
        return None
    kinds = [(bool, int) if name == "dnd" else (int, float) if name.startswith("date") else (str,) for name, _ in sort]
    fits = len(after) == len(sort) + 1 and isinstance(after[-1], str)
    if not fits or not all(isinstance(value, kind) for value, kind in zip(after, kinds, strict=False)):
        raise ContractViolation(400, "Invalid searchAfter")
    return after


def _apply_faults(call: OperationCall, question: SearchRequest) -> SearchResult:
    """The page, bent by the faults that are on."""
    location = call.location
    walk = location.walk
    location.index.settle(call.sandbox.now().timestamp() if location.faults.lag else math.inf)
    struck = {fault.kind: fault for fault in location.faults.pick(SEARCH, "POST /contacts/search")}
    starting = question.after is None and question.page == 1
    walk.page = 1 if starting else walk.page + 1
    if "omits" in struck:
        question.omit = _omitted(location, struck["omits"])
        question.omit_from_total = bool(struck["omits"].options.get("total", True))
    if "repeats" in struck and walk.page >= int(struck["repeats"].options.get("at", 2)):
        question.after = walk.cursor
        question.page = 1 if walk.cursor is None else question.page
    walk.cursor = question.after
    found = location.searcher.search(question)
    if location.faults.between_pages:
        location.faults.between_pages(walk.page)
    return _with_wrong_total(found, struck, walk.page)


def _with_wrong_total(found: SearchResult, struck: dict[str, Fault], page: int) -> SearchResult:
    if "empty" in struck:
        return SearchResult([], 0)
    rows, total = found.rows, found.total
    if "ends_early" in struck:
        last = int(struck["ends_early"].options.get("after", 1))
        rows = rows[: len(rows) // 2] if page == last else [] if page > last else rows
    if "total_low" in struck:
        total = max(0, total - int(struck["total_low"].options.get("by", 1)))
    if "total_cap" in struck:
        total = min(total, int(struck["total_cap"].options.get("cap", PAGE_MODE_MOST)))
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
    """One search row: the record's bytes with its cursor, reshaped only where the location asks for it."""
    core = record.core if location.rows.plain else encode(_reshaped(location, record))
    return core[:-1] + b',"searchAfter":' + encode(cursor) + b"}"


def _reshaped(location: SandboxLocation, record: ContactRecord) -> dict[str, Any]:
    row = decode_object(record.core)
    if not location.rows.dnd_settings:
        row.pop("dndSettings", None)
    if not location.rows.additional:
        row.pop("additionalPhones", None)
        row.pop("additionalEmails", None)
    if location.rows.lowered_first_name and "firstName" in row:
        row |= {"firstNameRaw": row["firstName"], "firstName": str(row["firstName"]).lower()}
    return row


LIST_KEYS = frozenset(
    [
        "id",
        "locationId",
        "contactName",
        "firstName",
        "firstNameRaw",
        "lastName",
        "email",
        "phone",
        "timezone",
        "country",
        "source",
        "dateAdded",
        "dateUpdated",
        "customFields",
        "tags",
        "businessId",
        "followers",
        "type",
        "assignedTo",
        "city",
        "state",
        "postalCode",
        "address1",
        "companyName",
        "dnd",
        "website",
        "dateOfBirth",
        "additionalEmails",
    ]
)


@operations.register("GET", "/contacts/", READ, query="locationId startAfterId startAfter query limit page")
def list_contacts(call: OperationCall) -> Any:
    """Newest first. ``startAfter`` without ``startAfterId`` (or the reverse) shows the first page again."""
    location = call.location
    limit = number(call.query.get("limit"), 20, 100)
    after, after_id = call.query.get("startAfter"), call.query.get("startAfterId")
    question = SearchRequest([], [("dateAdded", True)], limit, query=call.query.get("query", ""))
    if after and after_id:
        question.after = [number(after.partition(".")[0], 0, name="startAfter"), after_id]
    location.index.settle(call.sandbox.now().timestamp() if location.faults.lag else math.inf)
    found = location.searcher.search(question)
    rows = [{k: v for k, v in _reshaped(location, record).items() if k in LIST_KEYS} for _, record, _ in found.rows]
    return {"contacts": rows, "count": len(rows), "meta": _meta(call, found, limit), "traceId": call.trace_id}


def _meta(call: OperationCall, found: SearchResult, limit: int) -> dict[str, Any]:
    if len(found.rows) < limit:
        return {"total": found.total, "currentPage": 1, "nextPage": None, "nextPageUrl": None, "prevPage": None}
    at, id_ = found.rows[-1][2]
    tail = f"locationId={call.location.id}&limit={limit}&startAfter={at}&startAfterId={id_}"
    return {
        "total": found.total, "currentPage": 1, "nextPage": 2, "prevPage": None, "startAfter": at, "startAfterId": id_,
        "nextPageUrl": f"{call.base_url}/contacts/?{tail}",
    }  # fmt: skip


@operations.register("GET", "/contacts/business/{businessId}", READ, query="locationId limit skip query")
def contacts_of_business(call: OperationCall) -> Any:
    limit, skip = number(call.query.get("limit"), 25), number(call.query.get("skip"), 0, name="skip")
    words = call.query.get("query", "").lower()
    rows = [record.row() for record in call.location.records.values()]
    mine = [r for r in rows if r.get("businessId") == call.params["businessId"] and words in full_name(r).lower()]
    return {"contacts": mine[skip : skip + limit], "count": len(mine), "traceId": call.trace_id}
