"""Is it really back? What was planned, compared with what HighLevel shows afterwards, field by field.

Two spellings of one value are equal: tags without regard to case and order (HighLevel lower-cases them), phones by
their digits (HighLevel writes E.164), e-mails without case, custom field values whatever their type, a channel that is
not named as an open one. What HighLevel adds by itself is no difference.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from hlcore.model import custom_fields as values
from hlcore.model.contact import digits
from hlcore.model.dnd import CHANNELS, FOREVER, OPEN, own_settings

SHORTEST_PHONE = 7


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that is not as planned. `field` in HighLevel's spelling (`customFields.<id>`, `dndSettings.SMS`);
    `reason` in words where it is known."""

    field: str
    planned: Any
    found: Any
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """As the command line and the register show it."""
        return asdict(self)


def compare(target: Mapping[str, Any], found: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Every planned field that the contact, as GET by id shows it, does not have as planned. Pure."""
    differences: list[Difference] = []
    for key, planned in target.items():
        if key in _PARTS:
            differences.extend(_PARTS[key](target, found))
        elif key != "locationId" and not _same(key, planned, _value(key, found)):
            differences.append(Difference(key, planned, _value(key, found)))
    return tuple(differences)


def explained(differences: Iterable[Difference], refused: Collection[str], why: str) -> tuple[Difference, ...]:
    """The differences, with `why` as the reason of those that HighLevel refused to take (`customFields` means all)."""
    return tuple(
        replace(one, reason=why) if {one.field, one.field.partition(".")[0]} & set(refused) and not one.reason else one
        for one in differences
    )


def same_phone(one: object, other: object) -> bool:
    """Whether two spellings mean one number; a country code that only one of them has does not count."""
    first, second = digits(str(one or "")), digits(str(other or ""))
    if first == second:
        return bool(first) or same_text(one, other)
    shorter, longer = sorted((first, second), key=len)
    return len(shorter) >= SHORTEST_PHONE and longer.endswith(shorter.lstrip("0") or "?")


def same_text(one: object, other: object) -> bool:
    """Whether two texts are the same to a reader: composed alike, white space at the ends and runs of it aside."""
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
    planned, there = target["tags"], found.get("tags") or []
    missing = _tag_set(planned) - _tag_set(there)
    extra = _tag_set(there) - _tag_set(planned)
    if missing or extra:
        told = [f"{word}: {', '.join(sorted(tags))}" for word, tags in (("missing", missing), ("more", extra)) if tags]
        yield Difference("tags", planned, there, "; ".join(told))


def _tag_set(tags: object) -> set[str]:
    return {_tidy(tag).casefold() for tag in tags if isinstance(tag, str)} if isinstance(tags, list) else set()


def _custom(target: Mapping[str, Any], found: Mapping[str, Any]) -> Iterable[Difference]:
    there = values.values_of(found.get("customFields"))
    for field_id, planned in values.as_read(target["customFields"]).items():
        if not values.same_value(planned, there.get(field_id)):
            yield Difference(f"customFields.{field_id}", planned, there.get(field_id))


def _disturb(target: Mapping[str, Any], found: Mapping[str, Any]) -> Iterable[Difference]:
    planned, there = own_settings(target), own_settings(found)
    for channel in CHANNELS:
        wanted, is_now = planned.state(channel), there.state(channel)
        both_closed = OPEN not in (wanted, is_now) and FOREVER not in (wanted, is_now)
        if wanted != is_now and not both_closed:
            yield Difference(f"dndSettings.{channel}", wanted, is_now)


def _everywhere(target: Mapping[str, Any], found: Mapping[str, Any]) -> Iterable[Difference]:
    if target["dnd"] is not (found.get("dnd") is True):
        yield Difference("dnd", target["dnd"], found.get("dnd") is True)


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
    "dndSettings": _disturb,
    "dnd": _everywhere,
    "inboundDndSettings": _inbound,
}
_TESTS: Mapping[str, Callable[[object, object], bool]] = {
    "email": _same_fold,
    "phone": same_phone,
    "country": _same_fold,
    "dateOfBirth": _same_day,
}
