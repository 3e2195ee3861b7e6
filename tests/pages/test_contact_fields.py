"""A contact's fields in plain words: nothing that HighLevel sent is left out, and nothing is called by an id."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hlcore.model.dnd import consent_of
from hlcore.ui.components import contact_fields
from hlcore.ui.components.contact_fields import Names

NAMES = Names(users={"u1": "Mara Lindqvist"}, fields={"cf1": "Notice period"})
TZ = "America/New_York"


def rows(contact: dict[str, Any]) -> dict[str, str]:
    return {label: text for group in contact_fields.field_groups(contact, NAMES, TZ) for label, text in group.rows}


def test_owners_custom_fields_and_moments_have_names() -> None:
    shown = rows(
        {
            "assignedTo": "u1",
            "customFields": [{"id": "cf1", "value": ["2 weeks", "remote"]}, {"id": "cf9", "value": 7}],
            "dateAdded": "2026-03-02T14:05:00Z",
        }
    )
    assert shown == {
        "Owner": "Mara Lindqvist",
        "Notice period": "2 weeks, remote",
        "cf9": "7",
        "Added": "2 Mar 2026, 09:05 EST",
    }


def test_the_name_is_in_the_case_the_person_wrote_and_stands_once() -> None:
    shown = rows({"firstName": "josé", "firstNameRaw": "José", "lastName": "Lee", "name": "josé lee"})
    assert shown == {"First name": "José", "Last name": "Lee"}


def test_objects_and_lists_are_readable() -> None:
    shown = rows({"additionalEmails": [{"email": "a@example.org"}], "attributionSource": {"medium": "form", "url": ""}})
    assert shown == {"Additional e-mails": "a@example.org", "First attribution": "Medium: form"}


def test_channels_tell_what_is_closed_and_what_nobody_knows() -> None:
    contact = {"dndSettings": {"SMS": {"status": "permanent"}}}
    known = {
        channel.name: (channel.open, channel.state)
        for channel in contact_fields.channel_states(consent_of(contact, known=True))
    }
    unknown = {
        channel.name: channel.open for channel in contact_fields.channel_states(consent_of(contact, known=False))
    }
    assert known["SMS"] == (False, "closed for good")
    assert known["E-mail"] == (True, "open")
    assert unknown["SMS"] is False
    assert unknown["E-mail"] is None


def test_do_not_disturb_everywhere_closes_every_channel() -> None:
    assert not any(channel.open for channel in contact_fields.channel_states(consent_of({"dnd": True}, known=True)))


_KEYS = st.sampled_from(["email", "phone", "website", "odd", "type", "tags", "city", "source", "keyword"])
_WORDS = st.text(min_size=1, max_size=8)
_VALUES = st.one_of(_WORDS, st.integers(), st.lists(_WORDS, min_size=1))


@given(st.dictionaries(_KEYS, _VALUES))
def test_every_field_that_holds_something_is_shown_once(contact: dict[str, Any]) -> None:
    shown = [label for group in contact_fields.field_groups(contact, NAMES, TZ) for label, _ in group.rows]
    assert sorted(shown) == sorted(contact_fields.field_label(name, NAMES) for name in contact)
