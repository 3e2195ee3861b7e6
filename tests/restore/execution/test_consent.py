"""People who opted out in any place, spelling and age are restored over HTTP, and nobody's channel is opened."""

from __future__ import annotations

import os
import random
from typing import Any

import msgspec
import pytest

from hlcore.model.contact import parse_contact
from hlcore.model.json_codec import encode
from hlcore.store.contacts import writes as contact_writes
from tests.restore.conftest import LOCATION, World
from tests.support.consent_histories import CHANNELS, HistoryCopy, closes, history, wrongly_open

TRIALS = int(os.environ.get("CONSENT_TRIALS", "300"))
"""People in the wide trial."""
OPTED_OUT = {"SMS": {"status": "active", "message": "STOP"}}


def hold(world: World, contact_id: str, copies: list[HistoryCopy]) -> None:
    """Let the vault hold these copies of the contact, and no others."""
    person = {key: world.location.contacts[contact_id][key] for key in ("id", "locationId", "firstName", "email")}
    with world.vault.write() as tx:
        for number, copy in enumerate(copies):
            dated = {"dateUpdated": copy.updated.isoformat()} if copy.updated else {}
            place = {"searchAfter": [number, contact_id]} if copy.kind == "row" else {"number": number}
            contact = parse_contact(encode({**person, **dated, **copy.settings, **place}))
            if copy.kind == "detail":
                contact_writes.store_detail(tx, LOCATION, contact_id, contact.raw, copy.read)
            elif copy.kind == "webhook":
                contact_writes.refresh(tx, LOCATION, contact, at=copy.read)
            else:
                contact_writes.replace(tx, LOCATION, [contact], at=copy.read, run_id=None)


def restore_people(world: World, number: int, *, seed: int) -> dict[str, int]:
    """Invent, lose and restore people, and assert that no channel is open that was not proven open."""
    draw, histories = random.Random(seed), dict[str, list[HistoryCopy]]()
    world.location.add_workflow("Welcome", trigger="contact_created")
    for index in range(number):
        copies = history(draw, world.clock.now())
        contact_id = world.add(firstName=f"Person {index}", email=f"person{index}@example.com")
        hold(world, contact_id, copies)
        histories[contact_id] = copies
    world.lose(*histories)
    receipt = world.restore(*histories)
    counts = dict.fromkeys(("restored", "open", "kept closed"), 0)
    for contact_id, copies in histories.items():
        row = receipt[contact_id]
        assert (row["outcome"], row["verified"]) == ("recreated", True), row
        final = world.location.contacts[row["new_id"]]
        assert wrongly_open(copies, final) == [], copies
        open_now = [channel for channel in CHANNELS if not closes(final, channel)]
        claimed_open = [channel for channel in CHANNELS if not closes(copies[-1].settings, channel)]
        if set(claimed_open) - set(open_now):
            assert any("do-not-disturb stays on" in text for text in row["changed"]), (copies, row["changed"])
        counts["restored"] += 1
        counts["open"] += bool(open_now)
        counts["kept closed"] += len(open_now) < len(CHANNELS)
    assert world.sandbox.ledger.reached == []
    assert world.sandbox.ledger.creates_without_dnd == []
    assert world.sandbox.ledger.off_contract == []
    return counts


def test_no_channel_that_a_copy_closed_is_open_after_a_restore(world: World) -> None:
    counts = restore_people(world, 24, seed=9)
    assert counts["restored"] == 24
    assert counts["open"] > 1
    assert counts["kept closed"] > 1


@pytest.mark.slow
def test_no_channel_that_a_copy_closed_is_open_after_a_restore_of_many(world: World) -> None:
    counts = restore_people(world, TRIALS, seed=2026)
    assert counts["restored"] == TRIALS


def test_a_channel_closed_between_create_and_settings_stays_closed(world: World) -> None:
    ana = world.lost(firstName="Ana", email="ana@example.com", dndSettings={"SMS": {"status": "inactive"}})
    world.location.add_workflow("Welcome", trigger="contact_created")
    opted_out: list[str] = []
    real = world.client.update_contact

    def stop_first(contact_id: str, body: dict[str, Any]) -> Any:
        if not opted_out and "dnd" in body:
            raise AssertionError("settings were written before anyone looked")
        return real(contact_id, body)

    real_get = world.client.contact

    def get(contact_id: str) -> bytes:
        raw = real_get(contact_id)
        live = world.location.contacts.get(contact_id)
        if live is not None and contact_id != ana and not opted_out:
            opted_out.append(contact_id)
            world.location.edit(contact_id, dndSettings={**live["dndSettings"], **OPTED_OUT})
        return raw

    world.client.contact, world.client.update_contact = get, stop_first  # type: ignore[method-assign]
    new_id = world.restore(ana)[ana]["new_id"]
    after = world.location.contacts[new_id]
    assert after["dndSettings"]["SMS"] == OPTED_OUT["SMS"]
    assert not closes(after, "Email")


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"dnd": "true"}, id="unreadable switch"),
        pytest.param({"dndSettings": {"RCS": {"status": "active"}}}, id="a channel that no update can name"),
    ],
)
def test_a_topped_up_contact_whose_settings_cannot_be_written_back_stays_closed(
    world: World, settings: dict[str, Any]
) -> None:
    ana = world.add(firstName="Ana", email="ana@example.com", city="Köln")
    world.copy(details=True)
    world.lose(ana, days=2)
    world.location.native_restore(ana)
    world.location.edit(ana, city=None, **settings)
    world.returned(ana)
    row = world.restore(ana, path="top_up")[ana]
    assert row["outcome"] == "topped_up"
    after = world.location.contacts[ana]
    assert after["city"] == "Köln"
    assert not [channel for channel in CHANNELS if not closes(after, channel)]
    assert "dndSettings" in [difference["field"] for difference in row["differences"]]


def test_a_webhook_about_one_person_is_no_evidence_about_another(world: World) -> None:
    world.location.row_options.dnd_settings = False
    ana = world.lost(firstName="Ana", email="ana@example.com")
    snapshot = {"id": "bob", "locationId": LOCATION, "firstName": "Bob", "dndSettings": OPTED_OUT}
    with world.vault.write() as tx:
        contact_writes.insert_contacts(
            tx, LOCATION, [parse_contact(msgspec.json.encode(snapshot))], at=world.clock.now()
        )
    row = world.restore(ana)[ana]
    assert world.location.contacts[row["new_id"]]["dnd"] is True
    assert "the copy does not tell each channel" in " ".join(row["changed"])
