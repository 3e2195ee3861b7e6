"""The download button under a table: the whole table as CSV, safe in a spreadsheet, recorded in the audit log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import streamlit as st

from hlcore.export.table import export_table
from hlcore.governance.roles import Act, Person
from hlcore.ui import office

Lines = Callable[[], Iterable[Sequence[object]]]


def export_button(
    name: str, header: Sequence[str], lines: Lines, *, person: Person, label: str = "Download CSV"
) -> None:
    """A button that downloads `lines()` under this header. They are read when it is pressed, in another thread: the
    callable opens its own transaction and asks nothing of Streamlit. Not for contacts: those are exported by
    `export.contacts`, which streams."""
    here, at = office.office(), office.now()
    st.download_button(
        label,
        data=lambda: export_table(here.vault, header, lines(), subject=name, person=person, now=here.clock.now),
        file_name=f"contact-vault-{name}-{at:%Y-%m-%d}.csv",
        mime="text/csv",
        key=f"export_{name}",
        icon=":material/download:",
        on_click="ignore",
        disabled=not person.may(Act.EXPORT),
        help=None if person.may(Act.EXPORT) else "Your role may look, not download.",
    )
