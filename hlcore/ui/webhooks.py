"""The Webhooks page's parts: whether webhooks work, what came, what was refused, how to set them up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import streamlit as st

from hlcore.app_context import AppContext
from hlcore.errors import SettingsError
from hlcore.highlevel.webhook_signature import Verifier
from hlcore.model.moments import is_recent
from hlcore.settings import Settings
from hlcore.store import webhook_inbox
from hlcore.store.locations import Location
from hlcore.store.webhook_inbox import WebhookTraffic
from hlcore.ui.components.errors import show_error
from hlcore.ui.components.formatting import ago, count, duration, escaped, moment, plural
from hlcore.ui.components.tables import table
from hlcore.webhooks.receiver import PATH

WEEK = timedelta(days=7)
EVENTS = {
    "Contacts": "ContactCreate, ContactUpdate, ContactDelete, ContactDndUpdate, ContactTagUpdate",
    "Notes and tasks": "NoteCreate, NoteUpdate, NoteDelete, TaskCreate, TaskComplete, TaskDelete",
    "Opportunities": "OpportunityCreate, OpportunityUpdate, OpportunityDelete, OpportunityStageUpdate, "
    "OpportunityStatusUpdate, OpportunityMonetaryValueUpdate, OpportunityAssignedToUpdate",
    "Appointments": "AppointmentCreate, AppointmentUpdate, AppointmentDelete",
    "Messages": "InboundMessage, OutboundMessage",
    "The app itself": "INSTALL and UNINSTALL come by themselves",
}
REFUSAL_TEXTS = {
    webhook_inbox.UNSIGNED: "No true signature of HighLevel. Anybody can send that to a public address; "
    "nothing follows.",
    webhook_inbox.FOREIGN: "Signed by HighLevel, but about an account that is not connected here, or for another app. "
    "If there are many, take the app off those accounts: HighLevel pauses an address that refuses more than a tenth.",
    webhook_inbox.OVERSIZE: "Larger than 256 KB. HighLevel's own are far smaller.",
    webhook_inbox.MALFORMED: "Signed by HighLevel, but not an event.",
    webhook_inbox.DUPLICATE: "Sent again although it had been taken; answered, and not done twice.",
}
REFUSAL_NAMES = {
    webhook_inbox.UNSIGNED: "Unsigned or tampered with",
    webhook_inbox.FOREIGN: "About another account",
    webhook_inbox.OVERSIZE: "Too large",
    webhook_inbox.MALFORMED: "Not an event",
    webhook_inbox.DUPLICATE: "Sent twice",
}


@dataclass(frozen=True, slots=True)
class WebhookStats:
    """The webhooks of some locations as of `now`: the last arrival by location id, and the traffic of seven days."""

    now: datetime
    last: dict[str, datetime]
    traffic: list[WebhookTraffic]
    refused: dict[str, int]
    waiting: int
    oldest: datetime | None


def load_stats(context: AppContext, locations: Sequence[Location]) -> WebhookStats:
    """Return what came within seven days for these locations."""
    now = context.clock.now()
    ids = [location.location_id for location in locations]
    if not context.vault.has_inbox:
        return WebhookStats(now, {}, [], {}, 0, None)
    with context.vault.inbox.read() as tx:
        waiting, oldest = webhook_inbox.backlog(tx, at=now)
        return WebhookStats(
            now,
            webhook_inbox.last_received(tx, ids, at=now),
            webhook_inbox.traffic_by_type(tx, ids, since=now - WEEK),
            webhook_inbox.count_refusals(tx, (now - WEEK).date().isoformat()),
            waiting,
            oldest,
        )


def show_summary(stats: WebhookStats, locations: Sequence[Location], settings: Settings) -> None:
    """Draw for each location whether webhooks work, in one line."""
    if not stats.last:
        st.markdown(
            "No webhook has come yet. Contact Vault works without them: it finds deletions by listing. With them it "
            "knows a deletion within seconds, and its exact time."
        )
        return
    silence_limit = timedelta(hours=settings.webhook_silence_hours)
    for location in locations:
        last = stats.last.get(location.location_id)
        name = escaped(location.name)
        if last is None:
            st.markdown(f":gray-badge[:material/hearing_disabled: None yet] **{name}**")
        elif not is_recent(last, stats.now, silence_limit):
            st.markdown(
                f":orange-badge[:material/warning: Silent] **{name}**: the last webhook came {ago(last, stats.now)} "
                f"({moment(last, location.timezone)}). Look at the app's Webhook Logs in HighLevel: after too many "
                "failures it sends nothing until a person switches the events on again."
            )
        else:
            st.markdown(
                f":green-badge[:material/hearing: Works] **{name}**: the last webhook came {ago(last, stats.now)}."
            )


def show_figures(stats: WebhookStats) -> None:
    """Draw what came within seven days: how much, how late, what waits, what was refused."""
    taken = sum(traffic.count for traffic in stats.traffic)
    refused = sum(number for kind, number in stats.refused.items() if kind != webhook_inbox.DUPLICATE)
    with st.container(horizontal=True):
        st.metric("Taken in 7 days", count(taken), border=True)
        arrival = _mean_text((row.arrival_seconds, row.count) for row in stats.traffic)
        processing = _mean_text((row.processing_seconds, row.count) for row in stats.traffic)
        st.metric("On the way", arrival, border=True, help="From HighLevel's time to arrival.")
        st.metric("Until in the copy", processing, border=True, help="From arrival to processed.")
        st.metric("Waiting", count(stats.waiting), border=True, help=_backlog_text(stats))
        st.metric("Refused in 7 days", count(refused), border=True)
    rows = [
        {
            "Event": traffic.type,
            "How many": traffic.count,
            "Last": ago(traffic.last_at, stats.now),
            "On the way": _seconds_text(traffic.arrival_seconds),
            "Until in the copy": _seconds_text(traffic.processing_seconds),
            "Given up": traffic.failed,
        }
        for traffic in stats.traffic
    ]
    if rows:
        table(rows, key="webhook_types", alt="Webhooks of the last seven days by type")
    refusals = [(kind, number) for kind, number in stats.refused.items() if number]
    if refusals:
        st.subheader("Not taken", anchor=False)
        for kind, number in refusals:
            deliveries = plural(number, "delivery", "deliveries")
            st.markdown(f"**{REFUSAL_NAMES.get(kind, kind)}**: {deliveries}. {REFUSAL_TEXTS.get(kind, '')}")


def show_setup(settings: Settings, may_configure: bool) -> None:
    """Draw the steps in HighLevel, with the address and the events to switch on."""
    try:
        Verifier.from_settings(settings)
    except SettingsError as error:
        show_error(error)
    st.markdown(
        "Webhooks belong to a **Marketplace app** in HighLevel; a Private Integration Token cannot have any. A private "
        "app of your own is enough.\n\n"
        "1. In HighLevel's Marketplace, open your app (or create a private one) and go to **Advanced Settings → "
        "Webhooks**.\n"
        "2. Enter this address. It must be reachable from the internet by https:"
    )
    st.code(webhook_url(settings), language=None, wrap_lines=True)
    events = "\n".join(f"   - **{title}**: {names}" for title, names in EVENTS.items())
    st.markdown(f"3. Switch these events on:\n{events}")
    st.markdown(
        "4. Install the app on the account, then change any contact in HighLevel: within seconds it appears above.\n\n"
        "Every delivery must carry HighLevel's signature (`X-GHL-Signature`, or the older `X-WH-Signature`); whatever "
        "does not is refused without a word and counted here. The workflow action “Webhook” is something else: it is "
        "not signed, and not taken."
    )
    if may_configure and not settings.own_app_id:
        st.caption("Set HLCORE_APP_ID as well, and deliveries meant for another app are refused.")


def webhook_url(settings: Settings) -> str:
    """Return the address for HighLevel to deliver to, as far as the settings know this dashboard's own."""
    parts = urlsplit(settings.redirect_uri)
    return f"{parts.scheme}://{parts.netloc}{PATH}" if parts.netloc else f"https://<this dashboard's address>{PATH}"


def _mean_text(weighted: Iterable[tuple[float | None, int]]) -> str:
    """Return the mean of the known seconds, each with the number of deliveries that it stands for."""
    known = [(seconds, number) for seconds, number in weighted if seconds is not None]
    total = sum(number for _, number in known)
    return _seconds_text(sum(seconds * number for seconds, number in known) / total if total else None)


def _seconds_text(seconds: float | None) -> str:
    return "–" if seconds is None else duration(max(0.0, seconds))


def _backlog_text(stats: WebhookStats) -> str:
    return f"The oldest came {ago(stats.oldest, stats.now)}." if stats.oldest else "Nothing waits."
