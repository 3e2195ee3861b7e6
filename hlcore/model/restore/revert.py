"""An earlier copy of a live contact compared with today's, and the update that puts chosen fields back.

`PUT /contacts/{id}` changes the properties it names and leaves the rest (HighLevel OpenAPI contacts.json), with two
exceptions: `tags` replaces all tags, and `companyName` and `gender` are not accepted. Custom fields are merged by id. A
channel that is closed today is never opened: only the contact may ask for that.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from hlcore.model import custom_fields as values
from hlcore.model.contact_diff import CHANNEL, CUSTOM, field_changes, flat_fields
from hlcore.model.contact_fields import UNWRITABLE, tag_text, tag_texts
from hlcore.model.contact_snapshot import ALWAYS_LISTED
from hlcore.model.custom_fields import FieldDefinition, is_empty
from hlcore.model.dnd import CHANNELS, CLOSED, FOREVER, OPEN, dnd_settings
from hlcore.model.reference_data import FieldCatalogue
from hlcore.model.restore.restore_payload import UPDATE, country_code

NAMES = ("firstName", "lastName")
CAN_BE_EMPTIED = frozenset(
    {"firstName", "lastName", "name", "email", "phone", "address1", "city", "state", "website", "timezone", "source"}
    | {"dateOfBirth", "assignedTo"}
)
"""Properties for which `UpdateContactDto` accepts null; other plain fields cannot be emptied."""
CHANGED_BY_EVERY_WRITE = frozenset({"dateUpdated", "traceId", "lastUpdatedBy", "searchAfter", "lastActivity"})
"""Properties that HighLevel changes with every write."""
DERIVED_FROM: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("firstName", "lastName", "name"),
        ("name", "contactName", "fullNameLowerCase", "firstNameLowerCase", "lastNameLowerCase", "firstNameRaw",
         "lastNameRaw"),
    ),
    "email": ("emailLowerCase", "validEmail", "bounceEmail", "validEmailDate"),
    "phone": ("phoneLabel", "validPhone"),
    "dnd": ("dndSettings", "dndDate"),
}  # fmt: skip
"""Property → the properties that HighLevel derives from it and may change with it."""


@dataclass(frozen=True, slots=True)
class FieldHistory:
    """One field in which the copies differ, named as in `contact_diff`; None is empty. `obstacle`: why it cannot be put
    back, '' when it can."""

    field: str
    then: Any
    now: Any
    obstacle: str = ""


@dataclass(frozen=True, slots=True)
class RevertUpdate:
    """The update that puts chosen fields back. `expected`: field → its value before the update, as today's copy states;
    `obstacles`: chosen field → why it is not in the update."""

    body: dict[str, Any]
    expected: dict[str, Any]
    obstacles: dict[str, str]


def field_histories(
    then: Mapping[str, Any], now: Mapping[str, Any], catalogue: FieldCatalogue, *, whole: bool = True
) -> tuple[FieldHistory, ...]:
    """Return every field in which the two copies differ, and whether it can be put back.

    `whole`: the earlier copy is an answer to GET by id, which states all fields. A search row may lack fields; these
    are not taken for empty."""
    histories = []
    for change in field_changes(then, now):
        if change.before is None and not whole and not _is_always_listed(change.field):
            continue
        if change.field == "name" and _has_names(then, now):
            continue
        before = _true_name(change.field, then, change.before)
        after = _true_name(change.field, now, change.after)
        if before == after:
            continue
        histories.append(FieldHistory(change.field, before, after, _obstacle(change.field, before, after, catalogue)))
    return tuple(histories)


def revert_update(
    then: Mapping[str, Any],
    now: Mapping[str, Any],
    chosen: Collection[str],
    catalogue: FieldCatalogue,
    *,
    whole: bool = True,
) -> RevertUpdate:
    """Return the update that makes the chosen fields what they were then. It contains nothing else, and nothing that is
    unchanged or that HighLevel does not accept."""
    body: dict[str, Any] = {}
    expected: dict[str, Any] = {}
    obstacles: dict[str, str] = {}
    custom: dict[str, Any] = {}
    for history in field_histories(then, now, catalogue, whole=whole):
        if history.field not in chosen:
            continue
        if history.obstacle:
            obstacles[history.field] = history.obstacle
            continue
        expected[history.field] = history.now
        root, _, part = history.field.partition(".")
        if root == CUSTOM:
            custom[part] = _custom_value(part, history.then, catalogue)
        elif root == CHANNEL:
            body[CHANNEL] = _with_channel_closed(body.get(CHANNEL) or _channels(now), part, then)
        else:
            body[root] = _value(root, history.then)
    if custom:
        body[CUSTOM] = values.to_written(custom)
    assert body.keys() <= UPDATE, "an update outside the whitelist"
    return RevertUpdate(body, expected, obstacles)


def refresh_update(body: Mapping[str, Any], live: Mapping[str, Any], chosen: Collection[str]) -> dict[str, Any]:
    """Return the update with the channels that were not chosen as HighLevel shows them now, so that a channel which was
    closed since the copy is not opened."""
    if CHANNEL not in body:
        return dict(body)
    own = {channel: state for channel, state in body[CHANNEL].items() if f"{CHANNEL}.{channel}" in chosen}
    return {**body, CHANNEL: {**_channels(live), **own}}


def changed_meanwhile(expected: Mapping[str, Any], live: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the fields that HighLevel shows with another value than expected."""
    fields = flat_fields(live)
    changed = []
    for field, value in expected.items():
        found = _true_name(field, live, fields.get(field))
        same = sorted(map(str, found)) == sorted(map(str, value)) if _are_lists(found, value) else found == value
        if not same and not (field == "dnd" and bool(found) == bool(value)):
            changed.append(field)
    return tuple(changed)


def untouched_fields(fields: Mapping[str, Any], chosen: Collection[str]) -> dict[str, Any]:
    """Return everything of the contact that putting back these fields must not change."""
    roots = {field.partition(".")[0] for field in chosen}
    parts = {field.partition(".")[2] for field in chosen if field.startswith(f"{CUSTOM}.")}
    shadows = {name for root in roots for name in DERIVED_FROM.get(root, ())}
    kept = {
        name: value
        for name, value in fields.items()
        if name not in CHANGED_BY_EVERY_WRITE and name not in shadows and (name not in roots or name == CUSTOM)
    }
    if parts and isinstance(kept.get(CUSTOM), list):
        kept[CUSTOM] = [item for item in kept[CUSTOM] if not (isinstance(item, Mapping) and item.get("id") in parts)]
    if not kept.get(CUSTOM):
        kept.pop(CUSTOM, None)
    return kept


def _is_always_listed(field: str) -> bool:
    return field.partition(".")[0] in ALWAYS_LISTED and not field.startswith(CHANNEL)


def _has_names(*copies: Mapping[str, Any]) -> bool:
    return any(copy.get(name) for copy in copies for name in NAMES)


def _true_name(field: str, fields: Mapping[str, Any], value: Any) -> Any:
    """Return the name as it was typed: some listings lower-case it and keep the original beside it."""
    raw = fields.get(field + "Raw") if field in NAMES else None
    return raw if isinstance(raw, str) and raw else value


def _obstacle(field: str, then: Any, now: Any, catalogue: FieldCatalogue) -> str:
    root, _, part = field.partition(".")
    if root == CUSTOM:
        return _custom_obstacle(part, then, now, catalogue)
    if root == CHANNEL:
        return _channel_obstacle(part, then, now)
    if root == "dnd":
        return "" if then is True else "Do-not-disturb is on today. Only the person may ask to be contacted again."
    if root in ("companyName", "gender"):
        return "HighLevel takes this only when a contact is created."
    if root == "inboundDndSettings" or root not in UPDATE:
        return _unwritable(root)
    return _plain_obstacle(root, then, catalogue)


def _plain_obstacle(root: str, then: Any, catalogue: FieldCatalogue) -> str:
    if root == "tags":
        good = then is None or (tag_texts(then) and (isinstance(then, str) or all(map(tag_text, then))))
        return "" if good else "The copy holds no list of tags."
    if then is None:
        return "" if root in CAN_BE_EMPTIED else "HighLevel does not let this be emptied."
    if root == "assignedTo" and catalogue.users is not None and str(then) not in catalogue.users:
        return "This user no longer exists."
    if root == "dateOfBirth" and not values.iso_date(then):
        return "The copy holds no date."
    if root == "country" and not country_code(str(then)):
        return "The copy holds no two-letter country code."
    return "" if isinstance(then, (str, int, float)) and not isinstance(then, bool) else "The copy holds no text."


def _custom_obstacle(field_id: str, then: Any, now: Any, catalogue: FieldCatalogue) -> str:
    known = None if catalogue.fields is None else catalogue.fields.get(field_id, FieldDefinition("", exists=False))
    if known is not None and not known.exists:
        return "The field was deleted in HighLevel."
    is_file = values.is_file(then) or values.is_file(now) or (known is not None and known.data_type in values.FILES)
    if is_file:
        return "Files cannot be written back."
    readable = is_empty(then) or values.writable_value(then, known.data_type if known else "") is not None
    return "" if readable else "The copy holds no value that can be read in one way only."


def _channel_obstacle(channel: str, then: Any, now: Any) -> str:
    if channel not in CHANNELS:
        return "HighLevel does not let this channel be written."
    if then is None or then == OPEN or now == FOREVER:
        return "The channel is closed today. Only the person may ask to be contacted again."
    return ""


def _unwritable(root: str) -> str:
    return "No program can write this." if root in UNWRITABLE else "HighLevel does not let this be written."


def _value(root: str, then: Any) -> Any:
    if root == "tags":
        return tag_texts(then)
    if root == "dateOfBirth":
        return values.iso_date(then) or None
    if root == "country":
        return country_code(str(then))
    return str(then) if isinstance(then, (int, float)) and not isinstance(then, bool) else then


def _custom_value(field_id: str, then: Any, catalogue: FieldCatalogue) -> Any:
    known = (catalogue.fields or {}).get(field_id)
    return "" if is_empty(then) else values.writable_value(then, known.data_type if known else "")


def _channels(now: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state of every channel that is named, in the form of an update."""
    return {channel: dict(state) for channel, state in dnd_settings(now).channels.items()}


def _with_channel_closed(channels: Mapping[str, Any], channel: str, then: Mapping[str, Any]) -> dict[str, Any]:
    """Return the channels with this one closed as it was then."""
    earlier = dnd_settings(then).channels.get(channel, {"status": CLOSED})
    return {**channels, channel: dict(earlier)}


def _are_lists(*values: object) -> bool:
    return all(isinstance(value, list) for value in values)
