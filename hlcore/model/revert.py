"""Time travel: an earlier copy of a living contact beside today's, and the update that puts chosen fields back.

`PUT /contacts/{id}` changes what it names and leaves the rest, with two exceptions (HighLevel OpenAPI contacts.json):
`tags` replaces all tags, `companyName` and `gender` are not taken at all. Custom fields are merged by id. A channel
that is closed today is never opened again: only the person may ask for that.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from hlcore.model import custom_fields as values
from hlcore.model.contact_diff import CHANNEL, CUSTOM, changes, flat
from hlcore.model.contact_fields import COUNTRIES, UNWRITABLE
from hlcore.model.contact_snapshot import ALWAYS_LISTED
from hlcore.model.custom_fields import FieldDefinition, is_empty
from hlcore.model.dnd import CHANNELS, CLOSED, OPEN, own_settings
from hlcore.model.reference_data import FieldCatalogue
from hlcore.model.restore.restore_payload import UPDATE

NAMES = ("firstName", "lastName")
EMPTIED = frozenset(
    {"firstName", "lastName", "name", "email", "phone", "address1", "city", "state", "website", "timezone", "source"}
    | {"dateOfBirth", "assignedTo"}
)
"""What `UpdateContactDto` takes null for; other plain fields cannot be emptied."""
MOVING = frozenset({"dateUpdated", "traceId", "lastUpdatedBy", "searchAfter", "lastActivity"})
"""What every write changes by itself."""
SHADOWS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("firstName", "lastName", "name"),
        ("name", "contactName", "fullNameLowerCase", "firstNameLowerCase", "lastNameLowerCase", "firstNameRaw",
         "lastNameRaw"),
    ),
    "email": ("emailLowerCase", "validEmail", "bounceEmail", "validEmailDate"),
    "phone": ("phoneLabel", "validPhone"),
    "dnd": ("dndSettings", "dndDate"),
}  # fmt: skip
"""What HighLevel makes by itself out of a field, and may change with it."""


@dataclass(frozen=True, slots=True)
class FieldHistory:
    """One field in which the copies differ, in HighLevel's spelling as in `model.changes`; None is empty. `obstacle`:
    why it cannot be put back, '' when it can."""

    field: str
    then: Any
    now: Any
    obstacle: str = ""


@dataclass(frozen=True, slots=True)
class RevertUpdate:
    """The update, what each chosen field was before it (as the copy says), and why others are not in it."""

    body: dict[str, Any]
    expected: dict[str, Any]
    left: dict[str, str]


def field_histories(
    then: Mapping[str, Any], now: Mapping[str, Any], catalogue: FieldCatalogue, *, whole: bool = True
) -> tuple[FieldHistory, ...]:
    """Every field in which the two copies differ, and whether it can be put back. `whole`: the earlier copy tells all
    fields (GET by id does); a row of a listing is silent about some, and of those nothing is concluded. Pure."""
    found = []
    for change in changes(then, now):
        if change.before is None and not whole and not _tells(change.field):
            continue
        if change.field == "name" and _has_names(then, now):
            continue
        before = _true_name(change.field, then, change.before)
        after = _true_name(change.field, now, change.after)
        if before == after:
            continue
        found.append(FieldHistory(change.field, before, after, _obstacle(change.field, before, after, catalogue)))
    return tuple(found)


def revert_update(
    then: Mapping[str, Any],
    now: Mapping[str, Any],
    chosen: Collection[str],
    catalogue: FieldCatalogue,
    *,
    whole: bool = True,
) -> RevertUpdate:
    """The update that makes the chosen fields what they were then. Nothing that was not chosen, that is unchanged or
    that HighLevel does not take is in it. Pure."""
    body: dict[str, Any] = {}
    expected: dict[str, Any] = {}
    left: dict[str, str] = {}
    custom: dict[str, Any] = {}
    for one in field_histories(then, now, catalogue, whole=whole):
        if one.field not in chosen:
            continue
        if one.obstacle:
            left[one.field] = one.obstacle
            continue
        expected[one.field] = one.now
        root, _, part = one.field.partition(".")
        if root == CUSTOM:
            custom[part] = _custom_value(part, one.then, catalogue)
        elif root == CHANNEL:
            body[CHANNEL] = _closing(body.get(CHANNEL) or _settings(now), part, then)
        else:
            body[root] = _value(root, one.then)
    if custom:
        body[CUSTOM] = values.as_written(custom)
    assert body.keys() <= UPDATE, "an update outside the whitelist"
    return RevertUpdate(body, expected, left)


def freshened(body: Mapping[str, Any], live: Mapping[str, Any], chosen: Collection[str]) -> dict[str, Any]:
    """The same update with the channels that were not chosen as HighLevel shows them this moment, so that one which the
    person has closed since the copy is not opened. Pure."""
    if CHANNEL not in body:
        return dict(body)
    mine = {channel: said for channel, said in body[CHANNEL].items() if f"{CHANNEL}.{channel}" in chosen}
    return {**body, CHANNEL: {**_settings(live), **mine}}


def meanwhile(expected: Mapping[str, Any], live: Mapping[str, Any]) -> tuple[str, ...]:
    """Which of these fields HighLevel shows otherwise than expected. Pure."""
    held = flat(live)
    wrong = []
    for field, value in expected.items():
        there = _true_name(field, live, held.get(field))
        same = sorted(map(str, there)) == sorted(map(str, value)) if _are_lists(there, value) else there == value
        if not same and not (field == "dnd" and bool(there) == bool(value)):
            wrong.append(field)
    return tuple(wrong)


def rest(fields: Mapping[str, Any], chosen: Collection[str]) -> dict[str, Any]:
    """All of the contact that putting back these fields must leave as it is, for comparing byte for byte. Pure."""
    roots = {field.partition(".")[0] for field in chosen}
    parts = {field.partition(".")[2] for field in chosen if field.startswith(f"{CUSTOM}.")}
    shadows = {name for root in roots for name in SHADOWS.get(root, ())}
    kept = {
        name: value
        for name, value in fields.items()
        if name not in MOVING and name not in shadows and (name not in roots or name == CUSTOM)
    }
    if parts and isinstance(kept.get(CUSTOM), list):
        kept[CUSTOM] = [one for one in kept[CUSTOM] if not (isinstance(one, Mapping) and one.get("id") in parts)]
    if not kept.get(CUSTOM):
        kept.pop(CUSTOM, None)
    return kept


def _tells(field: str) -> bool:
    return field.partition(".")[0] in ALWAYS_LISTED and not field.startswith(CHANNEL)


def _has_names(*copies: Mapping[str, Any]) -> bool:
    return any(copy.get(name) for copy in copies for name in NAMES)


def _true_name(field: str, fields: Mapping[str, Any], value: Any) -> Any:
    """Some listings lower-case names and keep the true spelling beside them."""
    raw = fields.get(field + "Raw") if field in NAMES else None
    return raw if isinstance(raw, str) and raw else value


def _obstacle(field: str, then: Any, now: Any, catalogue: FieldCatalogue) -> str:
    root, _, part = field.partition(".")
    if root == CUSTOM:
        return _custom_obstacle(part, then, now, catalogue)
    if root == CHANNEL:
        return _channel_obstacle(part, then)
    if root == "dnd":
        return "" if then is True else "Do-not-disturb is on today. Only the person may ask to be contacted again."
    if root in ("companyName", "gender"):
        return "HighLevel takes this only when a contact is created."
    if root == "inboundDndSettings" or root not in UPDATE:
        return _unwritable(root)
    return _plain_obstacle(root, then, catalogue)


def _plain_obstacle(root: str, then: Any, catalogue: FieldCatalogue) -> str:
    if root == "tags":
        good = then is None or (isinstance(then, list) and all(isinstance(tag, str) for tag in then))
        return "" if good else "The copy holds no list of tags."
    if then is None:
        return "" if root in EMPTIED else "HighLevel does not let this be emptied."
    if root == "assignedTo" and catalogue.users is not None and then not in catalogue.users:
        return "This user no longer exists."
    if root == "dateOfBirth" and not values.iso_date(then):
        return "The copy holds no date."
    if root == "country" and not _country(then):
        return "The copy holds no two-letter country code."
    return "" if isinstance(then, (str, int, float)) and not isinstance(then, bool) else "The copy holds no text."


def _custom_obstacle(field_id: str, then: Any, now: Any, catalogue: FieldCatalogue) -> str:
    known = None if catalogue.fields is None else catalogue.fields.get(field_id, FieldDefinition("", exists=False))
    if known is not None and not known.exists:
        return "The field was deleted in HighLevel."
    is_file = values.is_file(then) or values.is_file(now) or (known is not None and known.data_type in values.FILES)
    return "Files cannot be written back." if is_file else ""


def _channel_obstacle(channel: str, then: Any) -> str:
    if channel not in CHANNELS:
        return "HighLevel does not let this channel be written."
    if then is None or then == OPEN:
        return "The channel is closed today. Only the person may ask to be contacted again."
    return ""


def _unwritable(root: str) -> str:
    return "No program can write this." if root in UNWRITABLE else "HighLevel does not let this be written."


def _value(root: str, then: Any) -> Any:
    if root == "tags":
        return list(then or [])
    if root == "dateOfBirth":
        return values.iso_date(then) or None
    if root == "country":
        return _country(then)
    return str(then) if isinstance(then, (int, float)) and not isinstance(then, bool) else then


def _country(value: Any) -> str:
    given = str(value).strip()
    code = COUNTRIES.get(given.casefold(), given.upper())
    return code if len(code) == 2 and code.isascii() and code.isalpha() else ""


def _custom_value(field_id: str, then: Any, catalogue: FieldCatalogue) -> Any:
    known = (catalogue.fields or {}).get(field_id)
    return "" if is_empty(then) else values.writable_value(then, known.data_type if known else "")


def _settings(now: Mapping[str, Any]) -> dict[str, Any]:
    """Today's state of every channel that is named, as the update repeats it."""
    return {channel: dict(said) for channel, said in own_settings(now).channels.items()}


def _closing(settings: Mapping[str, Any], channel: str, then: Mapping[str, Any]) -> dict[str, Any]:
    """The settings with this channel closed as it was then. What today's copy closes stays closed."""
    earlier = own_settings(then).channels.get(channel, {"status": CLOSED})
    return {**settings, channel: dict(earlier)}


def _are_lists(one: object, other: object) -> bool:
    return isinstance(one, list) and isinstance(other, list)
