from __future__ import annotations

from bisect import bisect_left

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hlcore.sandbox.state import sorted_keys
from hlcore.sandbox.state.sorted_keys import SortedKeys

KEYS = st.sets(st.tuples(st.integers(0, 50), st.text("ab", max_size=3)), max_size=60)


@given(KEYS, KEYS, st.integers(0, 70), st.integers(0, 70))
def test_behaves_as_a_sorted_list_whatever_comes_and_goes(first, second, start, stop):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sorted_keys, "CHUNK", 4)
        mine = SortedKeys(first)
        for key in second - first:
            mine.add(key)
        for key in first - second:
            mine.remove(key)
    theirs = sorted(second)
    assert len(mine) == len(theirs)
    assert mine.slice(start, stop) == theirs[start:stop]
    assert all(mine.rank(key) == bisect_left(theirs, key) for key in [*first, (25,), (99,)])


def test_rejects_removing_what_is_not_there():
    with pytest.raises(KeyError):
        SortedKeys([(1, "a")]).remove((1, "b"))
