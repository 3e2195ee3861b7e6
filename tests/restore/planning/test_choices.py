"""What the user chooses about single fields, removed stages and single conflicts is in the plan and carried out."""

from __future__ import annotations

from typing import Any

from hlcore.restore.plan import FieldLine, PlanChoices, PlanItem
from hlcore.restore.receipt import to_csv
from hlcore.store.restores import jobs as restore_jobs
from hlcore.ui.restore.receipt_page import render_receipt
from tests.restore.conftest import LOCATION, World
from tests.support.contacts_with_records import capture, lost_contact_with_records, records_of, restore_with


def lines(item: PlanItem) -> dict[str, FieldLine]:
    return {one.field: one for one in item.lines}


def planned(world: World, contact_id: str, **choices: Any) -> PlanItem:
    return world.plan(contact_id, choices=PlanChoices(**choices)).items[0]


def test_fields_and_kinds_of_records_that_are_left_out_are_not_written_and_no_difference(world: World) -> None:
    ana = lost_contact_with_records(world, city="Köln", companyName="Kite")
    row = restore_with(world, ana, PlanChoices(leave_out=("city", "task", "followers", "message")))
    assert (row["outcome"], row["verified"], row["differences"]) == ("recreated", True, [])
    new = world.location.contacts[row["new_id"]]
    assert (new.get("city"), new["companyName"], new.get("followers") or []) == (None, "Kite", [])
    after = records_of(world, row["new_id"])
    assert (after["tasks"], len(after["deals"]), len(after["notes"])) == ([], 1, 2)


def test_the_fidelity_counts_only_what_was_wanted_and_names_what_was_not(world: World) -> None:
    ana = lost_contact_with_records(world, city="Köln")
    item = planned(world, ana, leave_out=("city", "task"))
    whole = world.planned(ana).fidelity
    assert item.fidelity is not None
    assert whole is not None
    assert item.fidelity.text.endswith("; left out, as you asked: city, 1 task")
    assert item.fidelity.parts[0].of == whole.parts[0].of - 1
    assert "tasks" not in {part.name for part in item.fidelity.parts}
    row = restore_with(world, ana, PlanChoices(leave_out=("city", "task")))
    assert row["predicted"] == row["measured"] == item.fidelity.text


def test_a_field_can_be_left_out_for_one_person_only(world: World) -> None:
    ana = world.lost(firstName="Ana", email="ana@example.com", city="Köln")
    ben = world.lost(firstName="Ben", email="ben@example.com", city="Bonn")
    world.confirm(ana, ben, choices=PlanChoices(leave_out_of={ana: ("city",)}))
    world.run()
    cities = {one["firstName"]: one.get("city") for one in world.live()}
    assert cities == {"Ana": None, "Ben": "Bonn"}


def test_the_job_keeps_what_was_chosen(world: World) -> None:
    ana = world.lost(firstName="Ana", city="Köln")
    job_id = world.confirm(ana, choices=PlanChoices(leave_out=("city",), places={"a/b": ""}))
    with world.vault.read() as tx:
        kept = restore_jobs.get_job(tx, job_id).options["choices"]
    assert (list(kept["leave_out"]), kept["places"]) == (["city"], {"a/b": ""})


def test_do_not_disturb_cannot_be_left_out(world: World) -> None:
    ana = world.lost(firstName="Ana", dndSettings={"SMS": {"status": "active"}})
    item = planned(world, ana, leave_out=("dnd", "dndSettings"))
    assert item == world.planned(ana)


def test_each_line_says_copy_living_written_and_why_not(world: World) -> None:
    field = world.location.add_custom_field("Budget")
    ana = world.lost(
        firstName="Ana",
        email="ana@example.com",
        city="Köln",
        country="Atlantis",
        additionalEmails=[{"email": "a2@example.com"}],
        customFields=[{"id": field, "value": "7"}],
    )
    found = lines(planned(world, ana, leave_out=("city",)))
    assert (found["firstName"].copy, found["firstName"].written, found["firstName"].leave) == (
        "Ana",
        "Ana",
        "firstName",
    )
    assert (found["city"].copy, found["city"].written, found["city"].why) == ("Köln", None, "left out, as you asked")
    assert found["country"].why == "“Atlantis” is no two-letter code"
    assert found["additionalEmails"].why == "HighLevel does not let it be written"
    budget = found[f"customFields.{field}"]
    assert (budget.label, budget.copy, budget.written) == ("Budget", "7", "7")
    assert found["dndSettings"].leave == ""


def test_every_record_has_its_line(world: World) -> None:
    ana = lost_contact_with_records(world)
    found = [one for one in planned(world, ana).lines if "." in one.field or one.field == "followers"]
    kinds = sorted(one.field.partition(".")[0] for one in found)
    assert kinds == ["appointment", "business", "followers", "note", "note", "opportunity", "task", "transcript"]
    assert all(one.written for one in found)
    assert {one.leave for one in found} >= {"message", "businessId", "followers"}
    left = planned(world, ana, leave_out=("note",))
    assert [one.why for one in left.lines if one.field.startswith("note.")] == ["left out, as you asked"] * 2


def test_a_top_up_shows_what_the_living_contact_keeps(world: World) -> None:
    ana = lost_contact_with_records(world, city="Köln")
    world.add(firstName="Anna", email="ana1@example.com")
    found = lines(planned(world, ana, on_conflict="fill"))
    name, city = found["firstName"], found["city"]
    assert (name.copy, name.living, name.written) == ("Ana", "Anna", None)
    assert name.why == "the living contact has a value, which stays"
    assert (city.living, city.written) == (None, "Köln")


def test_one_conflict_can_be_decided_otherwise_than_the_rest(world: World) -> None:
    ana = world.lost(firstName="Ana", email="ana@example.com", city="Köln")
    ben = world.lost(firstName="Ben", email="ben@example.com", city="Bonn")
    world.add(firstName="Anna", email="ana@example.com")
    world.add(firstName="Benno", email="ben@example.com")
    items = world.plan(ana, ben, choices=PlanChoices(on_conflict_of={ben: "fill"})).items
    assert [item.action for item in items] == ["skip", "top_up"]
    assert lines(items[0])["city"].why == items[0].reason


def without_pipeline(world: World) -> tuple[str, str, str]:
    """Somebody whose opportunity stood in a pipeline that is gone: (id, "pipeline/stage" then, and one of today)."""
    place = world.location
    gone = place.add_pipeline("Old")
    here = place.add_pipeline("Sales")
    ana = world.add(firstName="Ana", email="ana@example.com")
    place.add_opportunity(ana, "Roof", pipeline_id=gone)
    capture(world, ana)
    world.lose(ana)
    then = f"{gone}/{place.related.pipelines[gone]['stages'][0]['id']}"
    today = f"{here}/{place.related.pipelines[here]['stages'][1]['id']}"
    del place.related.pipelines[gone]
    return ana, then, today


def test_a_vanished_stage_is_asked_with_every_stage_to_choose_from(world: World) -> None:
    ana, then, today = without_pipeline(world)
    plan = world.plan(ana)
    (asked,) = plan.questions
    assert (asked.key, asked.pipeline, asked.opportunities, asked.answer) == (then, "Old", 1, None)
    assert today in {one.key for one in plan.places}
    assert any(one.label.startswith("Sales → ") for one in plan.places)
    assert plan.to_json()["questions"][0]["key"] == then


def test_the_opportunity_goes_where_the_person_said_and_the_receipt_names_it(world: World) -> None:
    ana, then, today = without_pipeline(world)
    choices = PlanChoices(places={then: today})
    (asked,) = world.plan(ana, choices=choices).questions
    assert asked.answer == today
    row = restore_with(world, ana, choices)
    assert row["verified"]
    (deal,) = world.location.related.opportunities.values()
    deals = [one for one in world.location.related.opportunities.values() if one["contactId"] == row["new_id"]]
    assert [f"{one['pipelineId']}/{one['pipelineStageId']}" for one in deals or [deal]] == [today]
    assert any("opportunity “Roof”: goes into “Sales”" in line for line in row["changed"])
    assert "as you chose" in "".join(to_csv(world.vault, world.job_id))
    with world.vault.read() as tx:
        job = restore_jobs.get_job(tx, world.job_id)
    assert "as you chose" in render_receipt(
        world.vault, [(job, "Bluebird Dental", "UTC")], title="Receipt", outcome_labels={}
    )


def test_an_opportunity_may_be_left_out_instead_and_is_not_lost_then(world: World) -> None:
    ana, then, _ = without_pipeline(world)
    item = planned(world, ana, places={then: ""})
    assert not any("Roof" in one for one in item.will_be_lost)
    assert item.left_out == ("1 opportunity",)
    row = restore_with(world, ana, PlanChoices(places={then: ""}))
    assert (row["verified"], row["left_out"]) == (True, ["1 opportunity"])


def test_without_an_answer_it_is_lost_and_said_so(world: World) -> None:
    ana, _, _ = without_pipeline(world)
    assert any("Roof" in one for one in world.planned(ana).will_be_lost)


def test_whoever_leaves_opportunities_out_is_not_asked_where_they_go(world: World) -> None:
    ana, _, _ = without_pipeline(world)
    assert world.plan(ana, choices=PlanChoices(leave_out=("opportunity",))).questions == ()


def test_nobody_else_is_asked(world: World) -> None:
    plan = world.plan(lost_contact_with_records(world))
    assert (plan.questions, plan.places, plan.location_id) == ((), (), LOCATION)
