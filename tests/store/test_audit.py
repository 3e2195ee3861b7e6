"""The audit log."""

from __future__ import annotations

from typing import Any

import pytest

from hlcore.errors import StoreError
from hlcore.store import Vault, audit


def test_acts_are_listed_newest_first_and_by_location(vault: Vault, clock: Any) -> None:
    with vault.write() as tx:
        for act, location_id in (("sign_in", ""), ("export", "l"), ("restore", "m")):
            audit.append(
                tx, at=clock(), actor="sam", role="restorer", act=act, location_id=location_id, detail={"rows": 3}
            )
        assert [entry.act for entry in audit.list_entries(tx, limit=2)] == ["restore", "export"]
        assert [entry.act for entry in audit.list_entries(tx, limit=9, location_ids=["l"])] == ["export", "sign_in"]
        assert audit.count(tx, location_ids=["l"]) == 2
        assert audit.count(tx, act="export") == 1
        assert audit.list_entries(tx, limit=1)[0].detail == {"rows": 3}


@pytest.mark.parametrize("act", ["UPDATE audit SET actor = 'otto'", "DELETE FROM audit"])
def test_the_database_itself_refuses_to_change_the_audit_log(vault: Vault, clock: Any, act: str) -> None:
    with vault.write() as tx:
        audit.append(tx, at=clock(), actor="sam", role="restorer", act="export")
    with pytest.raises(StoreError), vault.write() as tx:
        tx.exec_driver_sql(act)
    with vault.read() as tx:
        assert [entry.actor for entry in audit.list_entries(tx, limit=9)] == ["sam"]
