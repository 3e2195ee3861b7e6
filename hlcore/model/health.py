"""Whether the copy of a location is good, computed from facts and the clock, so that it degrades by itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from hlcore.model.moments import CLOCK_SLACK, day_text, is_future
from hlcore.model.moments import age as age_of
from hlcore.model.wording import form, plural


class Level(StrEnum):
    """How good the copy is."""

    OK = "ok"
    ATTENTION = "attention"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class HealthFacts:
    """What is known of a location. `every`: the configured time between two complete listings."""

    connected: bool
    last_complete_at: datetime | None
    last_outcome: str  # of the newest finished run: complete | incomplete | refused | ''
    last_reason: str
    running: bool
    suspected: int
    incidents_waiting: int
    every: timedelta
    last_webhook_at: datetime | None = None
    webhooks_expected_since: datetime | None = None  # None: this location receives none
    webhook_silence: timedelta = timedelta(hours=24)
    set_aside: int = 0  # items in quarantine that wait for a decision
    newest_moment: datetime | None = None  # when its newest run began
    twins: int = 0  # people who were created again and came back under their old id besides


@dataclass(frozen=True, slots=True)
class Health:
    """The level and its reasons in plain words, the worst first; at least one reason. `doubts`: those of them for which
    an empty list of deletions does not mean that nobody was deleted."""

    level: Level
    reasons: tuple[str, ...]
    doubts: tuple[str, ...] = ()


def assess(facts: HealthFacts, now: datetime) -> Health:
    """Assess the copy at `now`."""
    checks = (
        _age(facts, now),
        _refusal(facts),
        _incident(facts),
        _suspects(facts),
        _quarantine(facts),
        _twins(facts),
        _silence(facts, now),
        _clock(facts, now),
    )
    findings = sorted((check for check in checks if check), key=lambda finding: _WORST_FIRST.index(finding[0]))
    worst = findings[0][0]
    doubts = (_age(facts, now), _refusal(facts), _incident(facts), _suspects(facts), _clock(facts, now))
    return Health(
        worst,
        tuple(words for level, words in findings if level == worst or level != Level.OK),
        tuple(finding[1] for finding in doubts if finding and finding[0] != Level.OK),
    )


_WORST_FIRST = (Level.BAD, Level.ATTENTION, Level.OK)


def _age(facts: HealthFacts, now: datetime) -> tuple[Level, str]:
    if not facts.connected:
        return Level.BAD, "This account is disconnected: nothing new is copied."
    age = age_of(facts.last_complete_at, now)
    if age is None:
        return _no_copy(facts)
    if age <= facts.every * 2:
        return Level.OK, f"Complete copy from {ago(age)}."
    if age <= max(facts.every * 4, timedelta(hours=24)):
        return Level.ATTENTION, f"The last complete copy is from {ago(age)}; one was due."
    return Level.BAD, f"The last complete copy is from {ago(age)}. Deletions since then are not noticed."


def _no_copy(facts: HealthFacts) -> tuple[Level, str]:
    if facts.running:
        return Level.ATTENTION, "The first copy is being made."
    if facts.last_complete_at is not None:
        return Level.BAD, "The last complete copy is dated in the future, which proves nothing. A new one is due."
    return Level.BAD, "There is no complete copy yet. Start one with “Sync now” on the Settings page."


def _refusal(facts: HealthFacts) -> tuple[Level, str] | None:
    if facts.last_outcome == "refused":
        return Level.BAD, f"The last run was refused: {facts.last_reason}"
    if facts.last_outcome == "incomplete":
        return Level.ATTENTION, f"The last run was incomplete: {facts.last_reason}"
    return None


def _incident(facts: HealthFacts) -> tuple[Level, str] | None:
    if not facts.incidents_waiting:
        return None
    return Level.ATTENTION, "Unusually many contacts disappeared at once; they are being checked one by one."


def _suspects(facts: HealthFacts) -> tuple[Level, str] | None:
    if not facts.suspected:
        return None
    return Level.ATTENTION, (
        f"{plural(facts.suspected, 'contact was', 'contacts were')} missing from the last listing and "
        f"{form(facts.suspected, 'waits', 'wait')} for confirmation."
    )


def _quarantine(facts: HealthFacts) -> tuple[Level, str] | None:
    if not facts.set_aside:
        return None
    return Level.ATTENTION, (
        f"{plural(facts.set_aside, 'item')} from HighLevel could not be handled and "
        f"{form(facts.set_aside, 'was', 'were')} set aside. The Activity page says what, when and where in the code."
    )


def _twins(facts: HealthFacts) -> tuple[Level, str] | None:
    if not facts.twins:
        return None
    people = plural(facts.twins, "person lives", "people live")
    return Level.ATTENTION, (
        f"{people} twice in HighLevel: created again by a restore, and brought back under the old id since. At risk "
        "says what to do."
    )


def _silence(facts: HealthFacts, now: datetime) -> tuple[Level, str] | None:
    """Notice missing webhooks: HighLevel stops sending them after too many failures, until a user turns them on."""
    since = facts.last_webhook_at or facts.webhooks_expected_since
    if not facts.connected or since is None:
        return None
    silence = age_of(since, now)
    if silence is None:
        return Level.ATTENTION, "The last webhook is dated in the future: whether webhooks still come is not known."
    if silence <= facts.webhook_silence:
        return None
    hours = int(silence.total_seconds() // 3600)
    return Level.ATTENTION, (
        f"No webhook for {plural(hours, 'hour')}. Deletions are still found by listings, but later and without their "
        "exact time. The Webhooks page says what to check."
    )


def _clock(facts: HealthFacts, now: datetime) -> tuple[Level, str] | None:
    if facts.newest_moment is None or not is_future(facts.newest_moment, now):
        return None
    return Level.ATTENTION, (
        f"The newest round is dated {day_text(facts.newest_moment, 'UTC')}, which is in the future: the server's clock "
        "was wrong, or is. What is dated in the future proves nothing and is done again."
    )


def ago(age: timedelta) -> str:
    """Return an age in words: 'just now', '5 minutes ago', '3 hours ago', '2 days ago'; 'dated in the future' for one
    that is negative by more than clocks differ."""
    if age < -CLOCK_SLACK:
        return "dated in the future"
    minutes = int(age.total_seconds() // 60)
    if minutes < 1:
        return "just now"
    for size, noun in ((1440, "day"), (60, "hour"), (1, "minute")):
        if minutes >= size:
            count = minutes // size
            return f"{plural(count, noun)} ago"
    return "just now"
