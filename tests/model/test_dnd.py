"""Do-not-disturb travels in the create call and is never lost, and of several copies the strictest holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hlcore.model.dnd import (
    CHANNELS,
    Consent,
    ConsentCopy,
    QuietSettings,
    all_closed,
    dnd_settings,
    quiet_settings,
    simplified_update,
    strictest_consent,
    without_closed_since,
)
from tests.support.consent_histories import CLOSING, TOLD_OPEN, HistoryCopy, closes, wrongly_open
from tests.support.contact_strategies import any_json, fields

DAY = datetime(2026, 1, 1, tzinfo=UTC)


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


@pytest.mark.parametrize("settings", CLOSING, ids=str)
def test_whatever_is_not_plainly_open_closes(settings: dict[str, Any]) -> None:
    consent = consent_of_details(settings)
    final = _final(quiet_settings(consent.settings, known=consent.known))
    assert any(closes(settings, channel) for channel in CHANNELS)
    assert not [channel for channel in CHANNELS if closes(settings, channel) and not closes(final, channel)]


def consent_of_details(*settings: dict[str, Any]) -> Consent:
    """What these answers to GET by id say, one a day."""
    days = [DAY + timedelta(days=number) for number in range(len(settings))]
    return strictest_consent([ConsentCopy(one, True, day, day) for one, day in zip(settings, days, strict=True)])


def test_what_could_not_be_read_is_said() -> None:
    assert consent_of_details({"dnd": "on"}).notes == (
        "do-not-disturb stays on for all channels: the setting in the copy cannot be read",
    )
    assert "for SMS" in consent_of_details({"dnd": False, "dndSettings": {"SMS": "off"}}).notes[0]


def test_capital_letters_are_read_and_need_no_words() -> None:
    consent = consent_of_details({"dnd": False, "dndSettings": {"Email": {"status": "Active"}}})
    assert (consent.settings.channels["Email"]["status"], consent.notes) == ("active", ())


def test_a_newer_answer_about_the_contact_alone_opens_again() -> None:
    assert consent_of_details({"dnd": True}, {**TOLD_OPEN}).settings.is_open("SMS")


def test_a_newer_row_does_not_open_again_and_the_plan_says_so() -> None:
    older = ConsentCopy({"dnd": True}, True, DAY, DAY)
    row = ConsentCopy(TOLD_OPEN, False, DAY + timedelta(days=1), DAY + timedelta(days=1))
    consent = strictest_consent([older, row])
    assert consent.settings.everywhere
    assert "an earlier copy has it closed" in consent.notes[0]


def test_an_answer_that_names_no_channel_opens_none_that_was_closed() -> None:
    closed = {"dnd": False, "dndSettings": {"SMS": {"status": "active"}}}
    consent = consent_of_details(closed, {"dnd": False})
    assert not consent.settings.is_open("SMS")
    assert consent.settings.is_open("Email")


def test_rows_that_name_no_channel_prove_nothing() -> None:
    assert not strictest_consent([ConsentCopy({"dnd": False}, False, DAY, DAY)]).known
    assert not strictest_consent([ConsentCopy({"dnd": False, "dndSettings": {}}, False, DAY, DAY)]).known


@given(fields, st.booleans())
def test_no_channel_that_was_closed_is_ever_open(copy: dict[str, Any], known: bool) -> None:
    own = dnd_settings(copy)
    final = dnd_settings(_final(quiet_settings(own, known=known)))
    assert all(own.is_open(channel) or not final.is_open(channel) for channel in CHANNELS)


moments = st.none() | st.integers(0, 3).map(lambda number: DAY + timedelta(days=number))
settings = st.one_of(
    st.sampled_from([*CLOSING, dict(TOLD_OPEN), {}]),
    st.fixed_dictionaries(
        {},
        optional={
            "dnd": any_json,
            "dndSettings": any_json | st.dictionaries(st.sampled_from([*CHANNELS, "sms", "RCS", "dnd"]), any_json),
            "unsubscribeEmail": any_json,
        },
    ),
)
copies = st.lists(
    st.builds(HistoryCopy, st.sampled_from(["row", "detail"]), settings, moments, moments.map(lambda at: at or DAY)),
    min_size=1,
    max_size=5,
)


@given(copies)
def test_of_any_copies_none_that_closes_a_channel_is_overruled_but_by_a_newer_answer(held: list[HistoryCopy]) -> None:
    consent = strictest_consent([ConsentCopy(one.settings, one.by_id, one.updated, one.read) for one in held])
    final = _final(quiet_settings(consent.settings, known=consent.known))
    assert wrongly_open(held, final) == []


@given(copies)
def test_the_order_in_which_copies_are_given_opens_and_closes_nothing(held: list[HistoryCopy]) -> None:
    given_copies = [ConsentCopy(one.settings, one.by_id, one.updated, one.read) for one in held]
    one, other = strictest_consent(given_copies), strictest_consent(given_copies[::-1])
    assert [one.settings.is_open(channel) for channel in CHANNELS] == [
        other.settings.is_open(channel) for channel in CHANNELS
    ]
    assert one.known == other.known


@given(fields, st.booleans())
def test_the_create_call_itself_closes_everything(copy: dict[str, Any], known: bool) -> None:
    assert quiet_settings(dnd_settings(copy), known=known).create == all_closed()


@given(fields)
def test_the_plainer_update_opens_nothing_more(copy: dict[str, Any]) -> None:
    after = _final(quiet_settings(dnd_settings(copy), known=True))
    before, simple = dnd_settings(after), dnd_settings(simplified_update(after))
    assert all(before.is_open(channel) == simple.is_open(channel) for channel in CHANNELS)


@pytest.mark.parametrize(
    "since",
    [
        pytest.param({"SMS": {"status": "permanent"}}, id="for good"),
        pytest.param({"SMS": {"status": "active", "message": "STOP"}}, id="with a message"),
        pytest.param({"SMS": {"status": "unheard of"}, "RCS": {"status": "active"}}, id="another channel"),
    ],
)
def test_a_channel_that_was_closed_since_is_not_reopened(since: dict[str, Any]) -> None:
    live = {"dnd": True, "dndSettings": {**all_closed()["dndSettings"], **since}}
    body = without_closed_since({**TOLD_OPEN}, live)
    assert closes(body, "SMS")
