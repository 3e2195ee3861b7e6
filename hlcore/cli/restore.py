"""The command `restore`: its choices, its plan on the screen or as CSV, and carrying it out."""

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
    Json,
    NeedsAttention,
    OneLocation,
    command,
    current_user,
    open_context,
    print_json,
    print_table,
    progress_bar,
    stderr,
    warn,
)
from hlcore.errors import NotFound
from hlcore.export import export_table
from hlcore.export.csv_writer import atomic_file
from hlcore.highlevel import Priority
from hlcore.model.callbacks import Listener
from hlcore.model.restore.exclusions import FIELDS, KINDS, can_be_left_out
from hlcore.model.wording import form, plural
from hlcore.restore.execution.run import run_job
from hlcore.restore.job_control import create_job
from hlcore.restore.plan import WRITING_ACTIONS, Plan, PlanChoices, to_choices
from hlcore.restore.planning.plan_table import COLUMNS, plan_rows
from hlcore.restore.planning.planner import plan as make_plan
from hlcore.restore.receipt import to_json as receipt_json
from hlcore.store.contacts import reads as contact_reads

CHOICES_HELP = (
    "All choices as one JSON value, or @FILE: leave_out, leave_out_of {contact id: names}, places {“pipeline/stage” "
    "that is gone: one of today, or “” to leave out}, on_conflict_of {contact id: skip, fill or create}, and the other "
    "options by their names."
)


class PathOption(StrEnum):
    """How contacts come back."""

    AUTO = "auto"
    RECREATE = "recreate"
    TOP_UP = "top_up"


class TagsOption(StrEnum):
    """When tags are added."""

    LAST = "last"
    FIRST = "first"
    NONE = "none"


class OnConflictOption(StrEnum):
    """What is done where a living contact holds the same e-mail or phone."""

    SKIP = "skip"
    FILL = "fill"
    CREATE = "create"


@command(epilog=EXITS)
def restore(
    ids: Annotated[list[str], typer.Argument(help="Contact ids; “-” reads them from standard input.")],
    only_plan: Annotated[bool, typer.Option("--plan", help="Show what would be done, and do nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
    path: Annotated[
        PathOption, typer.Option(help="auto prefers HighLevel's own restore while it is open.")
    ] = PathOption.AUTO,
    tags: Annotated[
        TagsOption, typer.Option(help="Tags are added last, first (at once), or none are.")
    ] = TagsOption.LAST,
    marker: Annotated[str, typer.Option(help="A tag in the create call, for your workflows to leave out.")] = "",
    on_conflict: Annotated[
        OnConflictOption, typer.Option(help="If a living contact has the address.")
    ] = OnConflictOption.SKIP,
    past: Annotated[bool, typer.Option("--past-appointments", help="Those that are over, too.")] = False,
    leave_out: Annotated[
        list[str] | None, typer.Option("--leave-out", help="A field or kind of record, e.g. city or note; repeatable.")
    ] = None,
    choices_json: Annotated[str, typer.Option("--choices", help=CHOICES_HELP)] = "",
    csv: Annotated[Path | None, typer.Option("--csv", help="Also write the plan, field by field, as CSV.")] = None,
    location: OneLocation = "",
    as_json: Json = False,
) -> None:
    """Bring deleted contacts back: plan, ask, do, read back. Nobody gets a message."""
    options = {"tags": tags.value, "marker": marker, "on_conflict": on_conflict.value, "past_appointments": past}
    choices = parse_choices(choices_json, leave_out or [], options)
    given = [line.strip() for line in typer.get_text_stream("stdin")] if ids == ["-"] else ids
    with open_context() as context, progress_bar(as_json) as listener:
        by_location = _by_location(context, [contact_id for contact_id in given if contact_id], location)
        plans = [
            _plan(context, location_id, contact_ids, path, choices, listener)
            for location_id, contact_ids in by_location.items()
        ]
        if csv is not None:
            write_plan_csv(context, plans, csv)
    if only_plan or not _confirmed(plans, yes, as_json):
        _print_plans(plans, as_json)
        return
    items: list[dict[str, Any]] = []
    with open_context() as context, progress_bar(as_json) as listener:
        for plan in plans:
            items += _carry_out(context, plan, listener)
    _print_result(items, as_json)


def parse_choices(choices_json: str, leave_out: Sequence[str], options: Mapping[str, Any]) -> PlanChoices:
    """Return the single options, overridden by what the JSON value says. Raises BadParameter for anything unknown."""
    given = {**options, "leave_out": list(leave_out), **_parse_json(choices_json)}
    unknown = sorted(given.keys() - set(PlanChoices.__struct_fields__))
    if unknown:
        raise typer.BadParameter(f"There is no choice {unknown[0]!r}.", param_hint="--choices")
    try:
        choices = to_choices(given)
    except msgspec.ValidationError as exc:
        raise typer.BadParameter(f"{exc}.", param_hint="--choices") from exc
    _check_known([*choices.leave_out, *(name for names in choices.leave_out_of.values() for name in names)])
    return choices


def _parse_json(text: str) -> dict[str, Any]:
    """Return the JSON object in this text, or in the file that it names as `@FILE`."""
    if not text:
        return {}
    try:
        source = Path(text[1:]).expanduser().read_bytes() if text.startswith("@") else text
        return msgspec.json.decode(source, type=dict[str, Any])
    except (OSError, msgspec.MsgspecError, UnicodeError) as exc:
        raise typer.BadParameter("This is no JSON object, or no file that holds one.", param_hint="--choices") from exc


def _check_known(names: Iterable[str]) -> None:
    for name in names:
        if not can_be_left_out(name):
            known = ", ".join((*FIELDS, "customFields.<id>", *KINDS))
            hint = "--leave-out, --choices"
            raise typer.BadParameter(f"{name!r} cannot be left out. One of: {known}.", param_hint=hint)


def _by_location(context: AppContext, contact_ids: list[str], only: str) -> dict[str, list[str]]:
    """Return the contact ids by location. Raises NotFound for one that no connected location, or several, hold."""
    groups: dict[str, list[str]] = defaultdict(list)
    connected = {location.location_id for location in context.locations(only)}
    with context.vault.read() as tx:
        for contact_id in dict.fromkeys(contact_ids):
            holders = contact_reads.find_in_all_locations(tx, contact_id)
            location_ids = [holder.location_id for holder in holders if holder.location_id in connected]
            if len(location_ids) != 1:
                problem = "is held by several locations" if location_ids else "is not in this vault"
                hint = "Check the id; name a location with --location."
                raise NotFound(f"Contact {contact_id} {problem}.", hint=hint)
            groups[location_ids[0]].append(contact_id)
    return groups


def _plan(
    context: AppContext,
    location_id: str,
    contact_ids: list[str],
    path: PathOption,
    choices: PlanChoices,
    listener: Listener,
) -> Plan:
    with context.location_context(location_id, priority=Priority.INTERACTIVE, listener=listener) as location:
        return make_plan(location, contact_ids, context.settings, path=path.value, choices=choices)


def write_plan_csv(context: AppContext, plans: Sequence[Plan], path: Path) -> None:
    """Write the plans to `path` as CSV, safe in a spreadsheet and recorded in the audit log; the file appears only once
    it is whole. Raises ExportError, NotAllowed."""
    location_id = plans[0].location_id if len(plans) == 1 else ""
    with atomic_file(path) as draft:
        data = export_table(
            context.vault,
            COLUMNS,
            plan_rows(plans),
            subject="restore plan",
            user=current_user(),
            now=context.clock.now,
            location_id=location_id,
        )
        with draft() as out:
            out.write(data)


def _confirmed(plans: list[Plan], yes: bool, as_json: bool) -> bool:
    """Whether to carry the plans out: told so by an option, or by the user after seeing them."""
    if yes:
        return True
    if as_json or not stderr.is_terminal:
        return False
    _print_plans(plans, as_json)
    count = sum(item.action in WRITING_ACTIONS for plan in plans for item in plan.items)
    return bool(count) and typer.confirm(f"Write {plural(count, 'contact')} to HighLevel now?", err=True)


def _print_plans(plans: list[Plan], as_json: bool) -> None:
    warnings = [warning for plan in plans for warning in plan.warnings]
    if as_json:
        parts = [plan.to_json() for plan in plans]
        joined = {key: [value for part in parts for value in part[key]] for key in ("items", "questions", "places")}
        seconds = sum(plan.seconds for plan in plans)
        print_json({"items": joined.pop("items"), "seconds": seconds, "warnings": warnings, **joined})
        return
    columns = ["contact_id", "name", "action", "reason", "fidelity", "will_change", "will_be_lost", "requests"]
    print_table("The plan", columns, [[row[column] for column in columns] for plan in plans for row in plan.rows()])
    for warning in dict.fromkeys(warnings):
        warn(warning)
    for plan in plans:
        _print_questions(plan)


def _print_questions(plan: Plan) -> None:
    """Print what the plan asks, and how to answer."""
    for question in plan.questions:
        if question.answer is None:
            option = f'--choices \'{{"places": {{"{question.key}": …}}}}\''
            lines = [f"{question.text} Answer with {option}; until then they are left behind. One of:"]
            lines += [f"  {place.key}  {place.label}" for place in plan.places]
            warn("\n".join(lines))


def _carry_out(context: AppContext, plan: Plan, listener: Listener) -> list[dict[str, Any]]:
    """Carry the plan out, waiting included, and return the receipt's items."""
    user = current_user()
    job_id = create_job(context.vault, plan, user, context.clock.now)
    with context.location_context(plan.location_id, priority=Priority.INTERACTIVE, listener=listener) as location:
        result = run_job(location, job_id, user)
        while result.pending and result.resume_at is not None:
            left = (result.resume_at - context.clock.now()).total_seconds()
            warn(f"Waiting {max(1, round(left))} s for HighLevel's search to show what was created.")
            context.clock.sleep(max(1.0, left))
            result = run_job(location, job_id, user)
    items: list[dict[str, Any]] = receipt_json(context.vault, job_id)["items"]
    return items


def _print_result(items: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print_json({"items": items})
    else:
        columns = ["contact_id", "outcome", "new_id", "verified", "error"]
        print_table("Restored", columns, [[item[column] for column in columns] for item in items])
    troubled = [item for item in items if item["outcome"] in ("", "failed") or item["differences"] or item["error"]]
    if troubled:
        needs = form(len(troubled), "needs", "need")
        raise NeedsAttention(
            f"{len(troubled)} of {plural(len(items), 'contact')} {needs} a look; see outcome, differences and error."
        )
