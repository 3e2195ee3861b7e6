"""Do-not-disturb: what copies state, which of them holds, and how a contact is created without a message going out.

Creating a contact starts the location's automations. A contact is therefore created with every channel closed, and its
own settings are written afterwards, in one request, so that a channel which the contact closed is never open. Channel
names and states are those of `DndSettingsSchema` in HighLevel's OpenAPI file contacts.json; version v3 of the API
spells the names in lower case.

Consent is read strictly. Case and blanks do not matter; whatever else is there and is not HighLevel's own "open"
(`dnd: false`, `status: inactive`) closes what it may concern. A setting that is missing proves nothing. Of several
copies the strictest holds (`strictest_consent`): only an answer to GET by id that is at least as new opens again what
another copy closed, because search rows may lack settings and webhooks show what they like.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

CHANNELS = ("Call", "Email", "SMS", "WhatsApp", "GMB", "FB")
OPEN, CLOSED, FOREVER = "inactive", "active", "permanent"
STATES = frozenset({OPEN, CLOSED, FOREVER})
ALL = "dnd"
"""The name of HighLevel's own switch for all channels together."""
STAYS_ON = "do-not-disturb stays on"
"""How every sentence begins about channels that a restore keeps closed although the newest copy does not say so."""
_SPELT = {channel.lower(): channel for channel in CHANNELS}
_PARTS = ("message", "code")

Channels = dict[str, dict[str, str]]


@dataclass(frozen=True, slots=True)
class DndSettings:
    """What a copy states. `everywhere`: HighLevel's `dnd`, which closes all channels; `channels`: the channels that are
    named, in the API's spelling; `others`: closed channels that the API cannot write; `unreadable`: what of these
    (channels, or `ALL`) counts as closed because it cannot be read."""

    everywhere: bool
    channels: Channels
    others: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()

    def state(self, channel: str) -> str:
        """Return the channel's state. One that is not named is open, unless do-not-disturb is on everywhere."""
        named = self.channels.get(channel, {}).get("status", OPEN)
        return CLOSED if self.everywhere and named == OPEN and channel not in self.channels else named

    def is_open(self, channel: str) -> bool:
        """Whether a message can go out on this channel."""
        return not self.everywhere and self.state(channel) == OPEN


@dataclass(frozen=True, slots=True)
class Consent:
    """What holds of all copies. `known`: whether the newest one tells each channel, so that one that nobody closed is
    open; `notes`: in words, what stays closed although the newest copy does not say so."""

    settings: DndSettings
    known: bool
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ConsentCopy:
    """One stored copy of a contact. `by_id`: it is an answer to GET by id; `updated`: HighLevel's `dateUpdated`;
    `captured`: when the vault read it; None where not known."""

    fields: Mapping[str, Any]
    by_id: bool
    updated: datetime | None = None
    captured: datetime | None = None

    def is_as_new_as(self, other: ConsentCopy) -> bool:
        """Whether this copy is at least as new as the other by every clock that both have."""
        clocks = ((self.updated, other.updated), (self.captured, other.captured))
        return all(mine is None or its is None or mine >= its for mine, its in clocks)


@dataclass(frozen=True, slots=True)
class QuietSettings:
    """How a contact gets its settings back: `create` is part of the create call, `update` (None: not needed) is sent
    afterwards. `note` says in words what will differ from the copy, '' for nothing."""

    create: dict[str, Any]
    update: dict[str, Any] | None
    note: str = ""


def dnd_settings(fields: Mapping[str, Any]) -> DndSettings:
    """Return the settings in these fields of a contact, in whichever version of the API they are spelled. What cannot
    be read is closed."""
    named, unreadable = _statements(fields)
    everywhere = named.pop(ALL, {}).get("status") == CLOSED
    channels = {name: state for name, state in named.items() if name in CHANNELS}
    others = tuple(name for name, state in named.items() if name not in CHANNELS and state["status"] != OPEN)
    return DndSettings(everywhere, channels, others, unreadable)


def consent_of(fields: Mapping[str, Any], *, known: bool) -> Consent:
    """Return the consent that a single copy states. `known`: it tells each channel."""
    settings = dnd_settings(fields)
    return Consent(settings, known, _notes(settings, ()))


def strictest_consent(copies: Sequence[ConsentCopy]) -> Consent:
    """Return what holds of all stored copies of one contact, in any order.

    A channel (or all of them, by `dnd`) is closed when any copy closes it, unless an answer to GET by id that is at
    least as new says that it is open. Channels that nobody closed are open only where the newest copy tells of
    channels: an answer to GET by id that states do-not-disturb at all, or another copy that names a channel."""
    read = [(copy, *_statements(copy.fields)) for copy in copies]
    holding: Channels = {}
    unreadable: list[str] = []
    older: list[str] = []
    for name in dict.fromkeys(name for _, statements, _ in read for name in statements):
        closing = [
            (copy, statements[name], name in unread)
            for copy, statements, unread in read
            if statements.get(name, {}).get("status", OPEN) != OPEN and not _is_opened_since(name, copy, read)
        ]
        if closing:
            holding[name] = _strictest(state for _, state, _ in closing)
            unreadable += [name] if all(unread for _, _, unread in closing) else []
            if not any(_is_newest(copy, copies) for copy, _, _ in closing):
                older.append(name)
        elif name in CHANNELS:
            stated = [statements[name] for _, statements, _ in read if name in statements]
            holding[name] = next(state for state in reversed(stated) if state["status"] == OPEN)
    known = any(
        _is_newest(copy, copies) and bool(statements if copy.by_id else statements.keys() & set(CHANNELS))
        for copy, statements, _ in read
    )
    everywhere = holding.pop(ALL, None) is not None
    channels = {name: state for name, state in holding.items() if name in CHANNELS}
    others = tuple(name for name in holding if name not in CHANNELS)
    settings = DndSettings(everywhere, channels, others, tuple(unreadable))
    return Consent(settings, known, _notes(settings, older))


def all_closed() -> dict[str, Any]:
    """Return the settings under which no message can go out: do-not-disturb everywhere and on each channel."""
    return {"dnd": True, "dndSettings": {channel: {"status": CLOSED} for channel in CHANNELS}}


def quiet_settings(own: DndSettings, *, known: bool) -> QuietSettings:
    """Decide how to create a contact with these settings without a message going out. Where the copy does not state
    each channel (`known` False), or a closed channel cannot be written, every channel stays closed."""
    closed = all_closed()
    if own.others and not own.everywhere:
        why = f"{', '.join(own.others)} was closed and cannot be written"
        return QuietSettings(closed, None, f"{STAYS_ON} for all channels: {why}")
    if not known:
        note = "" if own.everywhere else f"{STAYS_ON} for all channels: the copy does not tell each channel"
        return QuietSettings(closed, None, note)
    update = {"dnd": own.everywhere, "dndSettings": {channel: _written(own, channel) for channel in CHANNELS}}
    return QuietSettings(closed, None if update == closed else update)


def simplified_update(update: dict[str, Any]) -> dict[str, Any]:
    """Return the update without texts and with `permanent` as `active`, for when HighLevel refuses it as it is."""
    channels = {
        channel: {"status": CLOSED if value["status"] == FOREVER else value["status"]}
        for channel, value in update["dndSettings"].items()
    }
    return {**update, "dndSettings": channels}


def without_closed_since(update: Mapping[str, Any], live: Mapping[str, Any]) -> dict[str, Any]:
    """Return the update that reopens channels of a contact whose channels we closed ourselves, without those that the
    contact closed since: closed for good, or with a message or code, which we never write. `live`: the contact as
    HighLevel shows it now. Where it shows a closed channel that no update can name, nothing is reopened."""
    now = dnd_settings(live)
    if now.others:
        return all_closed()
    channels = {
        channel: _unless_closed_since(value, now.channels.get(channel, {}))
        for channel, value in update["dndSettings"].items()
    }
    return {"dnd": update["dnd"], "dndSettings": channels}


def _unless_closed_since(before: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    closed_by_others = bool(now.get("message") or now.get("code")) and now.get("status") == CLOSED
    return dict(now) if now.get("status") == FOREVER or closed_by_others else dict(before)


def _statements(fields: Mapping[str, Any]) -> tuple[Channels, tuple[str, ...]]:
    """Return what the fields state: name of a channel (or `ALL`) → state and texts; and the names of which the state
    could not be read and therefore is closed."""
    named: Channels = {}
    unreadable: list[str] = []
    if (switch := fields.get(ALL)) is not None:
        named[ALL] = {"status": OPEN if switch is False else CLOSED}
        unreadable += [] if _is_true(switch) or switch is False else [ALL]
    given = fields.get("dndSettings")
    if given is not None and not isinstance(given, Mapping):
        given = dict.fromkeys(CHANNELS, given)
    for key, value in (given or {}).items():
        if value is None or value == {}:
            continue
        name = _SPELT.get(str(key).strip().lower(), f"“{key}”" if key == ALL else str(key))
        state = _state(value)
        unreadable += [] if state else [name]
        texts = {part: value[part] for part in _PARTS if state and isinstance(value.get(part), str) and value[part]}
        named[name] = _strictest((named.get(name, {"status": OPEN}), {"status": state or CLOSED, **texts}))
    if fields.get("unsubscribeEmail") not in (None, False, ""):
        named["Email"] = _strictest((named.get("Email", {"status": OPEN}), {"status": CLOSED}))
    return named, tuple(dict.fromkeys(unreadable))


def _is_true(switch: object) -> bool:
    return switch is True or (isinstance(switch, str) and switch.strip().lower() == "true")


def _state(value: object) -> str:
    """Return the state that HighLevel's own form of a channel states; '' for anything else."""
    given = value.get("status") if isinstance(value, Mapping) else None
    state = given.strip().lower() if isinstance(given, str) else ""
    return state if state in STATES else ""


def _strictest(states: Iterable[dict[str, str]]) -> dict[str, str]:
    """Return the strictest of these states; of equally strict ones the last, but rather one with a text."""
    order = (OPEN, CLOSED, FOREVER)
    return max(enumerate(states), key=lambda one: (order.index(one[1]["status"]), len(one[1]) > 1, one[0]))[1]


def _is_opened_since(
    name: str, closing: ConsentCopy, read: Iterable[tuple[ConsentCopy, Channels, tuple[str, ...]]]
) -> bool:
    """Whether an answer to GET by id that is at least as new as the closing copy says that the channel is open."""
    return any(
        copy.by_id
        and copy is not closing
        and statements.get(name, {}).get("status") == OPEN
        and copy.is_as_new_as(closing)
        for copy, statements, _ in read
    )


def _is_newest(copy: ConsentCopy, copies: Iterable[ConsentCopy]) -> bool:
    return all(copy.is_as_new_as(other) for other in copies)


def _notes(settings: DndSettings, older: Sequence[str]) -> tuple[str, ...]:
    """Return in words what stays closed because it cannot be read, or because only an older copy says so."""
    unread = [name for name in settings.unreadable if not (settings.everywhere and name != ALL)]
    unread = [name for name in unread if name == ALL or name in settings.channels or name in settings.others]
    older = [ALL] if ALL in older else list(older)
    notes = [f"{_stays_on(unread)}: the setting in the copy cannot be read"] if unread else []
    if older:
        why = "an earlier copy has it closed, and no answer of HighLevel about this contact alone opened it since"
        notes.append(f"{_stays_on(older)}: {why}")
    return tuple(notes)


def _stays_on(names: Sequence[str]) -> str:
    where = "all channels" if ALL in names or set(names) >= set(CHANNELS) else ", ".join(names)
    return f"{STAYS_ON} for {where}"


def _written(own: DndSettings, channel: str) -> dict[str, str]:
    return {**own.channels.get(channel, {}), "status": own.state(channel)}
