"""The Webhooks page's parts: do they work, what came, what was refused, and how to set them up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import streamlit as st

from hlcore.app_context import AppContext
from hlcore.errors import SettingsError
from hlcore.highlevel.webhook_signature import Verifier
from hlcore.settings import Settings
from hlcore.store import webhook_inbox
from hlcore.store.locations import Location
from hlcore.store.webhook_inbox import WebhookTraffic
from hlcore.ui.components.errors import show
from hlcore.ui.components.formatting import ago, count, duration, many, moment, plain
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
REFUSED = {
    webhook_inbox.UNSIGNED: "No true signature of HighLevel. Anybody can send that to a public address; "
    "nothing follows.",
    webhook_inbox.FOREIGN: "Signed by HighLevel, but about an account that is not connected here, or for another app. "
    "If there are many, take the app off those accounts: HighLevel pauses an address that refuses more than a tenth.",
    webhook_inbox.OVERSIZE: "Larger than 256 KB. HighLevel's own are far smaller.",
    webhook_inbox.MALFORMED: "Signed by HighLevel, but not an event.",
    webhook_inbox.DUPLICATE: "Sent again although it had been taken; answered, and not done twice.",
}
NAMES = {
    webhook_inbox.UNSIGNED: "Unsigned or tampered with",
    webhook_inbox.FOREIGN: "About another account",
    webhook_inbox.OVERSIZE: "Too large",
    webhook_inbox.MALFORMED: "Not an event",
    webhook_inbox.DUPLICATE: "Sent twice",
}


@dataclass(frozen=True, slots=True)
class WebhookStats:
    """What is known of the webhooks of some accounts at `now`."""

    now: datetime
    last: dict[str, datetime]
    traffic: list[WebhookTraffic]
    refused: dict[str, int]
    waiting: int
    oldest: datetime | None


def load_stats(context: AppContext, found: Sequence[Location]) -> WebhookStats:
    """What came within a week, for these accounts."""
    now = context.clock.now()
    ids = [location.location_id for location in found]
    if not context.vault.has_inbox:
        return WebhookStats(now, {}, [], {}, 0, None)
    with context.vault.inbox.read() as tx:
        waiting, oldest = webhook_inbox.waiting(tx, at=now)
        return WebhookStats(
            now,
            webhook_inbox.last_received(tx, ids),
            webhook_inbox.traffic(tx, ids, since=now - WEEK),
            webhook_inbox.counts(tx, (now - WEEK).date().isoformat()),
            waiting,
            oldest,
        )


def answer(heard: WebhookStats, found: Sequence[Location], settings: Settings) -> None:
    """Do webhooks work? In one line for each account."""
    if not heard.last:
        st.markdown(
            "No webhook has come yet. Contact Vault works without them: it finds deletions by listing. With them it "
            "knows a deletion within seconds, and its exact time."
        )
        return
    silent = timedelta(hours=settings.webhook_silence_hours)
    for location in found:
        last = heard.last.get(location.location_id)
        name = plain(location.name)
        if last is None:
            st.markdown(f":gray-badge[:material/hearing_disabled: None yet] **{name}**")
        elif heard.now - last > silent:
            st.markdown(
                f":orange-badge[:material/warning: Silent] **{name}**: the last webhook came {ago(last, heard.now)} "
                f"({moment(last, location.timezone)}). Look at the app's Webhook Logs in HighLevel: after too many "
                "failures it sends nothing until a person switches the events on again."
            )
        else:
            st.markdown(
                f":green-badge[:material/hearing: Works] **{name}**: the last webhook came {ago(last, heard.now)}."
            )


def numbers(heard: WebhookStats) -> None:
    """What came within seven days: how much, how late, what waits."""
    came = sum(each.count for each in heard.traffic)
    refused = sum(number for kind, number in heard.refused.items() if kind != webhook_inbox.DUPLICATE)
    with st.container(horizontal=True):
        st.metric("Taken in 7 days", count(came), border=True)
        st.metric("On the way", _mean(heard.traffic, "travel"), border=True, help="From HighLevel's time to arrival.")
        st.metric("Until in the copy", _mean(heard.traffic, "handling"), border=True, help="From arrival to processed.")
        st.metric("Waiting", count(heard.waiting), border=True, help=_oldest(heard))
        st.metric("Refused in 7 days", count(refused), border=True)
    rows = [
        {
            "Event": each.type,
            "How many": each.count,
            "Last": ago(each.last_at, heard.now),
            "On the way": _time(each.travel),
            "Until in the copy": _time(each.handling),
            "Given up": each.failed,
        }
        for each in heard.traffic
    ]
    if rows:
        table(rows, key="webhook_types", alt="Webhooks of the last seven days by type")
    turned = [(kind, number) for kind, number in heard.refused.items() if number]
    if turned:
        st.subheader("Not taken")
        for kind, number in turned:
            much = many(number, "delivery", "deliveries")
            st.markdown(f"**{NAMES.get(kind, kind)}**: {much}. {REFUSED.get(kind, '')}")


def how_to(settings: Settings, person_may: bool) -> None:
    """The steps in HighLevel, with the address and the events to switch on."""
    try:
        Verifier.of(settings)
    except SettingsError as error:
        show(error)
    st.markdown(
        "Webhooks belong to a **Marketplace app** in HighLevel; a Private Integration Token cannot have any. A private "
        "app of your own is enough.\n\n"
        "1. In HighLevel's Marketplace, open your app (or create a private one) and go to **Advanced Settings → "
        "Webhooks**.\n"
        "2. Enter this address. It must be reachable from the internet by https:"
    )
    st.code(address(settings), language=None)
    events = "\n".join(f"   - **{title}**: {names}" for title, names in EVENTS.items())
    st.markdown(f"3. Switch these events on:\n{events}")
    st.markdown(
        "4. Install the app on the account, then change any contact in HighLevel: within seconds it appears above.\n\n"
        "Every delivery must carry HighLevel's signature (`X-GHL-Signature`, or the older `X-WH-Signature`); whatever "
        "does not is refused without a word and counted here. The workflow action “Webhook” is something else: it is "
        "not signed, and not taken."
    )
    if person_may and not settings.own_app_id:
        st.caption("Set HLCORE_APP_ID as well, and deliveries meant for another app are refused.")


def address(settings: Settings) -> str:
    """Where HighLevel should deliver, as far as the settings tell this dashboard's own address."""
    parts = urlsplit(settings.redirect_uri)
    return f"{parts.scheme}://{parts.netloc}{PATH}" if parts.netloc else f"https://<this dashboard's address>{PATH}"


def _mean(traffic: Sequence[WebhookTraffic], what: str) -> str:
    found = [(getattr(each, what), each.count) for each in traffic if getattr(each, what) is not None]
    total = sum(number for _, number in found)
    return _time(sum(value * number for value, number in found) / total if total else None)


def _time(seconds: float | None) -> str:
    return "–" if seconds is None else duration(max(0.0, seconds))


def _oldest(heard: WebhookStats) -> str:
    return f"The oldest came {ago(heard.oldest, heard.now)}." if heard.oldest else "Nothing waits."
