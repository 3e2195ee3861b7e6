"""What a plan says before anything is written."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from hlcore.errors import NotFound
from hlcore.restore.planning.planner import plan
from hlcore.store import locations
from hlcore.store.capture import state as capture_state
from hlcore.store.contacts import search as contact_search
from hlcore.store.deletions import register
from tests.restore.conftest import LOCATION, World


def test_a_lost_contact_whose_window_is_closed_is_recreated(world: World) -> None:
    ana = world.lost(firstName="Ana", email="ana@example.com", tags=["VIP"])
    item = world.planned(ana)
    assert item.action == "recreate"
    assert item.reason.startswith("HighLevel's own restore closed on 20 Feb 2026, 10:00 CET")
    assert {"first name", "e-mail", "tags (1)", "do-not-disturb"} <= set(item.will_return)
    assert any(line.startswith("contact id") for line in item.will_change)
    assert "enrolment in workflows and campaigns" in item.will_be_lost


def test_an_open_window_sends_staff_to_highlevels_own_restore(world: World) -> None:
    item = world.planned(world.lost(firstName="Ana", days=2))
    assert item.action == "use_native"
    assert item.native is not None
    assert item.native.link == f"https://app.gohighlevel.com/v2/location/{LOCATION}/contacts/smart_list/All"
    assert item.native.deadline == "30 Mar 2026, 11:00 CEST"
    assert item.native.until == world.clock.now() + timedelta(days=28)
    assert "Restore" in " ".join(item.native.steps)
    assert item.body is None


def test_whoever_chooses_it_gets_a_recreation_inside_the_window(world: World) -> None:
    assert world.planned(world.lost(firstName="Ana", days=2), path="recreate").action == "recreate"


def test_a_hipaa_account_needs_a_decision_first(world: World) -> None:
    """Neither HighLevel's own restore nor the copy, until somebody has switched re-creating on."""
    ana = world.lost(firstName="Ana", days=2)
    with world.vault.write() as tx:
        locations.set_window(tx, LOCATION, days=None, reason="", hipaa=True)
    item = world.planned(ana)
    assert item.action == "skip"
    assert "HIPAA" in item.reason
    assert "Settings" in item.reason
    assert world.restore(ana)[ana]["outcome"] == "skipped"
    assert not [one for one in world.sandbox.ledger.entries if (one.method, one.path) == ("POST", "/contacts/")]


def test_a_hipaa_account_has_no_own_restore(world: World) -> None:
    ana = world.lost(firstName="Ana", days=2)
    with world.vault.write() as tx:
        locations.set_window(tx, LOCATION, days=None, reason="", hipaa=True, hipaa_recreate=True)
    item = world.planned(ana)
    assert item.action == "recreate"
    assert "HIPAA" in item.reason


def test_the_loser_of_a_merge_is_not_sent_to_highlevels_restore(world: World) -> None:
    ana = world.add(firstName="Ana")
    world.copy()
    world.location.delete(ana)
    world.miss(ana, days=1, status="merged")
    assert world.planned(ana).action == "recreate"


def test_a_contact_that_highlevel_shows_again_is_left_alone(world: World) -> None:
    ana = world.lost(firstName="Ana")
    world.location.native_restore(ana)
    item = world.planned(ana)
    assert (item.action, item.reason[:20]) == ("skip", "This person is alive")


def test_a_suspicion_is_no_deletion(world: World) -> None:
    ana = world.add(firstName="Ana")
    world.copy()
    with world.vault.write() as tx:
        at = world.clock.now()
        register.mark_suspected(tx, LOCATION, [(ana, at)], at=at, detected_by="listing")
    assert "not confirmed" in world.planned(ana).reason


def test_an_erased_person_is_never_planned(world: World) -> None:
    ana = world.lost(firstName="Ana")
    with world.vault.write() as tx:
        register.erase_contact(tx, LOCATION, ana, at=world.clock.now())
    item = world.planned(ana, path="recreate")
    assert (item.action, item.body) == ("skip", None)
    assert "erased" in item.reason


def test_a_living_and_an_unknown_contact_are_left_alone(world: World) -> None:
    ana = world.add(firstName="Ana")
    world.copy()
    assert [item.action for item in world.plan(ana, "nobody").items] == ["skip", "skip"]


def test_a_living_holder_of_the_phone_is_a_conflict(world: World) -> None:
    ana = world.lost(firstName="Ana", phone="+14155550123")
    ben = world.add(firstName="Ben", phone="+14155550123")
    item = world.planned(ana)
    assert item.action == "skip"
    assert item.conflict is not None
    assert (item.conflict.contact_id, item.conflict.field) == (ben, "phone")


def test_a_holder_of_it_as_an_additional_email_is_a_conflict(world: World) -> None:
    ana = world.lost(firstName="Ana", email="ana@example.com")
    ben = world.add(firstName="Ben", additionalEmails=[{"email": "ana@example.com"}])
    world.copy()
    conflict = world.planned(ana).conflict
    assert conflict is not None
    assert (conflict.contact_id, conflict.field, conflict.additional) == (ben, "email", True)


def test_a_holder_who_is_gone_by_now_is_no_conflict(world: World) -> None:
    ana = world.lost(firstName="Ana", email="ana@example.com")
    ben = world.add(firstName="Ben", additionalEmails=[{"email": "ana@example.com"}])
    world.copy()
    world.location.delete(ben)
    assert world.planned(ana).action == "recreate"


def test_two_of_one_plan_with_the_same_phone_are_not_both_made(world: World) -> None:
    one = world.lost(firstName="Ana", phone="+14155550123")
    two = world.lost(firstName="Ben", phone="+14155550123")
    items = world.plan(one, two).items
    assert [item.action for item in items] == ["recreate", "skip"]
    assert one in items[1].reason


def test_settings_that_listings_never_tell_are_said_to_stay_closed(world: World) -> None:
    world.location.row_options.dnd_settings = False
    item = world.planned(world.lost(firstName="Ana"))
    assert item.after is None
    assert any("do-not-disturb stays on" in line for line in item.will_change)


def test_a_plan_writes_nothing(world: World) -> None:
    world.plan(world.lost(firstName="Ana", email="ana@example.com"))
    writes = [entry for entry in world.sandbox.ledger if entry.method != "GET" and entry.path != "/contacts/search"]
    assert writes == []


def test_the_plan_counts_its_requests_and_seconds(world: World) -> None:
    own = {"SMS": {"status": "active"}}
    ana = world.lost(firstName="Ana", email="ana@example.com", phone="+14155550123", dndSettings=own)
    found = world.plan(ana)
    world.confirm(ana)
    assert world.run().requests == found.requests == 8
    assert found.seconds == 1


def test_its_json_has_the_keys_of_the_command_line(world: World) -> None:
    told = world.plan(world.lost(firstName="Ana")).to_json()
    keys = {"contact_id", "action", "reason", "will_return", "will_change", "will_be_lost", "conflict", "requests"}
    assert keys <= told["items"][0].keys()
    assert "body" not in told["items"][0]
    assert isinstance(told["seconds"], int)


def test_an_unknown_location_is_refused(world: World) -> None:
    with pytest.raises(NotFound):
        plan(replace(world.location_context(), location_id="elsewhere"), ["a"], world.settings)


def test_a_plan_survives_the_database(world: World) -> None:
    item = world.planned(world.lost(firstName="Ana", days=2))
    assert item.lines
    assert type(item).load(item.dump()) == msgspec.structs.replace(item, lines=())


def test_planning_leaves_the_copy_as_it_is(world: World) -> None:
    ana = world.lost(firstName="Ana")
    world.plan(ana)
    with world.vault.read() as tx:
        assert contact_search.count_by_status(tx, [LOCATION]) == {LOCATION: {"deleted": 1}}


def test_what_was_never_captured_is_named_in_plan_and_receipt(world: World) -> None:
    ana = world.add(firstName="Ana", email="ana@example.com")
    world.copy()
    with world.vault.write() as tx:
        capture_state.mark_captured(tx, LOCATION, "note", [ana], at=world.clock.now() - timedelta(days=41))
    world.location.add_opportunity(ana, "Big deal", monetaryValue=900)  # after the last capture
    world.lose(ana)
    item = world.planned(ana)
    unknown = [line for line in item.will_be_lost if "never captured" in line]
    assert [line.partition(" (")[0] for line in unknown] == [
        "full details", "tasks", "opportunities", "appointments", "conversations", "messages"
    ]  # fmt: skip
    assert item.fidelity is not None
    assert "not known, because never captured: full details, tasks, opportunities" in item.fidelity.text
    world.restore(ana)
    row = world.receipt()[ana]
    assert row["not_captured"] == list(item.fidelity.not_captured)
    assert "never captured" in row["measured"]
