"""Frame around every page: the menu, who may come in, the marks that belong everywhere."""

from pathlib import Path

import streamlit as st

from hlcore.ui import entrance, office
from hlcore.ui.errors import shown

st.set_page_config(page_title="Contact Vault", page_icon=str(entrance.ICON), layout="wide")

PAGES = {
    "": [("overview.py", "Overview", ":material/verified_user:")],
    "Recover": [
        ("at_risk.py", "At risk", ":material/timer:"),
        ("incidents.py", "Bulk deletions", ":material/group_remove:"),
        ("contacts.py", "Contacts", ":material/group:"),
        ("changes.py", "Changes", ":material/edit_note:"),
        ("restore.py", "Restore", ":material/settings_backup_restore:"),
    ],
    "Keep": [
        ("backups.py", "Backups", ":material/download:"),
        ("activity.py", "Activity", ":material/history:"),
        ("webhooks.py", "Webhooks", ":material/webhook:"),
        ("settings.py", "Settings", ":material/tune:"),
    ],
}

entrance.logo()
person = office.person()
may_enter = entrance.admit(person)
ready = may_enter and entrance.opened()
page = st.navigation(
    {
        section: [
            st.Page(file, title=title, icon=icon, default=file == "overview.py")
            for file, title, icon in pages
            if (Path(__file__).parent / file).exists()
        ]
        for section, pages in PAGES.items()
    },
    position="sidebar" if ready else "hidden",
)
if not ready:
    st.stop()
with shown():
    with st.sidebar:
        entrance.sidebar(person)
    entrance.banner(person)
    page.run()
