"""Errors on the screen: what happened and what to do, never a traceback; in the log: where, never whose data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st
import structlog

from hlcore.errors import VaultError
from hlcore.ui.components.formatting import plain

log = structlog.get_logger(__name__)
CALM = (
    "Something unexpected went wrong on this page. Nothing was lost: copies and restores are kept in the database. "
    "Reload the page; if it happens again, tell whoever looks after Contact Vault the time it happened."
)


def show(error: VaultError) -> None:
    """The error's message and hint stand on the page."""
    text = f"**{plain(str(error))}**"
    st.error(f"{text}\n\n{plain(error.hint)}" if error.hint else text, icon=":material/error:")


@contextmanager
def errors_shown() -> Iterator[None]:
    """Whatever hlcore raises on purpose inside is shown where it happened; the page goes on behind the block."""
    try:
        yield
    except VaultError as error:
        show(error)


def on_script_error(error: Exception) -> bool:
    """What Streamlit calls for an exception that no page caught: a known one is shown, any other as a calm text."""
    if isinstance(error, VaultError):
        show(error)
    else:
        st.error(CALM, icon=":material/error:")
    return True
