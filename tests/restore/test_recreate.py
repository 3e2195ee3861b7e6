"""Lost contacts come back: right, quiet, once, and proven. The other side is the sandbox, over real HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from hlcore.errors import NotAllowed, RunInProgress, TokenRefused, Unreachable
from hlcore.governance.roles import Person, Role
from hlcore.restore.execute import cancel_job, confirm_job, create_job, pause_job, run_job
from hlcore.restore.receipt import COLUMNS, to_csv, to_json
from hlcore.store import audit, contacts, locations, register, restores
from tests.restore.conftest import LOCATION, SAM, World

OPTED_OUT = {"SMS": {"status": "active", "message": "STOP"}, "Email": {"status": "inactive"}}


def the_new(world: World, contact_id: str) -> dict[str, Any]:
    """The contact that HighLevel holds under the new id of this lost one."""
    return dict(world.location.contacts[world.receipt()[contact_id]["new_id"]])


def test_a_whole_contact_comes_back_equal_and_verified(world: World) -> None:
    budget = world.location.add_custom_field("Budget", data_type="NUMERICAL")
    start = world.location.add_custom_field("Start", data_type="DATE")
    sam = world.location.add_user("Sam")
    before = {
        **{"firstName": "Mary-Jane", "lastName": "O'Dell", "email": "mj@example.com", "phone": "+4915123456789"},
        **{"companyName": "Café Zwölf", "address1": "12 Wren Lane\nRear", "city": "Köln", "state": "NW"},
        **{"postalCode": "01067", "country": "DE", "website": "https://www.example.com/?a=1&b=2", "gender": "female"},
        **{"timezone": "Europe/Berlin", "source": "walk-in", "dateOfBirth": "1990-09-25", "assignedTo": sam},
        "tags": ["vip", "kunde 🎉"],
        "customFields": [{"id": budget, "value": 1200}, {"id": start, "value": "2026-05-01"}],
    }
    mj = world.add(**before)
    world.copy(details=True)
    world.lose(mj)
    row = world.restore(mj)[mj]
    assert (row["outcome"], row["verified"], row["differences"]) == ("recreated", True, [])
    after = the_new(world, mj)
    assert {key: after[key] for key in before} == before
    assert row["new_id"] != mj


@pytest.mark.parametrize(
    "person",
    [
        pytest.param({"firstName": "محمد", "lastName": "الحسن", "email": "m@example.com"}, id="right-to-left"),
        pytest.param({"firstName": "Zoë", "lastName": "Smith 🦊👩‍👩‍👧", "phone": "+14155550123"}, id="emoji"),
        pytest.param({"firstName": "=Sum(A1)", "lastName": '"quoted"\t,;'}, id="formula"),
        pytest.param({"email": "only@example.com"}, id="only-email"),
        pytest.param({"phone": "+14155550123"}, id="only-phone"),
        pytest.param({"firstName": "Cher"}, id="only-first-name"),
    ],
)
def test_people_of_every_kind_come_back_verified(world: World, person: dict[str, Any]) -> None:
    somebody = world.lost(**person)
    row = world.restore(somebody)[somebody]
    assert (row["outcome"], row["verified"], row["error"]) == ("recreated", True, "")
    assert person.items() <= the_new(world, somebody).items()


def test_nobody_can_be_messaged_while_workflows_start(world: World) -> None:
    world.location.add_workflow("Welcome", trigger="contact_created")
    emails = [f"p{number}@example.com" for number in range(3)]
    world.restore(*(world.lost(firstName="P", email=email, dndSettings=OPTED_OUT) for email in emails))
    assert len(world.sandbox.ledger.workflow_starts) == 3
    assert world.sandbox.ledger.reached == []
    assert world.sandbox.ledger.creates_without_dnd == []


def test_the_own_settings_are_back_and_a_closed_channel_was_never_open(world: World) -> None:
    ana = world.lost(firstName="Ana", email="ana@example.com", phone="+14155550123", dndSettings=OPTED_OUT)
    world.restore(ana)
    after = the_new(world, ana)
    assert after["dnd"] is False
    assert {key: one["status"] for key, one in after["dndSettings"].items()} == {
        **dict.fromkeys(("Call", "Email", "WhatsApp", "GMB", "FB"), "inactive"),
        "SMS": "active",
    }
    bodies = [entry.body for entry in world.sandbox.ledger if entry.body and "dnd" in entry.body]
    assert [body["dndSettings"]["SMS"]["status"] for body in bodies] == ["active", "active"]


def test_settings_that_the_copy_does_not_tell_stay_closed(world: World) -> None:
    world.location.rows.dnd_settings = False
    ana = world.lost(firstName="Ana", email="ana@example.com")
    assert world.restore(ana)[ana]["verified"]
    assert the_new(world, ana)["dnd"] is True


def test_a_captured_detail_tells_what_the_listing_left_out(world: World) -> None:
    world.location.rows.dnd_settings = False
    world.location.rows.lowered_first_name = True
    ana = world.add(firstName="AnnaMaria", email="ana@example.com", gender="female", dndSettings=OPTED_OUT)
    world.copy(details=True)
    world.lose(ana)
    assert world.restore(ana)[ana]["verified"]
    after = the_new(world, ana)
    assert (after["firstName"], after["gender"], after["dnd"]) == ("AnnaMaria", "female", False)


def test_a_vanished_owner_and_field_are_left_out_as_planned(world: World) -> None:
    sam, budget = world.location.add_user("Sam"), world.location.add_custom_field("Budget")
    ana = world.lost(firstName="Ana", assignedTo=sam, customFields=[{"id": budget, "value": "1"}])
    world.location.remove_user(sam)
    world.location.remove_custom_field(budget)
    item = world.planned(ana)
    assert {"owner (this user no longer exists)", "custom field Budget (the field was deleted in HighLevel)"} <= set(
        item.will_be_lost
    )
    assert world.restore(ana)[ana]["verified"]
    assert "assignedTo" not in the_new(world, ana)


def test_a_refused_phone_is_left_out_reported_and_the_rest_restored(world: World) -> None:
    ana = world.lost(firstName="Ana", email="ana@example.com", phone="ask at desk 12", city="Köln")
    row = world.restore(ana)[ana]
    assert (row["outcome"], row["verified"]) == ("recreated", False)
    assert [(one["field"], one["planned"], one["reason"]) for one in row["differences"]] == [
        ("phone", "ask at desk 12", "HighLevel refused this value.")
    ]
    assert the_new(world, ana)["city"] == "Köln"
    assert len(world.live()) == 1


def test_a_refusal_that_names_nothing_costs_nothing_that_can_be_written_afterwards(world: World) -> None:
    budget = world.location.add_custom_field("Budget")
    fields = [{"id": budget, "value": "1200"}]
    ana = world.lost(firstName="Ana", email="ana@example.com", customFields=fields, country="DE")
    world.confirm(ana)
    world.location.faults.on("status", status=422, where="POST /contacts/", times=2)
    world.run()
    assert world.receipt()[ana]["verified"]
    assert (the_new(world, ana)["customFields"], the_new(world, ana)["country"]) == (fields, "DE")


def test_settings_that_highlevel_refuses_leave_the_channels_closed_and_are_reported(world: World) -> None:
    ana = world.lost(firstName="Ana", email="ana@example.com", dndSettings=OPTED_OUT)
    world.confirm(ana)
    world.location.faults.on("status", status=422, where="PUT /contacts/")
    world.run()
    row = world.receipt()[ana]
    assert (row["outcome"], row["verified"]) == ("recreated", False)
    assert {one["field"].partition(".")[0] for one in row["differences"]} == {"dnd", "dndSettings"}
    assert {one["reason"] for one in row["differences"]} == {"HighLevel refused this value."}
    assert the_new(world, ana)["dnd"] is True


def test_a_contact_refused_whatever_is_left_out_failed_and_nothing_is_made(world: World) -> None:
    ana = world.lost(firstName="Ana", email="ana@example.com")
    world.confirm(ana)
    world.location.faults.on("status", status=422, where="POST /contacts/")
    world.run()
    assert (world.receipt()[ana]["outcome"], world.live()) == ("failed", [])


def test_a_highlevel_that_keeps_failing_is_asked_less_and_less_often(world: World) -> None:
    ana = world.lost(firstName="Ana", email="ana@example.com")
    world.confirm(ana)
    world.location.faults.on("lost_request", where="POST /contacts/")
    waits = []
    while (result := world.run()).pending:
        assert result.resume_at is not None
        waits.append((result.resume_at - world.clock.now()).total_seconds())
        world.clock.at = result.resume_at
    assert waits[:3] == [30, 60, 120]
    assert (world.receipt()[ana]["outcome"], world.live()) == ("failed", [])


def test_a_living_duplicate_that_came_since_the_plan_is_not_touched(world: World) -> None:
    ana = world.lost(firstName="Ana", email="ana@example.com", city="Köln")
    world.confirm(ana)
    ben = world.add(firstName="Ben", email="ana@example.com")
    untouched = dict(world.location.contacts[ben])
    world.run()
    row = world.receipt()[ana]
    assert row["outcome"] == "skipped"
    assert ben in row["error"]
    assert (len(world.live()), world.location.contacts[ben]) == (1, untouched)


def test_a_duplicate_that_only_the_create_call_meets_is_not_touched(world: World) -> None:
    ana = world.lost(firstName="Ana", email="ana@example.com")
    world.confirm(ana)
    world.location.faults.on("status", status=422, where="GET /contacts/search/duplicate")
    world.add(firstName="Ben", email="ana@example.com")
    world.run()
    assert (world.receipt()[ana]["outcome"], len(world.live())) == ("skipped", 1)


def test_a_contact_that_somebody_else_brought_back_meanwhile_is_left_alone(world: World) -> None:
    ana = world.lost(firstName="Ana")
    world.confirm(ana)
    world.location.native_restore(ana)
    world.run()
    assert (world.receipt()[ana]["outcome"], len(world.live())) == ("skipped", 1)


def test_one_deleted_again_while_it_is_made_failed_and_can_be_made_again(world: World) -> None:
    ana = world.lost(firstName="Ana")
    world.confirm(ana)
    world.location.faults.on("gone", where="GET /contacts/")
    world.run()
    world.location.delete(*world.location.records)
    world.clock.pass_(minutes=6)
    world.run()
    assert world.receipt()[ana]["outcome"] == "failed"
    world.location.faults.clear()
    assert world.restore(ana)[ana]["verified"]


def test_one_erased_since_the_plan_is_not_made(world: World) -> None:
    ana = world.lost(firstName="Ana")
    world.confirm(ana)
    with world.vault.write() as tx:
        register.erased(tx, LOCATION, ana, at=world.clock.now())
    world.run()
    assert world.receipt()[ana]["outcome"] == "skipped"
    assert world.live() == []


PEOPLE = [
    pytest.param({"firstName": "Ana", "email": "ana@example.com"}, id="with-email"),
    pytest.param({"firstName": "Ana", "phone": "+14155550123"}, id="with-phone"),
    pytest.param({"firstName": "Ana"}, id="with-neither"),
]
ENDS = [
    pytest.param("done_but", {"status": 500}, id="500"),
    pytest.param("done_but", {"status": 422}, id="422"),
    pytest.param("lost_answer", {}, id="nothing"),
    pytest.param("truncated", {}, id="half-an-answer"),
    pytest.param("html", {}, id="a-web-page"),
]


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize(("fault", "options"), ENDS)
def test_a_contact_made_in_spite_of_its_answer_is_found_and_not_made_twice(
    world: World, person: dict[str, Any], fault: str, options: dict[str, Any]
) -> None:
    ana = world.lost(**person)
    world.confirm(ana)
    world.location.faults.on(fault, where="POST /contacts/", times=1, **options)
    world.run()
    assert len(world.live()) == 1
    assert world.receipt()[ana]["verified"]


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize(("fault", "options"), [("status", {"status": 500}), ("lost_request", {})], ids=["500", "cut"])
def test_a_contact_not_made_is_made_at_the_next_try(
    world: World, person: dict[str, Any], fault: str, options: dict[str, Any]
) -> None:
    ana = world.lost(**person)
    world.confirm(ana)
    world.location.faults.on(fault, where="POST /contacts/", times=1, **options)
    result = world.run()
    if result.pending:
        world.clock.pass_(minutes=6)
        result = world.run()
    assert (result.state, len(world.live())) == ("done", 1)
    assert world.receipt()[ana]["verified"]


def test_one_with_neither_address_waits_for_the_lagging_search_instead_of_being_made_twice(world: World) -> None:
    ana = world.lost(firstName="Ana")
    world.confirm(ana)
    world.location.faults.lag = 240
    world.location.faults.on("lost_answer", where="POST /contacts/", times=1)
    first = world.run()
    assert (first.pending, first.state) == (1, "confirmed")
    assert first.resume_at is not None
    with world.vault.read() as tx:
        lines = audit.count(tx)
    assert world.run().pending == 1
    with world.vault.read() as tx:
        assert audit.count(tx) == lines, "an early try does nothing, and says nothing"
    world.clock.at = first.resume_at
    assert world.run().state == "done"
    assert len(world.live()) == 1
    assert world.receipt()[ana]["verified"]


def test_namesakes_with_neither_address_are_all_made_once_when_answers_are_lost(world: World) -> None:
    ids = [world.lost(firstName="Ana") for _ in range(6)]
    world.confirm(*ids)
    world.location.faults.on("lost_answer", where="POST /contacts/", share=0.5)
    result = world.run()
    while result.pending:
        assert result.resume_at is not None
        world.clock.at = result.resume_at
        world.location.faults.clear()
        result = world.run()
    made = {row["new_id"] for row in world.receipt().values()}
    assert (len(world.live()), len(made)) == (6, 6)


def test_an_older_namesake_with_the_same_phone_is_never_taken_for_ours(world: World) -> None:
    ana = world.lost(firstName="Ana", phone="+14155550123")
    world.confirm(ana)
    world.location.faults.on("lost_request", where="POST /contacts/", times=1)
    world.run()
    other = world.add(firstName="Ana", phone="+14155550123")
    world.clock.pass_(minutes=6)
    world.run()
    row = world.receipt()[ana]
    assert (row["outcome"], row["new_id"]) == ("skipped", "")
    assert other in row["error"]


def test_a_failing_highlevel_ends_the_try_and_the_next_one_goes_on(world: World) -> None:
    ana = world.lost(firstName="Ana", email="ana@example.com")
    world.confirm(ana)
    world.location.faults.on("status", status=503)
    with pytest.raises(Unreachable):
        world.run()
    world.location.faults.clear()
    assert world.run().state == "done"
    assert world.receipt()[ana]["verified"]


def test_another_job_goes_on_where_an_interrupted_one_left_off(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(*_: object) -> None:
        raise Unreachable("cut off while looking what became of it")

    ana = world.lost(firstName="Ana", email="ana@example.com")
    world.confirm(ana)
    world.location.faults.on("lost_answer", where="POST /contacts/", times=1)
    monkeypatch.setattr("hlcore.restore.recreate.settle", cut)
    with pytest.raises(Unreachable):
        world.run()
    monkeypatch.undo()
    assert len(world.live()) == 1
    assert "interrupted" in world.planned(ana).reason
    row = world.restore(ana)[ana]
    assert (row["outcome"], row["verified"], len(world.live())) == ("recreated", True, 1)


def test_a_refused_token_stops_the_job_before_anything_is_made(world: World) -> None:
    ana = world.lost(firstName="Ana")
    world.confirm(ana)
    world.location.faults.on("token_revoked")
    with pytest.raises(TokenRefused):
        world.run()
    world.location.faults.clear()
    assert (world.receipt()[ana]["outcome"], world.live()) == ("", [])


def test_the_new_contact_is_in_the_vault_at_once_and_the_old_one_points_to_it(world: World) -> None:
    ana = world.lost(firstName="Ana", email="ana@example.com")
    new_id = world.restore(ana)[ana]["new_id"]
    assert (world.status(ana), world.status(new_id)) == ("recreated", "present")
    with world.vault.read() as tx:
        assert register.of_contact(tx, LOCATION, ana)[-1].new_contact_id == new_id
        assert contacts.any_dnd_settings(tx, LOCATION) is False
        assert restores.id_map(tx, LOCATION) == {ana: new_id}
    assert world.planned(ana).reason == f"It already lives on as {new_id}."


def test_a_job_that_is_done_is_done(world: World) -> None:
    ana = world.lost(firstName="Ana")
    world.restore(ana)
    world.sandbox.ledger.clear()
    assert world.run().state == "done"
    assert len(world.sandbox.ledger) == 0


def test_two_jobs_for_one_contact_make_it_once(world: World) -> None:
    ana = world.lost(firstName="Ana")
    first, second = world.confirm(ana), world.confirm(ana)
    for job_id in (first, second):
        world.job_id = job_id
        world.run()
    assert len(world.live()) == 1
    assert "already lives on" in world.receipt()[ana]["error"]


def test_a_paused_job_rests_until_it_is_confirmed_again(world: World) -> None:
    ana = world.lost(firstName="Ana")
    job_id = world.confirm(ana)
    assert pause_job(world.vault, job_id, SAM, world.clock.now)
    assert (world.run().state, world.live()) == ("paused", [])
    assert confirm_job(world.vault, job_id, SAM, world.clock.now)
    assert world.run().state == "done"


def test_a_job_cancelled_while_it_runs_stops_and_keeps_what_is_done(world: World) -> None:
    ids = [world.lost(firstName=f"P{number}") for number in range(30)]
    job_id = world.confirm(*ids)
    result = world.run(listener=lambda _: cancel_job(world.vault, job_id, SAM, world.clock.now))
    assert result.state == "cancelled"
    assert 0 < len(world.live()) < 30
    assert len(world.live()) == result.outcomes["recreated"]


def test_a_draft_is_not_run(world: World) -> None:
    plan = world.plan(world.lost(firstName="Ana"))
    world.job_id = create_job(world.vault, plan, SAM, world.clock.now, confirmed=False)
    assert (world.run().state, world.live()) == ("draft", [])


def test_one_restore_at_a_time_works_on_a_location(world: World) -> None:
    first, second = world.confirm(world.lost(firstName="Ana")), world.confirm(world.lost(firstName="Ben"))
    refused: list[bool] = []

    def start_the_other(_: object) -> None:
        with pytest.raises(RunInProgress):
            run_job(world.vault, world.client, second, now=world.clock.now, person=SAM)
        refused.append(True)

    world.job_id = first
    world.run(listener=start_the_other)
    assert refused


def test_a_viewer_may_neither_ask_for_a_restore_nor_run_one(world: World) -> None:
    ana = world.lost(firstName="Ana")
    mara = Person("mara@example.com", "Mara", Role.VIEWER, "oidc")
    with pytest.raises(NotAllowed):
        create_job(world.vault, world.plan(ana), mara, world.clock.now)
    job_id = world.confirm(ana)
    with pytest.raises(NotAllowed):
        run_job(world.vault, world.client, job_id, now=world.clock.now, person=mara)
    assert world.live() == []


def test_every_restore_is_in_the_audit_log_without_personal_data(world: World) -> None:
    ana = world.lost(firstName="Ana", email="ana@example.com")
    world.restore(ana)
    with world.vault.read() as tx:
        lines = audit.listing(tx, limit=10)
    assert {(line.actor, line.act, line.subject) for line in lines} == {(SAM.email, "restore", f"job {world.job_id}")}
    assert "ana@" not in repr([line.detail for line in lines])


def test_the_receipt_can_be_downloaded_safely(world: World) -> None:
    ana = world.lost(firstName="=1+1", email="ana@example.com", phone="ask at desk")
    world.restore(ana)
    lines = "".join(to_csv(world.vault, world.job_id)).splitlines()
    assert lines[0] == ",".join(COLUMNS)
    assert "'=1+1" in lines[1]
    assert "phone: planned “ask at desk”, found nothing" in lines[1]


def test_its_json_has_the_keys_of_the_command_line(world: World) -> None:
    ana = world.lost(firstName="Ana")
    world.restore(ana)
    keys = {"contact_id", "outcome", "new_id", "verified", "differences", "error", "predicted", "measured"}
    keys |= {"changed", "left_out"}
    assert [item.keys() for item in to_json(world.vault, world.job_id)["items"]] == [keys]


def test_a_location_that_allows_duplicates_gets_none_from_us(world: World) -> None:
    world.location.allow_duplicates = True
    with world.vault.write() as tx:
        raw = world.client.location()
        at = world.clock.now()
        locations.connect(tx, LOCATION, name="x", timezone="UTC", company_id="", token=b"", at=at, raw=raw)
    ana = world.lost(firstName="Ana", email="ana@example.com")
    world.confirm(ana)
    world.location.faults.on("done_but", status=500, where="POST /contacts/", times=1)
    world.run()
    assert len(world.live()) == 1
    assert world.receipt()[ana]["verified"]
