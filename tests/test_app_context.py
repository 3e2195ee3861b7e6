"""What the threads of one process share."""

from __future__ import annotations

from pathlib import Path

from hlcore.app_context import AppContext
from hlcore.settings import Settings


def test_clients_of_one_location_share_one_limiter(tmp_path: Path) -> None:
    context = AppContext.open(Settings(database_url=f"sqlite:///{tmp_path}/vault.db", data_dir=tmp_path))
    with (
        context.client("loc1", token="pit-1") as first,
        context.client("loc1", token="pit-1") as second,
        context.client("loc2", token="pit-2") as other,
    ):
        assert first.limiter is second.limiter
        assert first.limiter is not other.limiter
    context.close()
