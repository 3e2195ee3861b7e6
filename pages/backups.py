"""What can be taken away, as a file that others can read?"""

import streamlit as st

from hlcore.export import ExportMode
from hlcore.governance.roles import Action
from hlcore.store import audit
from hlcore.ui import backups, session
from hlcore.ui.backups import MODE_TEXTS, MODES, WHATS
from hlcore.ui.components.errors import errors_shown
from hlcore.ui.components.formatting import count, many, plain
from hlcore.ui.components.tables import empty, pager, slice_of, table

user = session.current_user()
places = session.selected_locations()
ids = [place.location_id for place in places]
vault = session.app_context().vault

st.title("Backups")
with errors_shown():
    backups.folder(session.app_context())
if not places:
    st.markdown("Take the copy away as CSV files.")
    text = "Connect an account first; its copy can then be exported."
    empty("Nothing to take away yet", text, icon=":material/download:")
    st.page_link("settings.py", label="Open Settings", icon=":material/tune:")
    st.stop()

with vault.read() as tx:
    counted = backups.row_counts(tx, places, session.now())
where = plain(places[0].name) if len(places) == 1 else f"all {count(len(places))} accounts"
st.markdown(
    f"{many(counted['all'], 'contact')} of **{where}** can be taken away as CSV, and everything that belongs to them. "
    "Every file is recorded."
)

left, right = st.columns([3, 2], gap="large")
with left:
    chosen = st.radio(
        "What",
        list(WHATS),
        key="what",
        format_func=lambda key: WHATS[key].name,
        captions=[f"{many(counted[key], 'row')} · {what.text}" for key, what in WHATS.items()],
        bind="query-params",
    )
with right:
    mode = st.radio(
        "How values are written", list(MODES), key="mode", format_func=lambda one: MODES[one], captions=MODE_TEXTS
    )
    bom = st.checkbox(
        "For Excel: mark the file as UTF-8",
        key="bom",
        value=True,
        help="Without the mark (a byte order mark) older versions of Excel show wrong letters. Others do not need it.",
    )
    may_not = backups.why_not(user)
    if st.button(
        f"Make file · {many(counted[chosen], 'row')}",
        key="make",
        type="primary",
        icon=":material/file_save:",
        disabled=may_not is not None,
        help=may_not,
    ):
        backups.start(WHATS[chosen], places, ExportMode(mode), bom=bom, user=user)
    if may_not:
        st.caption(f":material/lock: {may_not} Ask whoever looks after Contact Vault.")
    backups.draw_making()

st.subheader("Earlier downloads", anchor=False)
only = ids if session.selected_location() and len(session.locations()) > 1 else None
with vault.read() as tx:
    total = audit.count(tx, location_ids=only, act=str(Action.EXPORT))
part = slice_of("exports", total, of=only)
if total:
    lines = backups.earlier(part.limit, part.offset, only)
    table(
        [backups.earlier_row(line, session.locations()) for line in lines],
        key="exports_table",
        alt=f"Earlier downloads {part.words}, newest first",
        columns=backups.AUDIT_COLUMNS,
    )
    pager(part, "download")
else:
    st.caption("Nothing has been downloaded yet. Each file made here is listed with its rows, size and SHA-256.")
