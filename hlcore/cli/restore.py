"""Commands that give something back: restore, export.

What the command line decides about a restore: single options, or all of it as one JSON value; and the plan's CSV.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from hlcore.app_context import AppContext
from hlcore.cli.console import (
    EXITS,
    Attention,
    Json,
    OneLocation,
    command,
    context,
    errors,
    progress,
    show_json,
    somebody,
    table,
)
from hlcore.errors import NotFound
from hlcore.export.csv_writer import placed
from hlcore.export.small_tables import export_table
from hlcore.governance.roles import User
from hlcore.highlevel import Client, Priority
from hlcore.model.progress import Listener
from hlcore.model.restore.exclusions import FIELDS, KINDS, is_known
from hlcore.restore.execution.run import run_job
from hlcore.restore.job_control import create_job
from hlcore.restore.plan import Plan, PlanChoices
from hlcore.restore.planning.plan_table import COLUMNS, rows
from hlcore.restore.planning.planner import plan as make_plan
from hlcore.restore.receipt import to_json as receipt_json
from hlcore.store.contacts import reads as contact_reads

CHOICES = (
    "All choices as one JSON value, or @FILE: leave_out, leave_out_of {contact id: names}, places {“pipeline/stage” "
    "that is gone: one of today, or “” to leave out}, on_conflict_of {contact id: skip, fill or create}, and the other "
    "options by their names."
)


def choices_of(told: str, leave_out: Sequence[str], options: Mapping[str, Any]) -> PlanChoices:
    """The single options, with what the JSON value says instead. Raises BadParameter for anything unknown."""
    found = {**options, "leave_out": list(leave_out), **_json(told)}
    unknown = sorted(found.keys() - set(PlanChoices.__struct_fields__))
    if unknown:
        raise typer.BadParameter(f"There is no choice {unknown[0]!r}.", param_hint="--choices")
    try:
        made = msgspec.convert(found, PlanChoices)
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


def write_csv(here: AppContext, plans: Sequence[Plan], path: Path) -> None:
    """The plan stands at `path` as CSV, safe in a spreadsheet, once it is whole; recorded in the audit log. Raises
    ExportError, NotAllowed."""
    only = plans[0].location_id if len(plans) == 1 else ""
    with placed(path) as draft:
        data = export_table(
            here.vault,
            COLUMNS,
            rows(plans),
            subject="restore plan",
            user=somebody(),
            now=here.clock.now,
            location_id=only,
        )
        with draft() as out:
            out.write(data)


class Way(StrEnum):
    """Which way back."""

    AUTO = "auto"
    RECREATE = "recreate"
    TOP_UP = "top_up"


class Tags(StrEnum):
    """When tags are added."""

    LAST = "last"
    FIRST = "first"
    NONE = "none"


class OnConflict(StrEnum):
    """What is done where a living contact holds the same e-mail or phone."""

    SKIP = "skip"
    FILL = "fill"
    CREATE = "create"


@command(epilog=EXITS)
def restore(
    ids: Annotated[list[str], typer.Argument(help="Contact ids; “-” reads them from standard input.")],
    only_plan: Annotated[bool, typer.Option("--plan", help="Show what would be done, and do nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
    path: Annotated[Way, typer.Option(help="auto prefers HighLevel's own restore while it is open.")] = Way.AUTO,
    tags: Annotated[Tags, typer.Option(help="Tags are added last, first (at once), or none are.")] = Tags.LAST,
    marker: Annotated[str, typer.Option(help="A tag in the create call, for your workflows to leave out.")] = "",
    on_conflict: Annotated[OnConflict, typer.Option(help="If a living contact has the address.")] = OnConflict.SKIP,
    past: Annotated[bool, typer.Option("--past-appointments", help="Those that are over, too.")] = False,
    leave_out: Annotated[
        list[str] | None, typer.Option("--leave-out", help="A field or kind of record, e.g. city or note; repeatable.")
    ] = None,
    told: Annotated[str, typer.Option("--choices", help=CHOICES)] = "",
    csv: Annotated[Path | None, typer.Option("--csv", help="Also write the plan, field by field, as CSV.")] = None,
    location: OneLocation = "",
    as_json: Json = False,
) -> None:
    """Bring deleted contacts back: plan, ask, do, read back. Nobody gets a message."""
    options = {"tags": tags.value, "marker": marker, "on_conflict": on_conflict.value, "past_appointments": past}
    choices = choices_of(told, leave_out or [], options)
    wanted = [line.strip() for line in typer.get_text_stream("stdin")] if ids == ["-"] else ids
    with context() as here, progress(as_json) as listener:
        groups = _by_location(here, [each for each in wanted if each], location)
        plans = [_plan(here, location_id, group, path, choices, listener) for location_id, group in groups.items()]
        if csv is not None:
            write_csv(here, plans, csv)
    if only_plan or not _agreed(plans, yes, as_json):
        _show_plans(plans, as_json)
        return
    done: list[dict[str, Any]] = []
    with context() as here, progress(as_json) as listener:
        for plan in plans:
            done += _do(here, plan, listener)
    _tell(done, as_json)


def _by_location(here: AppContext, ids: list[str], only: str) -> dict[str, list[str]]:
    """The ids by the location that holds them. Raises NotFound for one that nobody holds."""
    groups: dict[str, list[str]] = defaultdict(list)
    connected = {each.location_id for each in here.locations(only)}
    with here.vault.read() as tx:
        for contact_id in dict.fromkeys(ids):
            found = [each.location_id for each in contact_reads.find(tx, contact_id) if each.location_id in connected]
            if len(found) != 1:
                words = "is held by several locations" if found else "is not in this vault"
                raise NotFound(f"Contact {contact_id} {words}.", hint="Check the id; name a location with --location.")
            groups[found[0]].append(contact_id)
    return groups


def _plan(
    here: AppContext, location_id: str, ids: list[str], path: Way, choices: PlanChoices, listener: Listener
) -> Plan:
    with here.client(location_id, priority=Priority.INTERACTIVE) as client:
        return make_plan(
            here.vault,
            client,
            location_id,
            ids,
            path=path.value,
            now=here.clock.now,
            settings=here.settings,
            choices=choices,
            listener=listener,
        )


def _agreed(plans: list[Plan], yes: bool, as_json: bool) -> bool:
    if yes:
        return True
    if as_json or not errors.is_terminal:
        return False
    _show_plans(plans, as_json)
    count = sum(item.action in ("recreate", "top_up") for plan in plans for item in plan.items)
    return bool(count) and typer.confirm(f"Write {count} contacts to HighLevel now?", err=True)


def _show_plans(plans: list[Plan], as_json: bool) -> None:
    if as_json:
        found = [plan.to_json() for plan in plans]
        items = [item for each in found for item in each["items"]]
        warnings = [warning for plan in plans for warning in plan.warnings]
        questions = [question for each in found for question in each["questions"]]
        places = [place for each in found for place in each["places"]]
        seconds = sum(plan.seconds for plan in plans)
        show_json({"items": items, "seconds": seconds, "warnings": warnings, "questions": questions, "places": places})
        return
    columns = ["contact_id", "name", "action", "reason", "fidelity", "will_change", "will_be_lost", "requests"]
    table("The plan", columns, [[row[column] for column in columns] for plan in plans for row in plan.rows()])
    for warning in dict.fromkeys(warning for plan in plans for warning in plan.warnings):
        errors.print(warning)
    for plan in plans:
        _ask(plan)


def _ask(plan: Plan) -> None:
    """What the plan asks, and how to answer."""
    for question in plan.questions:
        if question.answer is None:
            answer = f'--choices \'{{"places": {{"{question.key}": …}}}}\''
            lines = [f"{question.words} Answer with {answer}; until then they are left behind. One of:"]
            lines += [f"  {place.key}  {place.label}" for place in plan.places]
            errors.print("\n".join(lines), highlight=False, markup=False)


def _do(here: AppContext, plan: Plan, listener: Listener) -> list[dict[str, Any]]:
    """The plan has been carried out, waiting included; the receipt's items."""
    person = somebody()
    job_id = create_job(here.vault, plan, person, here.clock.now)
    with here.client(plan.location_id, priority=Priority.INTERACTIVE) as client:
        _run(here, client, job_id, person, listener)
    items: list[dict[str, Any]] = receipt_json(here.vault, job_id)["items"]
    return items


def _run(here: AppContext, client: Client, job_id: int, user: User, listener: Listener) -> None:
    while True:
        result = run_job(here.vault, client, job_id, now=here.clock.now, user=user, listener=listener)
        if not result.pending or result.resume_at is None:
            return
        left = (result.resume_at - here.clock.now()).total_seconds()
        errors.print(f"Waiting {max(1, round(left))} s for HighLevel's search to show what was created.")
        here.clock.sleep(max(1.0, left))


def _tell(done: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        show_json({"items": done})
    else:
        columns = ["contact_id", "outcome", "new_id", "verified", "error"]
        table("Restored", columns, [[item[column] for column in columns] for item in done])
    troubled = [item for item in done if item["outcome"] in ("", "failed") or item["differences"] or item["error"]]
    if troubled:
        raise Attention(f"{len(troubled)} of {len(done)} contacts need a look; see outcome, differences and error.")
