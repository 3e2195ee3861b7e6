"""What has Contact Vault done, and who did what with it?"""

import streamlit as st

from hlcore.governance.roles import Action
from hlcore.store import audit, runs
from hlcore.ui import activity, run_progress, session
from hlcore.ui.activity import export_button
from hlcore.ui.components.formatting import many
from hlcore.ui.components.tables import empty, pager, slice_of, table

user = session.current_user()
found = session.selected_locations()
ids = [location.location_id for location in found]
vault = session.app_context().vault

with vault.read() as tx:
    every_run = runs.count(tx, ids)
    last = next(iter(runs.recent(tx, ids, limit=1)), None)

st.title("Activity")
st.markdown(activity.last_words(last, every_run, session.now()))
run_progress.watch_runs(ids, run_progress.pulse(ids))

rounds, trail = st.tabs(["Rounds", "Who did what"], key="view", on_change="rerun", bind="query-params")

if rounds.open:
    with rounds:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            outcome = st.segmented_control(
                "Outcome", list(activity.OUTCOMES), key="outcome", default="All", required=True, bind="query-params"
            )
        wanted = activity.OUTCOMES[outcome]
        with vault.read() as tx:
            total = runs.count(tx, ids, outcomes=wanted)
            part = slice_of("runs", total, of=(ids, wanted))
            shown = runs.recent(tx, ids, limit=part.limit, offset=part.offset, outcomes=wanted)
        if not total:
            empty(
                "No rounds yet" if not every_run else "No round ended like this",
                "Choose another outcome." if every_run else "The first begins as soon as an account is connected.",
                icon=":material/history:",
            )
        else:
            rows = [activity.run_row(run, found) for run in shown]
            columns = activity.run_columns(found)
            table(rows, key="runs_table", alt=activity.runs_alt(part.words), columns=columns, max_height=940)
            pager(part, "round")
            export_button(
                "rounds", activity.RUN_HEADER, lambda: activity.run_lines(vault, ids, wanted, found), user=user
            )

if trail.open:
    with trail:
        act = st.selectbox(
            "Act", ["", *Action], key="act", format_func=activity.act_words, width=260, bind="query-params"
        )
        only = ids if session.selected_location() and len(session.locations()) > 1 else None
        with vault.read() as tx:
            total = audit.count(tx, location_ids=only, act=act or None)
            part = slice_of("audit", total, of=(only, act))
            lines = audit.listing(tx, limit=part.limit, offset=part.offset, location_ids=only, act=act or None)
        st.caption(
            f"{many(total, 'line')}. The record can only grow: the database refuses to change or delete a line."
            if total
            else "Connecting, restoring, exporting, changing settings and signing in leave a line here."
        )
        if not total:
            empty("Nothing recorded yet", "Nobody has done anything of this kind so far.", icon=":material/fact_check:")
        else:
            rows = [activity.audit_row(line, found) for line in lines]
            alt = f"Audit trail, lines {part.words}, newest first"
            table(rows, key="audit_table", alt=alt, columns=activity.AUDIT_COLUMNS, max_height=940)
            pager(part, "line")
            export_button(
                "audit",
                activity.AUDIT_HEADER,
                lambda: activity.audit_lines(vault, only, act or None, found),
                user=user,
            )
