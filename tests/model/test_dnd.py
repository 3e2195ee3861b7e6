"""Do-not-disturb travels in the create call and is never lost."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hlcore.model.dnd import CHANNELS, QuietSettings, all_closed, dnd_settings, quiet_settings, simplified_update
from tests.support.contact_strategies import fields


def test_a_person_with_one_closed_channel_is_created_closed_and_gets_exactly_that_back() -> None:
    own = dnd_settings({"dnd": False, "dndSettings": {"SMS": {"status": "active", "message": "STOP"}}})
    found = quiet_settings(own, known=True)
    assert found.create == all_closed()
    assert found.update is not None
    assert found.update["dnd"] is False
    assert found.update["dndSettings"]["SMS"] == {"status": "active", "message": "STOP"}
    assert found.update["dndSettings"]["Email"] == {"status": "inactive"}


def test_a_person_who_closed_everything_needs_no_second_request() -> None:
    assert quiet_settings(dnd_settings({"dnd": True}), known=True).update is None


def _final(settings: QuietSettings) -> dict[str, Any]:
    return settings.create if settings.update is None else settings.update


def test_settings_that_the_copy_does_not_tell_leave_every_channel_closed_and_say_so() -> None:
    found = quiet_settings(dnd_settings({"dnd": False}), known=False)
    assert found.update is None
    assert "stays on" in found.note


def test_a_closed_channel_that_cannot_be_written_keeps_all_closed() -> None:
    found = quiet_settings(dnd_settings({"dnd": False, "dndSettings": {"RCS": {"status": "active"}}}), known=True)
    assert _final(found) == all_closed()
    assert "RCS" in found.note


def test_small_letters_of_the_newer_api_mean_the_same_channels() -> None:
    own = dnd_settings({"dndSettings": {"sms": {"status": "active"}, "whatsApp": {"status": "permanent"}}})
    assert own.channels == {"SMS": {"status": "active"}, "WhatsApp": {"status": "permanent"}}


@given(fields, st.booleans())
def test_no_channel_that_was_closed_is_ever_open(copy: dict[str, Any], known: bool) -> None:
    own = dnd_settings(copy)
    final = dnd_settings(_final(quiet_settings(own, known=known)))
    assert all(own.is_open(channel) or not final.is_open(channel) for channel in CHANNELS)


@given(fields, st.booleans())
def test_the_create_call_itself_closes_everything(copy: dict[str, Any], known: bool) -> None:
    assert quiet_settings(dnd_settings(copy), known=known).create == all_closed()


@given(fields)
def test_the_plainer_update_opens_nothing_more(copy: dict[str, Any]) -> None:
    after = _final(quiet_settings(dnd_settings(copy), known=True))
    before, simple = dnd_settings(after), dnd_settings(simplified_update(after))
    assert all(before.is_open(channel) == simple.is_open(channel) for channel in CHANNELS)
