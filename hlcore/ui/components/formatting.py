"""Text for people: moments in an account's time zone, numbers, durations and states, the same on every page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from hlcore.model import wording
from hlcore.model.health import Level
from hlcore.model.health import ago as age_in_words
from hlcore.model.moments import day_text, time_text, time_zone

NOTHING = "–"
plural, capitalized = wording.plural, wording.capitalized
Color = Literal["red", "orange", "yellow", "blue", "green", "violet", "gray", "primary"]


def moment(at: datetime | None, tz: str) -> str:
    """Return '23 Nov 2026, 14:05 CET' in the time zone; '–' for None."""
    return NOTHING if at is None else time_text(at, tz)


def moment_cell(at: datetime | None, tz: str) -> str:
    """Return '23 Nov 2026, 14:05' for a table that states the time zone once; '–' for None."""
    return NOTHING if at is None else time_text(at, tz, with_zone=False)


def zone_note(tz: str) -> str:
    """Return 'times in America/New York', which a table says once."""
    return f"times in {str(time_zone(tz)).replace('_', ' ')}"


def day(at: datetime | None, tz: str) -> str:
    """Return '23 Nov 2026' in the time zone; '–' for None."""
    return NOTHING if at is None else day_text(at, tz)


def ago(at: datetime | None, now: datetime) -> str:
    """Return '5 minutes ago'; 'never' for None."""
    return "never" if at is None else age_in_words(now - at)


def duration(seconds: float) -> str:
    """Return '0.4 s', '12 s', '3 min 20 s' or '2 h 05 min'."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def count(number: int) -> str:
    """Return '12,345'."""
    return f"{number:,}"


def record_count(number: int, kind: str) -> str:
    """Return '2 notes' or '1 opportunity' for a kind of record."""
    return plural(number, kind.replace("_", " "))


def percent(share: float) -> str:
    """Return '2 %' or '0.5 %'. `share` is between 0 and 1."""
    return f"{share * 100:.1f}".rstrip("0").rstrip(".") + " %"


_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+!|~$:&\-])")
_LIST_NUMBER = re.compile(r"^([0-9]+)\.")
_REWRITTEN = re.compile(
    r"(?<=http)(?P<web>s?):(?=//)|(?<=www)\.|@|:(?=[\w+-]+:)|:(?=material/)|[<>~-](?=[->=])", re.IGNORECASE
)
"""Matches the first character of what Streamlit's pages replace in finished text, where a backslash does not help: bare
addresses become links, `:name:` an emoji or icon, `->` an arrow."""


def escaped(text: str) -> str:
    """Escape text from outside for Markdown, so that it is shown as it is: no link, image, formula, colour, icon or
    emoji comes of it. Runs of white space become one blank, and what no page can show is left out.

    `:color[…]` without a colour changes nothing but that its content is a text of its own."""
    line = " ".join(displayable(text).split())
    parts, end = [], 0
    for found in _REWRITTEN.finditer(line):
        secure = found["web"] or ""
        parts += [line[end : found.start()] + secure, found[0][len(secure) :]]
        end = found.end()
    parts.append(line[end:])
    special = [_SPECIAL.sub(r"\\\1", part) for part in parts]
    marked = "".join(f":color[{part}]" if number % 2 else part for number, part in enumerate(special))
    return _LIST_NUMBER.sub(r"\1\\.", marked)


def escaped_lines(text: str) -> str:
    """As `escaped`, with the text's lines kept as lines; blank ones are left out."""
    return "  \n".join(escaped(line) for line in text.splitlines() if line.strip())


def code(text: str) -> str:
    """Return an id or another text from outside as a code span of Markdown."""
    line = " ".join(displayable(text).split())
    fence = "`" * (max(map(len, re.findall("`+", line)), default=0) + 1)
    pad = " " if len(fence) > 1 else ""
    return f"{fence}{pad}{line}{pad}{fence}" if line else NOTHING


def displayable(text: str) -> str:
    """Return the text without NUL and with U+FFFD for half a character (a lone surrogate): no message to a browser can
    hold either."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@dataclass(frozen=True, slots=True)
class Badge:
    """A state as a label, an icon and a colour, never the colour alone. `symbol` stands for the icon in plain text."""

    label: str
    icon: str
    color: Color
    symbol: str = ""

    @property
    def markdown(self) -> str:
        """The badge as Markdown."""
        return f":{self.color}-badge[{self.icon} {self.label}]"

    @property
    def cell(self) -> str:
        """The badge as plain text for a table's cell."""
        return f"{self.symbol} {self.label}".strip()


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
    "stopped": Badge("Stopped", ":material/stop_circle:", "gray", "■"),
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


def health_badge(level: Level | str) -> Badge:
    """Return the badge of an account's health."""
    return _LEVELS[Level(level)]


def outcome_badge(outcome: str) -> Badge:
    """Return the badge of a run or an audited action; '' is one that is still running."""
    return _OUTCOMES.get(outcome) or Badge(outcome.capitalize(), ":material/help:", "gray")


def status_badge(status: str) -> Badge:
    """Return the badge of a contact's status."""
    return _STATUSES.get(status) or Badge(status.capitalize(), ":material/help:", "gray")


def urgency_badge(urgency: str) -> Badge:
    """Return the badge of an urgency as `model.recovery_window.urgency` names it."""
    return _URGENCIES.get(urgency) or Badge(urgency.capitalize(), ":material/help:", "gray")


def time_left(is_open: bool, days_left: int) -> str:
    """Return '23 days left', 'less than a day left' or 'window closed'."""
    if not is_open:
        return "window closed"
    if days_left < 1:
        return "less than a day left"
    return f"{plural(days_left, 'day')} left"
