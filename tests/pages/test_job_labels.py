"""The result of a job in a sentence: the same for every kind, where the same is meant."""

from __future__ import annotations

import pytest
import streamlit as st

from hlcore.restore import revert, undo
from hlcore.ui.restore.job_labels import result_message

BACK = "back in HighLevel; nobody got a message."


@pytest.mark.parametrize(
    ("kind", "outcomes", "different", "expected"),
    [
        ("", {"recreated": 2, "topped_up": 1}, 0, f"3 people are {BACK} Each was read back"),
        ("", {"recreated": 1}, 1, f"1 person is {BACK} 1 person differs from the copy"),
        ("", {"failed": 2, "skipped": 1}, 0, f"No people are {BACK} 2 people could not"),
        (undo.KIND, {"undone": 1}, 0, "1 person that the restore had created is deleted again."),
        (undo.KIND, {"undone": 2}, 0, "2 people that the restore had created are deleted again."),
        (revert.KIND, {"put_back": 2}, 0, "2 people have the earlier values again. Each was read back: the chosen"),
        (revert.KIND, {"put_back": 2}, 1, "2 people have the earlier values again. 1 person differs from the plan"),
    ],
)
def test_who_is_done_comes_first_in_the_words_of_the_kind(
    kind: str, outcomes: dict[str, int], different: int, expected: str
) -> None:
    assert result_message(kind, outcomes, different)[1].startswith(expected)


@pytest.mark.parametrize(("kind", "done"), [("", "recreated"), (undo.KIND, "undone"), (revert.KIND, "put_back")])
def test_every_kind_says_who_was_left_failed_or_waits_and_is_drawn_alike(kind: str, done: str) -> None:
    draw, words = result_message(kind, {done: 1, "failed": 1, "skipped": 2, "": 3}, 0)
    assert draw is st.error
    assert "2 people were left as they were; see why below." in words
    assert words.endswith("3 people had not begun when it was stopped.")
    assert result_message(kind, {done: 1}, 1)[0] is st.warning
    assert result_message(kind, {done: 1}, 0)[0] is st.success
    assert result_message(kind, {done: 1, "": 1}, 0)[0] is st.info
    assert result_message(kind, {"skipped": 1}, 0)[0] is st.info
