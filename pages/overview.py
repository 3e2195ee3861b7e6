"""Is my copy good, what is being deleted, and what should I do next?"""

import streamlit as st

from hlcore.metrics.daily import per_day
from hlcore.metrics.overview import overview
from hlcore.ui import coverage, run_progress, session
from hlcore.ui import overview as ui_overview
from hlcore.ui.components.tables import empty, table
from hlcore.ui.deletions import bulk_deletions

SPANS = {"30 days": 30, "60 days": 60, "90 days": 90}

ids = session.selected_location_ids()
vault = session.app_context().vault

st.title("Overview")
if not ids:
    empty(
        "No account is connected yet",
        "Connect your HighLevel sub-account with its id and a token. The first copy begins by itself, and from then on "
        "every deleted contact is noticed and can be brought back.",
        icon=":material/link:",
    )
    st.page_link("settings.py", label="Connect an account", icon=":material/link:")
    st.stop()

found = overview(vault, ids, session.now(), session.settings())
ui_overview.answer(found)
bulk_deletions.notice(ids)
run_progress.watch_runs(ids, run_progress.pulse(ids))
ui_overview.numbers(found)

left, right = st.columns([5, 2], gap="small")
with left, st.container(border=True, key="trend_card", height="stretch"):
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown("#### Deletions per day", width="content")
        span = st.segmented_control(
            "Time span",
            list(SPANS),
            key="span",
            default="30 days",
            required=True,
            label_visibility="collapsed",
            width="content",
            bind="query-params",
        )
    ui_overview.trend(per_day(vault, ids, session.now(), days=SPANS[span]), found)
with right:
    ui_overview.draw_steps(found)

coverage.draw(ids)

if len(found.locations) > 1:
    st.subheader("Accounts")
    columns = ui_overview.account_columns(reasons=not ui_overview.all_good(found))
    alt = f"The state of the copy of each of {len(found.locations)} accounts, with contacts, at risk, deleted, restored"
    table(ui_overview.account_rows(found), key="accounts", alt=alt, columns=columns)
