"""The receipt as a page to print, to sign or to keep as PDF: one file that needs nothing else and asks for nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import Any

from hlcore.model.restore.comparison import Difference
from hlcore.restore.receipt import receipt
from hlcore.store import Vault
from hlcore.store.restores.jobs import RestoreJob
from hlcore.ui.components import contact_fields
from hlcore.ui.components.contact_fields import Names, names_of
from hlcore.ui.components.formatting import NOTHING, count, many, moment

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
HEADS = ("", "Person", "Old id", "New id", "Result", "Read back", "Came back", "Differences and reasons")


def page(vault: Vault, parts: Sequence[tuple[RestoreJob, str, str]], *, title: str, words: dict[str, str]) -> str:
    """The HTML of the receipt of these jobs, each with its account's name and time zone; `words` are the outcomes'.
    Raises NotFound."""
    single = len(parts) == 1
    body = "".join(
        ("" if single else f"<h2>Restore {job.job_id}</h2>") + _part(vault, job, name, tz, words)
        for job, name, tz in parts
    )
    sign = '<p class="sign">Checked by ______________________ on ______________</p>'
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>'
        f"<body><h1>{escape(title)}</h1><p>Contact Vault's receipt. Nobody got a message.</p>{body}{sign}</body></html>"
    )


def _part(vault: Vault, job: RestoreJob, name: str, tz: str, words: dict[str, str]) -> str:
    rows = receipt(vault, job.job_id)
    with vault.read() as tx:
        names = names_of(tx, [job.location_id])
    by = "somebody on this computer" if job.created_by in ("", "local") else job.created_by
    ended = moment(job.finished_at, tz) if job.finished_at else "not ended yet"
    told = Counter(words.get(row["outcome"], row["outcome"]) for row in rows)
    counted = ", ".join(f"{count(number)} × {what}" for what, number in told.most_common())
    verified = sum(row["verified"] for row in rows)
    facts = (
        f"Account {name} ({job.location_id}). {many(len(rows), 'person', 'people').capitalize()}, asked for by {by}.",
        f"Confirmed {moment(job.created_at, tz)}, ended {ended}.",
        f"{counted}. {count(verified)} were read back and are as planned.",
    )
    head = "".join(f"<th scope=col>{one}</th>" for one in HEADS)
    lines = "".join(_row(number, row, names, tz, words) for number, row in enumerate(rows, 1))
    said = "".join(f"<p>{escape(one)}</p>" for one in facts)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>"
    return f'{said}<div class="scroll">{table}</div>'


def _row(number: int, row: dict[str, Any], names: Names, tz: str, words: dict[str, str]) -> str:
    told = [_difference(one, names, tz) for one in row["differences"]]
    told += [one for one in row["changed"] if one.endswith("as you chose")]
    cells = (
        str(number),
        escape(row["name"]),
        f"<code>{escape(row['contact_id'])}</code>",
        f"<code>{escape(row['new_id'])}</code>" if row["new_id"] else NOTHING,
        escape(words.get(row["outcome"], row["outcome"])),
        "as planned" if row["verified"] else NOTHING,
        escape(row["measured"]) or NOTHING,
        "<br>".join(escape(one) for one in (*told, row["error"]) if one) or NOTHING,
    )
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _difference(one: dict[str, Any], names: Names, tz: str) -> str:
    found = Difference(one["field"], one.get("planned"), one.get("found"), one.get("reason") or "")
    planned, now = (contact_fields.text(found.field, value, names, tz) for value in (found.planned, found.found))
    return (
        f"{contact_fields.label(found.field, names)}: planned {planned}, HighLevel shows {now}. {found.reason}".strip()
    )
