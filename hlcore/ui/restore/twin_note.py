"""People who live twice in HighLevel: created again by a restore, and brought back under their old id since."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from hlcore.governance.roles import Action, User
from hlcore.model.wording import plural
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.deletions.queries import Twin
from hlcore.store.restores import jobs as restore_jobs
from hlcore.ui import session
from hlcore.ui.components.buttons import refusal
from hlcore.ui.components.contact_picker import ContactRef
from hlcore.ui.components.errors import errors_shown
from hlcore.ui.components.formatting import count, escaped
from hlcore.ui.components.navigation import RESTORE, contact_button, go_to
from hlcore.ui.restore.undo import undo_one

MAX_SHOWN = 5
ADVICE = (
    "They were created again by a restore, and HighLevel's own restore brought the old contact back since. Compare "
    "both records. Then undo the restore of this person, which deletes the new contact if nobody has touched it, or "
    "merge the two in HighLevel. Nothing is deleted by itself."
)


def show_twins(location_ids: Sequence[str], user: User, *, contact_id: str = "") -> None:
    """Draw those of these locations who live twice (only this contact, where given), with what can be done; nothing
    where nobody does."""
    with session.app_context().vault.read() as tx:
        twins = deletion_queries.list_twins(tx, location_ids, contact_id=contact_id, limit=100)
        jobs = {twin.new_contact_id: _job_id(restore_jobs.history_of_contact(tx, *_new(twin))) for twin in twins[:5]}
    if not twins:
        return
    with st.container(border=True, gap="small", key="twins"):
        people = plural(len(twins), "person lives", "people live")
        st.markdown(f":orange[:material/group:] **{people} twice in HighLevel**. {ADVICE}")
        for twin in twins[:MAX_SHOWN]:
            _show_twin(twin, jobs.get(twin.new_contact_id, 0), user, is_open=contact_id)
        if len(twins) > MAX_SHOWN:
            st.caption(f"… and {count(len(twins) - MAX_SHOWN)} more.")


def _show_twin(twin: Twin, job_id: int, user: User, *, is_open: str) -> None:
    """Draw one of them. `is_open`: the id whose record is on show."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{escaped(twin.name or twin.contact_id)}**", width="content")
        for label, other in (("Earlier record", twin.contact_id), ("Re-created record", twin.new_contact_id)):
            if other != is_open:
                contact_button(label, ContactRef(twin.location_id, other), key=f"twin_{other}")
        refused = refusal(user, Action.RESTORE)
        if job_id:
            with st.popover("Undo …", icon=":material/undo:", disabled=refused is not None, help=refused):
                st.markdown(
                    "The new contact is looked at again, and **deleted in HighLevel** if nobody has touched it."
                )
                if st.button("Undo the restore of this person", key=f"twin_undo_{twin.new_contact_id}"):
                    with errors_shown():
                        undo_id = undo_one(job_id, twin.location_id, twin.contact_id, user)
                        go_to(RESTORE, {"job": str(undo_id)})


def _new(twin: Twin) -> tuple[str, str]:
    return twin.location_id, twin.new_contact_id


def _job_id(history: Sequence[dict[str, object]]) -> int:
    """Return the newest restore that created the contact; 0 where none did."""
    return max((int(str(entry["job_id"])) for entry in history if entry["outcome"] == "recreated"), default=0)
