"""The register of disappearances: one open row for each missing contact, in step with the contact itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from hlcore.errors import NotFound, StoreError
from hlcore.model.contact import Contact
from hlcore.store import Tx, Vault, records
from hlcore.store.capture import feeds
from hlcore.store.contacts import reads as contact_reads
from hlcore.store.contacts import writes as contact_writes
from hlcore.store.deletions import bulk_deletions, register
from hlcore.store.deletions import queries as deletion_queries
from hlcore.store.deletions.queries import Disappearance, RegisterQuery
from hlcore.store.restores import jobs as restore_jobs
from hlcore.store.restores import journal

IDS = [f"c{number}" for number in range(6)]


@pytest.fixture
def known(vault: Vault, location: str, make_contact: Callable[..., Contact], clock: Any) -> Vault:
    """Six contacts, all present."""
    with vault.write() as tx:
        new = [make_contact(name, firstName=name.upper(), tags=["lead"], assignedTo=f"u{name}") for name in IDS]
        contact_writes.insert_contacts(tx, location, new, at=clock())
    return vault


@pytest.fixture
def suspect(known: Vault, location: str, clock: Any) -> Callable[..., list[Disappearance]]:
    """Suspect these contacts now, last seen an hour ago; all open suspects."""

    def make(*ids: str) -> list[Disappearance]:
        with known.write() as tx:
            last = clock() - timedelta(hours=1)
            register.mark_suspected(
                tx, location, [(contact_id, last) for contact_id in ids], at=clock(), detected_by="listing"
            )
            return deletion_queries.list_open_suspects(tx, location, limit=100)

    return make


Suspect = Callable[..., list[Disappearance]]


def confirm(tx: Tx, row: Disappearance, at: datetime, **more: Any) -> None:
    register.confirm(tx, row.disappearance_id, at=at, **({"cause": "unknown", "evidence": "404"} | more))


def state(vault: Vault, location: str, contact_id: str) -> tuple[str, str]:
    """(status of the contact, status of its newest row)."""
    with vault.read() as tx:
        (held,) = contact_reads.get_many(tx, location, [contact_id])
        rows = deletion_queries.list_for_contact(tx, location, contact_id)
    return held.status, rows[-1].status if rows else ""


def test_a_suspect_has_one_open_row_with_the_cautious_clock(suspect: Suspect, clock: Any) -> None:
    (row,) = suspect("c1")
    assert (row.status, row.name, row.tags, row.owner_id) == ("suspected", "C1", ("lead",), "uc1")
    assert (row.detected_at, row.clock_from, row.deleted_at) == (clock(), clock() - timedelta(hours=1), None)
    assert row.last_seen_at == row.clock_from


def test_suspecting_again_changes_nothing(known: Vault, location: str, suspect: Suspect, clock: Any) -> None:
    before = suspect("c1", "c2")
    clock.advance(days=1)
    assert suspect("c1", "c2") == before
    assert state(known, location, "c1") == ("suspected", "suspected")


@pytest.mark.parametrize("status", ["deleted", "merged", "recreated", "erased"])
def test_who_is_lost_already_or_unknown_is_not_suspected(
    known: Vault, location: str, suspect: Suspect, status: str
) -> None:
    with known.write() as tx:
        contact_writes.set_status(tx, location, ["c1"], status)
    assert suspect("c1", "nobody") == []
    assert state(known, location, "c1") == (status, "")


def test_the_database_itself_refuses_a_second_open_row(known: Vault, suspect: Suspect) -> None:
    suspect("c1")
    names = ", ".join(Disappearance.__slots__[1:18])
    with pytest.raises(StoreError), known.write() as tx:
        tx.exec_driver_sql(f"INSERT INTO disappearances ({names}) SELECT {names} FROM disappearances")


@pytest.mark.parametrize("status", ["deleted", "merged"])
def test_a_confirmed_loss_stands_with_its_evidence(
    known: Vault, location: str, suspect: Suspect, clock: Any, status: str
) -> None:
    (row,) = suspect("c1")
    with known.write() as tx:
        confirm(tx, row, clock.advance(minutes=1), status=status, cause="merge", evidence="why", winner_id="c2")
        (found,) = deletion_queries.list_for_contact(tx, location, "c1")
    assert state(known, location, "c1") == (status, status)
    assert (found.cause, found.evidence, found.winner_id, found.confirmed_at) == ("merge", "why", "c2", clock())
    assert (found.checks, found.ended_at) == (1, None)


def test_what_has_ended_cannot_be_confirmed(known: Vault, suspect: Suspect, clock: Any) -> None:
    (row,) = suspect("c1")
    with known.write() as tx:
        register.withdraw(tx, [row.disappearance_id], at=clock(), note="alive")
    with pytest.raises(NotFound), known.write() as tx:
        confirm(tx, row, clock())


def test_who_was_alive_after_all_is_present_again(known: Vault, location: str, suspect: Suspect, clock: Any) -> None:
    rows = suspect("c1", "c2")
    with known.write() as tx:
        register.withdraw(tx, [row.disappearance_id for row in rows], at=clock(), note="HighLevel lists it again.")
        assert deletion_queries.count_suspects(tx, location) == 0
    assert state(known, location, "c1") == state(known, location, "c2") == ("present", "withdrawn")


def test_a_check_without_an_answer_changes_no_status(known: Vault, location: str, suspect: Suspect, clock: Any) -> None:
    (row,) = suspect("c1")
    with known.write() as tx:
        register.record_check(tx, row.disappearance_id, at=clock(), text="no answer")
        (found,) = deletion_queries.list_open_suspects(tx, location, limit=1)
    assert (found.checks, found.last_check) == (1, "2026-03-02 09:00 UTC: no answer")


def test_a_native_restore_ends_the_row(known: Vault, location: str, suspect: Suspect, clock: Any) -> None:
    (row,) = suspect("c1")
    with known.write() as tx:
        confirm(tx, row, clock())
        for _ in range(2):
            register.mark_returned(tx, location, "c1", at=clock.advance(days=1))
    assert state(known, location, "c1") == ("returned", "returned")


def test_a_contact_can_disappear_again(known: Vault, location: str, suspect: Suspect, clock: Any) -> None:
    (row,) = suspect("c1")
    with known.write() as tx:
        confirm(tx, row, clock())
        register.mark_returned(tx, location, "c1", at=clock())
    clock.advance(days=1)
    (again,) = suspect("c1")
    with known.read() as tx:
        history = deletion_queries.list_for_contact(tx, location, "c1")
    assert [row.disappearance_id for row in history] == [row.disappearance_id, again.disappearance_id]


def test_a_recreated_contact_lives_on_under_its_new_id(
    known: Vault, location: str, suspect: Suspect, clock: Any
) -> None:
    (row,) = suspect("c1")
    with known.write() as tx:
        confirm(tx, row, clock())
        register.mark_recreated(tx, location, "c1", new_contact_id="n1", at=clock.advance(days=1))
        (found,) = deletion_queries.list_for_contact(tx, location, "c1")
    assert (found.status, found.new_contact_id, found.ended_at) == ("recreated", "n1", clock())
    assert state(known, location, "c1")[0] == "recreated"


def test_an_exact_time_sets_the_clock(known: Vault, location: str, suspect: Suspect, clock: Any) -> None:
    suspect("c1")
    exact = clock() - timedelta(minutes=10)
    with known.write() as tx:
        register.record_deletion_time(tx, location, "c1", deleted_at=exact, at=clock())
        register.record_deletion_time(tx, location, "c2", deleted_at=exact, at=clock())
        register.record_deletion_time(tx, location, "nobody", deleted_at=exact, at=clock())
        found = deletion_queries.list_open_suspects(tx, location, limit=9)
    assert [(row.contact_id, row.deleted_at, row.clock_from) for row in found] == [
        ("c1", exact, exact),
        ("c2", exact, exact),
    ]
    assert [row.detected_by for row in found] == ["listing", "webhook"]


def test_suspects_are_asked_for_page_by_page(known: Vault, location: str, suspect: Suspect) -> None:
    rows = suspect(*IDS)
    with known.read() as tx:
        first = deletion_queries.list_open_suspects(tx, location, limit=4)
        rest = deletion_queries.list_open_suspects(tx, location, limit=4, after=first[-1].disappearance_id)
        assert [*first, *rest] == rows
        assert deletion_queries.count_suspects(tx, location) == len(IDS)


@pytest.fixture
def history(known: Vault, suspect: Suspect, clock: Any) -> Vault:
    """c1 and c2 deleted on the first day, c3 merged on the second, c4 suspected on the third."""
    for ids, more in ((("c1", "c2"), {}), (("c3",), {"status": "merged", "cause": "merge"})):
        fresh = [row for row in suspect(*ids) if row.contact_id in ids]
        with known.write() as tx:
            for row in fresh:
                confirm(tx, row, clock(), **more)
        clock.advance(days=1)
    suspect("c4")
    return known


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({}, ["c1", "c2", "c3", "c4"]),
        ({"statuses": ("deleted", "merged")}, ["c1", "c2", "c3"]),
        ({"cause": "merge"}, ["c3"]),
        ({"owner_id": "uc2"}, ["c2"]),
        ({"tag": "LEAD"}, ["c1", "c2", "c3", "c4"]),
        ({"tag": "other"}, []),
        ({"text": "c3"}, ["c3"]),
        ({"contact_ids": ["c4", "c1"]}, ["c1", "c4"]),
        ({"contact_ids": []}, []),
        ({"incident_id": 5}, []),
    ],
)
def test_the_register_is_filtered(history: Vault, location: str, query: dict[str, Any], ids: list[str]) -> None:
    asked = RegisterQuery((location,), **query)
    with history.read() as tx:
        assert [row.contact_id for row in deletion_queries.list_page(tx, asked, limit=50)] == ids
        assert [row.contact_id for row in deletion_queries.iterate(tx, asked, chunk=2)] == ids
        assert deletion_queries.count(tx, asked) == len(ids)


def test_the_register_is_filtered_by_moments(history: Vault, location: str, clock: Any) -> None:
    second = clock() - timedelta(days=1)
    with history.read() as tx:
        since = deletion_queries.list_page(tx, RegisterQuery((location,), detected_since=second), limit=9)
        before = deletion_queries.list_page(tx, RegisterQuery((location,), clock_from_before=second), limit=9)
        ended = deletion_queries.count(tx, RegisterQuery((location,), ended_since=second))
    assert ([row.contact_id for row in since], [row.contact_id for row in before]) == (["c3", "c4"], ["c1", "c2", "c3"])
    assert ended == 0


def test_the_register_is_sorted_and_paged(history: Vault, location: str) -> None:
    asked = RegisterQuery((location,))
    with history.read() as tx:
        latest = deletion_queries.list_page(tx, asked, limit=2, sort="detected_at", descending=True)
        names = deletion_queries.list_page(tx, asked, limit=2, offset=1, sort="name")
    assert ([row.contact_id for row in latest], [row.contact_id for row in names]) == (["c4", "c3"], ["c2", "c3"])


def test_confirmed_losses_are_found_by_their_detection(history: Vault, location: str, clock: Any) -> None:
    began = clock() - timedelta(days=2)
    with history.read() as tx:
        found = deletion_queries.confirmed_between(tx, location, began, began)
    assert [(clock_from, detected) for _, clock_from, detected in found] == [(began - timedelta(hours=1), began)] * 2


def test_an_incident_is_opened_and_closed(vault: Vault, location: str, clock: Any) -> None:
    with vault.write() as tx:
        number = bulk_deletions.open_incident(tx, location, at=clock(), contacts=900, known=5_000, evidence="many")
        bulk_deletions.close_incident(tx, number, "confirmed", "all gone")
        (found,) = bulk_deletions.list_incidents(tx, [location], limit=5)
    assert (found.contacts, found.known, found.state, found.evidence) == (900, 5_000, "confirmed", "all gone")
    with pytest.raises(NotFound), vault.write() as tx:
        bulk_deletions.close_incident(tx, number + 1, "confirmed", "")


def test_nothing_of_an_erased_person_is_left(
    known: Vault, location: str, make_contact: Callable[..., Contact], suspect: Suspect, clock: Any
) -> None:
    secret = "Adaeze"
    with known.write() as tx:
        new = make_contact(
            "c1", firstName=secret, email=f"{secret}@example.com", additionalEmails=[f"{secret}@b.example"]
        )
        contact_writes.replace(tx, location, [new], at=clock(), run_id=None)
        contact_writes.replace(tx, location, [make_contact("c1", lastName=secret)], at=clock(), run_id=None)
        contact_writes.store_detail(tx, location, "c1", new.raw, clock())
        for raw in (b'{"body":"Adaeze"}', b'{"body":"Adaeze!"}'):
            records.save(tx, location, "note", [("n1", "c1", raw)], at=clock())
        plan = ("c1", "recreate", {"name": secret})
        job_id = restore_jobs.create_job(tx, location, by="sam", at=clock(), items=[plan], options=None)
        journal.log_request(
            tx, location_id=location, job_id=job_id, contact_id="c1", step="x", request={"name": secret}, at=clock()
        )
    suspect("c1")
    with known.write() as tx:
        register.erase_contact(tx, location, "c1", at=clock())
        contact_writes.replace(tx, location, [new], at=clock(), run_id=None)
        contact_writes.store_detail(tx, location, "c1", new.raw, clock())
        contact_writes.set_status(tx, location, ["c1"], "present")
        records.save(tx, location, "note", [("n1", "c1", b'{"body":"Adaeze"}')], at=clock())
    assert state(known, location, "c1") == ("erased", "erased")
    assert secret.lower() not in everything(known).lower()


def everything(vault: Vault) -> str:
    """Every value of every table, as text."""
    with vault.read() as tx:
        tables = tx.exec_driver_sql(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            if vault.dialect == "postgresql"
            else "SELECT name FROM sqlite_master WHERE type = 'table'"
        ).scalars()
        return "\n".join(
            str(bytes(value) if isinstance(value, memoryview) else value)
            for table in list(tables)
            for row in tx.exec_driver_sql(f'SELECT * FROM "{table}"')
            for value in row
        )


@pytest.mark.parametrize(("read_at", "shown"), [(-60, True), (-30, False), (30, False)], ids=str)
def test_a_feed_read_after_the_last_sighting_did_not_show_what_belonged_to_a_lost_contact(
    known: Vault, location: str, suspect: Suspect, clock: Any, read_at: int, shown: bool
) -> None:
    clock.advance(hours=3)  # the contacts were there before the feed
    with known.write() as tx:
        if read_at < 0:
            feeds.save(tx, location, "opportunity", covered_at=clock() + timedelta(minutes=read_at))
    (row,) = suspect("c1")
    with known.write() as tx:
        feeds.save(tx, location, "opportunity", covered_at=clock() + timedelta(minutes=read_at))
        confirm(tx, row, clock.advance(hours=1))
        (found,) = deletion_queries.list_for_contact(tx, location, "c1")
    assert ("opportunity" not in found.not_captured) == shown


def test_counts_that_agreed_after_the_feed_was_read_prove_that_it_showed_everybody(
    known: Vault, location: str, clock: Any
) -> None:
    seen, read_at = clock(), clock() + timedelta(minutes=10)
    with known.write() as tx:
        feeds.save(tx, location, "task", covered_at=read_at)
        for contact_id, checked_at in (("c1", read_at), ("c2", seen), ("c3", None)):
            register.mark_suspected(
                tx,
                location,
                [(contact_id, seen)],
                at=clock.advance(hours=1),
                detected_by="watch",
                checked_at=checked_at,
            )
        rows = {row.contact_id: row for row in deletion_queries.list_open_suspects(tx, location, limit=9)}
    assert {name: "task" not in row.not_captured for name, row in rows.items()} == {
        "c1": True,
        "c2": False,
        "c3": False,
    }
