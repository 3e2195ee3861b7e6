"""Never more than HighLevel allows, as HighLevel counts; a part is always free for restores."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import nullcontext, suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hlcore.errors import BudgetSpent, Cancelled
from hlcore.highlevel import Limiter, Permit, Priority
from hlcore.highlevel.rate_limit.headers import RateHeaders, parse_reset, retry_after
from tests.highlevel.conftest import START, FakeClock

WINDOW = 10.0


class Server:
    """Counts in a sliding window of 10 seconds, as HighLevel documents, and tells so in its headers."""

    def __init__(self, clock: FakeClock, *, maximum: int = 100, daily: int = 200_000) -> None:
        self.clock = clock
        self.maximum = maximum
        self.daily = daily
        self.used_today = 0
        self.seen: deque[float] = deque()
        self.most = 0
        self.refused = 0

    def take(self, at: float | None = None) -> dict[str, str]:
        now = self.clock.seconds if at is None else at
        while self.seen and self.seen[0] <= now - WINDOW:
            self.seen.popleft()
        self.seen.append(now)
        self.used_today += 1
        self.most = max(self.most, len(self.seen))
        self.refused += len(self.seen) > self.maximum
        return self.headers()

    def headers(self) -> dict[str, str]:
        return {
            "X-RateLimit-Max": str(self.maximum),
            "X-RateLimit-Remaining": str(max(0, self.maximum - len(self.seen))),
            "X-RateLimit-Interval-Milliseconds": "10000",
            "X-RateLimit-Limit-Daily": str(self.daily),
            "X-RateLimit-Daily-Remaining": str(max(0, self.daily - self.used_today)),
        }


def warm(limiter: Limiter, server: Server) -> None:
    limiter.acquire(Priority.INTERACTIVE).release(server.take())


delays = st.lists(st.tuples(st.floats(0, 3), st.floats(0, 1), st.floats(0, 0.5)), min_size=60, max_size=400)


@settings(max_examples=60, deadline=None)
@given(delays=delays, tells=st.booleans(), per_10s=st.integers(1, 100))
def test_never_more_than_the_limit_in_any_window_as_the_server_sees_it(
    delays: list[tuple[float, float, float]], tells: bool, per_10s: int
) -> None:
    """Answers overlap and take their time; the server may see a request at any moment between both ends."""
    clock = FakeClock()
    limiter, server = Limiter(clock, per_10s=per_10s), Server(clock)
    arrivals: list[float] = []
    flying: list[tuple[float, Permit]] = []
    for latency, moment, gap in delays:
        if len(flying) >= 8:
            flying.sort(key=lambda each: each[0])
            ends, permit = flying.pop(0)
            clock.seconds = max(clock.seconds, ends)
            permit.release(server.headers() if tells else None)
        while flying and min(each[0] for each in flying) <= clock.seconds:
            flying.sort(key=lambda each: each[0])
            flying.pop(0)[1].release(server.headers() if tells else None)
        permit = _acquire_with_answers(limiter, clock, flying)
        arrivals.append(clock.seconds + latency * moment)
        flying.append((clock.seconds + latency, permit))
        clock.seconds += gap
    assert most_in_a_window(arrivals) <= per_10s


def _acquire_with_answers(limiter: Limiter, clock: FakeClock, flying: list[tuple[float, Permit]]) -> Permit:
    """Acquire while the answers that come meanwhile are told to the limiter."""

    def answers_come() -> bool:
        for ends, permit in [each for each in flying if each[0] <= clock.seconds]:
            permit.release()
            flying.remove((ends, permit))
        return False

    return limiter.acquire(cancelled=answers_come)


def most_in_a_window(arrivals: list[float]) -> int:
    ordered = sorted(arrivals)
    return max(sum(start <= at < start + WINDOW for at in ordered) for start in ordered)


@settings(max_examples=40, deadline=None)
@given(
    per_10s=st.integers(2, 100),
    share=st.floats(0.05, 0.9),
    asks=st.lists(st.sampled_from(Priority), min_size=20, max_size=200),
    tells=st.booleans(),
)
def test_the_interactive_share_is_kept(per_10s: int, share: float, asks: list[Priority], tells: bool) -> None:
    """After any work, background never holds more than its part of a window."""
    clock = FakeClock()
    limiter, server = Limiter(clock, per_10s=per_10s, interactive_share=share), Server(clock)
    sent: list[float] = []
    for priority in asks:
        permit = limiter.acquire(priority)
        headers = server.take()
        permit.release(headers if tells else None)
        if priority is Priority.BACKGROUND:
            sent.append(clock.seconds)
    assert not sent or most_in_a_window(sent) <= max(1, per_10s - max(1, int(per_10s * share)))


def test_a_person_does_not_wait_behind_background_work(clock: FakeClock) -> None:
    limiter, server = Limiter(clock), Server(clock)
    for _ in range(81):
        limiter.acquire(Priority.BACKGROUND).release(server.take())
    before = clock.seconds
    for _ in range(9):
        limiter.acquire(Priority.INTERACTIVE).release(server.take())
    assert clock.seconds == before
    assert server.refused == 0


def beside_others(others: int, gap: float, priority: Priority) -> tuple[int, int]:
    """A minute beside a program that sends evenly: our requests, and those of them that were one too many."""
    clock = FakeClock()
    limiter, server = Limiter(clock), Server(clock)
    next_other, ours, refused = 0.0, 0, 0

    def others_send() -> bool:
        nonlocal next_other
        while others and next_other <= clock.seconds:
            server.take(next_other)
            next_other += WINDOW / others
        return False

    while clock.seconds < 60:
        permit = limiter.acquire(priority, others_send)
        others_send()
        before = server.refused
        permit.release(server.take())
        refused += server.refused - before
        ours += 1
        clock.seconds += gap
    return ours, refused


@settings(max_examples=30, deadline=None)
@given(others=st.integers(0, 95), gap=st.floats(0.01, 0.2))
def test_it_slows_down_for_others_who_use_the_same_budget(others: int, gap: float) -> None:
    """Hardly one of our requests is one too many, and what is free is still used."""
    ours, refused = beside_others(others, gap, Priority.BACKGROUND)
    assert refused <= 1 + ours // 200
    assert ours >= 0.6 * min(6 * max(0, 81 - others), 60 / gap)


def test_beside_others_not_one_in_a_thousand_is_refused() -> None:
    rounds = [
        beside_others(others, gap, Priority.INTERACTIVE) for others in range(0, 96, 5) for gap in (0.005, 0.0625, 0.12)
    ]
    assert sum(refused for _, refused in rounds) <= sum(ours for ours, _ in rounds) / 1000


def test_an_earlier_process_that_just_ended_is_allowed_for(clock: FakeClock) -> None:
    server = Server(clock)
    for _ in range(3):
        limiter = Limiter(clock)
        for _ in range(120):
            limiter.acquire(Priority.BACKGROUND).release(server.take())
    assert server.most <= 100


@pytest.mark.parametrize("each", [19, 50, 91, 100, 150])
def test_without_headers_two_processes_in_a_row_stay_below_the_limit(clock: FakeClock, each: int) -> None:
    server = Server(clock)
    for _ in range(2):
        limiter = Limiter(clock)
        for _ in range(each):
            limiter.acquire(Priority.BACKGROUND).release()
            server.take()
    assert server.most <= 100


def test_work_alone_uses_what_is_allowed(clock: FakeClock) -> None:
    limiter, server = Limiter(clock), Server(clock)
    sent = 0
    while clock.seconds < 100:
        limiter.acquire(Priority.BACKGROUND).release(server.take())
        sent += 1
    assert 750 <= sent <= 81 * 11


@pytest.mark.parametrize("maximum", [1, 2, 7, 50, 300])
def test_a_limit_that_highlevel_names_is_learned(clock: FakeClock, maximum: int) -> None:
    limiter, server = Limiter(clock), Server(clock, maximum=maximum)
    sent = 0
    while clock.seconds < 120:
        limiter.acquire(Priority.INTERACTIVE).release(server.take())
        sent += 1
    assert server.most <= maximum
    assert sent >= 12 * max(1, int(maximum * 0.9)) * 0.7


def test_a_pause_holds_everybody(clock: FakeClock) -> None:
    limiter = Limiter(clock)
    limiter.pause(30)
    limiter.pause(5)
    limiter.acquire(Priority.INTERACTIVE)
    assert clock.seconds >= 30


def test_waiting_ends_soon_after_a_wish_to_stop(clock: FakeClock) -> None:
    limiter = Limiter(clock)
    limiter.pause(1000)
    with pytest.raises(Cancelled):
        limiter.acquire(cancelled=lambda: clock.seconds > 3)
    assert clock.seconds < 3.5


def test_the_day_keeps_a_share_for_restores(clock: FakeClock) -> None:
    limiter = Limiter(clock, per_day=100, spent_today=90)
    with pytest.raises(BudgetSpent, match="10 are left, kept for restores"):
        limiter.acquire(Priority.BACKGROUND)
    for _ in range(10):
        limiter.acquire(Priority.INTERACTIVE).release()
    with pytest.raises(BudgetSpent, match="none is left"):
        limiter.acquire(Priority.INTERACTIVE)
    assert (limiter.spent_today, limiter.daily_remaining) == (100, 0)


def test_the_day_ends_at_midnight_utc(clock: FakeClock) -> None:
    limiter = Limiter(clock, per_day=100, spent_today=100)
    clock.seconds += 15 * 3600
    assert (limiter.spent_today, limiter.daily_remaining) == (0, 100)
    limiter.acquire(Priority.BACKGROUND)


def test_what_highlevel_says_of_the_day_counts_too(clock: FakeClock) -> None:
    limiter, server = Limiter(clock), Server(clock)
    server.used_today = 180_000
    warm(limiter, server)
    with pytest.raises(BudgetSpent):
        limiter.acquire(Priority.BACKGROUND)
    assert limiter.daily_remaining == 19_999
    warm(limiter, server)


def test_a_new_day_of_highlevel_is_noticed_without_being_told_when(clock: FakeClock) -> None:
    limiter, server = Limiter(clock), Server(clock)
    server.used_today = 200_000
    warm(limiter, server)
    with pytest.raises(BudgetSpent):
        limiter.acquire(Priority.INTERACTIVE)
    clock.seconds += 16 * 60
    server.used_today = 0
    warm(limiter, server)
    assert limiter.daily_remaining > 190_000
    assert limiter.spent_today <= 2


def test_many_threads_share_one_budget(clock: FakeClock) -> None:
    limiter, server = Limiter(clock), Server(clock)
    lock = threading.Lock()

    def work() -> None:
        for _ in range(25):
            permit = limiter.acquire(Priority.BACKGROUND)
            with lock:
                headers = server.take()
            permit.release(headers)

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert limiter.spent_today == 400
    assert server.most <= 100


def test_requests_that_overtake_each_other_are_all_counted(clock: FakeClock) -> None:
    """The server met the second before the first: its count of one does not make two requests one."""
    server, limiter = Server(clock), Limiter(clock, per_day=100)
    first, second = limiter.acquire(), limiter.acquire()
    told_second, told_first = server.take(), server.take()
    first.release(told_first)
    second.release(told_second)
    assert limiter.spent_today == 2


def test_a_meter_sees_every_request_before_its_own(clock: FakeClock) -> None:
    """Eight at once, a budget that asks the limiter: not one more than it allows, however they meet."""
    limiter = Limiter(clock, per_day=100)
    seen: list[int] = []

    def meter() -> None:
        if limiter.daily_remaining <= 60:
            raise BudgetSpent("the rest stays unused")
        seen.append(limiter.daily_remaining)

    def work() -> None:
        with suppress(BudgetSpent):
            while True:
                limiter.acquire(meter=meter).release()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == list(range(100, 60, -1))
    assert limiter.spent_today == 40


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("3", 3.0),
        ("0", 0.0),
        ("-5", 0.0),
        ("86400", 60.0),
        ("", 10.0),
        ("soon", 10.0),
        ("nan", 10.0),
        ("Mon, 02 Mar 2026 09:00:20 GMT", 20.0),
        ("Mon, 02 Mar 2026 08:00:00 GMT", 0.0),
    ],
)
def test_retry_after_is_read_and_clamped(text: str, seconds: float) -> None:
    assert retry_after({"Retry-After": text} if text else {}, START) == seconds


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("3600", 1.0),
        ("7200000", 2.0),
        (str(int((START + timedelta(hours=3)).timestamp())), 3.0),
        (str(int((START + timedelta(hours=4)).timestamp() * 1000)), 4.0),
        ("2026-03-02T14:00:00Z", 5.0),
        ("0", None),
        ("-1", None),
        ("1", 1 / 3600),
        ("999999999", None),
        ("2026-03-09T14:00:00Z", None),
        ("tomorrow", None),
        ("", None),
    ],
)
def test_a_daily_reset_of_any_unit_is_understood(text: str, hours: float | None) -> None:
    expected = None if hours is None else START + timedelta(hours=hours)
    assert parse_reset(text, START) == expected


@given(st.dictionaries(st.sampled_from([*Server(FakeClock()).headers(), "X-RateLimit-Daily-Reset"]), st.text()))
def test_senseless_headers_do_no_harm(headers: dict[str, str]) -> None:
    RateHeaders.parse(headers, datetime(2026, 1, 1, tzinfo=UTC))
    clock = FakeClock()
    limiter = Limiter(clock)
    limiter.acquire().release(headers)
    day_is_told = any(
        headers.get(f"X-RateLimit-{name}", "").strip().isdigit() for name in ("Daily-Remaining", "Limit-Daily")
    )
    with suppress(BudgetSpent) if day_is_told else nullcontext():
        limiter.acquire(Priority.INTERACTIVE)
    assert clock.seconds < 2 * 3600
