"""What the pages say about a job of any kind: a restore, undoing one, putting fields back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from hlcore.restore import revert, undo
from hlcore.restore.job_control import job_kind
from hlcore.store.restores.jobs import JobItem, RestoreJob
from hlcore.ui.components import contact_fields
from hlcore.ui.components.contact_fields import Names
from hlcore.ui.components.formatting import NOTHING, Badge, plural

OUTCOMES = {
    "recreated": Badge("Created again", ":material/person_add:", "green", "✓"),
    "topped_up": Badge("Topped up", ":material/playlist_add:", "green", "✓"),
    "skipped": Badge("Left unchanged", ":material/block:", "gray", "–"),
    "failed": Badge("Failed", ":material/error:", "red", "✕"),
    "undone": Badge("Deleted again", ":material/undo:", "green", "✓"),
    "put_back": Badge("Put back", ":material/history:", "green", "✓"),
    "": Badge("Waiting", ":material/hourglass_empty:", "blue", "…"),
}


@dataclass(frozen=True, slots=True)
class _KindTexts:
    """The texts about one kind of job. The sentence for the contacts with a `done_outcomes` outcome is `singular` or
    `plural` and then `done`; `proven` follows where none of them differs; `expected` is what the others differ from."""

    title: str
    done_outcomes: tuple[str, ...]
    singular: str
    plural: str
    done: str
    proven: str
    expected: str = "the plan"
    failed: str = "failed"


_RESTORE = _KindTexts(
    title="Restore {0}",
    done_outcomes=("recreated", "topped_up"),
    singular="person is",
    plural="people are",
    done="back in HighLevel; nobody got a message.",
    proven="Each was read back: every field is as planned.",
    expected="the copy",
    failed="could not be restored",
)
_KINDS: Mapping[str, _KindTexts] = {
    undo.KIND: _KindTexts(
        title="Undo {0}",
        done_outcomes=("undone",),
        singular="person that the restore had created is",
        plural="people that the restore had created are",
        done="deleted again.",
        proven="",
    ),
    revert.KIND: _KindTexts(
        title="Putting back {0}",
        done_outcomes=("put_back",),
        singular="person has",
        plural="people have",
        done="the earlier values again.",
        proven="Each was read back: the chosen fields are as they were, everything else is unchanged.",
    ),
}
_AS_PLANNED = {"undone": "✓ not in HighLevel any more", "put_back": "✓ as before; all else unchanged"}


def job_title(jobs: Sequence[RestoreJob]) -> str:
    """Return 'Restore 3 and 4', 'Undo 5' or 'Putting back 6'."""
    numbers = " and ".join(str(job.job_id) for job in jobs)
    return _KINDS.get(job_kind(jobs[0]), _RESTORE).title.format(numbers)


def job_subject(job: RestoreJob) -> str:
    """Return what the job is about; '' for a restore."""
    options = job.options if isinstance(job.options, Mapping) else {}
    if job_kind(job) == undo.KIND:
        return f"It undoes restore {options.get('undoes')}: what that restore created and nobody has touched since."
    return str(options.get("said") or "") if job_kind(job) == revert.KIND else ""


def verified_text(item: JobItem) -> str:
    """Return whether HighLevel was found to show what was planned."""
    if item.verified is None:
        return NOTHING
    if item.verified:
        return _AS_PLANNED.get(item.outcome, "✓ every field as planned")
    return f"! {plural(len(item.differences or ()), 'difference')}" if item.differences else "! not verified"


def requested_by(job: RestoreJob) -> str:
    """Return what to call the user who asked for the job."""
    return "somebody on this computer" if job.created_by in ("", "local") else job.created_by


def difference_parts(difference: Mapping[str, Any], names: Names, tz: str) -> tuple[str, str, str, str]:
    """Return a stored difference as people read it: the field, the planned and the found value, the reason or ''."""
    field = difference["field"]
    planned, found = (contact_fields.value_text(field, difference.get(key), names, tz) for key in ("planned", "found"))
    return contact_fields.field_label(field, names), planned, found, difference.get("reason") or ""


def count_differing(items: Sequence[JobItem]) -> int:
    """Return how many of these items, of a job that is not a restore, are done but not as planned."""
    return sum(item.outcome in _AS_PLANNED and item.verified is False for item in items)


def result_message(
    kind: str, outcomes: Mapping[str, int], differing: int, *, brief: bool = False
) -> tuple[Callable[..., Any], str]:
    """Return how to draw the result of a job of this kind (`st.success`, …), and the result in sentences. `outcomes`:
    outcome → number of contacts; `differing`: how many are done with differences; `brief`: without what the receipt
    shows beside it."""
    texts = _KINDS.get(kind, _RESTORE)
    done = sum(outcomes.get(name, 0) for name in texts.done_outcomes)
    failed, skipped, waiting = outcomes.get("failed", 0), outcomes.get("skipped", 0), outcomes.get("", 0)
    below, why_below = ("", "") if brief else ("; see below", "; see why below")
    parts = [f"{plural(done, texts.singular, texts.plural).capitalize()} {texts.done}"]
    if done and not differing and texts.proven and not brief:
        parts.append(texts.proven)
    if differing:
        differ = plural(differing, "person differs", "people differ").capitalize()
        parts.append(f"{differ} from {texts.expected}{below}.")
    if failed:
        parts.append(f"{plural(failed, 'person', 'people').capitalize()} {texts.failed}{why_below}.")
    if skipped:
        parts.append(f"{plural(skipped, 'person was', 'people were').capitalize()} left as they were{why_below}.")
    if waiting:
        parts.append(f"{plural(waiting, 'person', 'people').capitalize()} had not begun when it was stopped.")
    draw = st.error if failed else st.warning if differing else st.success if done and not waiting else st.info
    return draw, " ".join(parts)
