"""`kill -9` at any moment of a job: the next run continues, and nothing is created twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.restore.conftest import LOCATION, World
from tests.support.contacts_with_records import capture, records_of

ROOT = Path(__file__).parents[3]
KILLS = 4


def run_until(world: World, vault_url: str, moment: int) -> int:
    """The job runs in another process and dies at this moment; how the process ended."""
    token = world.sandbox.token_of(LOCATION)
    told = [vault_url, world.url, token, str(world.job_id), str(moment)]
    command = [sys.executable, "-m", "tests.support.killed_restore", *told]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=120, check=False)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr.decode()[-2000:]
    return done.returncode


def people(world: World) -> list[str]:
    """Nine lost people: with both addresses, with one, with none."""
    ids = []
    for number in range(3):
        own = {"SMS": {"status": "active"}}
        ids.append(world.add(firstName=f"Both {number}", email=f"b{number}@example.com", phone=f"+1415555010{number}"))
        ids.append(world.add(firstName=f"Mail {number}", email=f"m{number}@example.com", dndSettings=own))
        ids.append(world.add(firstName="None", tags=["vip"]))
    for contact_id in ids[::3]:
        world.location.add_note(contact_id, "Likes tea")
        world.location.add_note(contact_id, "Likes tea")
        world.location.add_task(contact_id, "Call back")
        world.location.add_opportunity(contact_id, "Whitening", monetaryValue=100)
    capture(world, *ids)
    world.lose(*ids)
    return ids


@pytest.mark.parametrize("seed", [1])
def test_a_job_killed_again_and_again_makes_everybody_exactly_once(world: World, vault_url: str, seed: int) -> None:
    world.clock.at = datetime.now(UTC)  # the other process lives in real time
    ids = people(world)
    world.confirm(*ids)
    chance = random.Random(seed)
    killed = sum(run_until(world, vault_url, chance.randint(1, 70)) != 0 for _ in range(KILLS))
    world.clock.at = datetime.now(UTC)
    result = world.run()
    while result.pending:
        assert result.resume_at is not None
        world.clock.at = max(world.clock.at, result.resume_at)
        result = world.run()
    assert killed
    assert result.state == "done"
    assert len(world.live()) == len(ids)
    assert {row["new_id"] for row in world.receipt().values()} == {one["id"] for one in world.live()}
    assert all(row["verified"] for row in world.receipt().values())
    made = [records_of(world, row["new_id"]) for row in world.receipt().values()]
    assert sorted(len(one["notes"]) for one in made) == [0] * 6 + [2] * 3
    assert sorted(len(one["tasks"]) for one in made) == sorted(len(one["deals"]) for one in made) == [0] * 6 + [1] * 3
    assert world.sandbox.ledger.creates_without_dnd == []
