from __future__ import annotations

import logging
import traceback

from streamlit import config

STREAMLIT_LOGGERS = (
    "streamlit.error_util",
    "streamlit.runtime.app_session",
    "streamlit.runtime.backend_operation_handler",
    "streamlit.runtime.scriptrunner.exec_code",
    "streamlit.runtime.scriptrunner.script_runner",
)
"""Streamlit's loggers that write exceptions of pages, callbacks and downloads."""


class PersonalDataFilter(logging.Filter):
    """Log records keep the kind of an exception and where it was raised, but not its text, which may hold a person's
    data."""

    def filter(self, record: logging.LogRecord) -> bool:
        """True: the record is always kept, shortened."""
        if record.exc_info and record.exc_info[1] is not None:
            record.msg, record.args = describe_exception(record.exc_info[1]), ()
            record.exc_info, record.exc_text = None, None
        return True


def describe_exception(error: BaseException) -> str:
    """'KeyError at pages/contacts.py:41 in <module>': kind and places, never the text."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    places = " < ".join(f"{'/'.join(f.filename.split('/')[-2:])}:{f.lineno} in {f.name}" for f in reversed(frames))
    return f"unexpected {type(error).__name__} at {places or 'unknown place'}"


def install_log_filters() -> None:
    """From now on Streamlit's log of uncaught errors holds no exception texts (its pretty printer would)."""
    config.set_option("logger.enableRich", False)
    for name in STREAMLIT_LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(found, PersonalDataFilter) for found in logger.filters):
            logger.addFilter(PersonalDataFilter())
