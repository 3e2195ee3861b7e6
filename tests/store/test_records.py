"""Records of contacts and catalogues: exact bytes, versions, and marks for what vanished."""

from __future__ import annotations

from typing import Any

import pytest

from hlcore.errors import StoreError
from hlcore.store import Vault, records
from hlcore.store.records import RecordCounts


def test_records_are_held_byte_for_byte(vault: Vault, clock: Any) -> None:
    raw = b'{ "id":"n1","body":"\\u0000 \xf0\x9f\x98\x80" }'
    with vault.write() as tx:
        assert records.save(tx, "l", "note", [("n1", "c1", raw), ("n2", "c2", b"{}")], at=clock()) == RecordCounts(2, 0)
        (found,) = records.list_for_contact(tx, "l", "c1")
    assert (found.raw, found.kind, found.captured_at, found.vanished_at) == (raw, "note", clock(), None)


def test_the_same_again_only_says_when_it_was_seen(vault: Vault, clock: Any) -> None:
    first = clock()
    with vault.write() as tx:
        records.save(tx, "l", "note", [("n1", "c1", b"{}")], at=first)
        again = records.save(tx, "l", "note", [("n1", "c1", b"{}")], at=clock.advance(hours=1))
        found = records.get(tx, "l", "note", "n1")
    assert again == RecordCounts(0, 0)
    assert found is not None
    assert (found.captured_at, found.seen_at) == (first, clock())


def test_a_changed_record_leaves_its_earlier_bytes(vault: Vault, clock: Any) -> None:
    first = clock()
    with vault.write() as tx:
        records.save(tx, "l", "note", [("n1", "c1", b"1"), ("n2", "c1", b"1")], at=first)
        assert records.save(tx, "l", "note", [("n1", "c1", b"2")], at=clock.advance(hours=1)) == RecordCounts(0, 1)
        (version,) = records.versions(tx, "l", "note", "n1")
        assert records.versions(tx, "l", "note", "n2") == []
    assert (version.raw, version.captured_at, version.replaced_at) == (b"1", first, clock())
    with pytest.raises(StoreError), vault.write() as tx:
        tx.exec_driver_sql("UPDATE record_versions SET kind = 'x'")


def test_what_is_not_kept_has_vanished_and_may_come_back(vault: Vault, clock: Any) -> None:
    with vault.write() as tx:
        records.save(tx, "l", "user", [("u1", "", b"1"), ("u2", "", b"2")], at=clock())
        assert records.mark_vanished(tx, "l", "user", keep=["u1"], at=clock.advance(days=1)) == 1
        assert records.mark_vanished(tx, "l", "user", keep=["u1"], at=clock.advance(days=1)) == 0
        assert [record.record_id for record in records.list_of_kind(tx, "l", "user")] == ["u1"]
        assert [record.record_id for record in records.list_of_kind(tx, "l", "user", with_vanished=True)] == [
            "u1",
            "u2",
        ]
        records.save(tx, "l", "user", [("u2", "", b"2")], at=clock())
        assert [record.record_id for record in records.list_of_kind(tx, "l", "user")] == ["u1", "u2"]


def test_only_the_asked_contact_s_records_vanish(vault: Vault, clock: Any) -> None:
    with vault.write() as tx:
        records.save(tx, "l", "note", [("n1", "c1", b"1"), ("n2", "c2", b"2")], at=clock())
        records.mark_vanished(tx, "l", "note", keep=[], contact_id="c1", at=clock())
        assert [record.record_id for record in records.list_of_kind(tx, "l", "note")] == ["n2"]


def test_a_contact_s_records_are_listed_by_kind(vault: Vault, clock: Any) -> None:
    with vault.write() as tx:
        for kind in ("task", "note"):
            records.save(tx, "l", kind, [("x2", "c1", b"2"), ("x1", "c1", b"1")], at=clock())
        found = [(record.kind, record.record_id) for record in records.list_for_contact(tx, "l", "c1")]
        assert found == [("note", "x1"), ("note", "x2"), ("task", "x1"), ("task", "x2")]
        assert {record.kind for record in records.list_for_contact(tx, "l", "c1", ["task"])} == {"task"}


def test_many_records_stream_in_parts(vault: Vault, clock: Any) -> None:
    with vault.write() as tx:
        records.save(tx, "l", "note", [(f"n{number:04d}", "c", b"x") for number in range(2_500)], at=clock())
        assert [record.record_id for record in records.iterate(tx, "l", "note", chunk=999)] == [
            f"n{number:04d}" for number in range(2_500)
        ]
