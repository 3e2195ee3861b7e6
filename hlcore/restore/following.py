"""Users who follow an opportunity: a request of their own adds them, when it is made anew or lacks them. Pure."""

from __future__ import annotations

from hlcore.model.children import OPPORTUNITY, Child
from hlcore.model.parts import decode

DEAL_FOLLOWERS = "deal_followers"
"""The kind of that request."""


def follow_step(child: Child) -> str:
    """How the journal calls the request that adds the opportunity's followers."""
    return f"{DEAL_FOLLOWERS}.{child.record_id}"[:64]


def opportunity_step(child: Child) -> str:
    """How the receipt calls the opportunity whose followers these are."""
    return f"{OPPORTUNITY}.{child.record_id}"[:64]


def lacking_followers(child: Child, living: bytes) -> list[Child]:
    """The request for those followers of the planned opportunity whom the living one does not have; none for all."""
    row = decode(living)
    there = row.get("followers") or ()
    absent = [one for one in child.followers if one not in there]
    if not absent:
        return []
    body = {"opportunityId": str(row["id"]), "followers": absent}
    label = f"{len(absent)} follower{'s' if len(absent) != 1 else ''} of “{child.label}”"
    return [Child(kind=DEAL_FOLLOWERS, record_id=child.record_id, body=body, label=label)]
