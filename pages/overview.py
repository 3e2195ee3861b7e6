"""Is my copy good, what is being deleted, and what should I do next?"""

import streamlit as st

from hlcore.metrics.daily import daily_counts
from hlcore.metrics.overview import overview as load_overview
from hlcore.ui import coverage, overview, run_progress, session
from hlcore.ui.components import address
from hlcore.ui.components.formatting import capitalized, zone_note
from hlcore.ui.components.tables import empty_state, table
from hlcore.ui.deletions import bulk_deletions

SPANS = {"30 days": 30, "60 days": 60, "90 days": 90}

ids = session.selected_location_ids()
vault = session.app_context().vault

st.title("Overview")
if not ids:
    empty_state(
        "No account is connected yet",
        "Connect your HighLevel sub-account with its id and a token. The first copy begins by itself, and from then on "
        "every deleted contact is noticed and can be brought back.",
        icon=":material/link:",
    )
    st.page_link("settings.py", label="Connect an account", icon=":material/link:")
    st.stop()

state = load_overview(vault, ids, session.now(), session.settings())
overview.show_summary(state, coverage.answer_text(ids))
bulk_deletions.show_notice(ids)
run_progress.watch_runs(ids, run_progress.runs_fingerprint(ids))
overview.show_figures(state)

left, right = st.columns([5, 2], gap="small")
with left, st.container(border=True, key="trend_card", height="stretch"):
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown("#### Deletions per day", width="content", anchors=False)
        span = address.choice(
            "span",
            list(SPANS),
            lambda: st.segmented_control(
                "Time span", list(SPANS), key="span", required=True, label_visibility="collapsed", width="content"
            ),
        )
    overview.show_trend(daily_counts(vault, ids, session.now(), days=SPANS[span]), state)
with right:
    overview.show_next_steps(state)

coverage.show_coverage(ids)

if len(state.locations) > 1:
    st.subheader("Accounts", anchor=False)
    alt = f"The state of the copy of each of {len(state.locations)} accounts, with contacts, at risk, deleted, restored"
    table(overview.account_rows(state), key="accounts", alt=alt, columns=overview.account_columns(state))
    st.caption(capitalized(zone_note(session.shared_timezone([stats.location for stats in state.locations]))))
