"""Is my copy good, what is being deleted, and what should I do next?"""

import streamlit as st

from hlcore.metrics.overview import overview
from hlcore.metrics.series import per_day
from hlcore.ui import bulk, front, live, office, safety
from hlcore.ui.empty import empty
from hlcore.ui.tables import table

SPANS = {"30 days": 30, "60 days": 60, "90 days": 90}

ids = office.chosen_ids()
vault = office.office().vault

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

found = overview(vault, ids, office.now(), office.settings())
front.answer(found)
bulk.notice(ids)
live.watch_runs(ids, live.pulse(ids))
front.numbers(found)

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
    front.trend(per_day(vault, ids, office.now(), days=SPANS[span]), found)
with right:
    front.draw_steps(found)

safety.draw(ids)

if len(found.locations) > 1:
    st.subheader("Accounts")
    columns = front.account_columns(reasons=not front.all_good(found))
    alt = f"The state of the copy of each of {len(found.locations)} accounts, with contacts, at risk, deleted, restored"
    table(front.account_rows(found), key="accounts", alt=alt, columns=columns)
