"""A restore's receipt as an HTML page to print, to sign or to keep as PDF: one file that loads nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import Any

from hlcore.restore.receipt import deviations, receipt
from hlcore.store import Vault
from hlcore.store.restores.jobs import RestoreJob
from hlcore.ui.components.contact_fields import Names, load_names
from hlcore.ui.components.formatting import NOTHING, count, moment, plural
from hlcore.ui.restore.job_labels import difference_parts, requested_by

STYLE = """
@page { margin: 15mm } * { box-sizing: border-box }
body { font: 13px/1.45 system-ui, sans-serif; color: #142322; background: #fff; max-width: 1100px; margin: 24px auto;
  padding: 0 16px }
h1 { font-size: 22px; margin: 0 0 4px } h2 { font-size: 16px; margin: 24px 0 4px } p { margin: 4px 0 }
.scroll { overflow-x: auto } table { border-collapse: collapse; width: 100%; margin-top: 8px }
th, td { border: 1px solid #c3cecc; padding: 4px 7px; text-align: left; vertical-align: top; overflow-wrap: anywhere }
th { background: #f3f6f6 } thead { display: table-header-group } tr { break-inside: avoid }
code { font: 12px ui-monospace, monospace } code, td:nth-child(5), td:nth-child(6) { white-space: nowrap }
@media print { code { font-size: 9px } body { font-size: 11px; margin: 0 } } .sign { margin-top: 40px; color: #42524f }
"""
HEADINGS = ("", "Person", "Old id", "New id", "Result", "Read back", "Came back", "Differences and reasons")


def render_receipt(
    vault: Vault, parts: Sequence[tuple[RestoreJob, str, str]], *, title: str, outcome_labels: dict[str, str]
) -> str:
    """Return the HTML of the receipt of these jobs, each with its location's name and time zone. `outcome_labels`:
    outcome → what people call it. Raises NotFound."""
    single = len(parts) == 1
    body = "".join(
        ("" if single else f"<h2>Restore {job.job_id}</h2>") + _part(vault, job, name, tz, outcome_labels)
        for job, name, tz in parts
    )
    sign = '<p class="sign">Checked by ______________________ on ______________</p>'
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>'
        f"<body><h1>{escape(title)}</h1><p>Contact Vault's receipt. Nobody got a message.</p>{body}{sign}</body></html>"
    )


def _part(vault: Vault, job: RestoreJob, name: str, tz: str, outcome_labels: dict[str, str]) -> str:
    rows = receipt(vault, job.job_id)
    with vault.read() as tx:
        names = load_names(tx, [job.location_id])

    ended = moment(job.finished_at, tz) if job.finished_at else "not ended yet"
    by_outcome = Counter(outcome_labels.get(row["outcome"], row["outcome"]) for row in rows)
    counted = ", ".join(f"{count(number)} × {label}" for label, number in by_outcome.most_common())
    verified = sum(row["verified"] for row in rows)
    people = plural(len(rows), "person", "people").capitalize()
    facts = (
        f"Account {name} ({job.location_id}). {people}, asked for by {requested_by(job)}.",
        f"Confirmed {moment(job.created_at, tz)}, ended {ended}.",
        f"{counted}. {count(verified)} were read back and are as planned.",
    )
    head = "".join(f"<th scope=col>{text}</th>" for text in HEADINGS)
    lines = "".join(_row(number, row, names, tz, outcome_labels) for number, row in enumerate(rows, 1))
    paragraphs = "".join(f"<p>{escape(text)}</p>" for text in facts)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>"
    return f'{paragraphs}<div class="scroll">{table}</div>'


def _row(number: int, row: dict[str, Any], names: Names, tz: str, outcome_labels: dict[str, str]) -> str:
    notes = [_difference_text(difference, names, tz) for difference in row["differences"]]
    notes += deviations(row["changed"], row["lost"])
    cells = (
        str(number),
        escape(row["name"]),
        f"<code>{escape(row['contact_id'])}</code>",
        f"<code>{escape(row['new_id'])}</code>" if row["new_id"] else NOTHING,
        escape(outcome_labels.get(row["outcome"], row["outcome"])),
        "as planned" if row["verified"] else NOTHING,
        escape(row["measured"]) or NOTHING,
        "<br>".join(escape(text) for text in (*notes, row["error"], row["lives_twice"]) if text) or NOTHING,
    )
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _difference_text(difference: dict[str, Any], names: Names, tz: str) -> str:
    field, planned, found, reason = difference_parts(difference, names, tz)
    return f"{field}: planned {planned}, HighLevel shows {found}. {reason}".strip()
