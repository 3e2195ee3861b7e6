"""What has Contact Vault done, and who did what with it?"""

import streamlit as st

from hlcore.governance.roles import Action
from hlcore.store import audit, runs
from hlcore.ui import activity, quarantine_table, run_progress, session
from hlcore.ui.components import address
from hlcore.ui.components.formatting import plural
from hlcore.ui.components.tables import empty_state, page_slice, pager, table

user = session.current_user()
locations = session.selected_locations()
ids = [location.location_id for location in locations]
vault, tz = session.app_context().vault, session.shared_timezone(locations)

with vault.read() as tx:
    run_count = runs.count(tx, ids)
    newest = next(iter(runs.list_recent(tx, ids, limit=1)), None)

st.title("Activity")
st.markdown(activity.summary_text(newest, run_count, session.now()))
if set_aside := quarantine_table.count_waiting(vault, ids):
    st.warning(
        f"{plural(set_aside, 'item')} could not be handled and {'was' if set_aside == 1 else 'were'} set aside: see "
        "“Set aside” below.",
        icon=":material/report:",
    )
run_progress.watch_runs(ids, run_progress.runs_fingerprint(ids))

runs_tab, audit_tab, aside_tab = activity.show_tabs()

if runs_tab.open:
    with runs_tab:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            choices = list(activity.OUTCOMES)
            outcome = address.choice(
                "outcome", choices, lambda: st.segmented_control("Outcome", choices, key="outcome", required=True)
            )
        outcomes = activity.OUTCOMES[outcome]
        with vault.read() as tx:
            total = runs.count(tx, ids, outcomes=outcomes)
            part = page_slice("runs", total, query=(ids, outcomes))
            shown = runs.list_recent(tx, ids, limit=part.limit, offset=part.offset, outcomes=outcomes)
        if not total:
            empty_state(
                "No rounds yet" if not run_count else "No round ended like this",
                "Choose another outcome." if run_count else "The first begins as soon as an account is connected.",
                icon=":material/history:",
            )
        else:
            rows = [activity.run_row(run, locations) for run in shown]
            columns = activity.run_columns(shown, locations)
            table(rows, key="runs_table", alt=activity.runs_alt(part.range_text), columns=columns, max_height=940)
            pager(part, "round", tz=tz)
            activity.export_button(
                "rounds", activity.RUN_HEADER, lambda: activity.run_csv_rows(vault, ids, outcomes, locations), user
            )

if audit_tab.open:
    with audit_tab:
        acts = ["", *map(str, Action)]
        act = address.choice(
            "act",
            acts,
            lambda: st.selectbox("Act", acts, key="act", format_func=activity.action_label, width=260),
            activity.action_label,
        )
        only = session.audit_location_ids()
        with vault.read() as tx:
            total = audit.count(tx, location_ids=only, act=act or None)
            part = page_slice("audit", total, query=(only, act))
            entries = audit.list_entries(tx, limit=part.limit, offset=part.offset, location_ids=only, act=act or None)
        st.caption(
            f"{plural(total, 'line')}. The record can only grow: the database refuses to change or delete a line."
            if total
            else "Connecting, restoring, exporting, changing settings and signing in leave a line here."
        )
        if not total:
            text = "Nobody has done anything of this kind so far."
            empty_state("Nothing recorded yet", text, icon=":material/fact_check:")
        else:
            rows = [activity.audit_row(entry, locations) for entry in entries]
            alt = f"Audit trail, lines {part.range_text}, newest first"
            table(rows, key="audit_table", alt=alt, columns=activity.AUDIT_COLUMNS, max_height=940)
            pager(part, "line", tz=tz)
            activity.export_button(
                "audit",
                activity.AUDIT_HEADER,
                lambda: activity.audit_csv_rows(vault, only, act or None, locations),
                user,
            )

if aside_tab.open:
    with aside_tab:
        quarantine_table.show_quarantine(user, locations, key="aside")
