"""The Overview page's parts: how good the copy is, the figures, what to do next, the trend, each account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import streamlit as st

from hlcore.metrics.daily import DailyCounts
from hlcore.metrics.overview import LocationStats, Overview
from hlcore.model.health import Level
from hlcore.model.wording import form
from hlcore.ui import session
from hlcore.ui.components import charts
from hlcore.ui.components.charts import show_figure
from hlcore.ui.components.formatting import ago, count, escaped, health_badge, moment, moment_cell, plural
from hlcore.ui.components.navigation import go_to

HEADLINES = {
    Level.OK: ("Your copy is good", ":material/verified:"),
    Level.ATTENTION: ("Your copy needs attention", ":material/error:"),
    Level.BAD: ("Your copy is not up to date", ":material/gpp_bad:"),
}
SHOWN_REASONS = 4


@dataclass(frozen=True, slots=True)
class NextStep:
    """One thing to do: why, and the page where it is done."""

    text: str
    page: str
    label: str
    icon: str
    query: tuple[tuple[str, str], ...] = ()


def show_summary(overview: Overview, belongings: str) -> None:
    """Draw the answer in two parts: how good the copy of the contacts is, by the worst account, with the reasons; and
    `belongings`, what is known of what belongs to them."""
    worst = overview.worst
    if worst is None:
        return
    level = worst.health.level
    headline, icon = HEADLINES[level]
    with st.container(border=True, key="answer"):
        st.markdown("**Contacts**")
        st.markdown(f"### :{health_badge(level).color}[{icon} {headline}]", anchors=False)
        st.markdown("\n\n".join(_reasons(overview, level)))
        st.markdown(f"**What belongs to them**\n\n{belongings}")
        st.caption(_last_listing_text(overview))


def _reasons(overview: Overview, level: Level) -> list[str]:
    """Return a line for each reason, with the account's name where there are several; one line for a good copy."""
    several = len(overview.locations) > 1
    if level is Level.OK:
        accounts = plural(len(overview.locations), "account")
        verb = form(overview.protected, "is", "are")
        contacts = plural(overview.protected, "contact").capitalize()
        return [f"{contacts} of {accounts} {verb} copied; every deletion since then will be noticed."]
    lines = [
        f"{f'**{escaped(stats.location.name)}:** ' if several else ''}{escaped(reason)}"
        for stats in overview.locations
        if stats.health.level is not Level.OK
        for reason in stats.health.reasons
    ]
    more = len(lines) - SHOWN_REASONS
    return lines[:SHOWN_REASONS] + ([f"… and {more} more below."] if more > 0 else [])


def _last_listing_text(overview: Overview) -> str:
    if overview.last_complete_at is None:
        return "Not every account has been listed completely yet."
    tz = session.shared_timezone([stats.location for stats in overview.locations])
    when = f"{moment(overview.last_complete_at, tz)} ({ago(overview.last_complete_at, overview.at)})"
    return f"Last complete listing{' of every account' if len(overview.locations) > 1 else ''}: {when}"


def show_figures(overview: Overview) -> None:
    """Draw the four figures that matter, each with its context."""
    tally = overview.tally
    urgent = tally.today + tally.soon
    back = tally.returned_30 + tally.recreated_30
    with st.grid(4, min_column_width=150, gap="small"):
        show_figure("Protected", count(overview.protected), _protected_text(overview), ":material/verified_user:")
        deleted = f"{count(tally.deleted_30)} in 30 days"
        show_figure("Deleted in 7 days", count(tally.deleted_7), deleted, ":material/person_remove:")
        soon = f"{count(urgent)} within a week" if urgent else _none_text(overview)
        show_figure("At risk now", count(tally.at_risk), soon, ":material/timer:", urgent=bool(urgent))
        restored = f"{count(back)} in 30 days"
        show_figure("Restored", count(tally.restored), restored, ":material/settings_backup_restore:")


def _none_text(overview: Overview) -> str:
    """Return what stands for nobody who is urgent: before its first complete listing an account proves nothing."""
    listed = sum(stats.last_complete is not None for stats in overview.locations)
    if listed == len(overview.locations):
        return "none within a week"
    return "not known yet" if not listed else f"known for {listed} of {plural(len(overview.locations), 'account')}"


def _protected_text(overview: Overview) -> str:
    suspected = sum(stats.suspected for stats in overview.locations)
    if suspected:
        return f"{count(suspected)} being checked"
    return f"in {plural(len(overview.locations), 'account')}"


def next_steps(overview: Overview) -> list[NextStep]:
    """Return what to do next, the most urgent first; at most three steps, at least one."""
    tally = overview.tally
    steps: list[NextStep] = []
    disconnected = [stats for stats in overview.locations if not stats.location.connected]
    outdated = [stats for stats in overview.locations if stats.location.connected and stats.health.level is Level.BAD]
    if outdated:
        text = f"**{_names(outdated)}** has no up-to-date copy."
        steps.append(NextStep(text, "settings.py", "Look at it in Settings", ":material/tune:"))
    if tally.today:
        text = f"**{plural(tally.today, 'contact')}** can be restored in HighLevel for less than a day."
        steps.append(NextStep(text, "at_risk.py", "Save them now", ":material/alarm:", (("left", "Last day"),)))
    if tally.soon:
        text = f"**{plural(tally.soon, 'contact')}** can be restored in HighLevel for a week or less."
        step = NextStep(text, "at_risk.py", "Decide who comes back", ":material/timer:", (("left", "This week"),))
        steps.append(step)
    elif tally.at_risk and not tally.today:
        verb = form(tally.at_risk, "was", "were")
        text = f"**{plural(tally.at_risk, 'contact')}** {verb} deleted and can still be restored in HighLevel."
        steps.append(NextStep(text, "at_risk.py", "See who they are", ":material/timer:"))
    if disconnected:
        text = f"**{_names(disconnected)}** is disconnected: its copy stays, nothing new is added."
        steps.append(NextStep(text, "settings.py", "Connect it again", ":material/link:"))
    if not steps:
        doubt = " as far as is known" if overview.doubts else ""
        text = f"Nothing waits for you{doubt}. A backup file of your own is one click away."
        steps.append(NextStep(text, "backups.py", "Download a backup", ":material/download:"))
    return steps[:3]


def _names(accounts: Sequence[LocationStats]) -> str:
    first = escaped(accounts[0].location.name)
    return first if len(accounts) == 1 else f"{first} and {count(len(accounts) - 1)} more"


def show_next_steps(overview: Overview) -> None:
    """Draw what to do next, each step with a button that opens its page."""
    with st.container(border=True, key="next", height="stretch"):
        st.markdown("#### What to do next", anchors=False)
        for number, step in enumerate(next_steps(overview)):
            st.markdown(step.text)
            kind: Literal["primary", "secondary"] = "secondary" if number else "primary"
            if st.button(step.label, key=f"step_{number}", icon=step.icon, type=kind):
                go_to(step.page, dict(step.query))
        st.caption(_requests_text(overview))


def _requests_text(overview: Overview) -> str:
    limit = min(stats.daily_limit for stats in overview.locations)
    each = " for each account" if len(overview.locations) > 1 else ""
    return f"{plural(overview.requests_today, 'request')} to HighLevel today; {count(limit)} are allowed{each}."


def show_trend(days: Sequence[DailyCounts], overview: Overview) -> None:
    """Draw the deletions of each day, and what came back."""
    if all(stats.last_complete is None for stats in overview.locations):
        st.caption("The trend begins with the first complete copy.")
        return
    series = {
        "Deleted": [day.deleted for day in days],
        "Merged": [day.merged for day in days],
        "Restored": [day.returned + day.recreated for day in days],
    }
    shown = {name: values for name, values in series.items() if name == "Deleted" or any(values)}
    if not any(any(values) for values in shown.values()):
        known = ":material/help: Nobody is known to have disappeared in this time; the copy has gaps, see above."
        st.markdown(known if overview.doubts else ":green[:material/verified:] Nobody disappeared in this time.")
        return
    dates = [day.day for day in days]
    text = charts.daily_counts_text("Contacts deleted per day", dates, series["Deleted"])
    alt = f"{text} {plural(sum(series['Restored']), 'contact')} restored."
    charts.show_chart(charts.daily_bars(dates, shown), key="trend", alt=alt)
    zone = " Each account's days are those of its own time zone." if len(overview.locations) > 1 else ""
    st.caption(f"{text}{zone}")


def account_rows(overview: Overview) -> list[dict[str, Any]]:
    """Return each account as a row of the table, its moments in the time zone that all accounts share, else UTC."""
    tz = session.shared_timezone([stats.location for stats in overview.locations])
    return [_account_row(stats, tz) for stats in overview.locations]


def _account_row(stats: LocationStats, tz: str) -> dict[str, Any]:
    last = stats.last_complete.finished_at if stats.last_complete else None
    return {
        "Account": stats.location.name,
        "Copy": health_badge(stats.health.level).cell,
        "Last complete listing": moment_cell(last, tz),
        "Contacts": stats.present,
        "At risk": stats.tally.at_risk,
        "Deleted, 30 days": stats.tally.deleted_30,
        "Restored": stats.tally.restored,
        "Requests today": stats.requests_today,
        "Why": " ".join(stats.health.reasons),
    }


def account_columns(overview: Overview) -> dict[str, Any]:
    """Return the columns of that table; the reasons only where an account is not well."""
    text, number = st.column_config.TextColumn, st.column_config.NumberColumn
    counts = {"Contacts": 90, "At risk": 80, "Deleted, 30 days": 125, "Restored": 85, "Requests today": 120}
    has_reasons = any(stats.health.level is not Level.OK for stats in overview.locations)
    return {
        "Account": text(width=185),
        "Copy": text(width=130),
        **({"Why": text(width=420)} if has_reasons else {}),
        "Last complete listing": text(width=150),
        **{name: number(format="localized", width=width) for name, width in counts.items()},
    }
