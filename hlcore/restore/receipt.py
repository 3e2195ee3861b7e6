"""The receipt of a restore: the outcome of each contact, for the page, the command line and a file."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from io import StringIO
from typing import Any

from hlcore.export.csv_cells import ExportMode, cell
from hlcore.model.contact_fields import ALWAYS_LOST, label_of
from hlcore.restore.fidelity import measure_fidelity
from hlcore.restore.job_control import RESTORED_OUTCOMES
from hlcore.restore.plan import PlanItem
from hlcore.store import Tx, Vault
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.restores import jobs as restore_jobs
from hlcore.store.restores.jobs import JobItem, RestoreJob

COLUMNS = (
    *("contact_id", "name", "outcome", "new_id", "verified", "differences", "error", "finished_at"),
    *("predicted", "measured", "changed", "left_out", "not_captured", "lost", "lives_twice"),
)

MAX_TWINS = 10_000
LIVES_TWICE = (
    "HighLevel's own restore has brought the old contact back since: this person lives twice. Compare both; undo this "
    "restore if nobody has touched the new contact, else merge the two in HighLevel."
)

_ROUTINE = (
    *("contact id:", "date added:", "tags: HighLevel", "notes: HighLevel", "opportunities: dates", "messages: come"),
)
"""Beginnings of changes that every restore brings."""


def receipt(vault: Vault, job_id: int) -> list[dict[str, Any]]:
    """Return one row per contact of the job, in its order; the keys are `COLUMNS`.

    `outcome` is '' while the contact waits; `differences` are `{field, planned, found, reason}`; `finished_at` is aware
    UTC or None; `predicted` and `measured` say how much came back, in words with numbers, '' where nothing was created;
    `changed`, `left_out` and `lost` list what is different from the copy as planned or chosen, what the user left out,
    and what could not come back; `not_captured` what nobody knows of, because it was never captured; `lives_twice` says
    what to do where HighLevel's own restore has brought the old contact back since, else ''.
    Raises NotFound."""
    with vault.read() as tx:
        twins = _twins(tx, restore_jobs.get_job(tx, job_id))
        return [_row(item, twins) for item in restore_jobs.iterate_items(tx, job_id)]


def to_json(vault: Vault, job_id: int) -> dict[str, Any]:
    """Return the command line's contract for a restore that was done."""
    keys = [name for name in COLUMNS if name not in ("name", "finished_at")]
    return {"items": [{key: row[key] for key in keys} for row in receipt(vault, job_id)]}


def to_csv(vault: Vault, job_id: int, *, mode: ExportMode = ExportMode.SAFE) -> Iterator[str]:
    """Yield the receipt as CSV, line by line (RFC 4180), in constant memory. Raises NotFound."""
    yield _line(COLUMNS)
    with vault.read() as tx:
        twins = _twins(tx, restore_jobs.get_job(tx, job_id))
        for item in restore_jobs.iterate_items(tx, job_id):
            row = _row(item, twins)
            row["differences"] = "; ".join(map(describe_difference, row["differences"]))
            row["finished_at"] = row["finished_at"].isoformat() if row["finished_at"] else ""
            row["verified"] = "yes" if row["verified"] else "no"
            row |= {name: "; ".join(row[name]) for name in ("changed", "left_out", "not_captured", "lost")}
            yield _line([cell(str(row[name]), mode) for name in COLUMNS])


def deviations(changed: Iterable[str], lost: Iterable[str]) -> list[str]:
    """Return in words what of one contact is different from the copy or did not come back, as planned, without what
    every restore brings."""
    changes = [f"Changed: {text}" for text in changed if not text.startswith(_ROUTINE)]
    return [*changes, *(f"Lost: {text}" for text in lost if text not in ALWAYS_LOST)]


def describe_difference(difference: dict[str, Any]) -> str:
    """Return the difference in a sentence."""
    field = str(difference["field"])
    name = label_of(field.partition(".")[0])
    detail = field.partition(".")[2]
    planned, found = (
        "nothing" if difference[side] in (None, "", []) else f"“{difference[side]}”" for side in ("planned", "found")
    )
    reason = f" ({difference['reason']})" if difference.get("reason") else ""
    return f"{name}{f' {detail}' if detail else ''}: planned {planned}, found {found}{reason}"


def _twins(tx: Tx, job: RestoreJob) -> set[tuple[str, str]]:
    """Return (old id, new id) of the people of the job's location who live twice."""
    found = deletion_queries.list_twins(tx, [job.location_id], limit=MAX_TWINS)
    return {(twin.contact_id, twin.new_contact_id) for twin in found}


def _row(item: JobItem, twins: set[tuple[str, str]]) -> dict[str, Any]:
    plan = PlanItem.load(item.plan) if item.plan else None
    predicted = plan.fidelity if plan is not None and item.outcome in RESTORED_OUTCOMES else None
    measured = None
    if plan is not None and predicted is not None:
        measured = measure_fidelity(predicted, plan.children, item.differences or [])
    return {
        "contact_id": item.contact_id,
        "name": plan.name if plan is not None else "",
        "outcome": item.outcome,
        "new_id": item.new_contact_id,
        "verified": bool(item.verified),
        "differences": item.differences or [],
        "error": item.error,
        "finished_at": item.finished_at,
        "predicted": predicted.text if predicted else "",
        "measured": measured.text if measured else "",
        "changed": list(plan.will_change) if plan is not None and predicted else [],
        "left_out": list(plan.left_out) if plan is not None else [],
        "not_captured": list(predicted.not_captured) if predicted else [],
        "lost": list(plan.will_be_lost) if plan is not None and predicted else [],
        "lives_twice": LIVES_TWICE if (item.contact_id, item.new_contact_id) in twins else "",
    }


def _line(cells: Any) -> str:
    out = StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    return out.getvalue()
