"""A planned contact as people read it: field by field the last copy, the living contact, what is written, and why
something is not. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from hlcore.model.contact_fields import DERIVED, UNWRITABLE, label_of
from hlcore.model.custom_fields import custom_values, is_empty
from hlcore.model.restore.child_requests import ChildRequest, followers_step
from hlcore.model.restore.exclusions import CUSTOM, LEFT_OUT, can_be_left_out
from hlcore.model.restore.restore_payload import ONLY_NEW, ONLY_NEW_WHY
from hlcore.model.restore.stages import UnresolvedStage
from hlcore.restore.plan import WRITING_ACTIONS, FieldLine, PlacementQuestion, PlanItem
from hlcore.restore.planning.prepare import SET_BY_OWN_CALLS, PrepareContext, PreparedContact

LIVING_VALUE_STAYS = "the living contact has a value, which stays"
ALREADY_THERE = "it is there already"
NOTHING_WRITTEN = "nothing is written"
NATIVE_FIRST = "HighLevel's own restore may bring it back; what it did not is added afterwards by a top-up"
NO_FIELDS: Mapping[str, Any] = {}
_DND_FIELDS = ("dnd", "dndSettings", "inboundDndSettings")


class FieldSources(msgspec.Struct, frozen=True, kw_only=True):
    """What the lines of one contact are made of. `copy` and `living`: properties of a contact; `written`: those of all
    requests together; `reasons`: field → why not; `labels`: custom field → name; `why`: why nothing is written at all;
    `written_children`: those of `children` that are created; `left_out`: (name, title) of each record that is; `lost`:
    what cannot come back of the records, in words."""

    copy: Mapping[str, Any]
    living: Mapping[str, Any]
    written: Mapping[str, Any]
    reasons: Mapping[str, str]
    labels: Mapping[str, str]
    why: str = ""
    written_children: Sequence[ChildRequest] = ()
    children: Sequence[ChildRequest] = ()
    left_out: Sequence[tuple[str, str]] = ()
    lost: Sequence[str] = ()


def describe_item(
    context: PrepareContext, item: PlanItem, prepared: PreparedContact, living: Mapping[str, Any] = NO_FIELDS
) -> PlanItem:
    """Return the item with its lines and, where something is written, its questions and what is left out. `living`:
    the contact that is topped up or stands in the way."""
    writes = item.action in WRITING_ACTIONS
    sources = FieldSources(
        copy=prepared.copy,
        living=living,
        written=_written(item) if writes else {},
        reasons=prepared.payload.reasons if writes else {},
        labels={key: known.name for key, known in (context.catalogue.fields or {}).items()},
        why="" if writes else NATIVE_FIRST if item.action == "use_native" else item.reason,
        written_children=item.children,
        children=prepared.children.children,
        left_out=prepared.kept.left if writes else (),
        lost=prepared.children.lost if writes else (),
    )
    return msgspec.structs.replace(
        item,
        lines=field_lines(sources),
        left_out=prepared.left_out if writes else (),
        questions=placement_questions(prepared.unplaced) if writes else (),
    )


def placement_questions(unplaced: Iterable[tuple[UnresolvedStage, int]]) -> tuple[PlacementQuestion, ...]:
    """Return the questions of one contact, each with how many of its opportunities it is about."""
    return tuple(
        PlacementQuestion(stage.key, stage.pipeline, stage.stage, stage.why, number, stage.answer)
        for stage, number in unplaced
    )


def field_lines(sources: FieldSources) -> tuple[FieldLine, ...]:
    """Return a line for every field that the copy holds or a request writes, then for every record. Each once."""
    return (*_contact_lines(sources), *_custom_field_lines(sources), *_record_lines(sources))


def _written(item: PlanItem) -> dict[str, Any]:
    """Return the contact's properties in all requests together."""
    tags = [*(item.body or {}).get("tags", ()), *item.tags]
    return {**(item.body or {}), **(item.after or {}), **({"tags": tags} if tags else {})}


def _contact_lines(sources: FieldSources) -> Iterator[FieldLine]:
    copy = {**sources.copy, "name": sources.copy.get("name") or sources.copy.get("contactName")}
    for name in dict.fromkeys((*copy, *sources.written)):
        held, written = copy.get(name), sources.written.get(name)
        if name in DERIVED or name in (CUSTOM, *SET_BY_OWN_CALLS) or (is_empty(held) and is_empty(written)):
            continue
        if name == "name" and written is None and name not in sources.reasons:
            continue
        label = label_of(name)
        if label == name and isinstance(text := UNWRITABLE.get(name), str):
            label = text
        yield _line(sources, name, label, held, sources.living.get(name), written)


def _custom_field_lines(sources: FieldSources) -> Iterator[FieldLine]:
    held, living, written = (
        custom_values(side.get(CUSTOM)) for side in (sources.copy, sources.living, sources.written)
    )
    for key in dict.fromkeys((*held, *written)):
        if not (is_empty(held.get(key)) and is_empty(written.get(key))):
            label = sources.labels.get(key) or key
            yield _line(sources, f"{CUSTOM}.{key}", label, held.get(key), living.get(key), written.get(key))


def _line(sources: FieldSources, name: str, label: str, held: Any, living: Any, written: Any) -> FieldLine:
    why = sources.reasons.get(name, "")
    if written is None and not why:
        blank = ONLY_NEW_WHY if name in ONLY_NEW and sources.living else NOTHING_WRITTEN
        why = sources.why or (LIVING_VALUE_STAYS if not is_empty(living) or name in _DND_FIELDS else blank)
    can_leave = name not in _DND_FIELDS and can_be_left_out(name) and (written is not None or why == LEFT_OUT)
    return FieldLine(name, label, held, living, written, why, name if can_leave else "")


def _record_lines(sources: FieldSources) -> Iterator[FieldLine]:
    written = {child.step: child for child in sources.written_children}
    for child in sources.children:
        request = written.get(child.step) or written.get(followers_step(child))
        name = {"transcript": "message", "business": "businessId"}.get(child.kind, child.step)
        leave = name.partition(".")[0] if child.kind in ("followers", "business", "transcript") else name
        yield FieldLine(
            child.step,
            f"{child.kind}: {child.label}",
            child.label,
            written=None if request is None else _text_of(request),
            why="" if request is not None else sources.why or ALREADY_THERE,
            leave=leave if request is not None and can_be_left_out(leave) else "",
        )
    for name, title in sources.left_out:
        yield FieldLine(name, f"{name.partition('.')[0]}: {title}", title, why=LEFT_OUT, leave=name)
    for text in sources.lost:
        yield FieldLine("", text, why=text)


def _text_of(child: ChildRequest) -> Any:
    """Return what people would read of the request."""
    text = child.body.get("body") or child.body.get("title") or child.body.get("name")
    return text if text else child.label
