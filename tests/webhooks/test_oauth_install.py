"""Connecting accounts through the OAuth app, and tokens that renew themselves."""

from __future__ import annotations

from datetime import timedelta
from typing import NoReturn
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from hlcore.accounts import connection
from hlcore.accounts.oauth_install import (
    connect_all_new_locations,
    connect_new_locations,
    create_ticket,
    finish_install,
    handle_app_event,
    start_install,
)
from hlcore.accounts.oauth_routes import COOKIE, routes
from hlcore.errors import GrantLost, LocationInactive, NotAllowed, TokenRefused, Unreachable
from hlcore.highlevel.webhook_signature import WebhookEvent
from hlcore.sandbox import SandboxLocation
from hlcore.store import audit, locations, oauth_grants
from hlcore.store.oauth_grants import COMPANY as AGENCY
from hlcore.store.oauth_grants import LOCATION as ONE
from tests.conftest import Cast
from tests.webhooks.conftest import COMPANY, LOCATION, OTHER, World


def install(world: World, cast: Cast, location_id: str = "") -> object:
    """Sam installs the app for one location, or for the whole agency."""
    address, secret = start_install(world.context, create_ticket(world.context, cast.sam))
    state = parse_qs(urlsplit(address).query)["state"][0]
    return finish_install(world.context, state=state, secret=secret, code=world.sandbox.authorize(location_id))


def refreshes(world: World) -> int:
    return sum(entry.path == "/oauth/token" for entry in world.sandbox.ledger.entries)


def grant(world: World, kind: str = ONE, owner: str = OTHER) -> oauth_grants.StoredGrant | None:
    with world.vault.read() as tx:
        return oauth_grants.get(tx, kind, owner)


def connected(world: World) -> set[str]:
    with world.vault.read() as tx:
        return {location.location_id for location in locations.list_all(tx)}


def search(world: World, location_id: str = OTHER) -> int:
    with world.context.client(location_id) as client:
        return client.search_contacts(limit=1).total


def test_one_location_is_connected_and_can_be_read(world: World, cast: Cast) -> None:
    assert install(world, cast, OTHER).connected == [OTHER]
    assert search(world) == 3
    with world.vault.read() as tx:
        line = audit.list_entries(tx, limit=1)[0]
    assert (line.act, line.actor, line.outcome) == ("connect", "sam@example.com", "done")


def test_an_agency_brings_all_its_locations_and_those_added_later_by_themselves(world: World, cast: Cast) -> None:
    assert install(world, cast).connected == [OTHER]  # the first one keeps its private token
    assert search(world) == 3
    world.sandbox.add_location("locLater000000000001", "Later")
    assert connect_all_new_locations(world.context) == 1
    assert connected(world) == {LOCATION, OTHER, "locLater000000000001"}


def test_a_location_that_a_person_disconnected_stays_so_until_a_person_installs_again(world: World, cast: Cast) -> None:
    install(world, cast)
    with world.vault.write() as tx:
        locations.disconnect(tx, OTHER, world.clock.now())
    assert connect_new_locations(world.context, COMPANY).connected == []
    assert grant(world) is None
    assert install(world, cast).connected == [OTHER]


def test_tokens_are_not_readable_in_the_database(world: World, cast: Cast) -> None:
    install(world, cast)
    kept = grant(world, AGENCY, COMPANY)
    assert kept
    assert b"jwt-" not in kept.tokens
    assert b"refresh-" not in kept.tokens


def test_whoever_may_not_connect_gets_no_ticket(world: World, cast: Cast) -> None:
    with pytest.raises(NotAllowed):
        create_ticket(world.context, cast.mara)


def test_an_installation_counts_only_in_the_browser_that_began_it_and_for_ten_minutes(world: World, cast: Cast) -> None:
    address, secret = start_install(world.context, create_ticket(world.context, cast.sam))
    state, code = parse_qs(urlsplit(address).query)["state"][0], world.sandbox.authorize(OTHER)
    for bad in ({"secret": ""}, {"secret": "another"}, {"state": state[:-4] + "AAAA"}, {"state": "x"}):
        with pytest.raises(NotAllowed):
            finish_install(world.context, **{"state": state, "secret": secret, "code": code, **bad})
    world.clock.advance(minutes=11)
    with pytest.raises(NotAllowed):
        finish_install(world.context, state=state, secret=secret, code=code)
    assert connected(world) == {LOCATION}


def test_a_ticket_is_no_state_and_a_state_no_ticket(world: World, cast: Cast) -> None:
    ticket = create_ticket(world.context, cast.sam)
    address, secret = start_install(world.context, ticket)
    with pytest.raises(NotAllowed):
        start_install(world.context, parse_qs(urlsplit(address).query)["state"][0])
    with pytest.raises(NotAllowed):
        finish_install(world.context, state=ticket, secret=secret, code=world.sandbox.authorize(OTHER))


def test_the_addresses_lead_there_and_back(world: World, cast: Cast) -> None:
    on_connected_calls: list[str] = []
    app = Starlette(routes=routes(lambda: world.context, lambda: on_connected_calls.append("here")))
    with TestClient(app, base_url="https://vault.example.com", follow_redirects=False) as browser:
        away = browser.get("/oauth/start", params={"ticket": create_ticket(world.context, cast.sam)})
        assert away.headers["location"].startswith("https://marketplace.gohighlevel.com/v2/oauth/chooselocation?")
        cookie = away.headers["set-cookie"]
        assert all(word in cookie for word in ("HttpOnly", "SameSite=lax", "Secure", COOKIE))
        state = parse_qs(urlsplit(away.headers["location"]).query)["state"][0]
        code = world.sandbox.authorize(OTHER)
        with TestClient(app, base_url="https://vault.example.com", follow_redirects=False) as stranger:
            answer = stranger.get("/oauth/callback", params={"state": state, "code": code})
        assert answer.headers["location"] == "../settings?install=back&problem=not_allowed"
        back = browser.get("/oauth/callback", params={"state": state, "code": code})
    assert back.headers["location"] == "../settings?install=back&connected=1&failed=0"
    assert (on_connected_calls, connected(world)) == (["here"], {LOCATION, OTHER})


def test_a_token_is_renewed_before_it_expires_and_only_then(world: World, cast: Cast) -> None:
    install(world, cast, OTHER)
    search(world)
    assert refreshes(world) == 1  # the code
    world.clock.advance(hours=23, minutes=56)
    search(world)
    search(world)
    assert refreshes(world) == 2
    world.clock.advance(days=3)
    assert search(world) == 3
    assert refreshes(world) == 3


def test_a_locations_token_comes_out_of_its_agencys_grant_without_using_up_anything(world: World, cast: Cast) -> None:
    install(world, cast)
    before = refreshes(world)
    world.clock.advance(hours=23, minutes=56)
    search(world)
    assert refreshes(world) == before + 1  # the agency's own
    assert any(entry.path == "/oauth/locationToken" for entry in world.sandbox.ledger.entries[-3:])


def test_a_token_that_highlevel_refuses_early_is_replaced_once(world: World, cast: Cast) -> None:
    install(world, cast, OTHER)
    world.sandbox.revoke(world.sandbox.token_of(OTHER))
    assert search(world) == 3
    assert refreshes(world) == 2


def test_a_private_token_that_is_refused_is_not_renewed(world: World) -> None:
    world.sandbox.revoke(world.sandbox.token_of(LOCATION))
    with pytest.raises(TokenRefused):
        search(world, LOCATION)
    assert refreshes(world) == 0


def test_a_used_up_authorisation_asks_for_a_person_and_says_why(world: World, cast: Cast) -> None:
    install(world, cast, OTHER)
    world.sandbox.oauth.refresh.clear()
    world.clock.advance(days=2)
    for _ in range(2):
        with pytest.raises(GrantLost, match="withdrawn in HighLevel"):
            search(world)
    assert refreshes(world) == 2
    assert "withdrawn" in grant(world).trouble
    install(world, cast, OTHER)
    assert (search(world), grant(world).trouble) == (3, "")


def test_an_interruption_while_renewing_is_known_for_what_it_was(world: World, cast: Cast) -> None:
    install(world, cast, OTHER)
    with world.vault.write() as tx:
        oauth_grants.claim_refresh_token(tx, ONE, OTHER, holder="elsewhere:1:1.0", at=world.clock.now())
    world.sandbox.oauth.refresh.clear()
    world.clock.advance(days=2)
    with pytest.raises(GrantLost, match="was interrupted on 02 Mar 2026"):
        search(world)


def test_an_answer_lost_on_its_way_is_asked_for_again_while_it_may_still_work(world: World, cast: Cast) -> None:
    install(world, cast, OTHER)
    world.clock.advance(days=2)
    broken = world.sandbox.oauth.clients.pop("app7-live")
    with pytest.raises(Exception, match="does not know the app"):
        search(world)
    world.sandbox.oauth.clients["app7-live"] = broken
    assert (search(world), grant(world).claimed_by) == (3, "")


def test_a_paused_sub_account_is_not_a_lost_authorisation(world: World, cast: Cast) -> None:
    install(world, cast, OTHER)
    world.sandbox.locations[OTHER].active = False
    world.clock.advance(days=2)
    with pytest.raises(Exception, match="paused"):
        search(world)
    world.sandbox.locations[OTHER].active = True
    assert search(world) == 3


def test_an_account_that_was_paused_with_its_token_is_said_to_be_paused(world: World, cast: Cast) -> None:
    """Nobody is sent to make a private token because of it."""
    install(world, cast, OTHER)
    world.sandbox.revoke(world.sandbox.token_of(OTHER))
    world.sandbox.locations[OTHER].active = False
    with pytest.raises(LocationInactive):
        search(world)
    world.sandbox.locations[OTHER].active = True
    assert search(world) == 3


def test_a_refused_token_that_cannot_be_renewed_just_now_is_tried_again_later(
    world: World, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(world, cast, OTHER)
    world.sandbox.revoke(world.sandbox.token_of(OTHER))
    with monkeypatch.context() as trouble:
        trouble.setattr(world.context.tokens.oauth, "refresh", _unreachable)
        with pytest.raises(Unreachable, match="in trouble"):
            search(world)
    assert (search(world), grant(world).trouble) == (3, "")


def _unreachable(*_: str) -> NoReturn:
    raise Unreachable("HighLevel is in trouble")


def handle_event(world: World, kind: str, **more: str) -> str:
    return handle_app_event(world.context, WebhookEvent(kind, "w", company_id=COMPANY, **more), at=world.clock.now())


def test_an_install_message_connects_the_location(world: World, cast: Cast) -> None:
    install(world, cast)
    later: SandboxLocation = world.sandbox.add_location("locLater000000000001", "Later")
    assert handle_event(world, "INSTALL", location_id=later.id) == ""
    assert later.id in connected(world)


def test_an_install_message_of_an_agency_nobody_authorised_is_only_noted(world: World) -> None:
    assert "No agency" in handle_event(world, "INSTALL", location_id=OTHER)
    assert connected(world) == {LOCATION}


def test_an_uninstall_message_disconnects_what_highlevel_really_shut(world: World, cast: Cast) -> None:
    install(world, cast, OTHER)
    world.clock.advance(minutes=1)
    handle_event(world, "UNINSTALL", location_id=OTHER)
    assert OTHER in connected(world)  # it still answers: an old message
    for token, right in world.sandbox.tokens.items():
        right.revoked = right.location == OTHER and token.startswith("jwt")
    world.sandbox.oauth.refresh.clear()
    handle_event(world, "UNINSTALL", location_id=OTHER)
    assert connected(world) == {LOCATION}


def test_an_uninstall_message_from_before_the_installation_changes_nothing(world: World, cast: Cast) -> None:
    at = world.clock.now()
    world.clock.advance(hours=1)
    install(world, cast, OTHER)
    handle_app_event(world.context, WebhookEvent("UNINSTALL", "w", location_id=OTHER), at=at + timedelta(minutes=1))
    assert OTHER in connected(world)


def test_connecting_with_a_private_token_ends_the_grant(world: World, cast: Cast) -> None:
    install(world, cast, OTHER)
    connection.connect(world.context, OTHER, "pit-" + OTHER)
    assert grant(world) is None
    assert search(world) == 3


AHEAD = [{"hours": 1}, {"days": 3650}]


def jump_back(world: World) -> None:
    world.clock.jump(seconds=-world.clock.jumped.total_seconds())


@pytest.mark.parametrize("ahead", AHEAD, ids=str)
def test_a_token_obtained_in_the_future_is_renewed_once(world: World, cast: Cast, ahead: dict[str, float]) -> None:
    """How long it is valid was counted from a clock that was ahead."""
    world.clock.jump(**ahead)
    install(world, cast, OTHER)
    before = refreshes(world)
    jump_back(world)
    for _ in range(3):
        assert search(world) == 3
    assert refreshes(world) == before + 1


@pytest.mark.parametrize("ahead", [*AHEAD, {"minutes": 13}], ids=str)
def test_a_link_made_in_the_future_is_no_link(world: World, cast: Cast, ahead: dict[str, float]) -> None:
    world.clock.jump(**ahead)
    ticket = create_ticket(world.context, cast.sam)
    address, secret = start_install(world.context, ticket)
    state, code = parse_qs(urlsplit(address).query)["state"][0], world.sandbox.authorize(OTHER)
    jump_back(world)
    with pytest.raises(NotAllowed, match="expired"):
        start_install(world.context, ticket)
    with pytest.raises(NotAllowed, match="expired"):
        finish_install(world.context, state=state, secret=secret, code=code)
    assert connected(world) == {LOCATION}


def test_a_link_made_by_a_machine_whose_clock_is_a_minute_ahead_works(world: World, cast: Cast) -> None:
    world.clock.jump(minutes=1)
    ticket = create_ticket(world.context, cast.sam)
    jump_back(world)
    start_install(world.context, ticket)


@pytest.mark.parametrize("ahead", AHEAD, ids=str)
def test_a_grant_from_the_future_ends_with_its_app(world: World, cast: Cast, ahead: dict[str, float]) -> None:
    world.clock.jump(**ahead)
    install(world, cast, OTHER)
    jump_back(world)
    world.clock.advance(minutes=1)
    for token, allowed in world.sandbox.tokens.items():
        allowed.revoked = allowed.location == OTHER and token.startswith("jwt")
    world.sandbox.oauth.refresh.clear()
    handle_event(world, "UNINSTALL", location_id=OTHER)
    assert connected(world) == {LOCATION}
