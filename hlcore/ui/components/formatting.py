"""How the pages say things: moments in the account's time zone, numbers, states. One place, so that all pages agree."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hlcore.model.health import Level
from hlcore.model.health import ago as age_in_words

NOTHING = "–"
Color = Literal["red", "orange", "yellow", "blue", "green", "violet", "gray", "primary"]


def zone(name: str) -> ZoneInfo:
    """The time zone of this name; UTC when this machine does not know it."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def moment(at: datetime | None, tz: str) -> str:
    """'23 Nov 2026, 14:05 CET' in the time zone; '–' for no moment."""
    if at is None:
        return NOTHING
    local = at.astimezone(zone(tz))
    return f"{local.day} {local:%b %Y, %H:%M} {zone_label(local)}"


def day(at: datetime | None, tz: str) -> str:
    """'23 Nov 2026' in the time zone; '–' for no moment."""
    if at is None:
        return NOTHING
    local = at.astimezone(zone(tz))
    return f"{local.day} {local:%b %Y}"


def zone_label(local: datetime) -> str:
    """'CET' where the zone has a name of its own, else 'UTC+05:30'."""
    name = local.tzname() or "UTC"
    if name[:1] not in "+-":
        return name
    offset = local.utcoffset() or timedelta(0)
    minutes = int(offset.total_seconds() // 60)
    sign = "-" if minutes < 0 else "+"
    return f"UTC{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def ago(at: datetime | None, now: datetime) -> str:
    """'5 minutes ago'; 'never' for no moment."""
    return "never" if at is None else age_in_words(now - at)


def duration(seconds: float) -> str:
    """'0.4 s', '12 s', '3 min 20 s', '2 h 05 min'."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def count(number: int) -> str:
    """'12,345'."""
    return f"{number:,}"


def many(number: int, one: str, more: str = "") -> str:
    """'1 contact', '2,345 contacts', 'no contacts'."""
    noun = one if number == 1 else more or one + "s"
    return f"{'no' if number == 0 else count(number)} {noun}"


def percent(share: float) -> str:
    """'2 %', '0.5 %'."""
    return f"{share * 100:.1f}".rstrip("0").rstrip(".") + " %"


_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+!|~$:\-])")


def plain(text: str) -> str:
    """Text from outside as Markdown that shows it literally: no link, image, formula or colour comes out of a name."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


@dataclass(frozen=True, slots=True)
class Badge:
    """A state for people: a word, an icon and a colour, never the colour alone. `sign` is for plain-text cells."""

    word: str
    icon: str
    color: Color
    sign: str = ""

    @property
    def badge(self) -> str:
        """The mark as Markdown."""
        return f":{self.color}-badge[{self.icon} {self.word}]"

    @property
    def cell(self) -> str:
        """The mark as plain text for a table's cell."""
        return f"{self.sign} {self.word}".strip()


_LEVELS = {
    Level.OK: Badge("Good", ":material/verified:", "green", "✓"),
    Level.ATTENTION: Badge("Needs attention", ":material/error:", "orange", "!"),
    Level.BAD: Badge("Not protected", ":material/gpp_bad:", "red", "✕"),
}
_OUTCOMES = {
    "complete": Badge("Complete", ":material/check_circle:", "green", "✓"),
    "incomplete": Badge("Incomplete", ":material/error:", "orange", "!"),
    "refused": Badge("Refused", ":material/block:", "red", "✕"),
    "": Badge("Running", ":material/sync:", "blue", "…"),
    "done": Badge("Done", ":material/check_circle:", "green", "✓"),
    "failed": Badge("Failed", ":material/error:", "red", "✕"),
}
_STATUSES = {
    "present": Badge("Present", ":material/person:", "green", "✓"),
    "suspected": Badge("Being checked", ":material/help:", "orange", "?"),
    "deleted": Badge("Deleted", ":material/person_remove:", "red", "✕"),
    "merged": Badge("Merged", ":material/merge:", "violet", "⇉"),
    "returned": Badge("Restored in HighLevel", ":material/settings_backup_restore:", "green", "↺"),
    "recreated": Badge("Restored by Contact Vault", ":material/restore:", "green", "↺"),
    "undone": Badge("Restore undone", ":material/undo:", "gray", "↩"),
    "expired": Badge("Window closed", ":material/timer_off:", "gray", "⌛"),
    "erased": Badge("Erased", ":material/delete_forever:", "gray", "∅"),
    "withdrawn": Badge("False alarm", ":material/undo:", "gray", "↩"),
}
_URGENCIES = {
    "today": Badge("Last day", ":material/alarm:", "red", "!!"),
    "soon": Badge("This week", ":material/schedule:", "orange", "!"),
    "later": Badge("There is time", ":material/event:", "blue", "·"),
    "closed": Badge("Window closed", ":material/timer_off:", "gray", "⌛"),
}


def health_mark(level: Level | str) -> Badge:
    """How good the copy is."""
    return _LEVELS[Level(level)]


def outcome_mark(outcome: str) -> Badge:
    """What came of a run or an act; '' is one that still runs."""
    return _OUTCOMES.get(outcome) or Badge(outcome.capitalize(), ":material/help:", "gray")


def status_mark(status: str) -> Badge:
    """Where a contact stands."""
    return _STATUSES.get(status) or Badge(status.capitalize(), ":material/help:", "gray")


def urgency_mark(word: str) -> Badge:
    """How soon somebody must act; the words of `model.windows.urgency`."""
    return _URGENCIES.get(word) or Badge(word.capitalize(), ":material/help:", "gray")


def time_left(open_: bool, days_left: int) -> str:
    """'23 days left', 'less than a day left', 'window closed'."""
    if not open_:
        return "window closed"
    if days_left < 1:
        return "less than a day left"
    return f"{days_left} day{'s' if days_left > 1 else ''} left"
