"""What belongs to the contacts, as stories: everything is held as HighLevel holds it, also after edits and faults."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import pytest

from hlcore.errors import Cancelled, Gone, RunInProgress
from hlcore.highlevel import Limiter
from hlcore.metrics.contact_record import contact_record
from hlcore.store import Vault, records
from hlcore.store.capture import state as capture_state
from hlcore.sync.capture import feeds
from hlcore.sync.capture.budget import CaptureBudget
from hlcore.sync.capture.contact_records import capture_kind
from hlcore.sync.capture.reference_lists import SOURCES
from hlcore.sync.capture.run import CaptureReport, capture
from hlcore.sync.run_context import never
from tests.benchmarks import capture_whole
from tests.support.vault_comparison import EVERY_KIND, Item, Told
from tests.sync.conftest import LOCATION, World, a_world

PEOPLE = 24


@pytest.fixture
def people() -> int:
    return PEOPLE


@pytest.fixture
def told(vault: Vault, people: int) -> Iterator[Told]:
    """People with notes, tasks, deals, appointments, texts and e-mails, synced but not captured."""
    with a_world(vault, people=people) as world:
        yield _told(world)


def _told(world: World) -> Told:
    place = world.location
    user, business = place.add_user("Mara"), place.add_business("Nine Oaks")
    place.add_calendar("Viewings")
    place.add_pipeline("Sales")
    place.add_lost_reason("Too dear")
    for add in (place.add_tag, place.add_custom_field, place.add_campaign, place.add_workflow):
        add("One")
    place.add_custom_value("Phone of the office", "+1 555")
    for at, contact_id in enumerate(place.contacts):
        world.clock.pass_(seconds=20)
        for number in range(at % 3):
            place.add_note(contact_id, f"Note {number} “ø” of {at}")
        if at % 4 == 0:
            place.add_task(contact_id, f"Call {at}", body="about the flat", assignedTo=user)
        if at % 3 == 0:
            place.add_opportunity(contact_id, f"Deal {at}", monetaryValue=at)
        if at % 7 == 0:
            place.add_appointment(contact_id, world.clock.now() + timedelta(days=at % 50))
            place.edit(contact_id, followers=[user], businessId=business)
        if at % 5 == 0:
            place.add_message(contact_id, f"Hello {at}")
            place.add_message(contact_id, f"<p>Dear {at}</p>", kind="EMAIL", subject="Offer")
    world.sync()
    return Told(world, list(place.contacts))


def test_everything_that_belongs_to_everybody_is_held_as_highlevel_holds_it(told: Told) -> None:
    report = told.capture()
    told.check()
    assert report.complete
    assert report.coverage == dict.fromkeys(EVERY_KIND, 1.0)
    assert not report.notes


def test_each_catalogue_is_held_as_highlevel_sends_it(told: Told) -> None:
    sent = {kind: set(ask(told.world.client)) for kind, ask in SOURCES.items()}
    told.capture()
    with told.world.vault.read() as tx:
        assert {kind: {row.raw for row in records.catalogue(tx, LOCATION, kind)} for kind in SOURCES} == sent
    assert all(sent.values())


def test_after_edits_and_deletions_of_records_it_is_so_again(told: Told) -> None:
    told.capture()
    before = told.held("note")
    _live(told)
    report = told.capture()
    told.check()
    assert report.complete
    assert not report.notes  # that somebody deleted a task is nobody's trouble
    gone = set(told.held("note", alive=False)) - set(told.held("note"))
    assert gone == set(before) - set(told.theirs("note"))


def _live(told: Told) -> None:
    """Of every kind one record is edited, one deleted and one added."""
    place = told.world.location
    told.world.clock.pass_(minutes=30)
    for shelf in (place.shelves.notes, place.shelves.tasks):
        first, second = [contact_id for contact_id, items in shelf.items() if items][:2]
        next(iter(shelf[first].values()))["body"] = "edited"
        shelf[second].pop(next(iter(shelf[second])))
    for flat, change in (
        (place.shelves.opportunities, {"status": "won"}),
        (place.shelves.appointments, {"title": "Moved"}),
        (place.shelves.messages, {"status": "read", "dateUpdated": place.stamp()}),
    ):
        first, second = list(flat)[:2]
        flat[first] |= change
        del flat[second]
    someone = told.ids[1]
    place.add_note(someone, "new")
    place.add_task(someone, "new")
    place.add_opportunity(someone, "new")
    place.add_appointment(someone, told.world.clock.now())
    place.add_message(someone, "new")
    place.edit(someone, followers=[])


def test_random_lives_are_held_before_and_after_random_edits_and_deletions(vault: Vault) -> None:
    assert capture_whole.story(vault, people=25, seed=11).wrong == []


def test_a_sitting_stands_among_the_runs_with_its_numbers(told: Told) -> None:
    report = told.capture()
    run = next(run for run in told.world.runs() if run.kind == "capture")
    assert (run.outcome, run.requests) == ("complete", report.requests)
    assert f"{PEOPLE} details, " in run.reason
    assert f"{report.captured['note']} notes" in run.reason


def test_sittings_that_follow_each_other_are_one_run(told: Told) -> None:
    spent = [told.capture(at_most=30, hours=hours, again=False).requests for hours in (1, 0.1, 0.2, 2)]
    after, before = [run for run in told.world.runs() if run.kind == "capture"]
    assert (after.requests, before.requests) == (spent[3], sum(spent[:3]))
    assert before.finished_at
    assert before.finished_at - before.started_at > timedelta(minutes=15)


def test_a_sitting_that_asks_nothing_is_no_run(told: Told) -> None:
    told.capture(at_most=0)
    assert [run.kind for run in told.world.runs()] == ["listing"]


def test_a_sitting_that_was_stopped_says_so_among_the_runs(told: Told) -> None:
    calls = iter([False] * 30 + [True] * 1000)
    with pytest.raises(Cancelled):
        told.capture(cancelled=lambda: next(calls))
    run = told.world.runs()[0]
    assert run.requests > 0
    assert "Stopped." in run.reason


def test_the_bytes_before_an_edit_are_a_version(told: Told) -> None:
    told.capture()
    contact_id = told.ids[1]
    [(note_id, note)] = told.world.location.shelves.notes[contact_id].items()
    was = note["body"]
    note["body"] = "edited"
    told.capture()
    with told.world.vault.read() as tx:
        [earlier] = records.versions(tx, LOCATION, "note", note_id)
    assert json.loads(earlier.raw)["body"] == was


def test_a_second_capture_without_changes_makes_no_versions(told: Told) -> None:
    told.capture()
    assert told.capture().captured.get("note", 0) >= 0
    with told.world.vault.read() as tx:
        for kind in EVERY_KIND[1:]:
            assert not [v for key in told.held(kind) for v in records.versions(tx, LOCATION, kind, key)], kind


def test_what_belongs_to_a_deleted_contact_is_kept(told: Told) -> None:
    told.capture()
    held = {kind: told.held(kind) for kind in EVERY_KIND[1:]}
    told.world.location.delete(*told.ids[: PEOPLE // 3])
    told.capture()
    assert {kind: told.held(kind) for kind in EVERY_KIND[1:]} == held
    told.world.sync()
    told.capture()
    assert {kind: told.held(kind) for kind in EVERY_KIND[1:]} == held


def test_a_feed_that_leaves_live_deals_out_loses_none(told: Told) -> None:
    told.capture()
    deals = list(told.theirs("opportunity"))
    with told.world.location.faults.during("omits", where="GET /opportunities/search", ids=deals[:5]):
        told.capture()
        told.check()


@pytest.mark.parametrize("fault", ["ends_early", "total_low"])
def test_a_deal_feed_that_ends_early_or_counts_wrong_still_brings_every_deal(told: Told, fault: str) -> None:
    for at in range(250):
        told.world.location.add_opportunity(told.ids[at % PEOPLE], f"More {at}")
    with told.world.location.faults.during(fault, where="GET /opportunities/search"):
        told.capture()
    told.check()


def test_a_deal_feed_that_answers_nothing_makes_nothing_vanish(told: Told) -> None:
    told.capture()
    with told.world.location.faults.during("empty", where="GET /opportunities/search"):
        told.capture()
        told.check()


class Retold(httpx.HTTPTransport):
    """A HighLevel whose search of tasks asks and answers in another way than its documents say."""

    def __init__(self, asked: Callable[[Item], Item] = dict, told: Callable[[list[Item]], list[Any]] = list) -> None:
        super().__init__()
        self.asked, self.told = asked, told

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("/tasks/search"):
            return super().handle_request(request)
        headers = [(key, value) for key, value in request.headers.raw if key.lower() != b"content-length"]
        body = self.asked(json.loads(request.read()))
        answer = super().handle_request(httpx.Request(request.method, request.url, headers=headers, json=body))
        whole = json.loads(answer.read())
        return httpx.Response(answer.status_code, json={**whole, "tasks": self.told(whole["tasks"])})


@pytest.mark.parametrize("tasks", [5, 130], ids=["a handful", "more than a page"])
def test_a_list_of_tasks_that_never_ends_is_left_and_each_contact_is_asked(told: Told, tasks: int) -> None:
    """HighLevel may show the first page for ever, whatever is to be skipped."""
    _only_tasks(told, tasks)
    with told.world.client_over(Retold(asked=lambda body: {**body, "skip": 0})) as told.world.client:
        report = told.capture(at_most=2_000)
    assert report.complete
    assert "the same page again" in " ".join(report.notes)
    assert _texts_of_tasks(told.held("task")) == _texts_of_tasks(told.theirs("task"))


def test_a_list_of_tasks_that_tells_less_than_the_contacts_own_is_not_believed(told: Told) -> None:
    _only_tasks(told, 40)
    short = {"id", "contactId", "title", "completed"}
    with told.world.client_over(Retold(told=lambda rows: [_only(row, short) for row in rows])) as told.world.client:
        report = told.capture()
    assert "leaves out what the contacts' own lists tell" in " ".join(report.notes)
    assert _texts_of_tasks(told.held("task")) == _texts_of_tasks(told.theirs("task"))


def test_tasks_in_a_list_within_the_list_are_read_as_they_stand(told: Told) -> None:
    with told.world.client_over(Retold(told=lambda rows: [rows])) as told.world.client:
        assert not told.capture().notes
    told.check()


def _only_tasks(told: Told, number: int) -> None:
    """The account has so many tasks, each with a text."""
    told.world.location.shelves.tasks.clear()
    for at in range(number):
        told.world.location.add_task(told.ids[at % PEOPLE], f"Call {at}", body="about the flat")


def _texts_of_tasks(tasks: dict[str, Item]) -> dict[str, tuple[str, str]]:
    return {key: (task["title"], task["body"]) for key, task in tasks.items()}


def _only(row: Item, names: set[str]) -> Item:
    return {name: row[name] for name in row if name in names}


def test_an_export_whose_cursor_expires_goes_on_where_it_was(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "MESSAGE_PAGE", 10)
    for at in range(60):
        told.world.clock.pass_(seconds=1 + at % 2)
        told.world.location.add_message(told.ids[at % PEOPLE], f"More {at}", at=told.world.clock.now())
    told.capture(listener=lambda step: told.world.clock.pass_(minutes=3))
    told.check()


class Circling(httpx.HTTPTransport):
    """A HighLevel whose export of the location's messages begins anew on each page."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        asked = request.url.params
        if request.url.path.endswith("/export") and not asked.get("contactId"):
            request.url = request.url.copy_with(params=asked.remove("cursor"))
        return super().handle_request(request)


def test_an_export_that_never_ends_is_left_and_each_contact_is_asked(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "MESSAGE_PAGE", 10)
    for at in range(60):
        told.world.location.add_message(told.ids[at % len(told.ids)], f"More {at}")
    with told.world.client_over(Circling()) as told.world.client:
        report = told.capture(at_most=2_000)
    assert report.complete
    assert "the same page again" in " ".join(report.notes)
    told.check()


class Stuck(httpx.HTTPTransport):
    """A HighLevel that answers with the first page of the location's deals, whichever is asked for."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        asked = request.url.params
        if request.url.path == "/opportunities/search" and not asked.get("contact_id"):
            for name in ("startAfter", "startAfterId", "page"):
                asked = asked.remove(name)
            request.url = request.url.copy_with(params=asked)
        return super().handle_request(request)


def test_a_deal_feed_that_is_stuck_on_its_first_page_is_left_and_each_contact_is_asked(told: Told) -> None:
    for at in range(130):
        told.world.location.add_opportunity(told.ids[at % len(told.ids)], f"More {at}")
    with told.world.client_over(Stuck()) as told.world.client:
        report = told.capture(at_most=2_000)
    assert report.complete
    assert "were promised" in " ".join(report.notes)
    told.check()


def test_an_e_mail_that_comes_without_its_text_gets_it(told: Told) -> None:
    """Messages may name their e-mails instead of carrying their text."""
    place = told.world.location
    text = place.add_message(told.ids[0], "<p>The text</p>", kind="EMAIL")
    named = {"email": {"messageIds": [text]}}
    bare = place.add_message(told.ids[0], "", kind="EMAIL", meta=named)
    told.capture()
    assert told.held("email")[text]["body"] == "<p>The text</p>"
    shown = contact_record(told.world.vault, told.ids[0], location_id=LOCATION)
    assert {m["id"]: m["body"] for m in shown["messages"]}[bare] == "<p>The text</p>"
    assert shown["not_safe"] == []


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 500, "share": 0.2},
        {"kind": "html", "share": 0.2},
        {"kind": "reset", "share": 0.2},
        {"kind": "truncated", "share": 0.2},
        {"kind": "too_many", "share": 0.2, "retry_after": 1},
    ],
    ids=lambda fault: fault["kind"],
)
def test_faults_lose_nothing(told: Told, fault: Item) -> None:
    told.capture()
    _live(told)
    options = dict(fault)
    with told.world.location.faults.during(options.pop("kind"), **options):
        told.capture()
    held = {kind: set(told.held(kind, alive=False)) for kind in EVERY_KIND[1:]}
    assert all(set(told.theirs(kind)) & set(told.held(kind, alive=False)) for kind in held)
    told.world.clock.pass_(hours=7)
    told.capture()
    told.check()


def test_a_token_without_a_scope_captures_the_rest_and_says_so(told: Told) -> None:
    scopes = {"contacts.readonly", "locations.readonly", "opportunities.readonly", "users.readonly"}
    told.world.sandbox.tokens[told.world.sandbox.token_of(LOCATION)].scopes = scopes
    report = told.capture()
    assert report.coverage["note"] == report.coverage["task"] == report.coverage["opportunity"] == 1.0
    assert report.coverage["message"] == 0.0
    assert any("message" in note for note in report.notes)
    assert set(told.held("task")) == set(told.theirs("task"))


def test_it_never_sends_a_request_more_than_it_may(told: Told) -> None:
    told.world.location.faults.on("status", status=502, share=0.3)
    for at_most in (0, 1, 7, 40):
        before = told.world.client.requests
        assert told.capture(at_most=at_most).requests <= at_most
        assert told.world.client.requests - before <= at_most


def test_many_short_sittings_do_what_one_long_sitting_does_and_repeat_nothing(told: Told) -> None:
    asked: list[tuple[str, str]] = []
    for _ in range(60):
        if told.capture(at_most=11, until=never).complete:
            break
    asked = [
        (entry.method, entry.path)
        for entry in told.world.sandbox.ledger.entries
        if entry.path.endswith("/notes") and entry.status == 200
    ]
    assert len(asked) == len(set(asked)) == PEOPLE
    told.check()


def test_a_sitting_that_was_stopped_goes_on(told: Told) -> None:
    calls = iter([False] * 30 + [True] * 1000)
    with pytest.raises(Cancelled):
        told.capture(cancelled=lambda: next(calls))
    told.capture()
    told.check()


def test_two_sittings_of_one_location_never_run_at_once(told: Told) -> None:
    with pytest.raises(RunInProgress):
        told.capture(until=lambda: bool(_other_thread(told)))


def _other_thread(told: Told) -> CaptureReport:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(told.capture, hours=0).result()


def test_a_changed_contact_is_read_again_before_the_rest_is_read_first(told: Told) -> None:
    told.capture(at_most=140, again=False)
    with told.world.vault.read() as tx:
        captured = capture_state.of_contact(tx, LOCATION, told.ids[-1])
    assert captured["note"].captured_at
    told.world.location.edit(told.ids[-1], companyName="Elsewhere")
    told.world.location.add_note(told.ids[-1], "moved")
    told.world.sync()
    told.capture(at_most=8, again=False)
    assert "moved" in {note["body"] for note in told.held("note").values()}


def test_one_kind_of_one_contact_can_be_captured_at_once(told: Told) -> None:
    contact_id, now = told.ids[3], told.world.clock.now
    told.world.location.add_note(contact_id, "just now")
    assert capture_kind(told.world.vault, told.world.client, LOCATION, contact_id, "note", now=now) >= 1
    assert "just now" in {note["body"] for note in told.held("note").values()}
    told.world.location.delete(contact_id)
    with pytest.raises(Gone):
        capture_kind(told.world.vault, told.world.client, LOCATION, contact_id, "note", now=now)
    assert "just now" in {note["body"] for note in told.held("note").values()}


def test_messages_of_the_last_minutes_cost_a_few_requests(told: Told) -> None:
    told.capture()
    told.world.location.add_message(told.ids[0], "hello again")
    report = told.capture(again=False)
    assert report.requests <= 5
    assert set(told.held("message")) == set(told.theirs("message"))


@pytest.mark.parametrize("people", [60])
def test_over_days_it_keeps_the_share_and_its_word(told: Told) -> None:
    """120 requests a day, a fifth of them unused, a slice each half hour."""
    world, began = told.world, told.world.clock.now()
    world.client._line.limiter = Limiter(world.clock, per_day=120, interactive_share=0)
    world.clock.at = began.replace(hour=0, minute=1) + timedelta(days=1)
    started, promised, days = world.clock.now(), None, Counter[str]()
    while world.clock.now() < started + timedelta(days=9):
        budget = CaptureBudget(world.client.limiter, paced=True, at_most=40)
        today = world.clock.now().date()
        report = capture(world.vault, world.client, LOCATION, now=world.clock.now, budget=budget)
        if world.clock.now().date() == today:  # a sitting over midnight belongs to two days
            days[today.isoformat()] += report.requests
        promised = promised or report.done_by
        if min(report.coverage.values()) == 1.0:
            break
        world.clock.pass_(minutes=30)
    assert promised
    assert abs(promised - world.clock.now()) < 0.2 * (world.clock.now() - started)
    assert len(days) >= 2
    assert max(days.values()) <= 96
    told.check()
