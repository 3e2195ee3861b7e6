"""The first page's parts: the answer, the numbers, what to do next, the trend, each account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import streamlit as st

from hlcore.metrics.daily import DailyCounts
from hlcore.metrics.overview import LocationStats, Overview
from hlcore.model.health import Level
from hlcore.ui import session
from hlcore.ui.components import charts
from hlcore.ui.components.formatting import NOTHING, ago, count, health_mark, many, moment, plain

ANSWERS = {
    Level.OK: ("Your copy is good", ":material/verified:"),
    Level.ATTENTION: ("Your copy needs attention", ":material/error:"),
    Level.BAD: ("Your copy is not up to date", ":material/gpp_bad:"),
}
SHOWN_REASONS = 4


@dataclass(frozen=True, slots=True)
class NextStep:
    """One thing to do: why, and where."""

    words: str
    page: str
    label: str
    icon: str
    query: tuple[tuple[str, str], ...] = ()


def answer(found: Overview) -> None:
    """Is my copy good? In words, with the reasons."""
    worst = found.worst
    if worst is None:
        return
    level = worst.health.level
    words, icon = ANSWERS[level]
    with st.container(border=True, key="answer"):
        st.markdown(f"### :{health_mark(level).color}[{icon} {words}]")
        for line in _reasons(found, level):
            st.markdown(line)
        st.caption(_last_listing(found))


def _reasons(found: Overview, level: Level) -> list[str]:
    """One line for an account, named where there are several; for a good copy one line is enough."""
    several = len(found.locations) > 1
    if level is Level.OK:
        noun = many(len(found.locations), "account")
        return [f"{count(found.protected)} contacts of {noun} are copied; every deletion since then will be noticed."]
    lines = [
        f"{f'**{plain(each.place.name)}:** ' if several else ''}{plain(reason)}"
        for each in found.locations
        if each.health.level is not Level.OK
        for reason in each.health.reasons
    ]
    more = len(lines) - SHOWN_REASONS
    return lines[:SHOWN_REASONS] + ([f"… and {more} more below."] if more > 0 else [])


def _last_listing(found: Overview) -> str:
    if found.last_complete_at is None:
        return "Not every account has been listed completely yet."
    tz = session.shared_timezone([each.place for each in found.locations])
    when = f"{moment(found.last_complete_at, tz)} ({ago(found.last_complete_at, found.at)})"
    return f"Last complete listing{' of every account' if len(found.locations) > 1 else ''}: {when}"


def numbers(found: Overview) -> None:
    """The four figures that matter, each with its context."""
    tally = found.tally
    urgent = tally.today + tally.soon
    with st.grid(4, min_column_width=150, gap="small"):
        _figure("Protected", found.protected, _protected_words(found), ":material/verified_user:")
        before = f"{count(tally.deleted_30)} in 30 days"
        _figure("Deleted in 7 days", tally.deleted_7, before, ":material/person_remove:")
        _figure(
            "At risk now",
            tally.at_risk,
            f"{count(urgent)} within a week" if urgent else "none within a week",
            ":material/timer:",
            urgent=bool(urgent),
        )
        back = tally.returned_30 + tally.recreated_30
        _figure("Restored", tally.restored, f"{count(back)} in 30 days", ":material/settings_backup_restore:")


def _figure(label: str, value: int, context: str, icon: str, *, urgent: bool = False) -> None:
    st.metric(
        label,
        count(value),
        context,
        delta_color="orange" if urgent else "off",
        delta_arrow="off",
        icon=icon,
        border=True,
        height="stretch",
    )


def _protected_words(found: Overview) -> str:
    checking = sum(each.suspected for each in found.locations)
    if checking:
        return f"{count(checking)} being checked"
    return f"in {many(len(found.locations), 'account')}"


def steps(found: Overview) -> list[NextStep]:
    """What to do next, the most urgent first; at most three."""
    tally = found.tally
    every: list[NextStep] = []
    cut_off = [each for each in found.locations if not each.place.connected]
    refused = [each for each in found.locations if each.place.connected and each.health.level is Level.BAD]
    if refused:
        words = f"**{_names(refused)}** has no up-to-date copy."
        every.append(NextStep(words, "settings.py", "Look at it in Settings", ":material/tune:"))
    if tally.today:
        words = f"**{many(tally.today, 'contact')}** can be restored in HighLevel for less than a day."
        every.append(NextStep(words, "at_risk.py", "Save them now", ":material/alarm:", (("left", "Last day"),)))
    if tally.soon:
        words = f"**{many(tally.soon, 'contact')}** can be restored in HighLevel for a week or less."
        step = NextStep(words, "at_risk.py", "Decide who comes back", ":material/timer:", (("left", "This week"),))
        every.append(step)
    elif tally.at_risk and not tally.today:
        words = f"**{many(tally.at_risk, 'contact')}** were deleted and can still be restored in HighLevel."
        every.append(NextStep(words, "at_risk.py", "See who they are", ":material/timer:"))
    if cut_off:
        words = f"**{_names(cut_off)}** is disconnected: its copy stays, nothing new is added."
        every.append(NextStep(words, "settings.py", "Connect it again", ":material/link:"))
    if not every:
        words = "Nothing waits for you. A backup file of your own is one click away."
        every.append(NextStep(words, "backups.py", "Download a backup", ":material/download:"))
    return every[:3]


def _names(found: Sequence[LocationStats]) -> str:
    first = plain(found[0].place.name)
    return first if len(found) == 1 else f"{first} and {count(len(found) - 1)} more"


def draw_steps(found: Overview) -> None:
    """The list of what to do next, with the way there."""
    with st.container(border=True, key="next", height="stretch"):
        st.markdown("#### What to do next")
        for at, step in enumerate(steps(found)):
            st.markdown(step.words)
            kind: Literal["primary", "secondary"] = "secondary" if at else "primary"
            if st.button(step.label, key=f"step_{at}", icon=step.icon, type=kind):
                st.switch_page(step.page, query_params=dict(step.query))
        st.caption(_budget(found))


def _budget(found: Overview) -> str:
    limit = min(each.daily_limit for each in found.locations)
    each = " for each account" if len(found.locations) > 1 else ""
    return f"{many(found.requests_today, 'request')} to HighLevel today; {count(limit)} are allowed{each}."


def trend(days: Sequence[DailyCounts], found: Overview) -> None:
    """Deletions per day, and what came back."""
    if all(each.last_complete is None for each in found.locations):
        st.caption("The trend begins with the first complete copy.")
        return
    series = {
        "Deleted": [each.deleted for each in days],
        "Merged": [each.merged for each in days],
        "Restored": [each.returned + each.recreated for each in days],
    }
    shown = {name: values for name, values in series.items() if name == "Deleted" or any(values)}
    if not any(any(values) for values in shown.values()):
        st.markdown(":green[:material/verified:] Nobody disappeared in this time.")
        return
    dates = [each.day for each in days]
    lost, saved = series["Deleted"], sum(series["Restored"])
    words = charts.words_for_daily("Contacts deleted per day", dates, lost)
    charts.draw(charts.daily_bars(dates, shown), key="trend", alt=f"{words} {many(saved, 'contact')} restored.")
    zone = " Each account's days are those of its own time zone." if len(found.locations) > 1 else ""
    st.caption(f"{words}{zone}")


def account_rows(found: Overview) -> list[dict[str, Any]]:
    """Each account as a row."""
    return [_account(each) for each in found.locations]


def all_good(found: Overview) -> bool:
    """Whether no account needs a reason."""
    return all(each.health.level is Level.OK for each in found.locations)


def _account(each: LocationStats) -> dict[str, Any]:
    last = each.last_complete.finished_at if each.last_complete else None
    return {
        "Account": each.place.name,
        "Copy": health_mark(each.health.level).cell,
        "Last complete listing": moment(last, each.place.timezone) if last else NOTHING,
        "Contacts": each.present,
        "At risk": each.tally.at_risk,
        "Deleted, 30 days": each.tally.deleted_30,
        "Restored": each.tally.restored,
        "Requests today": each.requests_today,
        "Why": " ".join(each.health.reasons),
    }


def account_columns(*, reasons: bool) -> dict[str, Any]:
    """The columns of that table; the reasons only where there are any to read."""
    text, number = st.column_config.TextColumn, st.column_config.NumberColumn
    numbers = {"Contacts": 90, "At risk": 80, "Deleted, 30 days": 125, "Restored": 85, "Requests today": 120}
    return {
        "Account": text(width=185),
        "Copy": text(width=130),
        **({"Why": text(width=420)} if reasons else {}),
        "Last complete listing": text(width=180),
        **{name: number(format="localized", width=width) for name, width in numbers.items()},
    }
