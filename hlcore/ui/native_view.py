"""Those for whom HighLevel's own restore comes first, as a table: of them there is nothing to say but the deadline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from hlcore.restore.plan import Plan, PlanItem
from hlcore.ui.tables import pager, slice_of, table

FEW = 3
"""So many stand as cards, like everybody else."""
_TEXT = st.column_config.TextColumn
_COLUMNS: dict[str, Any] = {
    "Person": _TEXT(width=230),
    "Restore in HighLevel before": _TEXT(width=300),
    "Contact id": _TEXT(width=230),
}


def alike(one: Plan) -> list[PlanItem]:
    """The people of the table; nobody where they are few."""
    found = [item for item in one.items if item.action == "use_native" and not item.conflict and not item.compared]
    return found if len(found) > FEW else []


def people(items: Sequence[PlanItem], one: Plan) -> None:
    """The table, the most urgent first; nothing for nobody."""
    if not items:
        return
    urgent = sorted(items, key=lambda item: item.native.until if item.native else one.made_at)
    part = slice_of(f"native_{one.location_id}", len(urgent), of=len(urgent))
    rows = [
        {
            "Person": item.name or item.contact_id,
            "Restore in HighLevel before": item.native.deadline if item.native else "",
            "Contact id": item.contact_id,
        }
        for item in urgent[part.offset : part.offset + part.limit]
    ]
    alt = f"People to restore in HighLevel, {part.words}"
    table(rows, key=f"native_table_{one.location_id}", alt=alt, columns=_COLUMNS)
    pager(part, "person", "people")
