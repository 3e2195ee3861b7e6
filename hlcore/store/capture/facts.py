"""What is to be done for a location, as the planner wants to know it: a handful of counts, whatever the size."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from sqlalchemy import func, select

from hlcore.model.capture_forecast import Pace
from hlcore.model.capture_planner import NEWS, CaptureFacts, Feed, KindState, Policy
from hlcore.model.records import CATALOGUES, COST, FED, KINDS, ROWS_PER_CALL
from hlcore.store.capture import feeds
from hlcore.store.capture import state as capture_state
from hlcore.store.capture.feeds import FeedState
from hlcore.store.database import Tx
from hlcore.store.runs import LOOKS
from hlcore.store.tables import runs

LONELY = "each:"
"""Prefix of a feed's name under which it is remembered that a kind cannot be read contact by contact."""


def survey(tx: Tx, location_id: str, *, now: datetime, policy: Policy, usable: int) -> CaptureFacts:
    """The facts at `now`; `usable` are the requests of a whole day."""
    policy = policy.within(usable)
    known = feeds.all_of(tx, location_id)
    living = capture_state.live(tx, location_id)
    parts = tuple(_part(tx, location_id, kind, living, known, now, policy, usable) for kind in KINDS)
    stale = policy.stale_before(now) if policy.renew_before else now - policy.catalogue_every
    lists = sum(catalogue_due(known.get(kind), now, stale, policy) for kind in CATALOGUES)
    return CaptureFacts(parts, catalogues=lists, emails=capture_state.count_due(tx, location_id, "email"))


def catalogue_due(state: FeedState | None, now: datetime, stale: datetime, policy: Policy) -> bool:
    """Whether a catalogue should be read: it never was, or was captured before `stale`; a refused one not so soon."""
    if state is None:
        return True
    if state.refused_at is not None:
        return now - state.refused_at >= policy.retry_after
    return state.covered_at is None or state.covered_at < stale


def usable_feed(state: FeedState, now: datetime, policy: Policy) -> bool:
    """Whether the feed may be asked: HighLevel did not refuse it lately."""
    return state.refused_at is None or now - state.refused_at >= policy.retry_after


def pace_of(
    tx: Tx, location_id: str, facts: CaptureFacts, *, now: datetime, policy: Policy, usable: int, per_second: float
) -> Pace:
    """What else takes requests: rounds (by the log of the last day), what is looked at again and again, and what
    changing contacts will take."""
    since = now - timedelta(days=1)
    rounds = runs.c.location_id == location_id, runs.c.kind.in_(LOOKS)
    first = select(func.min(runs.c.run_id)).where(*rounds).scalar_subquery()
    query = select(func.coalesce(func.sum(runs.c.requests), 0), func.coalesce(func.sum(runs.c.changed), 0))
    requests, changed = tx.execute(query.where(*rounds, runs.c.started_at >= since, runs.c.run_id > first)).one()
    again = policy.within(usable).recurring(facts.parts, usable)
    return Pace(per_second, float(requests) + again, float(changed) * 3)


def _part(
    tx: Tx,
    location_id: str,
    kind: str,
    living: int,
    known: dict[str, FeedState],
    now: datetime,
    policy: Policy,
    usable: int,
) -> KindState:
    state = known.get(kind, FeedState(location_id, kind)) if kind in FED else None
    stale = policy.stale_before(now)
    covered = state.covered_at if state else None
    found = capture_state.counts(tx, location_id, kind, living=living, covered_at=covered, before=stale)
    alone = known.get(LONELY + kind)
    feed = _feed(state, living, now, policy, usable) if state and usable_feed(state, now, policy) else None
    is_open = feed is not None or alone is None or usable_feed(alone, now, policy)
    return KindState(kind, found.live, found.never, found.wanted, found.stale, COST[kind], feed, is_open)


def _feed(state: FeedState, living: int, now: datetime, policy: Policy, usable: int) -> Feed:
    whole = _calls(state, living)
    left = max(1, whole - _done(state)) if state.began_at else whole
    if state.walked_at is None:
        return Feed(left)
    news = state.kind in NEWS
    due = policy.walk_due(state.walked_at, now, calls=whole, usable=usable, news=news)
    if state.began_at is not None:
        looking = state.checkpoint.get("mode") == "news"
        return Feed(left, covered=True, news=looking, due=not looking)
    fresh = news and policy.renew_before is None and now - (state.covered_at or state.walked_at) >= policy.news_every
    return Feed(left, covered=True, news=fresh, due=due)


def _calls(state: FeedState, living: int) -> int:
    """Requests of a whole walk, by what is known of its length."""
    told = state.checkpoint.get("total", 0) if isinstance(state.checkpoint, dict) else 0
    rows = max(int(told or 0), state.rows) or (0 if state.walked_at else living)
    return math.ceil(rows / ROWS_PER_CALL[state.kind]) + 1 + (state.kind == "message")


def _done(state: FeedState) -> int:
    return int(state.checkpoint.get("calls", 0)) if isinstance(state.checkpoint, dict) else 0
