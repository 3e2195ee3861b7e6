"""What a job does to each of its contacts, where that is not a restore.

A job names its kind in its options (`{"kind": …}`); one without a kind is a restore. All kinds share the way in which
jobs are run: one at a time on a location, paused, resumed, cancelled, and safe to be killed at any line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hlcore.restore import putting, rewind, undo
from hlcore.restore.recreate import Done, Later
from hlcore.restore.work import Work
from hlcore.store.restores import Item, Job

Handler = Callable[[Work, Item], Done | Later]
HANDLERS: Mapping[str, Handler] = {undo.KIND: undo.undo, rewind.KIND: putting.put}


def kind_of(job: Job) -> str:
    """'' for a restore."""
    options = job.options if isinstance(job.options, Mapping) else {}
    return str(options.get("kind") or "")


def handler_of(job: Job) -> Handler | None:
    """What is done with each contact; None for a restore. Raises KeyError for a kind that nobody knows."""
    kind = kind_of(job)
    return HANDLERS[kind] if kind else None
