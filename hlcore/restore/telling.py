"""A planned contact with all that people want to read about it: its lines, what is left out, what is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from hlcore.restore.asking import questions
from hlcore.restore.lines import Sides, lines_of
from hlcore.restore.plan import DOES, PlanItem
from hlcore.restore.preparing import Bench, Prepared

NATIVE = "HighLevel's own restore may bring it back; what it did not is added afterwards by a top-up"
NOBODY: Mapping[str, Any] = {}


def told(bench: Bench, item: PlanItem, made: Prepared, living: Mapping[str, Any] = NOBODY) -> PlanItem:
    """The item with its lines; questions and what is left out only where something is done. `living`: the contact that
    is topped up or stands in the way. Pure."""
    does = item.action in DOES
    known = bench.catalogue.fields or {}
    sides = Sides(
        copy=made.copy,
        living=living,
        written=_written(item) if does else {},
        reasons=made.wanted.reasons if does else {},
        labels={key: one.name for key, one in known.items()},
        why="" if does else NATIVE if item.action == "use_native" else item.reason,
        children=item.children,
        kin=made.kin.children,
        left=made.rest.left if does else (),
        lost=made.kin.lost if does else (),
    )
    return msgspec.structs.replace(
        item,
        lines=lines_of(sides),
        left_out=made.left_out if does else (),
        questions=questions(made.unplaced) if does else (),
    )


def _written(item: PlanItem) -> dict[str, Any]:
    """The contact's properties in all requests together."""
    tags = [*(item.body or {}).get("tags", ()), *item.tags]
    return {**(item.body or {}), **(item.after or {}), **({"tags": tags} if tags else {})}
