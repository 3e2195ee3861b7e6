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
from hlcore.model.callbacks import never
from hlcore.store import Vault, records
from hlcore.store.capture import state as capture_state
from hlcore.sync.capture import feed_pages
from hlcore.sync.capture.budget import CaptureBudget
from hlcore.sync.capture.contact_records import capture_records
from hlcore.sync.capture.reference_lists import SOURCES
from hlcore.sync.capture.run import CaptureReport, capture_location
from tests.benchmarks import capture_whole
from tests.support.vault_comparison import EVERY_KIND, Item, VaultComparison
from tests.sync.conftest import LOCATION, World, a_world

PEOPLE = 15


@pytest.fixture
def people() -> int:
    return PEOPLE


@pytest.fixture
def copy(vault: Vault, people: int) -> Iterator[VaultComparison]:
    """People with notes, tasks, deals, appointments, texts and e-mails, synced but not captured."""
    with a_world(vault, people=people) as world:
        yield _furnish(world)


def _furnish(world: World) -> VaultComparison:
    place = world.location
    user, business = place.add_user("Mara"), place.add_business("Nine Oaks")
    place.add_calendar("Viewings")
    place.add_pipeline("Sales")
    place.add_lost_reason("Too dear")
    for add in (place.add_tag, place.add_custom_field, place.add_campaign, place.add_workflow):
        add("One")
    place.add_custom_value("Phone of the office", "+1 555")
    for at, contact_id in enumerate(place.contacts):
        world.clock.advance(seconds=20)
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
    return VaultComparison(world, list(place.contacts))


def test_everything_that_belongs_to_everybody_is_held_as_highlevel_holds_it(copy: VaultComparison) -> None:
    report = copy.capture()
    copy.check()
    assert report.complete
    assert report.coverage == dict.fromkeys(EVERY_KIND, 1.0)
    assert not report.notes


def test_each_catalogue_is_held_as_highlevel_sends_it(copy: VaultComparison) -> None:
    sent = {kind: set(ask(copy.world.client)) for kind, ask in SOURCES.items()}
    copy.capture()
    with copy.world.vault.read() as tx:
        assert {kind: {row.raw for row in records.list_of_kind(tx, LOCATION, kind)} for kind in SOURCES} == sent
    assert all(sent.values())


def test_after_edits_and_deletions_of_records_it_is_so_again(copy: VaultComparison) -> None:
    copy.capture()
    before = copy.stored("note")
    _edit_delete_add(copy)
    report = copy.capture()
    copy.check()
    assert report.complete
    assert not report.notes  # that somebody deleted a task is nobody's trouble
    gone = set(copy.stored("note", alive=False)) - set(copy.stored("note"))
    assert gone == set(before) - set(copy.live("note"))


def _edit_delete_add(copy: VaultComparison) -> None:
    """Of every kind one record is edited, one deleted and one added."""
    place = copy.world.location
    copy.world.clock.advance(minutes=30)
    for shelf in (place.related.notes, place.related.tasks):
        first, second = [contact_id for contact_id, items in shelf.items() if items][:2]
        next(iter(shelf[first].values()))["body"] = "edited"
        shelf[second].pop(next(iter(shelf[second])))
    for flat, change in (
        (place.related.opportunities, {"status": "won"}),
        (place.related.appointments, {"title": "Moved"}),
        (place.related.messages, {"status": "read", "dateUpdated": place.now_iso()}),
    ):
        first, second = list(flat)[:2]
        flat[first] |= change
        del flat[second]
    someone = copy.contact_ids[1]
    place.add_note(someone, "new")
    place.add_task(someone, "new")
    place.add_opportunity(someone, "new")
    place.add_appointment(someone, copy.world.clock.now())
    place.add_message(someone, "new")
    place.edit(someone, followers=[])


def test_random_lives_are_held_before_and_after_random_edits_and_deletions(vault: Vault) -> None:
    assert capture_whole.story(vault, people=25, seed=11).wrong == []


def test_a_session_stands_among_the_runs_with_its_numbers(copy: VaultComparison) -> None:
    report = copy.capture()
    run = next(run for run in copy.world.runs() if run.kind == "capture")
    assert (run.outcome, run.requests) == ("complete", report.requests)
    assert f"{PEOPLE} details, " in run.reason
    assert f"{report.captured['note']} notes" in run.reason


def test_sessions_that_follow_each_other_are_one_run(copy: VaultComparison) -> None:
    spent = [copy.capture(at_most=30, hours=hours, again=False).requests for hours in (1, 0.1, 0.2, 2)]
    after, before = [run for run in copy.world.runs() if run.kind == "capture"]
    assert (after.requests, before.requests) == (spent[3], sum(spent[:3]))
    assert before.finished_at
    assert before.finished_at - before.started_at > timedelta(minutes=15)


def test_a_session_that_asks_nothing_is_no_run(copy: VaultComparison) -> None:
    copy.capture(at_most=0)
    assert [run.kind for run in copy.world.runs()] == ["listing"]


def test_a_session_that_was_stopped_says_so_among_the_runs(copy: VaultComparison) -> None:
    calls = iter([False] * 30 + [True] * 1000)
    with pytest.raises(Cancelled):
        copy.capture(cancelled=lambda: next(calls))
    run = copy.world.runs()[0]
    assert run.requests > 0
    assert "Stopped." in run.reason


def test_the_bytes_before_an_edit_are_a_version(copy: VaultComparison) -> None:
    copy.capture()
    contact_id = copy.contact_ids[1]
    [(note_id, note)] = copy.world.location.related.notes[contact_id].items()
    was = note["body"]
    note["body"] = "edited"
    copy.capture()
    with copy.world.vault.read() as tx:
        [earlier] = records.versions(tx, LOCATION, "note", note_id)
    assert json.loads(earlier.raw)["body"] == was


def test_a_second_capture_without_changes_makes_no_versions(copy: VaultComparison) -> None:
    copy.capture()
    assert copy.capture().captured.get("note", 0) >= 0
    with copy.world.vault.read() as tx:
        for kind in EVERY_KIND[1:]:
            assert not [v for key in copy.stored(kind) for v in records.versions(tx, LOCATION, kind, key)], kind


def test_what_belongs_to_a_deleted_contact_is_kept(copy: VaultComparison) -> None:
    copy.capture()
    held = {kind: copy.stored(kind) for kind in EVERY_KIND[1:]}
    copy.world.location.delete(*copy.contact_ids[: PEOPLE // 3])
    copy.capture()
    assert {kind: copy.stored(kind) for kind in EVERY_KIND[1:]} == held
    copy.world.sync()
    copy.capture()
    assert {kind: copy.stored(kind) for kind in EVERY_KIND[1:]} == held


def test_a_feed_that_leaves_live_deals_out_loses_none(copy: VaultComparison) -> None:
    copy.capture()
    deals = list(copy.live("opportunity"))
    with copy.world.location.faults.during("omits", where="GET /opportunities/search", ids=deals[:5]):
        copy.capture()
        copy.check()


@pytest.mark.parametrize("fault", ["ends_early", "total_low"])
def test_a_deal_feed_that_ends_early_or_counts_wrong_still_brings_every_deal(copy: VaultComparison, fault: str) -> None:
    for at in range(250):
        copy.world.location.add_opportunity(copy.contact_ids[at % PEOPLE], f"More {at}")
    with copy.world.location.faults.during(fault, where="GET /opportunities/search"):
        copy.capture()
    copy.check()


def test_a_deal_feed_that_answers_nothing_makes_nothing_vanish(copy: VaultComparison) -> None:
    copy.capture()
    with copy.world.location.faults.during("empty", where="GET /opportunities/search"):
        copy.capture()
        copy.check()


class RewritingTransport(httpx.HTTPTransport):
    """A HighLevel whose search of tasks asks and answers in another way than its documents say."""

    def __init__(
        self, asked: Callable[[Item], Item] = dict, answered: Callable[[list[Item]], list[Any]] = list
    ) -> None:
        super().__init__()
        self.asked, self.answered = asked, answered

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("/tasks/search"):
            return super().handle_request(request)
        headers = [(key, value) for key, value in request.headers.raw if key.lower() != b"content-length"]
        body = self.asked(json.loads(request.read()))
        answer = super().handle_request(httpx.Request(request.method, request.url, headers=headers, json=body))
        whole = json.loads(answer.read())
        return httpx.Response(answer.status_code, json={**whole, "tasks": self.answered(whole["tasks"])})


@pytest.mark.parametrize("tasks", [5, 130], ids=["a handful", "more than a page"])
def test_a_list_of_tasks_that_never_ends_is_left_and_each_contact_is_asked(copy: VaultComparison, tasks: int) -> None:
    """HighLevel may show the first page for ever, whatever is to be skipped."""
    _only_tasks(copy, tasks)
    with copy.world.client_over(RewritingTransport(asked=lambda body: {**body, "skip": 0})) as copy.world.client:
        report = copy.capture(at_most=2_000)
    assert report.complete
    assert "the same page again" in " ".join(report.notes)
    assert _texts_of_tasks(copy.stored("task")) == _texts_of_tasks(copy.live("task"))


def test_a_list_of_tasks_that_tells_less_than_the_contacts_own_is_not_believed(copy: VaultComparison) -> None:
    _only_tasks(copy, 40)
    short = {"id", "contactId", "title", "completed"}
    with copy.world.client_over(
        RewritingTransport(answered=lambda rows: [_only(row, short) for row in rows])
    ) as copy.world.client:
        report = copy.capture()
    assert "leaves out what the contacts' own lists tell" in " ".join(report.notes)
    assert _texts_of_tasks(copy.stored("task")) == _texts_of_tasks(copy.live("task"))


def test_tasks_in_a_list_within_the_list_are_read_as_they_stand(copy: VaultComparison) -> None:
    with copy.world.client_over(RewritingTransport(answered=lambda rows: [rows])) as copy.world.client:
        assert not copy.capture().notes
    copy.check()


def _only_tasks(copy: VaultComparison, number: int) -> None:
    """The account has so many tasks, each with a text."""
    copy.world.location.related.tasks.clear()
    for at in range(number):
        copy.world.location.add_task(copy.contact_ids[at % PEOPLE], f"Call {at}", body="about the flat")


def _texts_of_tasks(tasks: dict[str, Item]) -> dict[str, tuple[str, str]]:
    return {key: (task["title"], task["body"]) for key, task in tasks.items()}


def _only(row: Item, names: set[str]) -> Item:
    return {name: row[name] for name in row if name in names}


def test_an_export_whose_cursor_expires_goes_on_where_it_was(
    copy: VaultComparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_pages, "MESSAGES_PER_PAGE", 10)
    for at in range(60):
        copy.world.clock.advance(seconds=1 + at % 2)
        copy.world.location.add_message(copy.contact_ids[at % PEOPLE], f"More {at}", at=copy.world.clock.now())
    copy.capture(listener=lambda step: copy.world.clock.advance(minutes=3))
    copy.check()


class Circling(httpx.HTTPTransport):
    """A HighLevel whose export of the location's messages begins anew on each page."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        asked = request.url.params
        if request.url.path.endswith("/export") and not asked.get("contactId"):
            request.url = request.url.copy_with(params=asked.remove("cursor"))
        return super().handle_request(request)


def test_an_export_that_never_ends_is_left_and_each_contact_is_asked(
    copy: VaultComparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_pages, "MESSAGES_PER_PAGE", 10)
    for at in range(60):
        copy.world.location.add_message(copy.contact_ids[at % len(copy.contact_ids)], f"More {at}")
    with copy.world.client_over(Circling()) as copy.world.client:
        report = copy.capture(at_most=2_000)
    assert report.complete
    assert "the same page again" in " ".join(report.notes)
    copy.check()


class Stuck(httpx.HTTPTransport):
    """A HighLevel that answers with the first page of the location's deals, whichever is asked for."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        asked = request.url.params
        if request.url.path == "/opportunities/search" and not asked.get("contact_id"):
            for name in ("startAfter", "startAfterId", "page"):
                asked = asked.remove(name)
            request.url = request.url.copy_with(params=asked)
        return super().handle_request(request)


def test_a_deal_feed_that_is_stuck_on_its_first_page_is_left_and_each_contact_is_asked(copy: VaultComparison) -> None:
    for at in range(130):
        copy.world.location.add_opportunity(copy.contact_ids[at % len(copy.contact_ids)], f"More {at}")
    with copy.world.client_over(Stuck()) as copy.world.client:
        report = copy.capture(at_most=2_000)
    assert report.complete
    assert "were promised" in " ".join(report.notes)
    copy.check()


def test_an_e_mail_that_comes_without_its_text_gets_it(copy: VaultComparison) -> None:
    """Messages may name their e-mails instead of carrying their text."""
    place = copy.world.location
    text = place.add_message(copy.contact_ids[0], "<p>The text</p>", kind="EMAIL")
    named = {"email": {"messageIds": [text]}}
    bare = place.add_message(copy.contact_ids[0], "", kind="EMAIL", meta=named)
    copy.capture()
    assert copy.stored("email")[text]["body"] == "<p>The text</p>"
    shown = contact_record(copy.world.vault, copy.contact_ids[0], location_id=LOCATION)
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
def test_faults_lose_nothing(copy: VaultComparison, fault: Item) -> None:
    copy.capture()
    _edit_delete_add(copy)
    options = dict(fault)
    with copy.world.location.faults.during(options.pop("kind"), **options):
        copy.capture()
    held = {kind: set(copy.stored(kind, alive=False)) for kind in EVERY_KIND[1:]}
    assert all(set(copy.live(kind)) & set(copy.stored(kind, alive=False)) for kind in held)
    copy.world.clock.advance(hours=7)
    copy.capture()
    copy.check()


def test_a_token_without_a_scope_captures_the_rest_and_says_so(copy: VaultComparison) -> None:
    scopes = {"contacts.readonly", "locations.readonly", "opportunities.readonly", "users.readonly"}
    copy.world.sandbox.tokens[copy.world.sandbox.token_of(LOCATION)].scopes = scopes
    report = copy.capture()
    assert report.coverage["note"] == report.coverage["task"] == report.coverage["opportunity"] == 1.0
    assert report.coverage["message"] == 0.0
    assert any("message" in note for note in report.notes)
    assert set(copy.stored("task")) == set(copy.live("task"))


def test_it_never_sends_a_request_more_than_it_may(copy: VaultComparison) -> None:
    copy.world.location.faults.on("status", status=502, share=0.3)
    for at_most in (0, 1, 7, 40):
        before = copy.world.client.requests
        assert copy.capture(at_most=at_most).requests <= at_most
        assert copy.world.client.requests - before <= at_most


def test_many_short_sessions_do_what_one_long_session_does_and_repeat_nothing(copy: VaultComparison) -> None:
    asked: list[tuple[str, str]] = []
    for _ in range(60):
        if copy.capture(at_most=11, until=never).complete:
            break
    asked = [
        (entry.method, entry.path)
        for entry in copy.world.sandbox.ledger.entries
        if entry.path.endswith("/notes") and entry.status == 200
    ]
    assert len(asked) == len(set(asked)) == PEOPLE
    copy.check()


def test_a_session_that_was_stopped_goes_on(copy: VaultComparison) -> None:
    calls = iter([False] * 30 + [True] * 1000)
    with pytest.raises(Cancelled):
        copy.capture(cancelled=lambda: next(calls))
    copy.capture()
    copy.check()


def test_two_sessions_of_one_location_never_run_at_once(copy: VaultComparison) -> None:
    with pytest.raises(RunInProgress):
        copy.capture(until=lambda: bool(_other_thread(copy)))


def _other_thread(copy: VaultComparison) -> CaptureReport:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(copy.capture, hours=0).result()


def test_a_changed_contact_is_read_again_before_the_rest_is_read_first(copy: VaultComparison) -> None:
    copy.capture(at_most=140, again=False)
    with copy.world.vault.read() as tx:
        captured = capture_state.states_of_contact(tx, LOCATION, copy.contact_ids[-1])
    assert captured["note"].captured_at
    copy.world.location.edit(copy.contact_ids[-1], companyName="Elsewhere")
    copy.world.location.add_note(copy.contact_ids[-1], "moved")
    copy.world.sync()
    copy.capture(at_most=8, again=False)
    assert "moved" in {note["body"] for note in copy.stored("note").values()}


def test_one_kind_of_one_contact_can_be_captured_at_once(copy: VaultComparison) -> None:
    contact_id = copy.contact_ids[3]
    copy.world.location.add_note(contact_id, "just now")
    assert capture_records(copy.world.location_context(), contact_id, "note") >= 1
    assert "just now" in {note["body"] for note in copy.stored("note").values()}
    copy.world.location.delete(contact_id)
    with pytest.raises(Gone):
        capture_records(copy.world.location_context(), contact_id, "note")
    assert "just now" in {note["body"] for note in copy.stored("note").values()}


def test_messages_of_the_last_minutes_cost_a_few_requests(copy: VaultComparison) -> None:
    copy.capture()
    copy.world.location.add_message(copy.contact_ids[0], "hello again")
    report = copy.capture(again=False)
    assert report.requests <= 5
    assert set(copy.stored("message")) == set(copy.live("message"))


@pytest.mark.parametrize("people", [60])
def test_over_days_it_keeps_the_share_and_its_word(copy: VaultComparison) -> None:
    """120 requests a day, a fifth of them unused, a slice each hour."""
    world, began = copy.world, copy.world.clock.now()
    world.client._state.limiter = Limiter(world.clock, per_day=120, interactive_share=0)
    world.clock.at = began.replace(hour=0, minute=1) + timedelta(days=1)
    started, promised, days = world.clock.now(), None, Counter[str]()
    while world.clock.now() < started + timedelta(days=9):
        budget = CaptureBudget(world.client.limiter, paced=True, at_most=40)
        today = world.clock.now().date()
        report = capture_location(world.location_context(), budget)
        if world.clock.now().date() == today:  # a session over midnight belongs to two days
            days[today.isoformat()] += report.requests
        promised = promised or report.done_by
        if min(report.coverage.values()) == 1.0:
            break
        world.clock.advance(hours=1)
    assert promised
    assert abs(promised - world.clock.now()) < 0.2 * (world.clock.now() - started)
    assert len(days) >= 2
    assert max(days.values()) <= 96
    copy.check()
