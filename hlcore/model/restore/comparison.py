"""The planned contact compared with the one that HighLevel shows afterwards, field by field.

Spellings do not matter: tags are compared without case and order (HighLevel lower-cases them), phones by their digits
(HighLevel writes E.164), e-mails without case, custom field values whatever their type; a channel that is not named is
open. Fields that HighLevel adds by itself are ignored.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from hlcore.model import custom_fields as values
from hlcore.model.contact import digits
from hlcore.model.contact_fields import TEXTS, tag_texts
from hlcore.model.dnd import ALL, CHANNELS, OPEN, dnd_settings

SHORTEST_PHONE = 7
ADDED = "The last copy has none; HighLevel or an automation entered it."
UNREADABLE = "something that cannot be read"


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that is not as planned. `field` in HighLevel's spelling (`customFields.<id>`, `dndSettings.SMS`);
    `reason` in words, '' where it is not known."""

    field: str
    planned: Any
    found: Any
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the difference as it is stored and as the command line prints it."""
        return asdict(self)


def compare(target: Mapping[str, Any], found: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Return every planned field that the contact (`found`, the answer to GET by id) does not have as planned."""
    differences: list[Difference] = []
    for key, planned in target.items():
        if key in _PARTS:
            differences.extend(_PARTS[key](target, found))
        elif key != "locationId" and not _same(key, planned, _value(key, found)):
            differences.append(Difference(key, planned, _value(key, found)))
    return tuple(differences)


def additions(target: Mapping[str, Any], found: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Return what the contact (`found`) has in fields that a create call can write although the plan has nothing for
    them: HighLevel's own defaults, and what automations entered."""
    names = () if "name" in target else ("firstName", "lastName")
    empty = [key for key in (*names, *TEXTS, "country", "dateOfBirth", "assignedTo") if key not in target]
    differences = [
        Difference(key, None, value, ADDED) for key in empty if not values.is_empty(value := _value(key, found))
    ]
    if "tags" not in target and (tags := tag_texts(found.get("tags"))):
        differences.append(Difference("tags", None, tags, ADDED))
    planned = values.from_written(target.get("customFields", ()))
    differences += [
        Difference(f"customFields.{field_id}", None, value, ADDED)
        for field_id, value in values.custom_values(found.get("customFields")).items()
        if field_id not in planned
    ]
    return tuple(differences)


def explain_refused(differences: Iterable[Difference], refused: Collection[str], why: str) -> tuple[Difference, ...]:
    """Return the differences, with `why` as the reason of those that HighLevel rejected (`customFields` in `refused`
    means all of them)."""
    names = set(refused)
    return tuple(
        replace(item, reason=why) if {item.field, item.field.partition(".")[0]} & names and not item.reason else item
        for item in differences
    )


def same_phone(one: object, other: object) -> bool:
    """Whether two spellings mean one number; a country code that only one of them has is ignored."""
    first, second = digits(str(one or "")), digits(str(other or ""))
    if first == second:
        return bool(first) or same_text(one, other)
    shorter, longer = sorted((first, second), key=len)
    return len(shorter) >= SHORTEST_PHONE and longer.endswith(shorter.lstrip("0") or "?")


def same_text(one: object, other: object) -> bool:
    """Whether two texts read the same: Unicode in composed form, white space at the ends and runs of it ignored."""
    return _tidy(one) == _tidy(other)


def _same(key: str, planned: object, found: object) -> bool:
    test = _TESTS.get(key, same_text)
    return test(planned, found)


def _value(key: str, found: Mapping[str, Any]) -> Any:
    if key in {"firstName", "lastName"}:
        return found.get(key + "Raw") or found.get(key)
    if key != "name":
        return found.get(key)
    parts = [str(found.get(part + "Raw") or found.get(part) or "") for part in ("firstName", "lastName")]
    return " ".join(part for part in parts if part) or found.get("name") or found.get("contactName")


def _tags(target: Mapping[str, Any], found: Mapping[str, Any]) -> Iterable[Difference]:
    planned, present = target["tags"], tag_texts(found.get("tags"))
    missing = _tag_set(planned) - _tag_set(present)
    extra = _tag_set(present) - _tag_set(planned)
    if missing or extra:
        words = [f"{word}: {', '.join(sorted(tags))}" for word, tags in (("missing", missing), ("more", extra)) if tags]
        yield Difference("tags", planned, present, "; ".join(words))


def _tag_set(tags: object) -> set[str]:
    return {_tidy(tag).casefold() for tag in tag_texts(tags)}


def _custom(target: Mapping[str, Any], found: Mapping[str, Any]) -> Iterable[Difference]:
    present = values.custom_values(found.get("customFields"))
    for field_id, planned in values.from_written(target["customFields"]).items():
        if not values.same_value(planned, present.get(field_id)):
            yield Difference(f"customFields.{field_id}", planned, present.get(field_id))


def _channels(target: Mapping[str, Any], found: Mapping[str, Any]) -> Iterable[Difference]:
    planned, present = dnd_settings(target), dnd_settings(found)
    for channel in CHANNELS:
        wanted, is_now = planned.state(channel), present.state(channel)
        if channel in present.unreadable:
            yield Difference(f"dndSettings.{channel}", wanted, UNREADABLE)
        elif wanted != is_now:
            yield Difference(f"dndSettings.{channel}", wanted, is_now)


def _everywhere(target: Mapping[str, Any], found: Mapping[str, Any]) -> Iterable[Difference]:
    present = dnd_settings(found)
    if ALL in present.unreadable:
        yield Difference("dnd", target["dnd"], UNREADABLE)
    elif target["dnd"] is not present.everywhere:
        yield Difference("dnd", target["dnd"], present.everywhere)


def _inbound(target: Mapping[str, Any], found: Mapping[str, Any]) -> Iterable[Difference]:
    planned, is_now = _inbound_state(target), _inbound_state(found)
    if planned != is_now:
        yield Difference("inboundDndSettings", planned, is_now)


def _inbound_state(fields: Mapping[str, Any]) -> str:
    given = fields.get("inboundDndSettings")
    everything = given.get("all") if isinstance(given, Mapping) else None
    return str(everything.get("status") or OPEN) if isinstance(everything, Mapping) else OPEN


def _same_fold(one: object, other: object) -> bool:
    return _tidy(one).casefold() == _tidy(other).casefold()


def _same_day(one: object, other: object) -> bool:
    return values.iso_date(one) == values.iso_date(other)


def _tidy(value: object) -> str:
    return "" if value is None else " ".join(unicodedata.normalize("NFC", str(value)).split())


_PARTS: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Any]], Iterable[Difference]]] = {
    "tags": _tags,
    "customFields": _custom,
    "dndSettings": _channels,
    "dnd": _everywhere,
    "inboundDndSettings": _inbound,
}
_TESTS: Mapping[str, Callable[[object, object], bool]] = {
    "email": _same_fold,
    "phone": same_phone,
    "country": _same_fold,
    "dateOfBirth": _same_day,
}
