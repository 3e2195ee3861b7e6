"""When HighLevel refuses a contact: what to leave out next, so that the rest can come back.

A 422 usually names the property it complains about. Where it names none, what is least missed goes first. What keeps a
person from being messaged is never left out, nor the e-mail unless HighLevel names it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hlcore.model.restore.restore_payload import without

Refusal = Sequence[str]
"""The names that one answer complained about; none when it named nothing that was sent."""

LEAST_MISSED = (
    ("customFields",),
    ("dateOfBirth", "timezone", "country", "gender", "website", "inboundDndSettings", "assignedTo", "source"),
    ("address1", "city", "state", "postalCode", "companyName", "tags"),
    ("phone",),
)


def narrowed(planned: Mapping[str, Any], refusals: Iterable[Refusal]) -> dict[str, Any] | None:
    """The body to send after these refusals, in the order in which they came; None when nothing is left to leave out.
    Pure, so that a process that starts again comes to the same body."""
    body = dict(planned)
    for fields in refusals:
        smaller = without(body, fields)
        if smaller == body:
            group = next((group for group in LEAST_MISSED if any(name in body for name in group)), None)
            if group is None:
                return None
            smaller = without(body, group)
        body = smaller
    return body


def named(body: Mapping[str, Any], fields: Refusal) -> frozenset[str]:
    """What a refusal of this body named: properties, and `customFields.<id>` for one value among them."""
    found: set[str] = set()
    for name in fields:
        root, _, rest = name.partition(".")
        index = rest.partition(".")[0]
        values = body.get("customFields", [])
        if root == "customFields" and index.isascii() and index.isdigit() and int(index) < len(values):
            found.add(f"customFields.{values[int(index)]['id']}")
        elif root != "customFields":
            found.add(root)
    return frozenset(found)


def refused(planned: Mapping[str, Any], sent: Mapping[str, Any]) -> frozenset[str]:
    """What was planned and left out of what HighLevel took: names of properties, and `customFields.<id>`. Custom
    fields that were left out as a whole are named as a whole: which of them was meant is not known."""
    gone = {key for key in planned if key not in sent}
    kept = {item["id"] for item in sent.get("customFields", ())}
    if kept:
        gone |= {f"customFields.{item['id']}" for item in planned.get("customFields", ()) if item["id"] not in kept}
    return frozenset(gone)


def gaps(
    planned: Mapping[str, Any], missing: Iterable[str], leave: frozenset[str], allowed: frozenset[str]
) -> dict[str, Any]:
    """The update that fills what is still empty: of the planned properties those named in `missing` (as differences
    name them), except what HighLevel refused (`leave`) and what an update does not take (not in `allowed`)."""
    names = set(missing) - leave
    body = {key: planned[key] for key in planned if key in names and key in allowed}
    wanted = {name.partition(".")[2] for name in names if name.startswith("customFields.")}
    values = [item for item in planned.get("customFields", ()) if item["id"] in wanted]
    return {**body, "customFields": values} if values else body
