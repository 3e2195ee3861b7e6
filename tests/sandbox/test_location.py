from __future__ import annotations

from datetime import timedelta

import pytest

from hlcore.sandbox.state import persistence


def test_native_restore_brings_back_the_same_id_with_everything_attached(location):
    id_ = location.create(firstName="Ana")
    note, deal = location.add_note(id_, "called"), location.add_opportunity(id_, "Crown")
    location.add_message(id_, "hello")
    location.delete(id_)
    assert not location.contacts
    assert not location.related.opportunities
    location.native_restore(id_)
    assert (id_ in location.contacts, note in location.related.notes[id_]) == (True, True)
    assert deal in location.related.opportunities


def test_native_restore_can_forget_what_was_attached(location):
    id_ = location.create(firstName="Ana")
    location.add_note(id_, "called")
    location.delete(id_)
    location.native_restore(id_, with_records=False)
    assert location.related.notes == {}


def test_a_hipaa_account_restores_nothing(sandbox):
    location = sandbox.add_location("hipaa", "Clinic", hipaa=True)
    id_ = location.create(firstName="Ana")
    location.delete(id_)
    with pytest.raises(ValueError, match="HIPAA"):
        location.native_restore(id_)


def test_merging_keeps_the_winners_values_and_adds_what_it_lacked(location):
    winner = location.create(firstName="Ana", email="a@example.com", customFields=[{"id": "F", "value": "mine"}])
    values = [{"id": "F", "value": "theirs"}, {"id": "G", "value": "gained"}]
    loser = location.create(firstName="An", email="b@example.com", phone="+1555", customFields=values)
    note = location.add_note(loser, "from the loser")
    location.merge(winner, loser)
    contact = location.contacts[winner]
    assert list(location.contacts) == [winner]
    assert (contact["firstName"], contact["email"]) == ("Ana", "a@example.com")
    assert (contact["additionalEmails"], contact["additionalPhones"]) == (
        [{"email": "b@example.com"}],
        [{"phone": "+1555"}],
    )
    assert contact["customFields"] == [{"id": "F", "value": "mine"}, {"id": "G", "value": "gained"}]
    assert location.related.notes[winner][note]["contactId"] == winner
    assert loser not in location.trash


def test_filling_invents_the_same_people_for_the_same_seed(sandbox, clock):
    from hlcore.sandbox import Sandbox

    first = sandbox.add_location("same", "Same")
    second = Sandbox(clock, seed=sandbox.seed).add_location("same", "Same")
    assert first.fill(50) == second.fill(50)
    assert dict(first.contacts) == dict(second.contacts)


def test_invented_people_lived_in_the_past_in_the_order_of_their_ids(location, clock):
    ids = location.fill(200, days=60)
    added = [location.contacts[id_]["dateAdded"] for id_ in ids]
    assert added == sorted(added)
    assert (clock() - timedelta(days=61)).isoformat() < added[0] < added[-1] < clock().isoformat()


def test_an_edit_with_none_empties_a_field(location):
    id_ = location.create(firstName="Ana", city="Leeds")
    location.edit(id_, city=None)
    assert "city" not in location.contacts[id_]


def test_rejects_a_field_highlevel_does_not_have(location):
    with pytest.raises(ValueError, match="colour"):
        location.create(firstName="Ana", colour="red")


def test_save_and_load_bring_back_the_whole_sandbox(sandbox, location, tmp_path, clock):
    from hlcore.sandbox import Sandbox

    ids = location.fill(20)
    location.add_note(ids[0], "kept")
    location.delete(ids[1])
    persistence.save(sandbox, tmp_path / "sandbox.bin")
    again = Sandbox(clock)
    persistence.load(again, tmp_path / "sandbox.bin")
    copy = again.locations["dental"]
    assert dict(copy.contacts) == dict(location.contacts)
    assert (copy.related, again.token_of("dental")) == (location.related, "pit-dental")
    copy.native_restore(ids[1])
    assert copy.create(firstName="New") not in {*ids}
    assert [path.name for path in tmp_path.iterdir()] == ["sandbox.bin"]


def test_rejects_loading_a_file_of_another_kind(sandbox, tmp_path):
    (tmp_path / "x").write_bytes(b"{}")
    with pytest.raises(ValueError, match="not a saved sandbox"):
        persistence.load(sandbox, tmp_path / "x")
