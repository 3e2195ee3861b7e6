"""HighLevel's own restore is noticed and topped up: a small run of the benchmark `native_return`."""

from __future__ import annotations

from collections import Counter

from tests.benchmarks.native_return import story
from tests.restore.conftest import World


def test_whatever_the_native_restore_left_out_is_added_once_and_nothing_else(world: World) -> None:
    assert story(world, 7) == Counter()
