"""The journal that a job holds in memory is the one in the database, and nobody else may add to it meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from hlcore.errors import RunInProgress
from hlcore.restore.job_context import JobContext
from hlcore.restore.journal_entries import CREATE
from hlcore.store.restores import journal
from tests.restore.conftest import LOCATION, World
from tests.support.contacts_with_records import lost_contact_with_records


@pytest.fixture
def attempts(monkeypatch: pytest.MonkeyPatch) -> Counter[bool]:
    """Counts the attempts at whose end memory and database agree (True), and the others."""
    counted: Counter[bool] = Counter()
    real = JobContext.attempt

    @contextmanager
    def compared(context: JobContext, contact_id: str) -> Iterator[None]:
        with real(context, contact_id):
            yield
            held = context.journal_cache.entries(contact_id)
            with context.vault.read() as tx:
                counted[held == journal.list_entries(tx, location_id=LOCATION, contact_id=contact_id)] += 1
        assert context.journal_cache.entries(contact_id) is None

    monkeypatch.setattr(JobContext, "attempt", compared)
    return counted


def test_what_is_held_in_memory_is_what_is_stored(world: World, attempts: Counter[bool]) -> None:
    world.restore(*(lost_contact_with_records(world, number) for number in range(3)))
    assert attempts == {True: 3}


def test_it_is_what_is_stored_when_answers_are_lost_and_values_refused(world: World, attempts: Counter[bool]) -> None:
    ids = [lost_contact_with_records(world, number) for number in range(3)]
    world.location.faults.on("lost_answer", times=6, where="POST /")
    world.location.faults.on("status", times=2, status=422, where="POST /contacts/")
    world.confirm(*ids)
    result = world.run()
    while result.resume_at is not None:
        world.clock.at = max(world.clock.at, result.resume_at)
        result = world.run()
    assert len(world.live()) == 3
    assert attempts.keys() == {True}


def test_the_journal_of_a_contact_is_read_once_in_an_attempt(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.confirm(lost_contact_with_records(world))
    reads: list[str] = []
    real = journal.list_entries

    def read(tx: Any, *given: Any, **named: Any) -> Any:
        reads.append(named["contact_id"])
        return real(tx, *given, **named)

    monkeypatch.setattr(journal, "list_entries", read)
    world.run()
    assert len(reads) == 2  # before the job is claimed, and when work on the contact begins


def test_one_whose_journal_somebody_else_wrote_to_is_left_to_them(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process slept for longer than its lease, and the one after it has created the contact."""
    ana = world.lost(firstName="Ana", email="ana@example.com")
    world.confirm(ana)
    real = JobContext.blocked_until

    def slept(context: JobContext, contact_id: str) -> Any:
        if context.journal_cache.entries(contact_id) == []:
            with world.vault.write() as tx:
                journal.log_request(
                    tx, location_id=LOCATION, job_id=world.job_id, contact_id=ana, step=CREATE,
                    request={"body": {}}, at=world.clock.now(),
                )  # fmt: skip
        return real(context, contact_id)

    monkeypatch.setattr(JobContext, "blocked_until", slept)
    with pytest.raises(RunInProgress):
        world.run()
    assert world.live() == []
    assert world.receipt()[ana]["outcome"] == ""
