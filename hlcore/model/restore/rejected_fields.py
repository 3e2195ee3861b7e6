"""What to leave out when HighLevel rejects a contact, so that the rest can come back.

A 422 usually names the property it complains about. Where it names none, the least important goes first.
Do-not-disturb is never left out, and the e-mail only when HighLevel names it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hlcore.model.restore.restore_payload import without_properties

Refusal = Sequence[str]
"""The names that one answer complained about; empty when it named nothing that was sent."""

LEAST_MISSED = (
    ("customFields",),
    ("dateOfBirth", "timezone", "country", "gender", "website", "inboundDndSettings", "assignedTo", "source"),
    ("address1", "city", "state", "postalCode", "companyName", "tags"),
    ("phone",),
)


def narrow_body(planned: Mapping[str, Any], refusals: Iterable[Refusal]) -> dict[str, Any] | None:
    """Return the body to send after these refusals, in their order; None when nothing more can be left out. The same
    refusals give the same body, also in a process that was started again."""
    body = dict(planned)
    for fields in refusals:
        smaller = without_properties(body, fields)
        if smaller == body:
            group = next((group for group in LEAST_MISSED if any(name in body for name in group)), None)
            if group is None:
                return None
            smaller = without_properties(body, group)
        body = smaller
    return body


def named_fields(body: Mapping[str, Any], fields: Refusal) -> frozenset[str]:
    """Return what a refusal of this body named: properties, and `customFields.<id>` for single values."""
    names: set[str] = set()
    for name in fields:
        root, _, rest = name.partition(".")
        index = rest.partition(".")[0]
        values = body.get("customFields", [])
        if root == "customFields" and index.isascii() and index.isdigit() and int(index) < len(values):
            names.add(f"customFields.{values[int(index)]['id']}")
        elif root != "customFields":
            names.add(root)
    return frozenset(names)


def missing_fields_update(
    planned: Mapping[str, Any], missing: Iterable[str], leave: frozenset[str], allowed: frozenset[str]
) -> dict[str, Any]:
    """Return the update that fills what is still missing: the planned properties named in `missing` (as differences
    name them), except those in `leave` (rejected before) and those not in `allowed` (an update does not take them)."""
    names = set(missing) - leave
    body = {key: planned[key] for key in planned if key in names and key in allowed}
    wanted = {name.partition(".")[2] for name in names if name.startswith("customFields.")}
    values = [item for item in planned.get("customFields", ()) if item["id"] in wanted]
    return {**body, "customFields": values} if values else body
