from __future__ import annotations


def test_a_refresh_token_works_once(api, sandbox):
    sandbox.add_app("app", "secret")
    form = {"client_id": "app", "client_secret": "secret", "grant_type": "authorization_code"}
    first = api.client.post("/oauth/token", data={**form, "code": sandbox.authorize("dental")}).json()
    again = {**form, "grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = api.client.post("/oauth/token", data=again).json()
    third = api.client.post("/oauth/token", data=again)
    assert (third.status_code, third.json()["error"]) == (400, "invalid_grant")
    header = {"Authorization": f"Bearer {second['access_token']}"}
    assert api.request("GET", "/locations/dental", headers=header).status_code == 200


def test_an_access_token_lasts_a_day(api, sandbox, clock):
    sandbox.add_app("app", "secret")
    form = {"client_id": "app", "client_secret": "secret", "grant_type": "authorization_code"}
    token = api.client.post("/oauth/token", data={**form, "code": sandbox.authorize("dental")}).json()
    clock.move(days=1)
    answer = api.request("GET", "/locations/dental", headers={"Authorization": f"Bearer {token['access_token']}"})
    assert answer.json()["message"] == "Invalid token: access token is invalid"


def test_rejects_refreshing_for_a_paused_location_and_keeps_the_refresh_token(api, sandbox, location):
    sandbox.add_app("app", "secret")
    form = {"client_id": "app", "client_secret": "secret", "grant_type": "authorization_code"}
    first = api.client.post("/oauth/token", data={**form, "code": sandbox.authorize("dental")}).json()
    again = {**form, "grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    location.active = False
    assert api.client.post("/oauth/token", data=again).json()["message"] == "Location is not active"
    location.active = True
    assert api.client.post("/oauth/token", data=again).status_code == 200


def test_an_agency_token_buys_a_location_token(api, sandbox):
    agency = {"Authorization": f"Bearer {sandbox.add_token('agency')}"}
    installed = api.request("GET", "/oauth/installedLocations?companyId=c&appId=a", headers=agency).json()
    assert [row["_id"] for row in installed["locations"]] == ["dental"]
    form = {"companyId": "c", "locationId": "dental"}
    token = api.client.post("/oauth/locationToken", data=form, headers=agency).json()["access_token"]
    assert api.request("GET", "/locations/dental", headers={"Authorization": f"Bearer {token}"}).status_code == 200
