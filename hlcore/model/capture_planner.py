"""What to request from HighLevel next, so that every request of the day's budget goes where it is worth most.

The order: a restore that a user waits for, the watch for deletions, the confirmation of suspected deletions, records of
contacts that changed since they were captured, the first capture of the rest, and last what was captured long ago. A
share of the day's requests stays unused by the last three.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum

STEP_REQUESTS = 50
"""The most requests of one step; afterwards the facts are read again."""

MAX_LEAD = timedelta(hours=1)
"""How far work that can wait may run ahead of the clock: the day's budget must last for the whole day."""

DAY = timedelta(days=1)
_FIRST_OF_EQUALS = ("detail", "note", "appointment")


class Purpose(IntEnum):
    """Why a request is sent; the smallest is the most valuable."""

    RESTORE = 0
    WATCH = 1
    CONFIRM = 2
    CHANGED = 3
    FIRST = 4
    RENEW = 5


NEWS = ("conversation", "message")
"""Kinds whose feed can be read from a date on."""

NEWS_CALLS = 4
"""Requests to read what is new of both kinds once."""

REFERENCE_LIST_CALLS = 11
"""Requests to read all reference lists once."""

WorkItem = tuple[Purpose, str, str]
"""(purpose, kind, way); see CaptureStep."""


@dataclass(frozen=True, slots=True)
class CapturePolicy:
    """How often what was captured is read again. `renew_before`: everything captured earlier is read again whatever its
    age, because a user asked for it."""

    renew_after: timedelta = timedelta(days=7)
    news_every: timedelta = timedelta(minutes=15)
    feed_every: timedelta = timedelta(hours=6)
    recurring_share: float = 0.05
    lists_every: timedelta = timedelta(hours=6)
    retry_after: timedelta = timedelta(hours=6)
    renew_before: datetime | None = None

    def within(self, usable: int) -> CapturePolicy:
        """Return the policy under which news and reference lists take at most `recurring_share` each of `usable`
        requests a day. Applying it twice changes nothing."""
        affordable = max(1.0, usable * self.recurring_share)
        return replace(
            self,
            news_every=max(self.news_every, DAY * NEWS_CALLS / affordable),
            lists_every=max(self.lists_every, DAY * REFERENCE_LIST_CALLS / affordable),
        )

    def recurring_calls(self, kinds: Iterable[KindState], usable: int) -> float:
        """Return the requests a day that reference lists, news and repeated reads of feeds take."""
        calls = REFERENCE_LIST_CALLS * (DAY / self.lists_every)
        for state in kinds:
            if state.feed is not None:
                has_news = state.kind in NEWS
                calls += state.feed.calls * (DAY / self._feed_interval(state.feed.calls, usable, has_news))
                calls += NEWS_CALLS / 2 * (DAY / self.news_every) if has_news else 0
        return calls

    def stale_before(self, now: datetime) -> datetime:
        """Return the moment before which a capture is stale."""
        return self.renew_before or now - self.renew_after

    def feed_due(self, read_at: datetime, now: datetime, *, calls: int, usable: int, news: bool) -> bool:
        """Whether a feed that was read completely at `read_at` should be read again: rarely where it has news, and
        never so often that this takes more than `recurring_share` of the usable requests."""
        if self.renew_before is not None:
            return read_at < self.renew_before
        return now - read_at >= self._feed_interval(calls, usable, news)

    def _feed_interval(self, calls: int, usable: int, has_news: bool) -> timedelta:
        affordable = DAY * calls / max(1.0, usable * self.recurring_share)
        return max(self.renew_after if has_news else self.feed_every, min(affordable, self.renew_after))


@dataclass(frozen=True, slots=True)
class FeedFacts:
    """The feed of a kind. `calls`: requests that a complete read costs, or that are left of the one under way;
    `covered`: it was read completely once; `news`: new rows are due; `due`: it should be read again."""

    calls: int
    covered: bool = False
    news: bool = False
    due: bool = False


@dataclass(frozen=True, slots=True)
class KindState:
    """One kind of record over the live contacts of a location: of how many it was `never` captured, `changed` since, or
    is `stale`. `cost`: requests for one contact; `feed`: None where there is none or it cannot be used; `readable`:
    False when the token may not read it."""

    kind: str
    contacts: int
    never: int
    changed: int = 0
    stale: int = 0
    cost: float = 1.0
    feed: FeedFacts | None = None
    readable: bool = True

    @property
    def safe(self) -> int:
        """The number of contacts whose records of this kind are captured and unchanged since."""
        return max(0, self.contacts - self.never - min(self.changed, self.contacts - self.never))

    @property
    def share(self) -> float:
        """The safe share of the live contacts, 0 … 1."""
        return self.safe / self.contacts if self.contacts else 1.0

    @property
    def changed_calls(self) -> int:
        """Requests to read what changed, in the cheaper way."""
        return self.feed.calls if self.feed and self.by_feed else math.ceil(self.changed * self.cost)

    @property
    def by_feed(self) -> bool:
        """Whether reading the feed is the cheaper way to what changed. Only a feed that is due anyway counts: records
        that it left out are due because of that, and it would leave them out again."""
        return self.feed is not None and self.feed.due and self.feed.calls < self.changed * self.cost

    @property
    def first_calls(self) -> int:
        """Requests to read what was never captured, in the cheaper way."""
        if self.feed and not self.feed.covered:
            return self.feed.calls
        return math.ceil(self.never * self.cost)


@dataclass(frozen=True, slots=True)
class CaptureFacts:
    """Everything there is to do for a location. `lists` and `emails`: how many reference lists and texts are due."""

    kinds: tuple[KindState, ...]
    restores: int = 0
    watch_due: bool = False
    suspects: int = 0
    lists: int = 0
    emails: int = 0


@dataclass(frozen=True, slots=True)
class Allowance:
    """What may be spent. `left`: requests that the location has left today, by the stricter count; `reserved_share` of
    `per_day` stays unused; `at_most`: a limit of this session; `paced`: work that can wait is spread over the day that
    began at `day_began`."""

    per_day: int
    left: int
    reserved_share: float
    day_began: datetime
    paced: bool = False
    at_most: int | None = None

    @property
    def reserved(self) -> int:
        """Requests of the day that only restores, the watch and confirmations may use."""
        return math.ceil(self.per_day * self.reserved_share)

    @property
    def usable(self) -> int:
        """Requests of a whole day without the reserved ones."""
        return max(0, self.per_day - self.reserved)

    @property
    def day_ends(self) -> datetime:
        """When the budget is renewed."""
        return self.day_began + DAY

    def allows(self, purpose: Purpose, now: datetime) -> int:
        """Return how many requests may be sent now for this purpose."""
        whole = self.left if self.at_most is None else min(self.left, self.at_most)
        if purpose <= Purpose.CONFIRM:
            return max(0, whole)
        within = min(whole, self.left - self.reserved)
        if self.paced and purpose >= Purpose.FIRST:
            within = min(within, self._on_pace(now))
        return max(0, within)

    def _on_pace(self, now: datetime) -> int:
        """Return how many more may be sent before today's requests are ahead of the clock."""
        elapsed = min(1.0, (now - self.day_began + MAX_LEAD) / DAY)
        return math.floor(self.usable * elapsed) - (self.per_day - self.left)


@dataclass(frozen=True, slots=True)
class CaptureStep:
    """The next piece of work: about `calls` requests. `way`: each (contact by contact), feed, news, catalogue (the
    reference lists), email, or '' for work that others do."""

    purpose: Purpose
    kind: str
    way: str
    calls: int


def next_step(
    facts: CaptureFacts,
    allowance: Allowance,
    now: datetime,
    *,
    exclude: Container[WorkItem] = (),
    size: int = STEP_REQUESTS,
) -> CaptureStep | None:
    """Return the most valuable step that the budget allows and that is not among `exclude`; None when there is nothing
    to do or nothing left to spend."""
    for item in work_items(facts):
        if item not in exclude:
            calls = min(size, allowance.allows(item[0], now))
            return CaptureStep(*item, calls) if calls > 0 else None
    return None


def work_items(facts: CaptureFacts) -> Iterator[WorkItem]:
    """Yield everything there is to do, the most valuable first."""
    if facts.restores:
        yield Purpose.RESTORE, "", ""
    if facts.watch_due:
        yield Purpose.WATCH, "", ""
    if facts.suspects:
        yield Purpose.CONFIRM, "", ""
    if facts.lists:
        yield Purpose.CHANGED, "", "catalogue"
    readable = [state for state in facts.kinds if state.readable]
    yield from _changed(readable)
    if facts.emails:
        yield Purpose.CHANGED, "message", "email"
    yield from _first(readable)
    yield from _renewed(readable)


def _changed(kinds: Iterable[KindState]) -> Iterator[WorkItem]:
    for state in kinds:
        if state.feed and state.feed.covered and state.feed.news:
            yield Purpose.CHANGED, state.kind, "news"
    for state in sorted(kinds, key=lambda state: state.changed_calls):
        if state.changed and not (state.feed and not state.feed.covered):
            yield Purpose.CHANGED, state.kind, "feed" if state.by_feed else "each"


def _first(kinds: list[KindState]) -> Iterator[WorkItem]:
    """Yield feeds first, the shortest first, as they make most contacts safe per request; then kind after kind, always
    the one of which the smallest share is safe."""
    by_feed = [state for state in kinds if state.feed and not state.feed.covered]
    for state in sorted(by_feed, key=lambda state: state.feed.calls if state.feed else 0):
        yield Purpose.FIRST, state.kind, "feed"
    by_contact = [state for state in kinds if state.never and state not in by_feed]
    for state in sorted(by_contact, key=_by_share):
        yield Purpose.FIRST, state.kind, "each"


def _renewed(kinds: list[KindState]) -> Iterator[WorkItem]:
    for state in kinds:
        if state.feed and state.feed.covered and state.feed.due:
            yield Purpose.RENEW, state.kind, "feed"
    stale = [state for state in kinds if state.stale and not state.feed]
    for state in sorted(stale, key=lambda state: -state.stale):
        yield Purpose.RENEW, state.kind, "each"


def _by_share(state: KindState) -> tuple[float, int]:
    rank = _FIRST_OF_EQUALS.index(state.kind) if state.kind in _FIRST_OF_EQUALS else len(_FIRST_OF_EQUALS)
    return round(state.share, 4), rank
