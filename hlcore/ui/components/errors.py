"""Errors on the page: what happened and what to do, never a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from hlcore.errors import VaultError
from hlcore.ui.components.formatting import escaped

UNEXPECTED = (
    "Something unexpected went wrong on this page. Nothing was lost: copies and restores are kept in the database. "
    "Reload the page; if it happens again, tell whoever looks after Contact Vault the time it happened."
)


def show_error(error: VaultError) -> None:
    """Draw the error's message and hint."""
    text = f"**{escaped(str(error))}**"
    st.error(f"{text}\n\n{escaped(error.hint)}" if error.hint else text, icon=":material/error:")


@contextmanager
def errors_shown() -> Iterator[None]:
    """Draw a VaultError raised inside the block where it happened; the page goes on after the block."""
    try:
        yield
    except VaultError as error:
        show_error(error)


def on_script_error(error: Exception) -> bool:
    """Draw an exception that no page caught (called by Streamlit): a VaultError in full, any other as a calm text."""
    if isinstance(error, VaultError):
        show_error(error)
    else:
        st.error(UNEXPECTED, icon=":material/error:")
    return True
