"""Users who were removed in HighLevel after the plan: what names them is left out and reported.

It is not documented how HighLevel refuses a removed user: it may name the property, say "User not found" (also with
404, as of something else), or name nothing. So when it refuses, the location's users are read, once per run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from hlcore.errors import BrokenAnswer, Cancelled, Duplicate, HighLevelError, Rejected
from hlcore.model.restore.child_requests import FOLLOWERS, user_ids
from hlcore.model.restore.comparison import Difference
from hlcore.restore.job_context import JobContext
from hlcore.restore.planning.reference_loader import load_user_ids

OWNERS = ("assignedTo", "userId", "assignedUserId")
"""Properties that hold a user's id."""
DEPARTED = "This user no longer exists in HighLevel, so it was left out."
NOT_FOUND = 404


def departed_users(context: JobContext, user_ids: Iterable[object]) -> frozenset[str]:
    """Return those of these users who surely do not exist in HighLevel any more. Raises HighLevelError."""
    users = context.users
    with users.lock:
        if not users.loaded:
            users.ids = load_user_ids(context)
            users.loaded = True
    if users.ids is None:
        return frozenset()
    return frozenset(user_id for user_id in user_ids if isinstance(user_id, str)) - users.ids


def refused_names(
    context: JobContext, exc: HighLevelError | Cancelled, body: Mapping[str, Any]
) -> tuple[str, ...] | None:
    """Return the properties that HighLevel refuses of this request: those it names, else those that name a removed
    user, else none. None when the error is no refusal. Raises HighLevelError."""
    if isinstance(exc, Duplicate) or (isinstance(exc, Rejected) and exc.fields):
        return tuple(getattr(exc, "fields", ()))
    if not isinstance(exc, Rejected) and not (isinstance(exc, BrokenAnswer) and exc.status == NOT_FOUND):
        return None
    users = {name: [body[name]] for name in OWNERS if body.get(name)} | {FOLLOWERS: body.get(FOLLOWERS, ())}
    names = tuple(name for name, ids in users.items() if ids and departed_users(context, ids))
    return names if names or isinstance(exc, Rejected) else None


def explain_departed(context: JobContext, differences: Iterable[Difference]) -> tuple[Difference, ...]:
    """Return the differences, with the reason where it is a removed user. Raises HighLevelError."""
    return tuple(
        replace(difference, reason=DEPARTED)
        if (users := _lacking_users(difference)) and departed_users(context, users)
        else difference
        for difference in differences
    )


def _lacking_users(difference: Difference) -> frozenset[str]:
    """Return the planned users whom HighLevel does not show there."""
    root = difference.field.partition(".")[0]
    planned, found = difference.planned, difference.found
    if root in (*OWNERS, FOLLOWERS):
        planned, found = {root: planned}, {root: found}
    if not isinstance(planned, dict):
        return frozenset()
    live = found if isinstance(found, dict) else {}
    owners = {planned[name] for name in OWNERS if planned.get(name) and live.get(name) != planned[name]}
    followers = set(user_ids(planned.get(FOLLOWERS))) - set(user_ids(live.get(FOLLOWERS)))
    return frozenset(user for user in owners | followers if isinstance(user, str))
