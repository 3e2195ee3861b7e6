"""A running worker meets odd contacts, records, deliveries and answers in one of two accounts; good ones are handled.

The whole of it, with every page and command and twenty thousand items: `tests/benchmarks/odd_items.py`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks import odd_items
from tests.support import odd_checks
from tests.support.odd_world import ODD, open_odd_world


def test_every_good_item_is_handled_and_every_odd_one_set_aside(vault_url: str, tmp_path: Path) -> None:
    with open_odd_world(tmp_path / "data", vault_url, 5, people=55, share_of_details=0) as world:
        world.live(2, deliveries=15, edited=4, deleted=1, added=1)
        world.settle()
        compared, wrong = odd_checks.check_records(world)
        assert wrong + odd_checks.check_contacts(world) + odd_checks.check_quarantine(world) == []
    assert compared > 40
    assert world.deleted[ODD]
    assert world.odd_deliveries
    assert world.items.broken_answers


@pytest.mark.slow
def test_pages_and_commands_work_on_a_vault_of_odd_items(vault_url: str, tmp_path: Path) -> None:
    with open_odd_world(tmp_path / "data", vault_url, 1, people=80, share_of_details=0) as world:
        figures, wrong = odd_items.run(world, tmp_path, items=300, rounds=3, pages=1)
    assert wrong == []
    assert figures["pages_opened"] > 20
