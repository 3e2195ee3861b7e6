"""The draft of a restore: whom it is about and what was decided, stored under the number in the address (`?draft=…`).

A reload, another tab and the browser's Back find the same draft. The plans that were made for it stay with this process
for a while, so that none of them asks HighLevel again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from datetime import timedelta
from typing import NoReturn
from uuid import uuid4

import msgspec
import streamlit as st

from hlcore.restore.plan import PlanChoices, RestorePath, to_choices
from hlcore.restore.planning.planner import DEFAULT_CHOICES
from hlcore.store.restores import drafts as stored_drafts
from hlcore.store.restores.drafts import RestoreDraft
from hlcore.ui import session
from hlcore.ui.components.contact_picker import ContactRef, fill_restore_selection, restore_selection
from hlcore.ui.components.navigation import RESTORE, go_to
from hlcore.ui.restore import decisions, job_view
from hlcore.ui.restore.tasks import PlanTask

PARAM, DRAFT_KEY, SAVED_KEY = "draft", "draft_id", "draft_saved"
"""Query parameter; session keys of the draft on show and of what was last stored of it."""
PATH_KEY = "how"
PATHS: dict[str, RestorePath] = {
    "Best way for each": "auto",
    "Create again now": "recreate",
    "Top up who came back": "top_up",
}
KEEP = timedelta(days=30)
_MAX_PLANS = 20


def open_draft(contacts: Sequence[ContactRef]) -> NoReturn:
    """Begin a draft about these contacts and show its plan. Nothing is written to HighLevel."""
    draft_id = uuid4().hex
    _save(draft_id, contacts, "auto", DEFAULT_CHOICES)
    go_to(RESTORE, {PARAM: draft_id})


def draft_contacts() -> list[ContactRef]:
    """Return whom the Restore page is about: the contacts of the draft in the address, with its decisions in the
    options, or of the one that this session left. A confirmed draft shows its jobs instead."""
    kept = st.session_state.get(DRAFT_KEY, "") if restore_selection() else ""
    draft_id = st.query_params.get(PARAM, "") or kept
    if not draft_id:
        return restore_selection()
    st.query_params[PARAM] = draft_id
    if draft_id == kept and decisions.are_options_drawn():
        return restore_selection()
    with session.app_context().vault.read() as tx:
        draft = stored_drafts.find_draft(tx, draft_id)
    if draft is None:
        discard_draft()
        st.info("This plan is not kept any more. Choose the people again.", icon=":material/search_off:")
    elif draft.job_ids:
        discard_draft()
        job_view.open_jobs(draft.job_ids)
        st.rerun()
    else:
        _fill_session(draft)
    return restore_selection()


def keep_draft(contacts: Sequence[ContactRef], path: RestorePath, choices: PlanChoices) -> None:
    """Store the draft as it stands now, under its number in the address."""
    state = (tuple(contacts), path, choices)
    if st.session_state.get(SAVED_KEY) == state:
        return
    draft_id = st.session_state.setdefault(DRAFT_KEY, uuid4().hex)
    _save(draft_id, contacts, path, choices)
    st.session_state[SAVED_KEY] = state
    st.query_params[PARAM] = draft_id


def confirm_draft(job_ids: Sequence[int]) -> None:
    """Let the draft's address lead to these jobs from now on, and forget it in this session."""
    with session.app_context().vault.write() as tx:
        stored_drafts.confirm_draft(tx, st.session_state.get(DRAFT_KEY, ""), job_ids)
    discard_draft()


def discard_draft() -> None:
    """Forget the draft in this session; its address still finds it."""
    for key in (DRAFT_KEY, SAVED_KEY):
        st.session_state.pop(key, None)
    fill_restore_selection([])
    decisions.forget_decisions()
    st.query_params.pop(PARAM, None)


def kept_plan() -> PlanTask | None:
    """Return the plan that this process made last for the draft on show, in whatever session."""
    return _plans().get(st.session_state.get(DRAFT_KEY, ""))


def keep_plan(task: PlanTask) -> None:
    """Keep this plan for other sessions that open the draft on show."""
    plans = _plans()
    plans[st.session_state.get(DRAFT_KEY, "")] = task
    while len(plans) > _MAX_PLANS:
        plans.popitem(last=False)


@st.cache_resource
def _plans() -> OrderedDict[str, PlanTask]:
    return OrderedDict()


def _save(draft_id: str, contacts: Sequence[ContactRef], path: RestorePath, choices: PlanChoices) -> None:
    now, ids = session.now(), [(contact.location_id, contact.contact_id) for contact in contacts]
    with session.app_context().vault.write() as tx:
        stored_drafts.delete_old_drafts(tx, now - KEEP)
        stored_drafts.save_draft(tx, draft_id, at=now, contacts=ids, path=path, choices=msgspec.to_builtins(choices))


def _fill_session(draft: RestoreDraft) -> None:
    try:
        choices = to_choices(draft.choices)
    except msgspec.ValidationError:
        choices = DEFAULT_CHOICES
    st.session_state[DRAFT_KEY] = draft.draft_id
    st.session_state[PATH_KEY] = next((label for label, path in PATHS.items() if path == draft.path), next(iter(PATHS)))
    decisions.fill_options(choices)
    fill_restore_selection([ContactRef(*ids) for ids in draft.contacts])
