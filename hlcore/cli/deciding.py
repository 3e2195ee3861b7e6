"""What the command line decides about a restore: single options, or all of it as one JSON value; and the plan's CSV."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import typer

from hlcore.cli.console import somebody
from hlcore.export.table import export_table
from hlcore.export.writing import placed
from hlcore.model.leaving import FIELDS, KINDS, is_known
from hlcore.restore.plan import Choices, Plan
from hlcore.restore.sheet import COLUMNS, rows
from hlcore.wiring import Office

CHOICES = (
    "All choices as one JSON value, or @FILE: leave_out, leave_out_of {contact id: names}, places {“pipeline/stage” "
    "that is gone: one of today, or “” to leave out}, on_conflict_of {contact id: skip, fill or create}, and the other "
    "options by their names."
)


def choices_of(told: str, leave_out: Sequence[str], options: Mapping[str, Any]) -> Choices:
    """The single options, with what the JSON value says instead. Raises BadParameter for anything unknown."""
    found = {**options, "leave_out": list(leave_out), **_json(told)}
    unknown = sorted(found.keys() - set(Choices.__struct_fields__))
    if unknown:
        raise typer.BadParameter(f"There is no choice {unknown[0]!r}.", param_hint="--choices")
    try:
        made = msgspec.convert(found, Choices)
    except msgspec.ValidationError as exc:
        raise typer.BadParameter(f"{exc}.", param_hint="--choices") from exc
    _known([*made.leave_out, *(name for names in made.leave_out_of.values() for name in names)])
    return made


def _json(told: str) -> dict[str, Any]:
    if not told:
        return {}
    try:
        text = Path(told[1:]).expanduser().read_bytes() if told.startswith("@") else told
        return msgspec.json.decode(text, type=dict[str, Any])
    except (OSError, msgspec.MsgspecError, UnicodeError) as exc:
        raise typer.BadParameter("This is no JSON object, or no file that holds one.", param_hint="--choices") from exc


def _known(names: Iterable[str]) -> None:
    for name in names:
        if not is_known(name):
            offered = ", ".join((*FIELDS, "customFields.<id>", *KINDS))
            raise typer.BadParameter(
                f"{name!r} cannot be left out. One of: {offered}.", param_hint="--leave-out, --choices"
            )


def write_csv(here: Office, plans: Sequence[Plan], path: Path) -> None:
    """The plan stands at `path` as CSV, safe in a spreadsheet, once it is whole; recorded in the audit log. Raises
    ExportError, NotAllowed."""
    only = plans[0].location_id if len(plans) == 1 else ""
    with placed(path) as draft:
        data = export_table(
            here.vault,
            COLUMNS,
            rows(plans),
            subject="restore plan",
            person=somebody(),
            now=here.clock.now,
            location_id=only,
        )
        with draft() as out:
            out.write(data)
