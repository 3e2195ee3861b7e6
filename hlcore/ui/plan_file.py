"""The plan of a restore as a download: field by field, safe in a spreadsheet, checked and recorded in the audit log."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from hlcore.export.table import export_table
from hlcore.governance.roles import Act, Person
from hlcore.restore.plan import Plan
from hlcore.restore.sheet import COLUMNS, rows
from hlcore.ui import office
from hlcore.ui.receipts import LOOK_ONLY
from hlcore.wiring import Office


def plan_button(plans: Sequence[Plan], person: Person) -> None:
    """Downloads what would happen to each field of each person, as one file. Made when the button is pressed."""
    here, at, held = office.office(), office.now(), tuple(plans)
    may = person.may(Act.EXPORT)
    st.download_button(
        "Download plan",
        data=lambda: plan_file(here, held, person),
        file_name=f"contact-vault-restore-plan-{at:%Y-%m-%d}.csv",
        mime="text/csv",
        key="plan_csv",
        icon=":material/download:",
        on_click="ignore",
        disabled=not may,
        help="CSV, field by field, safe to open in a spreadsheet; recorded." if may else LOOK_ONLY,
    )


def plan_file(here: Office, plans: Sequence[Plan], person: Person) -> bytes:
    """The plans as one CSV in UTF-8 with a byte order mark. Raises NotAllowed, StoreError."""
    only = plans[0].location_id if len(plans) == 1 else ""
    return export_table(
        here.vault, COLUMNS, rows(plans), subject="restore plan", person=person, now=here.clock.now, location_id=only
    )
