from __future__ import annotations

import pytest

OLDEST_FIRST = [{"field": "dateAdded", "direction": "asc"}]


def test_a_listing_with_the_cursor_shows_every_contact_once_oldest_first(api, location):
    ids = location.fill(57)
    assert api.list_ids() == ids


def test_newest_first_unless_asked_otherwise(api, location):
    ids = location.fill(5)
    assert [row["id"] for row in api.search().json()["contacts"]] == ids[::-1]


def test_total_counts_all_matches_not_the_page(api, location):
    location.fill(25)
    assert api.search(pageLimit=3).json()["total"] == 25


def test_page_mode_and_cursor_agree(api, location):
    location.fill(30)
    second = api.search(page=2, sort=OLDEST_FIRST).json()["contacts"]
    first = api.search(page=1, sort=OLDEST_FIRST).json()["contacts"]
    after = api.search(searchAfter=first[-1]["searchAfter"], sort=OLDEST_FIRST).json()["contacts"]
    assert second == after


def test_the_cursor_still_works_when_its_own_row_was_deleted(api, location):
    ids = location.fill(20)
    cursor = api.search(sort=OLDEST_FIRST).json()["contacts"][-1]["searchAfter"]
    location.delete(ids[9])
    rows = api.search(sort=OLDEST_FIRST, searchAfter=cursor).json()["contacts"]
    assert [row["id"] for row in rows] == ids[10:]


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ({"pageLimit": 501}, 422, "pageLimit must not be greater than 500"),
        ({"page": 21, "pageLimit": 500}, 400, "searchAfter"),
        ({"page": 2, "searchAfter": [1, "x"]}, 400, "can not be used together"),
        ({"nonsense": 1}, 422, "property nonsense should not exist"),
        ({"filters": [{"field": "contact_name", "operator": "eq", "value": "x"}]}, 400, "Invalid field contact_name"),
        ({"sort": [{"field": "phone", "direction": "asc"}]}, 400, "Invalid sort field phone"),
        ({"query": "x" * 76}, 422, "75"),
        ({"searchAfter": ["x", "y"]}, 400, "Invalid searchAfter"),
    ],
    ids=["too-many", "beyond-10000", "page-and-cursor", "unknown", "field", "sort", "long-query", "bad-cursor"],
)
def test_rejects_what_the_contract_refuses(api, location, body, status, text):
    answer = api.search(**body)
    assert (answer.status_code, text in str(answer.json()["message"])) == (status, True)


def test_rejects_a_search_without_page_limit(api, location):
    answer = api.request("POST", "/contacts/search", {"locationId": "dental"})
    assert answer.status_code == 422
    assert answer.json()["message"] == ["pageLimit must be a number"]


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ({"field": "tags", "operator": "eq", "value": "vip"}, {"Ana", "Bo"}),
        ({"field": "tags", "operator": "not_eq", "value": "vip"}, {"Cy"}),
        ({"field": "city", "operator": "contains", "value": "köl"}, {"Bo"}),
        ({"field": "phone", "operator": "not_exists"}, {"Bo", "Cy"}),
        ({"field": "email", "operator": "eq", "value": "ANA@example.com"}, {"Ana"}),
        ({"field": "dnd", "operator": "eq", "value": True}, {"Cy"}),
        ({"field": "customFields.F1", "operator": "eq", "value": "Silver"}, {"Ana"}),
        ({"field": "dateAdded", "operator": "range", "value": {"gte": "2026-10-02T00:00:00Z"}}, {"Bo", "Cy"}),
        (
            {
                "group": "OR",
                "filters": [
                    {"field": "city", "operator": "eq", "value": "Köln"},
                    {"field": "dnd", "operator": "eq", "value": True},
                ],
            },
            {"Bo", "Cy"},
        ),
    ],
    ids=["eq", "not_eq", "contains", "not_exists", "email", "dnd", "custom", "range", "group"],
)
def test_filters_find_exactly_the_matching_contacts(api, location, condition, names):
    vip = {"tags": ["VIP"]}
    field = {"customFields": [{"id": "F1", "value": "Silver"}]}
    location.create(firstName="Ana", email="ana@example.com", phone="+1", dateAdded="2026-10-01", **vip, **field)
    location.create(firstName="Bo", city="Köln", dateAdded="2026-10-02", **vip)
    location.create(firstName="Cy", dnd=True, dateAdded="2026-10-03")
    found = api.search(filters=[condition]).json()
    assert ({row["firstName"] for row in found["contacts"]}, found["total"]) == (names, len(names))


def test_a_range_on_date_updated_finds_what_changed_since(api, location, clock):
    ids = location.fill(40)
    clock.move(hours=1)
    location.edit(ids[3], city="Leeds")
    since = {"field": "dateUpdated", "operator": "range", "value": {"gte": clock().isoformat()}}
    found = api.search(filters=[since], sort=[{"field": "dateUpdated", "direction": "asc"}]).json()
    assert ([row["id"] for row in found["contacts"]], found["total"]) == ([ids[3]], 1)


def test_a_write_shows_in_search_only_after_the_lag_and_by_id_at_once(api, location, clock):
    location.faults.lag = 30
    id_ = location.create(firstName="Ana")
    assert api.search().json()["total"] == 0
    assert api.request("GET", f"/contacts/{id_}").status_code == 200
    clock.move(seconds=31)
    assert api.search().json()["total"] == 1


def test_a_deleted_contact_stays_in_search_until_the_lag_is_over(api, location, clock):
    ids = location.fill(3)
    location.faults.lag = 30
    location.edit(ids[0], city="Leeds")
    location.delete(ids[0])
    assert ids[0] in api.list_ids()
    assert api.request("GET", f"/contacts/{ids[0]}").status_code == 404
    clock.move(seconds=31)
    assert api.list_ids() == ids[1:]


def test_the_deprecated_list_repeats_the_first_page_when_half_of_the_cursor_is_missing(api, location):
    location.fill(30)
    first = api.request("GET", "/contacts/?locationId=dental&limit=10").json()
    meta = first["meta"]
    half = api.request("GET", f"/contacts/?locationId=dental&limit=10&startAfter={meta['startAfter']}").json()
    whole = api.request("GET", meta["nextPageUrl"]).json()
    assert half["contacts"] == first["contacts"]
    assert not {row["id"] for row in whole["contacts"]} & {row["id"] for row in first["contacts"]}


def test_rows_can_lack_what_only_the_full_record_has(api, location):
    location.create(firstName="McAna", dndSettings={"SMS": {"status": "active"}})
    location.row_options.dnd_settings, location.row_options.lowered_first_name = False, True
    row = api.search().json()["contacts"][0]
    assert (row["firstName"], row["firstNameRaw"], "dndSettings" in row) == ("mcana", "McAna", False)


@pytest.mark.parametrize("direction", ["asc", "desc"])
@pytest.mark.parametrize("field", ["dateAdded", "dateUpdated", "email", "source"])
def test_every_sort_order_holds_after_changes(api, location, clock, field, direction):
    ids = location.fill(60)
    sort = [{"field": field, "direction": direction}]
    api.search(sort=sort)
    clock.move(hours=1)
    for at, id_ in enumerate(ids[::3]):
        location.edit(id_, email=f"{at % 7}@example.com", source=f"source {at % 3}")
    location.delete(*ids[1::4])
    location.create(firstName="Ana")
    expected = sorted((str(contact.get(field, "")).lower(), id_) for id_, contact in location.contacts.items())
    listed = api.list_ids(limit=7, sort=sort)
    assert listed == [id_ for _, id_ in expected][:: 1 if direction == "asc" else -1]


def test_rows_coming_and_going_between_pages_lose_none_of_the_others(api, location):
    ids = location.fill(40)
    seen: list[int] = []

    def churn(page: int) -> None:
        seen.append(page)
        if page <= 3:
            location.delete(ids[page * 10 - 1])
            location.create(firstName=f"New {page}")

    location.faults.between_pages = churn
    listed = api.list_ids(limit=10)
    assert listed[:40] == ids
    assert seen[:3] == [1, 2, 3]
