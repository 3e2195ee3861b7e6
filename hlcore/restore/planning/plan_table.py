"""The plan as a table: one row for each field and record of each contact. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hlcore.restore.plan import FieldLine, Plan, PlanItem

COLUMNS = (
    *("location_id", "contact_id", "name", "path", "reason", "deadline", "field", "label", "last_copy", "live_value"),
    *("will_be_written", "not_written_because", "calls", "seconds", "fidelity", "left_out"),
)
_NO_LINE = FieldLine("", "")


def plan_rows(plans: Sequence[Plan]) -> Iterator[tuple[object, ...]]:
    """Yield one row per contact and field, in the plan's order, under `COLUMNS`; one without a field for a contact that
    has no lines. Values are those of JSON, None for none; what belongs to the whole contact (calls, seconds, fidelity)
    is repeated in each of its rows."""
    for plan in plans:
        for item in plan.items:
            for line in item.lines or (_NO_LINE,):
                yield _row(plan, item, line)


def _row(plan: Plan, item: PlanItem, line: FieldLine) -> tuple[object, ...]:
    return (
        plan.location_id,
        item.contact_id,
        item.name,
        item.action,
        item.reason,
        item.native.deadline if item.native else None,
        line.field,
        line.label,
        line.copy,
        line.living,
        line.written,
        line.why,
        item.requests,
        round(item.requests / plan.rate, 1) if plan.rate > 0 else None,
        item.fidelity.text if item.fidelity else None,
        "; ".join(item.left_out),
    )
