"""Keeps personal data out of the logs: the text of an unexpected exception may quote a contact, its kind and place do
not."""

from __future__ import annotations

import logging
import traceback

STREAMLIT_LOGGERS = (
    "streamlit.error_util",
    "streamlit.runtime.app_session",
    "streamlit.runtime.backend_operation_handler",
    "streamlit.runtime.scriptrunner.exec_code",
    "streamlit.runtime.scriptrunner.script_runner",
)
"""Streamlit's loggers that write exceptions of pages, callbacks and downloads."""


class PersonalDataFilter(logging.Filter):
    """Replaces the exception of a log record by its kind and the places where it was raised."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Strip the record's exception of its text. Always True: no record is dropped."""
        if record.exc_info and record.exc_info[1] is not None:
            record.msg, record.args = describe_exception(record.exc_info[1]), ()
            record.exc_info, record.exc_text = None, None
        return True


def describe_exception(error: BaseException) -> str:
    """Return the exception's kind and the last four places, never its text: 'unexpected KeyError at
    pages/contacts.py:41 in <module>'."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    places = " < ".join(f"{'/'.join(f.filename.split('/')[-2:])}:{f.lineno} in {f.name}" for f in reversed(frames))
    return f"unexpected {type(error).__name__} at {places or 'unknown place'}"


def place_of(error: BaseException) -> str:
    """Return where the error was raised: the innermost place in Contact Vault's own code as `module:line`, '' where
    there is none."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        _, own, path = frame.filename.replace("\\", "/").rpartition("/hlcore/")
        if own:
            return f"hlcore.{path.removesuffix('.py').replace('/', '.')}:{frame.lineno}"
    return ""


def install_log_filters() -> None:
    """Keep the texts of uncaught exceptions out of Streamlit's log. Streamlit's pretty printer, which would show them,
    is turned off. May be repeated."""
    from streamlit import config  # the worker and the command line run without Streamlit

    config.set_option("logger.enableRich", False)
    for name in STREAMLIT_LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(known, PersonalDataFilter) for known in logger.filters):
            logger.addFilter(PersonalDataFilter())
