"""The frame around every page: the menu, admission, and what every page has in common."""

from pathlib import Path

import streamlit as st

from hlcore.ui import frame, session
from hlcore.ui.components.errors import errors_shown
from hlcore.ui.components.navigation import keep_address
from hlcore.ui.restore import open_jobs

st.set_page_config(page_title="Contact Vault", page_icon=str(frame.ICON), layout="wide")

PAGES = {
    "": [("overview.py", "Overview", ":material/verified_user:")],
    "Recover": [
        ("at_risk.py", "At risk", ":material/timer:"),
        ("bulk_deletions.py", "Bulk deletions", ":material/group_remove:"),
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

ADDRESSES = {"bulk_deletions.py": "incidents"}
"""Addresses that are kept although the file has another name: people have bookmarked them."""

frame.show_logo()
user = session.current_user()
may_enter = frame.admit(user)
ready = may_enter and frame.ensure_open()
menu = {
    section: [
        st.Page(file, title=title, icon=icon, url_path=ADDRESSES.get(file), default=file == "overview.py")
        for file, title, icon in pages
        if (Path(__file__).parent / file).exists()
    ]
    for section, pages in PAGES.items()
}
page = st.navigation(frame.with_unknown_address(menu), position="sidebar" if ready else "hidden")
st.set_page_config(page_title=f"{page.title if ready else 'Welcome'} · Contact Vault")
if not ready:
    st.stop()
keep_address(page)
with errors_shown():
    with st.sidebar:
        frame.show_sidebar(user)
    frame.show_banner(user)
    with st.bottom:
        open_jobs.show_open_jobs()
    page.run()
