from __future__ import annotations


def test_deleting_a_contact_takes_its_opportunities_with_it(api, location):
    id_ = location.create(firstName="Ana")
    deal = location.add_opportunity(id_, "Crown")
    assert api.request("DELETE", f"/contacts/{id_}").status_code == 200
    assert api.request("GET", f"/opportunities/{deal}").status_code == 404


def test_opportunity_pages_follow_the_double_cursor(api, location, clock):
    id_ = location.create(firstName="Ana")
    deals = []
    for at in range(7):
        clock.move(seconds=1)
        deals.append(location.add_opportunity(id_, f"Deal {at}"))
    first = api.request("GET", "/opportunities/search?location_id=dental&limit=4").json()
    second = api.request("GET", first["meta"]["nextPageUrl"]).json()
    found = [row["id"] for row in first["opportunities"] + second["opportunities"]]
    assert (found, "nextPageUrl" in second["meta"]) == (deals[::-1], False)


def test_the_opportunity_feed_can_end_early_and_leave_live_rows_out(api, location):
    id_ = location.create(firstName="Ana")
    deals = [location.add_opportunity(id_, f"Deal {at}") for at in range(5)]
    path = "/opportunities/search?location_id=dental&limit=2"
    location.faults.on("omits", where="GET /opportunities", ids=[deals[0]])
    with location.faults.during("ends_early", where="GET /opportunities"):
        page = api.request("GET", path).json()
    assert (len(page["opportunities"]), page["meta"]) == (2, {"total": 4, "currentPage": 1})
    assert api.request("GET", f"/opportunities/{deals[0]}").status_code == 200
