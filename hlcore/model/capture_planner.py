"""What to ask HighLevel next: every request is chosen by its value, and a share of the day stays unused.

The order: a restore that a person waits for, the watch for deletions, the confirmation of suspicions, records of
contacts that changed since they were captured, the first capture of the rest (newest contacts first), and last what was
captured long ago. Pure: facts in, one step out.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum

SLICE = 50
"""Requests after which the facts are looked at again."""

LEAD = timedelta(hours=1)
"""So far may the work that can wait run ahead of the clock: the day's budget must last for the whole day."""

DAY = timedelta(days=1)
_FIRST_OF_EQUALS = ("detail", "note", "appointment")


class Purpose(IntEnum):
    """Why a request is sent; the smaller, the more valuable."""

    RESTORE = 0
    WATCH = 1
    CONFIRM = 2
    CHANGED = 3
    FIRST = 4
    RENEW = 5


NEWS = ("conversation", "message")
"""Kinds whose feed can be asked for what is new."""

NEWS_CALLS = 4
"""Requests of one look for news, both kinds together."""

LISTS = 11
"""Requests to read every list of the account once."""

Wish = tuple[Purpose, str, str]
"""(purpose, kind, way) of something to do."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How often what is safe is looked at again. `renew_before`: everything captured earlier is read again, whatever
    its age (a person asked for it)."""

    renew_after: timedelta = timedelta(days=7)
    news_every: timedelta = timedelta(minutes=15)
    walk_every: timedelta = timedelta(hours=6)
    walk_share: float = 0.05
    catalogue_every: timedelta = timedelta(hours=6)
    retry_after: timedelta = timedelta(hours=6)
    renew_before: datetime | None = None

    def within(self, usable: int) -> Policy:
        """The same, but what comes again and again (news, lists) takes at most `walk_share` of so many requests a day,
        each. Doing it twice changes nothing."""
        affordable = max(1.0, usable * self.walk_share)
        return replace(
            self,
            news_every=max(self.news_every, DAY * NEWS_CALLS / affordable),
            catalogue_every=max(self.catalogue_every, DAY * LISTS / affordable),
        )

    def recurring(self, parts: Iterable[KindState], usable: int) -> float:
        """Requests a day that news, lists and repeated walks take."""
        found = LISTS * (DAY / self.catalogue_every)
        for part in parts:
            if part.feed is None:
                continue
            news = part.kind in NEWS
            every = self.renew_after if news else self.walk_every
            dear = DAY * part.feed.calls / max(1.0, usable * self.walk_share)
            found += part.feed.calls * (DAY / max(every, min(dear, self.renew_after)))
            found += NEWS_CALLS / 2 * (DAY / self.news_every) if news else 0
        return found

    def stale_before(self, now: datetime) -> datetime:
        """What was captured earlier is stale."""
        return self.renew_before or now - self.renew_after

    def walk_due(self, walked_at: datetime, now: datetime, *, calls: int, usable: int, news: bool) -> bool:
        """Whether a feed should be walked again: rarely where it has news of its own, and never so often that walks
        take more than `walk_share` of the usable requests of a day."""
        if self.renew_before is not None:
            return walked_at < self.renew_before
        every = self.renew_after if news else self.walk_every
        dear = DAY * calls / max(1.0, usable * self.walk_share)
        return now - walked_at >= max(every, min(dear, self.renew_after))


@dataclass(frozen=True, slots=True)
class Feed:
    """The bulk feed of a kind. `calls`: what is left of the walk that is under way, or a whole one costs. `covered`:
    it was walked completely once. `news`: new rows are due; `due`: it should be walked again."""

    calls: int
    covered: bool = False
    news: bool = False
    due: bool = False
    news_calls: int = 2


@dataclass(frozen=True, slots=True)
class KindState:
    """One kind of record over a location's living contacts: `never` captured, `wanted` again because something
    changed, `stale` because it was captured long ago. `cost`: requests for one contact. `open` False: the token may
    not read it. `feed` None: there is none, or it cannot be used."""

    kind: str
    live: int
    never: int
    wanted: int = 0
    stale: int = 0
    cost: float = 1.0
    feed: Feed | None = None
    open: bool = True

    @property
    def safe(self) -> int:
        """Contacts whose records of this kind are safe."""
        return max(0, self.live - self.never - min(self.wanted, self.live - self.never))

    @property
    def share(self) -> float:
        """Share of the living contacts that are safe, 0 … 1."""
        return self.safe / self.live if self.live else 1.0

    @property
    def changed_calls(self) -> int:
        """Requests to read what changed, the cheaper way."""
        return self.feed.calls if self.feed and self.by_feed else math.ceil(self.wanted * self.cost)

    @property
    def by_feed(self) -> bool:
        """Whether a walk is the cheaper way to what changed. Only a walk that is due anyway: what a feed left out is
        wanted because of it, and another walk would leave it out again."""
        return self.feed is not None and self.feed.due and self.feed.calls < self.wanted * self.cost

    @property
    def first_calls(self) -> int:
        """Requests to read what was never read, the cheaper way."""
        if self.feed and not self.feed.covered:
            return self.feed.calls
        return math.ceil(self.never * self.cost)


@dataclass(frozen=True, slots=True)
class CaptureFacts:
    """All that is to be done for a location. `catalogues` and `emails` are numbers of lists and of texts to read."""

    parts: tuple[KindState, ...]
    restores: int = 0
    watch_due: bool = False
    suspects: int = 0
    catalogues: int = 0
    emails: int = 0


@dataclass(frozen=True, slots=True)
class Allowance:
    """What may be spent. `left`: requests that the location has left today, by the stricter count; `keep` of the
    `per_day` stays unused; `at_most`: a limit of this very sitting. `paced`: work that can wait is spread over the
    day, which began at `day_began`."""

    per_day: int
    left: int
    keep: float
    day_began: datetime
    paced: bool = False
    at_most: int | None = None

    @property
    def kept(self) -> int:
        """Requests of the day that nothing but restores, watch and confirmations touches."""
        return math.ceil(self.per_day * self.keep)

    @property
    def usable(self) -> int:
        """Requests of a whole day without the kept ones."""
        return max(0, self.per_day - self.kept)

    @property
    def day_ends(self) -> datetime:
        """When the budget begins anew."""
        return self.day_began + DAY

    def allows(self, purpose: Purpose, now: datetime) -> int:
        """Requests that may be sent now for this purpose."""
        whole = self.left if self.at_most is None else min(self.left, self.at_most)
        if purpose <= Purpose.CONFIRM:
            return max(0, whole)
        within = min(whole, self.left - self.kept)
        if self.paced and purpose >= Purpose.FIRST:
            within = min(within, self._on_pace(now))
        return max(0, within)

    def _on_pace(self, now: datetime) -> int:
        """So many more until today's requests have caught up with the clock."""
        gone = min(1.0, (now - self.day_began + LEAD) / DAY)
        return math.floor(self.usable * gone) - (self.per_day - self.left)


@dataclass(frozen=True, slots=True)
class CaptureStep:
    """The next piece of work: about `calls` requests. `way`: each | feed | news | catalogue | email | ''."""

    purpose: Purpose
    kind: str
    way: str
    calls: int


def next_step(
    facts: CaptureFacts, allowance: Allowance, now: datetime, *, but: Container[Wish] = (), size: int = SLICE
) -> CaptureStep | None:
    """The most valuable step that the budget allows and that is not among `but`; None when there is nothing to do or
    nothing to spend."""
    for wish in wishes(facts):
        if wish not in but:
            calls = min(size, allowance.allows(wish[0], now))
            return CaptureStep(*wish, calls) if calls > 0 else None
    return None


def wishes(facts: CaptureFacts) -> Iterator[Wish]:
    """Everything there is to do as (purpose, kind, way), the most valuable first."""
    if facts.restores:
        yield Purpose.RESTORE, "", ""
    if facts.watch_due:
        yield Purpose.WATCH, "", ""
    if facts.suspects:
        yield Purpose.CONFIRM, "", ""
    if facts.catalogues:
        yield Purpose.CHANGED, "", "catalogue"
    parts = [part for part in facts.parts if part.open]
    yield from _changed(parts)
    if facts.emails:
        yield Purpose.CHANGED, "message", "email"
    yield from _first(parts)
    yield from _renewed(parts)


def _changed(parts: Iterable[KindState]) -> Iterator[Wish]:
    for part in parts:
        if part.feed and part.feed.covered and part.feed.news:
            yield Purpose.CHANGED, part.kind, "news"
    for part in sorted(parts, key=lambda each: each.changed_calls):
        if part.wanted and not (part.feed and not part.feed.covered):
            yield Purpose.CHANGED, part.kind, "feed" if part.by_feed else "each"


def _first(parts: list[KindState]) -> Iterator[Wish]:
    """Feeds first, the shortest first: they make most contacts safe for a request. Then kind after kind, always the
    one of which the smallest share is safe."""
    fed = [part for part in parts if part.feed and not part.feed.covered]
    for part in sorted(fed, key=lambda each: each.feed.calls if each.feed else 0):
        yield Purpose.FIRST, part.kind, "feed"
    alone = [part for part in parts if part.never and not (part.feed and not part.feed.covered)]
    for part in sorted(alone, key=_by_share):
        yield Purpose.FIRST, part.kind, "each"


def _renewed(parts: list[KindState]) -> Iterator[Wish]:
    for part in parts:
        if part.feed and part.feed.covered and part.feed.due:
            yield Purpose.RENEW, part.kind, "feed"
    stale = [part for part in parts if part.stale and not part.feed]
    for part in sorted(stale, key=lambda each: -each.stale):
        yield Purpose.RENEW, part.kind, "each"


def _by_share(part: KindState) -> tuple[float, int]:
    known = _FIRST_OF_EQUALS.index(part.kind) if part.kind in _FIRST_OF_EQUALS else len(_FIRST_OF_EQUALS)
    return round(part.share, 4), known
