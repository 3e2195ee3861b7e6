"""Users who were removed in HighLevel after the plan: what names them is left out, and told.

Nothing documents how HighLevel refuses somebody who is gone: it may name the property, say “User not found” (also with
404, as of something else), or name nothing. So when it refuses, its users are asked for, once in a run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from hlcore.errors import BrokenAnswer, Cancelled, Duplicate, HighLevelError, Rejected
from hlcore.model.restore.child_requests import FOLLOWERS
from hlcore.model.restore.comparison import Difference
from hlcore.restore.job_context import JobContext
from hlcore.restore.planning.reference_loader import users_of

OWNERS = ("assignedTo", "userId", "assignedUserId")
"""Properties that hold a user's id."""
DEPARTED = "This user no longer exists in HighLevel, so it was left out."
NOT_FOUND = 404


def gone(work: JobContext, ids: Iterable[object]) -> frozenset[str]:
    """Those of these users who are surely not in HighLevel any more. Raises HighLevelError."""
    with work.users.lock:
        if not work.users.asked:
            work.users.there = users_of(work.vault, work.client, work.location_id)
            work.users.asked = True
    there = work.users.there
    return frozenset() if there is None else frozenset(one for one in ids if isinstance(one, str)) - there


def refusal(work: JobContext, exc: HighLevelError | Cancelled, body: Mapping[str, Any]) -> tuple[str, ...] | None:
    """What HighLevel refuses of this request: as it says, else what names somebody who is gone; nothing where neither
    tells. None where the error is no refusal. Raises HighLevelError."""
    if isinstance(exc, Duplicate) or (isinstance(exc, Rejected) and exc.fields):
        return tuple(getattr(exc, "fields", ()))
    if not isinstance(exc, Rejected) and not (isinstance(exc, BrokenAnswer) and exc.status == NOT_FOUND):
        return None
    held = {name: [body[name]] for name in OWNERS if body.get(name)} | {FOLLOWERS: body.get(FOLLOWERS, ())}
    found = tuple(name for name, ids in held.items() if ids and gone(work, ids))
    return found if found or isinstance(exc, Rejected) else None


def explained(work: JobContext, differences: Iterable[Difference]) -> tuple[Difference, ...]:
    """The differences, with the reason where it is that a user is gone. Raises HighLevelError."""
    lacking = [(one, _lacking(one)) for one in differences]
    return tuple(replace(one, reason=DEPARTED) if users and gone(work, users) else one for one, users in lacking)


def _lacking(one: Difference) -> frozenset[str]:
    """The users whom HighLevel does not show there."""
    root = one.field.partition(".")[0]
    planned, found = one.planned, one.found
    if root in (*OWNERS, FOLLOWERS):
        planned, found = {root: planned}, {root: found}
    if not isinstance(planned, dict):
        return frozenset()
    held = found if isinstance(found, dict) else {}
    owners = {planned[name] for name in OWNERS if planned.get(name) and held.get(name) != planned[name]}
    followers = set(planned.get(FOLLOWERS) or ()) - set(held.get(FOLLOWERS) or ())
    return frozenset(one for one in owners | followers if isinstance(one, str))
