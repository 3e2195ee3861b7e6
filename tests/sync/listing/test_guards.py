"""What HighLevel may do wrong without a single false deletion."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hlcore.store.deletions import bulk_deletions
from hlcore.sync.run_context import SyncRules
from tests.sync.conftest import LOCATION, World

Trouble = Callable[[World], object]

TROUBLES: dict[str, Trouble] = {
    "empty answer": lambda world: world.location.faults.on("empty"),
    "ends early": lambda world: world.location.faults.on("ends_early", after=1),
    "repeats": lambda world: world.location.faults.on("repeats", at=2),
    "omits and hides it in the total": lambda world: world.location.faults.on("omits", part=0.1),
    "omits most": lambda world: world.location.faults.on("omits", part=0.7),
    "total too low": lambda world: world.location.faults.on("total_low", by=120),
    "token revoked": lambda world: world.location.faults.on("token_revoked"),
    "wrong location": lambda world: world.location.faults.on("wrong_location"),
    "429 storm": lambda world: world.location.faults.on("too_many", share=0.5, retry_after=1),
    "429 without Retry-After": lambda world: world.location.faults.on("too_many", share=0.5, retry_after=None),
    "503": lambda world: world.location.faults.on("status", status=503, share=0.5),
    "cut in the body": lambda world: world.location.faults.on("reset", share=0.5),
    "cut JSON": lambda world: world.location.faults.on("truncated", share=0.5),
    "HTML with 200": lambda world: world.location.faults.on("html", share=0.5),
    "GET denies the living": lambda world: (
        world.location.faults.on("omits", part=0.3),
        world.location.faults.on("gone", where="GET /contacts/"),
    ),
}


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES.keys())
def test_no_trouble_leads_to_a_false_deletion_and_the_next_clean_sync_is_right(world: World, trouble: Trouble) -> None:
    world.sync()
    gone = list(world.location.contacts)[10:13]
    world.location.delete(*gone)
    trouble(world)
    troubled = [world.sync(), world.sync()]
    assert world.lost() <= set(gone)
    assert all(report.reason for report in troubled if report.outcome != "complete")
    world.location.faults.clear()
    assert world.sync().outcome == "complete"
    assert world.lost() == set(gone)
    assert world.stored_ids() == set(world.location.contacts) | set(gone)


@pytest.mark.parametrize(
    ("fault", "outcome", "words"),
    [
        ("token_revoked", "refused", "token"),
        ("wrong_location", "refused", "location"),
        ("empty", "incomplete", "empty although 200"),
        ("ends_early", "incomplete", "ended after"),
    ],
)
def test_a_troubled_sync_names_its_reason(world: World, fault: str, outcome: str, words: str) -> None:
    world.sync()
    world.location.faults.on(fault)
    report = world.sync()
    assert report.outcome == outcome
    assert words in report.reason


def test_more_than_floor_and_share_are_an_incident_proven_by_a_sample(world: World) -> None:
    world.sync()
    gone = list(world.location.contacts)[:80]
    world.location.delete(*gone)
    assert world.sync().deleted == 80
    with world.vault.read() as tx:
        assert [incident.state for incident in bulk_deletions.list_incidents(tx, [LOCATION], limit=9)] == ["confirmed"]
    assert world.lost() == set(gone)


def test_contacts_that_the_list_omits_stay_active_and_are_named(world: World) -> None:
    world.sync()
    omitted = sorted(world.location.contacts)[:120]
    world.location.faults.on("omits", ids=omitted)
    before = world.client.requests
    report = world.sync()
    assert (report.outcome, report.suspected, report.deleted) == ("complete", 0, 0)
    assert "left out 120 living contacts" in report.reason
    assert world.client.requests - before < 170  # each is asked for once
    assert {world.status(contact_id) for contact_id in omitted} == {"present"}
    with world.vault.read() as tx:
        assert not bulk_deletions.list_incidents(tx, [LOCATION], limit=9)


@pytest.mark.slow
def test_an_incident_with_living_and_refused_contacts_is_settled_over_several_runs(world: World) -> None:
    """400 of 2,000 missing: 337 are gone, 60 alive but not listed, and 3 cannot be asked for."""
    world.location.fill(1_800)
    world.rules = SyncRules(page_size=500, confirm_limit=150)
    world.sync()
    missing = sorted(world.location.contacts, key=lambda contact_id: contact_id[::-1])[:400]
    alive, refused, gone = missing[:60], missing[60:63], missing[63:]
    world.location.faults.on("omits", ids=alive)
    world.location.delete(*refused, *gone)
    for contact_id in refused:
        world.location.faults.on("wrong_location", where=f"GET /contacts/{contact_id}")
    requests, outcomes = world.client.requests, []
    for _ in range(4):
        outcomes.append(world.sync().outcome)
        assert world.client.requests - requests < 400
        assert world.lost() <= set(gone)
        requests = world.client.requests
    assert outcomes == ["incomplete", "incomplete", "complete", "complete"]
    assert world.lost() == set(gone)
    assert {world.status(contact_id) for contact_id in alive} == {"present"}
    assert {world.status(contact_id) for contact_id in refused} == {"suspected"}
    assert all("refuses this contact alone" in world.row(contact_id).last_check for contact_id in refused)
    with world.vault.read() as tx:
        assert len(bulk_deletions.list_incidents(tx, [LOCATION], limit=9)) == 1
    world.location.faults.clear()
    assert world.sync().outcome == "complete"
    assert world.lost() == {*gone, *refused}


def test_a_few_deletions_among_many_that_the_list_omits_are_found_in_the_end(world: World) -> None:
    """The sample moves on: who was proven alive longest ago is asked for first."""
    world.rules = SyncRules(page_size=50, confirm_limit=30)
    world.sync()
    ids = sorted(world.location.contacts)
    gone = ids[150:152]
    world.location.delete(*gone)
    world.location.faults.on("omits", ids=ids[50:150])
    assert {world.sync().outcome for _ in range(4)} == {"incomplete"}
    assert world.lost() == set(gone)
    world.location.faults.clear()
    assert world.sync().outcome == "complete"
    with world.vault.read() as tx:
        assert {incident.state for incident in bulk_deletions.list_incidents(tx, [LOCATION], limit=9)} == {"confirmed"}


def test_suspects_that_can_never_be_checked_do_not_keep_the_others_waiting(world: World) -> None:
    world.rules = SyncRules(page_size=50, confirm_limit=3)
    world.sync()
    gone = sorted(world.location.contacts)[:6]
    world.location.delete(*gone)
    for contact_id in gone[:3]:
        world.location.faults.on("wrong_location", where=f"GET /contacts/{contact_id}")
    world.sync()
    world.sync()
    assert world.lost() == set(gone[3:])


def test_an_emptied_account_is_believed_only_after_a_second_listing(world: World) -> None:
    world.sync()
    everybody = set(world.location.contacts)
    world.location.delete(*everybody)
    assert world.sync().outcome == "incomplete"
    assert world.lost() == set()
    assert world.sync().outcome == "complete"
    assert world.lost() == everybody


def test_a_contact_just_created_is_never_suspected(world: World) -> None:
    world.sync()
    world.clock.advance(minutes=58)
    new = world.location.create(firstName="Just", lastName="Here")
    world.clock.advance(minutes=-59)
    world.sync()
    world.clock.advance(minutes=-58)
    world.location.faults.on("omits", ids=[new])
    world.sync()
    assert world.status(new) == "present"


def test_what_cannot_be_asked_stays_suspected_and_is_settled_next_time(world: World) -> None:
    world.sync()
    contact_id = next(iter(world.location.contacts))
    world.location.delete(contact_id)
    world.location.faults.on("status", status=500, where=f"GET /contacts/{contact_id}")
    report = world.sync()
    assert (report.outcome, report.suspected) == ("complete", 1)
    assert report.needs_attention
    world.location.faults.clear()
    assert world.sync().deleted == 1
    assert world.lost() == {contact_id}


def test_gone_may_be_said_with_400(world: World) -> None:
    world.sync()
    world.location.faults.deleted_status = 400
    contact_id = next(iter(world.location.contacts))
    world.location.delete(contact_id)
    world.sync()
    assert world.lost() == {contact_id}


def test_a_share_of_the_account_is_no_incident_below_the_floor() -> None:
    assert not SyncRules(50, 0.02).is_incident(missing=40, known=100)
    assert not SyncRules(50, 0.02).is_incident(missing=900, known=100_000)
    assert SyncRules(50, 0.02).is_incident(missing=900, known=5_000)


@pytest.mark.parametrize("fault", ["wrong_location", "token_revoked", "invalid_jwt"])
def test_one_missing_contact_that_is_refused_leaves_the_others_to_be_confirmed(world: World, fault: str) -> None:
    """A refusal is of the token only if a control request is refused too."""
    world.sync()
    gone = list(world.location.contacts)[:6]
    world.location.delete(*gone)
    world.location.faults.on(fault, where=f"GET /contacts/{gone[2]}")
    report = world.sync()
    assert (report.outcome, report.deleted, report.suspected) == ("complete", 5, 1)
    assert world.lost() == {*gone} - {gone[2]}
    assert "refuses this contact alone" in world.row(gone[2]).last_check
    world.location.faults.clear()
    assert world.sync().deleted == 1
    assert world.lost() == {*gone}
