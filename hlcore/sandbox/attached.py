"""Taking everything that belongs to a contact off the shelves, and putting it back."""

from __future__ import annotations

from .base import Item, Shelves

OWNED = ("opportunities", "appointments", "conversations", "messages")
Attached = dict[str, dict[str, Item]]


def detach(shelves: Shelves, contact_ids: set[str]) -> dict[str, Attached]:
    """Everything of these contacts, which is then no longer on the shelves. One pass, however many they are."""
    found: dict[str, Attached] = {
        id_: {
            "notes": shelves.notes.pop(id_, {}),
            "tasks": shelves.tasks.pop(id_, {}),
            **{name: {} for name in OWNED},
        }
        for id_ in contact_ids
    }
    for name in OWNED:
        shelf: dict[str, Item] = getattr(shelves, name)
        for key in [key for key, item in shelf.items() if item["contactId"] in contact_ids]:
            item = shelf.pop(key)
            found[item["contactId"]][name][key] = item
    return found


def attach(shelves: Shelves, contact_id: str, attached: Attached) -> None:
    """Put it back under this contact's id."""
    for name in ("notes", "tasks"):
        if attached[name]:
            getattr(shelves, name).setdefault(contact_id, {}).update(_moved(attached[name], contact_id))
    for name in OWNED:
        getattr(shelves, name).update(_moved(attached[name], contact_id))


def _moved(items: dict[str, Item], contact_id: str) -> dict[str, Item]:
    return {key: {**item, "contactId": contact_id} for key, item in items.items()}
