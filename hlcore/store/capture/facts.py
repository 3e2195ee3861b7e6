"""The capture work of a location as the planner sees it: a handful of counts, whatever the size of the location."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from hlcore.model.capture_forecast import Pace
from hlcore.model.capture_planner import NEWS, CaptureFacts, CapturePolicy, FeedFacts, KindState
from hlcore.model.records import CALLS_PER_CONTACT, FEED_KINDS, KINDS, REFERENCE_LISTS, ROWS_PER_CALL
from hlcore.store.capture import feeds
from hlcore.store.capture import state as capture_state
from hlcore.store.capture.feeds import FeedState
from hlcore.store.database import Tx
from hlcore.store.runs import DETECTION_KINDS
from hlcore.store.tables import runs

PER_CONTACT_PREFIX = "each:"
"""Prefix of the feed name under which it is remembered that a kind cannot be read contact by contact."""


@dataclass(frozen=True, slots=True)
class _Inputs:
    """What the state of each kind is computed from. `usable`: requests of a whole day; `live`: live contacts."""

    tx: Tx
    location_id: str
    now: datetime
    policy: CapturePolicy
    usable: int
    live: int
    feeds: dict[str, FeedState]


def load_facts(tx: Tx, location_id: str, *, now: datetime, policy: CapturePolicy, usable: int) -> CaptureFacts:
    """Return the facts at `now`; `usable` are the requests of a whole day."""
    policy = policy.within(usable)
    known = feeds.get_all(tx, location_id)
    live = capture_state.count_live(tx, location_id)
    inputs = _Inputs(tx, location_id, now, policy, usable, live, known)
    stale = policy.stale_before(now) if policy.renew_before else now - policy.lists_every
    lists = sum(is_reference_data_due(known.get(kind), now, stale, policy) for kind in REFERENCE_LISTS)
    emails = capture_state.count_due(tx, location_id, "email")
    return CaptureFacts(tuple(_kind_state(inputs, kind) for kind in KINDS), lists=lists, emails=emails)


def is_reference_data_due(state: FeedState | None, now: datetime, stale: datetime, policy: CapturePolicy) -> bool:
    """Return whether a list should be read: it never was, or before `stale`; after a refusal when `retry_after` is
    over."""
    if state is None:
        return True
    if state.refused_at is not None:
        return now - state.refused_at >= policy.retry_after
    return state.covered_at is None or state.covered_at < stale


def may_read_feed(state: FeedState, now: datetime, policy: CapturePolicy) -> bool:
    """Return whether the feed may be requested: HighLevel did not refuse it recently."""
    return state.refused_at is None or now - state.refused_at >= policy.retry_after


def load_pace(
    tx: Tx,
    location_id: str,
    facts: CaptureFacts,
    *,
    now: datetime,
    policy: CapturePolicy,
    usable: int,
    per_second: float,
) -> Pace:
    """Return what else takes requests a day: listings and watches (by the runs of the last day, without the very first
    one), recurring reads, and reading what changing contacts make due."""
    since = now - timedelta(days=1)
    detecting = runs.c.location_id == location_id, runs.c.kind.in_(DETECTION_KINDS)
    first = select(func.min(runs.c.run_id)).where(*detecting).scalar_subquery()
    query = select(func.coalesce(func.sum(runs.c.requests), 0), func.coalesce(func.sum(runs.c.changed), 0))
    requests, changed = tx.execute(query.where(*detecting, runs.c.started_at >= since, runs.c.run_id > first)).one()
    recurring = policy.within(usable).recurring_calls(facts.kinds, usable)
    return Pace(per_second, float(requests) + recurring, float(changed) * 3)


def _kind_state(inputs: _Inputs, kind: str) -> KindState:
    now, policy = inputs.now, inputs.policy
    state = inputs.feeds.get(kind, FeedState(inputs.location_id, kind)) if kind in FEED_KINDS else None
    counts = capture_state.count_states(
        inputs.tx,
        inputs.location_id,
        kind,
        live=inputs.live,
        covered_at=state.covered_at if state else None,
        before=policy.stale_before(now),
    )
    feed = _feed(inputs, state) if state and may_read_feed(state, now, policy) else None
    per_contact = inputs.feeds.get(PER_CONTACT_PREFIX + kind)
    is_open = feed is not None or per_contact is None or may_read_feed(per_contact, now, policy)
    return KindState(kind, counts.live, counts.never, counts.due, counts.stale, CALLS_PER_CONTACT[kind], feed, is_open)


def _feed(inputs: _Inputs, state: FeedState) -> FeedFacts:
    now, policy = inputs.now, inputs.policy
    calls = _calls(state, inputs.live)
    calls_left = max(1, calls - _calls_made(state)) if state.began_at else calls
    if state.walked_at is None:
        return FeedFacts(calls_left)
    has_news = state.kind in NEWS
    due = policy.feed_due(state.walked_at, now, calls=calls, usable=inputs.usable, news=has_news)
    if state.began_at is not None:
        reading_news = state.checkpoint.get("mode") == "news"
        return FeedFacts(calls_left, covered=True, news=reading_news, due=not reading_news)
    since_news = now - (state.covered_at or state.walked_at)
    news_due = has_news and policy.renew_before is None and since_news >= policy.news_every
    return FeedFacts(calls_left, covered=True, news=news_due, due=due)


def _calls(state: FeedState, live: int) -> int:
    """Return the requests of a complete read, by what is known of the feed's length."""
    total = state.checkpoint.get("total", 0) if isinstance(state.checkpoint, dict) else 0
    rows = max(int(total or 0), state.rows) or (0 if state.walked_at else live)
    return math.ceil(rows / ROWS_PER_CALL[state.kind]) + 1 + (state.kind == "message")


def _calls_made(state: FeedState) -> int:
    return int(state.checkpoint.get("calls", 0)) if isinstance(state.checkpoint, dict) else 0
