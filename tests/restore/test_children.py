"""Everything that belonged to a contact comes back with it: in order, quietly, once, and read back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hlcore.restore.execute import create_job, retry_job
from hlcore.restore.plan import Choices
from hlcore.store import records
from hlcore.sync.catalogues import capture_catalogue
from hlcore.sync.reading import capture_kind
from tests.restore.conftest import LOCATION, SAM, World

KINDS = ("note", "task", "opportunity", "appointment", "message")


def capture(world: World, *ids: str) -> None:
    """All that belongs to these is in the vault, as a round of capturing would take it in."""
    world.copy(details=True)
    for kind in ("pipeline", "calendar", "business", "user"):
        capture_catalogue(world.vault, world.client, kind, now=world.clock.now)
    for contact_id in ids:
        for kind in KINDS:
            capture_kind(world.vault, world.client, LOCATION, contact_id, kind, now=world.clock.now)


def a_whole_life(world: World, number: int = 1, **fields: Any) -> str:
    """Somebody with everything that can hang on a contact; the id."""
    place, ana = world.location, f"ana{number}@example.com"
    sam = next(iter(place.shelves.users), "") or place.add_user("Sam")
    contact_id = world.add(**{"firstName": "Ana", "email": ana, "tags": ["vip"], "assignedTo": sam, **fields})
    place.add_note(contact_id, "Likes tea", date_added=datetime(2025, 5, 1, 8, tzinfo=UTC), userId=sam, color="#FFAA00")
    place.add_note(contact_id, "Prefers mornings", title="Times", pinned=True)
    place.add_task(contact_id, "Call back", due=datetime(2026, 4, 1, 10, tzinfo=UTC), completed=True, assignedTo=sam)
    place.add_opportunity(contact_id, "Whitening", monetaryValue=1200.5, status="won", assignedTo=sam, followers=[sam])
    place.add_appointment(contact_id, world.clock.now() + timedelta(days=90), title="Check-up")
    place.add_message(contact_id, "Hello?", at=datetime(2025, 6, 1, 9, tzinfo=UTC))
    place.add_message(contact_id, "Hi Ana", direction="outbound", at=datetime(2025, 6, 1, 9, 5, tzinfo=UTC))
    place.add_follower(contact_id, sam)
    business = next(iter(place.shelves.businesses), "") or place.add_business("Kite Recruiting")
    place.edit(contact_id, businessId=business)
    return contact_id


def lost_life(world: World, number: int = 1, **fields: Any) -> str:
    contact_id = a_whole_life(world, number, **fields)
    capture(world, contact_id)
    world.lose(contact_id)
    return contact_id


def belongings(world: World, contact_id: str) -> dict[str, list[Any]]:
    """What hangs on this living contact, in plain values."""
    shelves = world.location.shelves
    return {
        "notes": sorted(one["body"] for one in shelves.notes.get(contact_id, {}).values()),
        "tasks": sorted((t["title"], t["dueDate"], t["completed"]) for t in shelves.tasks.get(contact_id, {}).values()),
        "deals": sorted(
            (d["name"], d["status"], d["monetaryValue"], d["pipelineStageId"], tuple(d["followers"]))
            for d in shelves.opportunities.values()
            if d["contactId"] == contact_id
        ),
        "appointments": sorted(
            (a["title"], a["startTime"]) for a in shelves.appointments.values() if a["contactId"] == contact_id
        ),
    }


def quiet(world: World) -> None:
    """Nobody was reached, nothing was out of order."""
    ledger = world.sandbox.ledger
    assert ledger.messages_sent == []
    assert ledger.reached == []
    assert ledger.creates_without_dnd == []
    assert ledger.off_contract == []
    assert ledger.crashes == []
    assert ledger.rate_limited == 0


def test_every_kind_comes_back_equal_and_verified(world: World) -> None:
    world.location.add_workflow("Welcome", trigger="contact_created")
    world.location.add_workflow("Tagged", trigger="tag_added")
    ana = a_whole_life(world)
    capture(world, ana)
    before, whole = belongings(world, ana), dict(world.location.contacts[ana])
    world.lose(ana)
    world.sandbox.ledger.clear()
    row = world.restore(ana)[ana]
    assert (row["outcome"], row["verified"], row["differences"]) == ("recreated", True, [])
    after = belongings(world, row["new_id"])
    assert {key: after[key] for key in ("tasks", "deals", "appointments")} == {
        key: before[key] for key in ("tasks", "deals", "appointments")
    }
    assert "Originally written on 1 May 2025, 10:00 (Europe/Berlin)\n\nLikes tea" in after["notes"]
    assert any("Hello?" in note and "Hi Ana" in note and "1 June 2025, 11:05" in note for note in after["notes"])
    new = world.location.contacts[row["new_id"]]
    for name in ("tags", "followers", "businessId", "assignedTo"):
        assert new[name] == whole[name]
    assert len(world.sandbox.ledger.workflow_starts) == 2
    quiet(world)


def test_a_note_keeps_author_title_colour_and_pin(world: World) -> None:
    ana = lost_life(world)
    row = world.restore(ana)[ana]
    notes = {one["body"].splitlines()[-1]: one for one in world.location.shelves.notes[row["new_id"]].values()}
    sam = next(iter(world.location.shelves.users))
    assert (notes["Likes tea"]["userId"], notes["Likes tea"]["color"]) == (sam, "#FFAA00")
    assert (notes["Prefers mornings"]["title"], notes["Prefers mornings"]["pinned"]) == ("Times", True)


def test_the_predicted_fidelity_is_told_in_numbers_and_is_what_was_measured(world: World) -> None:
    ana = lost_life(world)
    item = world.planned(ana)
    assert item.fidelity is not None
    words = item.fidelity.words
    assert "2 of 2 notes with original dates in their text, 1 of 1 task, 1 of 1 opportunity" in words
    assert "1 of 1 appointment, 2 of 2 messages" in words
    assert {f"{part.name} {part.kept}/{part.of}" for part in item.fidelity.parts} >= {"followers 1/1", "messages 2/2"}
    row = world.restore(ana)[ana]
    assert row["predicted"] == row["measured"] == words


def test_the_plan_knows_the_number_of_requests(world: World) -> None:
    ana = lost_life(world, dndSettings={"SMS": {"status": "active"}})
    world.confirm(ana)
    planned = world.planned(ana).requests
    assert world.run().requests == planned


def test_own_do_not_disturb_comes_after_everything_else_and_tags_after_the_records(world: World) -> None:
    world.location.add_workflow("Tagged", trigger="tag_added")
    ana = lost_life(world)
    world.restore(ana)
    writes = [f"{one.method} {one.path}" for one in world.sandbox.ledger if one.method in ("POST", "PUT")]
    mine = [one for one in writes if "/search" not in one]
    assert mine[0] == "POST /contacts/"
    assert mine[-2].endswith("/tags")
    assert mine[-1].startswith("PUT /contacts/")
    quiet(world)


@pytest.mark.parametrize(("tags", "there"), [("first", ["vip"]), ("none", []), ("last", ["vip"])])
def test_tags_come_first_last_or_not_at_all_as_chosen(world: World, tags: Any, there: list[str]) -> None:
    ana = lost_life(world)
    row = restored(world, ana, Choices(tags=tags))
    assert row["verified"]
    assert world.location.contacts[row["new_id"]]["tags"] == there


def test_a_marker_is_in_the_create_call_itself(world: World) -> None:
    ana = lost_life(world)
    row = restored(world, ana, Choices(marker="restored"))
    create = next(one for one in world.sandbox.ledger if f"{one.method} {one.path}" == "POST /contacts/")
    assert create.body["tags"] == ["restored"]
    assert row["verified"]
    assert set(world.location.contacts[row["new_id"]]["tags"]) == {"restored", "vip"}


def restored(world: World, contact_id: str, choices: Choices) -> dict[str, Any]:
    world.confirm(contact_id, choices=choices)
    world.run()
    return world.receipt()[contact_id]


@pytest.mark.parametrize("where", ["/notes", "/tasks", "POST /opportunities/", "POST /calendars/events/appointments"])
@pytest.mark.parametrize("fault", ["lost_answer", "lost_request", "done_but"])
def test_a_lost_answer_makes_nothing_twice_and_leaves_nothing_out(world: World, where: str, fault: str) -> None:
    ana = a_whole_life(world)
    capture(world, ana)
    before = belongings(world, ana)
    world.lose(ana)
    world.confirm(ana)
    options = {"status": 500} if fault == "done_but" else {}
    prefix = where if where.startswith("POST") else "POST /contacts/"
    first_child = world.location.faults
    if where.startswith("POST"):
        first_child.on(fault, times=1, where=prefix, **options)
    else:
        strike_at(world, where, fault, options)
    for _ in range(4):
        world.run()
        if world.receipt()[ana]["outcome"]:
            break
        world.clock.pass_(minutes=6)
    assert any(one.fault for one in world.sandbox.ledger)
    row = world.receipt()[ana]
    assert (row["outcome"], row["verified"]) == ("recreated", True)
    after = belongings(world, row["new_id"])
    assert {key: after[key] for key in ("tasks", "deals", "appointments")} == {
        key: before[key] for key in ("tasks", "deals", "appointments")
    }
    assert len(after["notes"]) == 3
    quiet(world)


def strike_at(
    world: World, where: str, fault: str, options: dict[str, Any], *, prefix: str = "POST /contacts/"
) -> None:
    """The fault strikes the next write whose path ends so."""
    faults = world.location.faults
    real = faults.pick

    def pick(kinds: dict[str, str], request: str, *, named: bool = False) -> Any:
        path = request.partition("?")[0]
        if path.startswith(prefix) and path.endswith(where):
            faults.pick = real  # type: ignore[method-assign]
            faults.on(fault, times=1, where=path, **options)
        return real(kinds, request, named=named)

    faults.pick = pick  # type: ignore[method-assign]


def carry_through(world: World) -> None:
    """The job is run, and again after each wait, until it is done."""
    for _ in range(30):
        if world.run().state == "done":
            return
        world.clock.pass_(minutes=6)


def test_a_storm_of_lost_answers_and_errors_leaves_everybody_whole_and_nothing_twice(world: World) -> None:
    world.location.add_workflow("Welcome", trigger="contact_created")
    world.location.add_workflow("Tagged", trigger="tag_added")
    ids = [a_whole_life(world, number) for number in range(6)]
    capture(world, *ids)
    before = [belongings(world, one) for one in ids]
    world.lose(*ids)
    world.confirm(*ids)
    world.sandbox.ledger.clear()
    for where in ("POST /contacts/", "POST /opportunities/", "POST /calendars/", "PUT /contacts/"):
        world.location.faults.on("lost_answer", share=0.1, where=where)
        world.location.faults.on("done_but", status=500, share=0.05, where=where)
        world.location.faults.on("status", status=502, share=0.05, where=where)
    carry_through(world)
    if any(row["outcome"] == "failed" or not row["verified"] for row in world.receipt().values()):
        world.location.faults.clear()  # so many errors in a row may end in “failed”: then a person tries again
        retry_job(world.vault, world.job_id, SAM, world.clock.now)
        carry_through(world)
    rows = world.receipt()
    assert [(row["outcome"], row["verified"]) for row in rows.values()] == [("recreated", True)] * len(ids)
    assert len(world.live()) == len(ids)
    after = [belongings(world, rows[one]["new_id"]) for one in ids]
    for name in ("tasks", "deals", "appointments"):
        assert [one[name] for one in after] == [one[name] for one in before]
    assert [len(one["notes"]) for one in after] == [3] * len(ids)
    assert any(one.fault for one in world.sandbox.ledger)
    quiet(world)


def test_two_notes_of_one_text_both_come_back_when_answers_are_lost(world: World) -> None:
    ana = world.add(firstName="Ana", email="ana@example.com")
    same = {"date_added": datetime(2025, 5, 1, tzinfo=UTC)}
    for _ in range(2):
        world.location.add_note(ana, "No answer", **same)
    capture(world, ana)
    world.lose(ana)
    world.confirm(ana)
    strike_at(world, "/notes", "lost_answer", {})
    world.run()
    row = world.receipt()[ana]
    assert row["verified"]
    assert len(world.location.shelves.notes[row["new_id"]]) == 2


def test_vanished_users_and_stages_are_mapped_by_name_or_told(world: World) -> None:
    place = world.location
    sam, kim = place.add_user("Sam Hill"), place.add_user("Kim")
    sales = place.add_pipeline("Sales")
    gone = place.add_pipeline("Old")
    ana = world.add(firstName="Ana", email="ana@example.com", followers=[sam, kim])
    place.add_note(ana, "By Sam", userId=sam)
    place.add_opportunity(ana, "Moved", pipeline_id=sales)
    place.add_opportunity(ana, "Nowhere", pipeline_id=gone)
    capture(world, ana)
    world.lose(ana)
    place.remove_user(sam)
    del place.shelves.pipelines[sales], place.shelves.pipelines[gone]
    new = place.add_pipeline("sales")
    item = world.planned(ana)
    assert "opportunity “Nowhere” (its pipeline no longer exists, and none has its name)" in item.will_be_lost
    assert any("Moved" in line and "now called “Sales”" in line for line in item.will_change)
    row = world.restore(ana)[ana]
    assert row["verified"]
    deals = [one for one in place.shelves.opportunities.values() if one["contactId"] == row["new_id"]]
    assert [(one["name"], one["pipelineId"]) for one in deals] == [("Moved", new)]
    assert place.contacts[row["new_id"]]["followers"] == [kim]
    (note,) = place.shelves.notes[row["new_id"]].values()
    assert note["body"].startswith("Originally written by Sam Hill on ")


def test_followers_of_an_opportunity_come_back_except_those_who_left(world: World) -> None:
    sam, kim = world.location.add_user("Sam"), world.location.add_user("Kim")
    ana = world.add(firstName="Ana", email="ana@example.com")
    world.location.add_opportunity(ana, "Whitening", followers=[sam, kim])
    capture(world, ana)
    world.lose(ana)
    world.location.remove_user(sam)
    told = world.planned(ana).will_be_lost
    assert "1 of 2 followers of opportunity “Whitening” (these users no longer exist)" in told
    row = world.restore(ana)[ana]
    assert row["verified"]
    (deal,) = world.location.shelves.opportunities.values()
    assert deal["followers"] == [kim]


def test_followers_that_highlevel_refuses_are_told_and_the_opportunity_stays(world: World) -> None:
    ana = lost_life(world)
    world.confirm(ana)
    strike_at(world, "/followers", "status", {"status": 422}, prefix="POST /opportunities/")
    world.run()
    row = world.receipt()[ana]
    (told,) = row["differences"]
    assert (told["reason"], list(told["planned"])) == ("HighLevel refused this value.", ["followers"])
    assert len(belongings(world, row["new_id"])["deals"]) == 1


def test_past_appointments_come_back_only_when_asked_for(world: World) -> None:
    ana = world.add(firstName="Ana", email="ana@example.com")
    world.location.add_appointment(ana, world.clock.now() - timedelta(days=30), title="Long ago")
    capture(world, ana)
    world.lose(ana)
    assert "appointment “Long ago” (it is over)" in world.planned(ana).will_be_lost
    row = restored(world, ana, Choices(past_appointments=True))
    assert [title for title, _ in belongings(world, row["new_id"])["appointments"]] == ["Long ago"]
    quiet(world)


def test_what_is_refused_is_left_out_reported_and_the_rest_goes_on(world: World) -> None:
    ana = lost_life(world)
    world.confirm(ana)
    world.location.faults.on("status", status=422, where="POST /opportunities/")
    world.run()
    row = world.receipt()[ana]
    assert (row["outcome"], row["verified"]) == ("recreated", False)
    (told,) = row["differences"]
    assert told["field"].startswith("opportunity.")
    assert told["reason"] == "HighLevel refused this value."
    assert "0 of 1 opportunity" in row["measured"]
    assert len(belongings(world, row["new_id"])["tasks"]) == 1


def test_retrying_takes_up_only_what_failed_and_makes_nothing_twice(world: World) -> None:
    ana, ben = lost_life(world, 1), lost_life(world, 2)
    world.confirm(ana)
    world.location.faults.on("status", status=422, where="POST /contacts/", times=30)
    world.run()
    assert world.receipt()[ana]["outcome"] == "failed"
    assert world.live() == []
    world.location.faults.clear()
    world.job_id = create_job(world.vault, world.plan(ana, ben), SAM, world.clock.now)
    world.location.faults.on("status", status=422, where="POST /opportunities/", times=20)
    world.run()
    done = {row["contact_id"]: row["new_id"] for row in world.receipt().values()}
    world.location.faults.clear()
    assert retry_job(world.vault, world.job_id, SAM, world.clock.now) == 2
    world.run()
    assert {row["contact_id"]: row["new_id"] for row in world.receipt().values()} == done
    assert all(row["verified"] for row in world.receipt().values())
    assert len(world.live()) == 2
    assert [len(belongings(world, one)["deals"]) for one in done.values()] == [1, 1]
    quiet(world)
    assert [len(belongings(world, one)["notes"]) for one in done.values()] == [3, 3]


def test_published_automations_are_named_in_the_plan(world: World) -> None:
    world.location.add_workflow("Welcome series")
    world.location.add_campaign("Spring offer")
    ana = lost_life(world)
    told = " ".join(world.plan(ana).warnings)
    assert "“Welcome series”" in told
    assert "“Spring offer”" in told


# HighLevel's own restore, and the top-up


def native(world: World, *, with_records: bool) -> tuple[str, dict[str, list[Any]]]:
    ana = a_whole_life(world)
    capture(world, ana)
    before = belongings(world, ana)
    world.lose(ana, days=2)
    world.location.native_restore(ana, with_records=with_records)
    world.clock.pass_(hours=1)
    world.returned(ana)
    return ana, before


@pytest.mark.parametrize("synced", [False, True])
def test_a_contact_that_came_back_without_its_records_gets_just_them(world: World, synced: bool) -> None:
    ana, before = native(world, with_records=False)
    if synced:
        capture(world, ana)
    world.location.edit(ana, tags=[], city="Köln")
    world.location.add_workflow("Tagged", trigger="tag_added")
    world.sandbox.ledger.clear()
    own = {key: world.location.contacts[ana].get(key) for key in ("dnd", "city", "email")}
    row = world.restore(ana, path="top_up")[ana]
    assert (row["outcome"], row["verified"], row["differences"]) == ("topped_up", True, [])
    after = belongings(world, ana)
    assert {key: after[key] for key in ("tasks", "deals", "appointments")} == {
        key: before[key] for key in ("tasks", "deals", "appointments")
    }
    assert len(after["notes"]) == 3
    now = world.location.contacts[ana]
    assert {key: now.get(key) for key in own} == own
    assert now["tags"] == ["vip"]
    assert world.sandbox.ledger.workflow_starts
    quiet(world)
    assert world.planned(ana, path="top_up").action == "skip"


def test_a_contact_that_came_back_with_its_records_needs_no_top_up(world: World) -> None:
    ana, before = native(world, with_records=True)
    item = world.planned(ana, path="top_up")
    assert (item.action, item.reason) == ("skip", "Nothing is missing: all that the last copy holds is there.")
    world.restore(ana, path="top_up")
    after = belongings(world, ana)
    assert {key: after[key] for key in ("tasks", "deals", "appointments")} == {
        key: before[key] for key in ("tasks", "deals", "appointments")
    }


@pytest.mark.parametrize("where", ["/notes", "/tasks"])
def test_a_top_up_whose_answer_was_lost_adds_nothing_twice(world: World, where: str) -> None:
    ana, _ = native(world, with_records=False)
    world.confirm(ana, path="top_up")
    strike_at(world, where, "lost_answer", {})
    world.run()
    assert world.receipt()[ana]["verified"]
    assert [len(belongings(world, ana)[name]) for name in ("notes", "tasks")] == [3, 1]


def test_a_conflict_can_be_filled_without_overwriting_anything(world: World) -> None:
    ana = lost_life(world, city="Köln", companyName="Kite")
    other = world.add(firstName="Anna", email="ana1@example.com", tags=["new"])
    world.location.add_note(other, "Her own")
    row = restored(world, ana, Choices(on_conflict="fill"))
    assert (row["outcome"], row["new_id"], row["verified"]) == ("topped_up", other, True)
    now = world.location.contacts[other]
    assert (now["firstName"], now["city"], set(now["tags"])) == ("Anna", "Köln", {"new", "vip"})
    assert len(world.location.shelves.notes[other]) == 4
    assert len(world.live()) == 1
    quiet(world)


def test_a_conflict_shows_both_side_by_side(world: World) -> None:
    ana = lost_life(world, city="Köln")
    world.add(firstName="Anna", email="ana1@example.com")
    item = world.planned(ana)
    assert item.action == "skip"
    assert {("firstName", "Ana", "Anna"), ("city", "Köln", "")} <= set(item.compared)


@pytest.mark.parametrize("allowed", [False, True])
def test_creating_beside_a_conflict_needs_an_account_that_allows_it(world: World, allowed: bool) -> None:
    ana = lost_life(world)
    world.add(firstName="Anna", email="ana1@example.com")
    world.allow_duplicates(allowed)
    item = world.plan(ana, choices=Choices(on_conflict="create")).items[0]
    assert item.action == ("recreate" if allowed else "skip")
    restored(world, ana, Choices(on_conflict="create"))
    assert len(world.live()) == 1 + allowed


def test_records_of_before_the_deletion_outlive_a_sync_that_finds_them_missing(world: World) -> None:
    ana, _ = native(world, with_records=False)
    capture(world, ana)
    with world.vault.read() as tx:
        assert all(one.vanished_at for one in records.of_contact(tx, LOCATION, ana, ["note"]))
    kinds = [child.kind for child in world.planned(ana, path="top_up").children]
    assert kinds == ["note", "note", "task", "opportunity", "appointment", "transcript"]
