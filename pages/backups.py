"""What can be taken away, as a file that others can read?"""

import streamlit as st

from hlcore.export import ExportMode
from hlcore.governance.roles import Action
from hlcore.store import audit
from hlcore.ui import backups, session
from hlcore.ui.backups import CHOICES, MODE_LABELS, MODE_TEXTS
from hlcore.ui.components import address
from hlcore.ui.components.buttons import refusal
from hlcore.ui.components.errors import errors_shown
from hlcore.ui.components.formatting import count, escaped, plural
from hlcore.ui.components.tables import empty_state, page_slice, pager, table

user = session.current_user()
locations = session.selected_locations()
vault = session.app_context().vault

st.title("Backups")
with errors_shown():
    backups.export_folder(session.app_context())
if not locations:
    st.markdown("Take the copy away as CSV files.")
    text = "Connect an account first; its copy can then be exported."
    empty_state("Nothing to take away yet", text, icon=":material/download:")
    st.page_link("settings.py", label="Open Settings", icon=":material/tune:")
    st.stop()

with vault.read() as tx:
    counts = backups.row_counts(tx, locations, session.now())
where = escaped(locations[0].name) if len(locations) == 1 else f"{count(len(locations))} accounts"
st.markdown(
    f"{plural(counts['all'], 'contact')} of **{where}** can be taken away as CSV, and everything that belongs to them. "
    "Every file is recorded."
)

left, right = st.columns([3, 2], gap="large")
with left:
    captions = [backups.caption(key, counts[key], locations) for key in CHOICES]
    chosen = address.choice(
        "what",
        list(CHOICES),
        lambda: st.radio("What", list(CHOICES), key="what", format_func=backups.choice_name, captions=captions),
        backups.choice_name,
    )
with right:
    modes, label, label_of = list(MODE_LABELS), "How values are written", MODE_LABELS.__getitem__
    mode = address.choice(
        "mode", modes, lambda: st.radio(label, modes, key="mode", format_func=label_of, captions=MODE_TEXTS), label_of
    )
    why = "Without the mark (a byte order mark) older versions of Excel show wrong letters. Others do not need it."
    bom = address.choice(
        "bom",
        [True, False],
        lambda: st.checkbox("For Excel: mark the file as UTF-8", key="bom", help=why),
        lambda marked: str(marked).lower(),
    )
    refused = refusal(user, Action.EXPORT)
    if st.button(
        f"Make file · {plural(counts[chosen], 'row')}",
        key="make",
        type="primary",
        icon=":material/file_save:",
        disabled=refused is not None,
        help=refused,
    ):
        backups.start_export(CHOICES[chosen], locations, ExportMode(mode), bom=bom, user=user)
    if refused:
        st.caption(f":material/lock: {refused} Ask whoever looks after Contact Vault.")
    backups.show_running_export()

st.subheader("Earlier downloads", anchor=False)
only = session.audit_location_ids()
with vault.read() as tx:
    total = audit.count(tx, location_ids=only, act=str(Action.EXPORT))
part = page_slice("exports", total, query=only)
if total:
    entries = backups.past_exports(part.limit, part.offset, only)
    table(
        [backups.past_export_row(entry, locations) for entry in entries],
        key="exports_table",
        alt=f"Earlier downloads {part.range_text}, newest first",
        columns=backups.PAST_EXPORT_COLUMNS,
    )
    pager(part, "download", tz=session.shared_timezone(locations))
else:
    st.caption("Nothing has been downloaded yet. Each file made here is listed with its rows, size and SHA-256.")
