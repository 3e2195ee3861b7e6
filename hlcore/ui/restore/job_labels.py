"""What the pages say of a job, whatever its kind: a restore, undoing one, putting fields back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from hlcore.restore import revert, undo
from hlcore.restore.execution.run import kind_of
from hlcore.store.restores.jobs import JobItem, RestoreJob
from hlcore.ui.components.formatting import NOTHING, Badge, many

OUTCOMES = {
    "recreated": Badge("Created again", ":material/person_add:", "green", "✓"),
    "topped_up": Badge("Topped up", ":material/playlist_add:", "green", "✓"),
    "skipped": Badge("Left as it was", ":material/block:", "gray", "–"),
    "failed": Badge("Failed", ":material/error:", "red", "✕"),
    "undone": Badge("Deleted again", ":material/undo:", "green", "✓"),
    "put_back": Badge("Put back", ":material/history:", "green", "✓"),
    "": Badge("Waiting", ":material/hourglass_empty:", "blue", "…"),
}


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a kind of job is called, which outcomes mean that somebody is done, and how that is said: of one or of
    several, and what; `proven`: added where nobody differs; `differs`: from what; `failed`: what became of the others.
    """

    title: str
    done: tuple[str, ...]
    one: str
    several: str
    said: str
    proven: str
    differs: str = "the plan"
    failed: str = "failed"


_RESTORE = _Kind(
    title="Restore {0}",
    done=("recreated", "topped_up"),
    one="person is",
    several="people are",
    said="back in HighLevel; nobody got a message.",
    proven="Each was read back: every field is as planned.",
    differs="the copy",
    failed="could not be restored",
)
_KINDS: Mapping[str, _Kind] = {
    undo.KIND: _Kind(
        title="Undo {0}",
        done=("undone",),
        one="person that the restore had created is",
        several="people that the restore had created are",
        said="deleted again.",
        proven="",
    ),
    revert.KIND: _Kind(
        title="Putting back {0}",
        done=("put_back",),
        one="person has",
        several="people have",
        said="the earlier values again.",
        proven="Each was read back: the chosen fields are as they were, everything else is unchanged.",
    ),
}
_AS_PLANNED = {"undone": "✓ not in HighLevel any more", "put_back": "✓ as before; all else unchanged"}


def title(jobs: Sequence[RestoreJob]) -> str:
    """'Restore 3 and 4', 'Undo 5', 'Putting back 6'."""
    numbers = " and ".join(str(job.job_id) for job in jobs)
    return _KINDS.get(kind_of(jobs[0]), _RESTORE).title.format(numbers)


def subject(job: RestoreJob) -> str:
    """What a job is about, where that is not a restore; '' for one."""
    options = job.options if isinstance(job.options, Mapping) else {}
    if kind_of(job) == undo.KIND:
        return f"It undoes restore {options.get('undoes')}: what that restore created and nobody has touched since."
    return str(options.get("said") or "") if kind_of(job) == revert.KIND else ""


def verified(item: JobItem) -> str:
    """Whether what HighLevel shows is what was planned."""
    if item.verified is None:
        return NOTHING
    if item.verified:
        return _AS_PLANNED.get(item.outcome, "✓ every field as planned")
    return f"! {many(len(item.differences or ()), 'difference')}" if item.differences else "! not verified"


def differing(items: Sequence[JobItem]) -> int:
    """How many of these are done by a job that is no restore, and not as planned."""
    return sum(item.outcome in _AS_PLANNED and item.verified is False for item in items)


def verdict(kind: str, outcomes: Mapping[str, int], different: int) -> tuple[Callable[..., Any], str]:
    """How to draw the result of a job of this kind, and the result in a sentence. `different`: how many are done with
    differences."""
    words = _KINDS.get(kind, _RESTORE)
    done = sum(outcomes.get(name, 0) for name in words.done)
    failed, left, waiting = outcomes.get("failed", 0), outcomes.get("skipped", 0), outcomes.get("", 0)
    parts = [f"{many(done, words.one, words.several).capitalize()} {words.said}"]
    if done and not different and words.proven:
        parts.append(words.proven)
    if different:
        differ = many(different, "person differs", "people differ").capitalize()
        parts.append(f"{differ} from {words.differs}; see below.")
    if failed:
        parts.append(f"{many(failed, 'person', 'people').capitalize()} {words.failed}; see why below.")
    if left:
        parts.append(f"{many(left, 'person was', 'people were').capitalize()} left as they were; see why below.")
    if waiting:
        parts.append(f"{many(waiting, 'person', 'people').capitalize()} had not begun when it was stopped.")
    draw = st.error if failed else st.warning if different else st.success if done and not waiting else st.info
    return draw, " ".join(parts)
