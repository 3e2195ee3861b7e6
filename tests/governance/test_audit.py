"""Whatever somebody does, or tries, leaves one line that stays."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from hlcore.errors import NotAllowed, StoreError
from hlcore.governance.audit import audited, record_refused_sign_in
from hlcore.governance.roles import WORKER, Action, User
from hlcore.store import Vault, audit, locations
from hlcore.store.audit import AuditEntry


def lines(vault: Vault) -> list[AuditEntry]:
    with vault.read() as tx:
        return audit.list_entries(tx, limit=10)


def test_what_was_done_stands_in_the_log(vault: Vault, clock: Any, cast: Any) -> None:
    with audited(vault, cast.sam, Action.RESTORE, now=clock, location_id="agency", subject="job 7") as entry:
        clock.advance(minutes=1)
        entry.add(contacts=3)
    (line,) = lines(vault)
    assert (line.actor, line.role, line.act, line.outcome) == ("sam@example.com", "restorer", "restore", "done")
    assert (line.location_id, line.subject, line.at) == ("agency", "job 7", clock())
    assert line.detail == {"contacts": 3, "how": "oidc"}


@pytest.mark.parametrize("act", [Action.RESTORE, Action.EXPORT, Action.SETTINGS])
def test_who_may_not_does_not_and_it_is_recorded(vault: Vault, clock: Any, cast: Any, act: Action) -> None:
    with pytest.raises(NotAllowed), audited(vault, cast.mara, act, now=clock):
        pytest.fail("the block ran")
    assert [(line.outcome, line.act) for line in lines(vault)] == [("refused", act)]


def test_somebody_without_a_name_is_nobody(vault: Vault, clock: Any, cast: Any) -> None:
    stranger = User("", "", cast.otto.role, "local")
    with pytest.raises(NotAllowed), audited(vault, stranger, Action.VIEW, now=clock):
        pytest.fail("the block ran")
    assert lines(vault)[0].actor == "nobody"


@pytest.mark.parametrize("fault", [ValueError("ana@example.com"), KeyboardInterrupt()])
def test_a_failed_act_names_the_kind_of_error_and_never_its_text(
    vault: Vault, clock: Any, cast: Any, fault: BaseException
) -> None:
    with pytest.raises(type(fault)), audited(vault, cast.sam, Action.EXPORT, now=clock):
        raise fault
    (line,) = lines(vault)
    assert (line.outcome, line.detail["error"]) == ("failed", type(fault).__name__)
    assert "ana@" not in repr(line)


def test_the_line_stays_when_the_act_is_rolled_back(vault: Vault, clock: Any, cast: Any) -> None:
    def connect_and_fail() -> None:
        with audited(vault, cast.sam, Action.CONNECT, now=clock), vault.write() as tx:
            locations.connect(tx, "x", name="", timezone="UTC", company_id="", token=b"t", at=clock(), raw=None)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        connect_and_fail()
    with vault.read() as tx:
        assert locations.list_all(tx) == []
    assert [line.outcome for line in lines(vault)] == ["failed"]


def test_a_log_that_cannot_be_written_does_not_hide_what_went_wrong(
    vault: Vault, clock: Any, cast: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: Any, **more: Any) -> None:
        raise StoreError("The disk of the database is full.")

    monkeypatch.setattr(audit, "append", full)
    with pytest.raises(ValueError, match="first") as caught, audited(vault, cast.sam, Action.EXPORT, now=clock):
        raise ValueError("first")
    assert "audit log" in caught.value.__notes__[0]
    with pytest.raises(StoreError), audited(vault, cast.sam, Action.EXPORT, now=clock):
        pass


def test_a_subject_never_names_a_person(vault: Vault, clock: Any, cast: Any) -> None:
    named = audited(vault, cast.sam, Action.VIEW, now=clock, subject="ana@example.com")
    with pytest.raises(ValueError, match="never a person"), named:
        pytest.fail("the block ran")


def test_the_worker_may_not_export(vault: Vault, clock: Any) -> None:
    with pytest.raises(NotAllowed), audited(vault, WORKER, Action.EXPORT, now=clock):
        pytest.fail("the block ran")
    assert [(line.actor, line.outcome) for line in lines(vault)] == [("worker", "refused")]


def test_refused_sign_ins_are_one_line_for_each_person_and_hour(vault: Vault, clock: Any, cast: Any) -> None:
    stranger = User("", "", cast.otto.role, "oidc")
    for _ in range(7):
        record_refused_sign_in(vault, cast.otto, now=clock)
        clock.advance(minutes=8)
    record_refused_sign_in(vault, stranger, now=clock)
    clock.advance(minutes=4)
    record_refused_sign_in(vault, cast.otto, now=clock)
    record_refused_sign_in(vault, cast.otto, now=clock)
    found = [(line.actor, line.act, line.outcome, line.detail["times"], line.at.hour) for line in lines(vault)]
    assert found == [
        ("otto@elsewhere.example", "sign_in", "refused", 2, 10),
        ("nobody", "sign_in", "refused", 1, 9),
        ("otto@elsewhere.example", "sign_in", "refused", 7, 9),
    ]
    assert lines(vault)[0].detail == {"error": "NotAllowed", "how": "oidc", "times": 2}


def test_refused_sign_ins_of_several_threads_are_all_counted(vault: Vault, clock: Any, cast: Any) -> None:
    with ThreadPoolExecutor(8) as pool:
        for counted in [pool.submit(record_refused_sign_in, vault, cast.otto, now=clock) for _ in range(24)]:
            counted.result()
    (line,) = lines(vault)
    assert line.detail["times"] == 24


def test_other_refusals_stay_a_line_each(vault: Vault, clock: Any, cast: Any) -> None:
    record_refused_sign_in(vault, cast.mara, now=clock)
    for _ in range(2):
        with pytest.raises(NotAllowed), audited(vault, cast.mara, Action.EXPORT, now=clock):
            pytest.fail("the block ran")
    assert [(line.act, "times" in line.detail) for line in lines(vault)] == [
        ("export", False), ("export", False), ("sign_in", True),
    ]  # fmt: skip
