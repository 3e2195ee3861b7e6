"""Do-not-disturb travels in the create call and is never lost."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hlcore.model.dnd import CHANNELS, all_closed, own_settings, plainer, quiet
from tests.support.copies import fields


def test_a_person_with_one_closed_channel_is_created_closed_and_gets_exactly_that_back() -> None:
    own = own_settings({"dnd": False, "dndSettings": {"SMS": {"status": "active", "message": "STOP"}}})
    found = quiet(own, known=True)
    assert found.create == all_closed()
    assert found.after is not None
    assert found.after["dnd"] is False
    assert found.after["dndSettings"]["SMS"] == {"status": "active", "message": "STOP"}
    assert found.after["dndSettings"]["Email"] == {"status": "inactive"}


def test_a_person_who_closed_everything_needs_no_second_request() -> None:
    assert quiet(own_settings({"dnd": True}), known=True).after is None


def test_settings_that_the_copy_does_not_tell_leave_every_channel_closed_and_say_so() -> None:
    found = quiet(own_settings({"dnd": False}), known=False)
    assert found.after is None
    assert "stays on" in found.note


def test_a_closed_channel_that_cannot_be_written_keeps_all_closed() -> None:
    found = quiet(own_settings({"dnd": False, "dndSettings": {"RCS": {"status": "active"}}}), known=True)
    assert found.final == all_closed()
    assert "RCS" in found.note


def test_small_letters_of_the_newer_api_mean_the_same_channels() -> None:
    own = own_settings({"dndSettings": {"sms": {"status": "active"}, "whatsApp": {"status": "permanent"}}})
    assert own.channels == {"SMS": {"status": "active"}, "WhatsApp": {"status": "permanent"}}


@given(fields, st.booleans())
def test_no_channel_that_was_closed_is_ever_open(copy: dict[str, Any], known: bool) -> None:
    own = own_settings(copy)
    final = own_settings(quiet(own, known=known).final)
    assert all(own.is_open(channel) or not final.is_open(channel) for channel in CHANNELS)


@given(fields, st.booleans())
def test_the_create_call_itself_closes_everything(copy: dict[str, Any], known: bool) -> None:
    assert quiet(own_settings(copy), known=known).create == all_closed()


@given(fields)
def test_the_plainer_update_opens_nothing_more(copy: dict[str, Any]) -> None:
    after = quiet(own_settings(copy), known=True).final
    before, simple = own_settings(after), own_settings(plainer(after))
    assert all(before.is_open(channel) == simple.is_open(channel) for channel in CHANNELS)
