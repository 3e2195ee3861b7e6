"""What has Contact Vault done, and who did what with it?"""

import streamlit as st

from hlcore.governance.roles import Act
from hlcore.store import audit, runs
from hlcore.ui import history, live, office
from hlcore.ui.empty import empty
from hlcore.ui.exporting import export_button
from hlcore.ui.tables import pager, slice_of, table
from hlcore.ui.words import many

person = office.person()
found = office.chosen_locations()
ids = [location.location_id for location in found]
vault = office.office().vault

with vault.read() as tx:
    every_run = runs.count(tx, ids)
    last = next(iter(runs.recent(tx, ids, limit=1)), None)

st.title("Activity")
st.markdown(history.last_words(last, every_run, office.now()))
live.watch_runs(ids, live.pulse(ids))

rounds, trail = st.tabs(["Rounds", "Who did what"], key="view", on_change="rerun", bind="query-params")

if rounds.open:
    with rounds:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            outcome = st.segmented_control(
                "Outcome", list(history.OUTCOMES), key="outcome", default="All", required=True, bind="query-params"
            )
        wanted = history.OUTCOMES[outcome]
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
            rows = [history.run_row(run, found) for run in shown]
            columns = history.run_columns(found)
            table(rows, key="runs_table", alt=history.runs_alt(part.words), columns=columns, max_height=940)
            pager(part, "round")
            export_button(
                "rounds", history.RUN_HEADER, lambda: history.run_lines(vault, ids, wanted, found), person=person
            )

if trail.open:
    with trail:
        act = st.selectbox("Act", ["", *Act], key="act", format_func=history.act_words, width=260, bind="query-params")
        only = ids if office.chosen_location() and len(office.locations()) > 1 else None
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
            rows = [history.audit_row(line, found) for line in lines]
            alt = f"Audit trail, lines {part.words}, newest first"
            table(rows, key="audit_table", alt=alt, columns=history.AUDIT_COLUMNS, max_height=940)
            pager(part, "line")
            export_button(
                "audit",
                history.AUDIT_HEADER,
                lambda: history.audit_lines(vault, only, act or None, found),
                person=person,
            )
