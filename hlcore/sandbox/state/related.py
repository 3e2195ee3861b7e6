"""What hangs on contacts and on the account, added as the account's users would (not through HTTP)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hlcore.sandbox.ids import iso, moment
from hlcore.sandbox.state.location_base import Item, LocationBase
from hlcore.sandbox.state.record import lowered

When = datetime | str | None


class Related(LocationBase):
    """Each ``add_*`` answers the new id. Extra keywords are fields in HighLevel's spelling."""

    def add_note(self, contact_id: str, body: str, *, date_added: When = None, **fields: Any) -> str:
        with self.lock:
            note = {"id": self.ids.next(), "body": body, "contactId": contact_id, "dateAdded": self._date(date_added)}
            note |= _given({"pinned": False, **fields})
            self.related.notes.setdefault(contact_id, {})[str(note["id"])] = note
            self.emit("NoteCreate", note)
            return str(note["id"])

    def add_task(self, contact_id: str, title: str, *, due: When = None, completed: bool = False, **fields: Any) -> str:
        with self.lock:
            due_date = iso(moment(due)) if due else iso(self.now() + timedelta(days=1))
            task = {"id": self.ids.next(), "title": title, "dueDate": due_date, "completed": completed}
            task |= {"contactId": contact_id, "dateAdded": self.stamp(), **_given(fields)}
            self.related.tasks.setdefault(contact_id, {})[str(task["id"])] = task
            self.emit("TaskCreate", task)
            return str(task["id"])

    def add_opportunity(self, contact_id: str, name: str, *, pipeline_id: str = "", **fields: Any) -> str:
        """Without ``pipeline_id`` it lands in the location's first pipeline (made when there is none)."""
        with self.lock:
            pipeline_id = pipeline_id or next(iter(self.related.pipelines), "") or self.add_pipeline("Sales")
            stages = self.related.pipelines[pipeline_id]["stages"]
            at = self.stamp()
            deal: Item = {"id": self.ids.next(), "name": name, "monetaryValue": 0, "status": "open"}
            deal |= {"pipelineId": pipeline_id, "pipelineStageId": stages[0]["id"], "contactId": contact_id}
            deal |= {"locationId": self.id, "createdAt": at, "updatedAt": at, "lastStatusChangeAt": at}
            deal |= {"lastStageChangeAt": at, "customFields": [], "followers": [], **_given(fields)}
            self.related.opportunities[deal["id"]] = deal
            self.emit("OpportunityCreate", deal)
            return str(deal["id"])

    def add_appointment(self, contact_id: str, start: When, *, minutes: int = 30, **fields: Any) -> str:
        with self.lock:
            begins = moment(start or self.now())
            calendar_id = fields.pop("calendarId", "") or next(iter(self.related.calendars), "") or self.add_calendar()
            at = self.stamp()
            event: Item = {"id": self.ids.next(), "calendarId": calendar_id, "contactId": contact_id}
            event |= {"locationId": self.id, "title": "Appointment", "appointmentStatus": "confirmed"}
            event |= {"startTime": iso(begins), "endTime": iso(begins + timedelta(minutes=minutes))}
            event |= {"dateAdded": at, "dateUpdated": at, **_given(fields)}
            self.related.appointments[event["id"]] = event
            self.emit("AppointmentCreate", event)
            return str(event["id"])

    def conversation_of(self, contact_id: str) -> str:
        """The id of the contact's conversation, opened when there is none."""
        with self.lock:
            if not self._talk_of:
                self._talk_of = {talk["contactId"]: id_ for id_, talk in self.related.conversations.items()}
            known = self.related.conversations.get(self._talk_of.get(contact_id, ""))
            if known and known["contactId"] == contact_id:
                return str(known["id"])
            talk: Item = {"id": self.ids.next(), "contactId": contact_id, "locationId": self.id, "deleted": False}
            talk |= {"inbox": True, "type": 1, "unreadCount": 0, "starred": False, "dateAdded": self.stamp()}
            self.related.conversations[talk["id"]] = talk
            self._talk_of[contact_id] = talk["id"]
            return str(talk["id"])

    def add_message(self, contact_id: str, body: str, *, kind: str = "SMS", at: When = None, **fields: Any) -> str:
        """``kind`` as in ``TYPE_…`` ("SMS", "EMAIL", "CALL", "ACTIVITY_CONTACT"). Sends nothing."""
        with self.lock:
            when = self._date(at)
            message: Item = {"id": self.ids.next(), "type": MESSAGE_TYPES.get(kind, 1), "messageType": f"TYPE_{kind}"}
            message |= {"locationId": self.id, "contactId": contact_id, "body": body, "dateAdded": when}
            message |= {"conversationId": self.conversation_of(contact_id), "direction": "inbound"}
            message |= {"status": "delivered", "contentType": "text/plain", "attachments": [], "source": "app"}
            message |= {"dateUpdated": when, **_given(fields)}
            self.related.messages[message["id"]] = message
            talk = self.related.conversations[message["conversationId"]]
            talk |= {"lastMessageBody": body, "lastMessageType": message["messageType"], "lastMessageDate": when}
            self.emit("InboundMessage" if message["direction"] == "inbound" else "OutboundMessage", message)
            return str(message["id"])

    def add_user(self, name: str, email: str = "", *, id: str = "", **fields: Any) -> str:
        first, _, last = name.partition(" ")
        user: Item = {"name": name, "firstName": first, "lastName": last, "email": email, "deleted": False}
        user |= {"roles": {"type": "account", "role": "user", "locationIds": [self.id]}, **_given(fields)}
        return self._put(self.related.users, user, id)

    def remove_user(self, id: str) -> None:
        """The user disappears from the lists; contacts keep pointing at the id, as in HighLevel."""
        with self.lock:
            self.related.users[id]["deleted"] = True

    def add_custom_field(self, name: str, *, data_type: str = "TEXT", id: str = "", **fields: Any) -> str:
        key = "_".join(name.lower().split())
        found: Item = {"name": name, "dataType": data_type, "model": "contact", "position": 50}
        found |= {"fieldKey": f"{fields.get('model', 'contact')}.{key}", "locationId": self.id, **_given(fields)}
        return self._put(self.related.custom_fields, found, id)

    def remove_custom_field(self, id: str) -> None:
        """The field leaves the catalogue; values that contacts already hold stay where they are."""
        with self.lock:
            del self.related.custom_fields[id]

    def add_custom_value(self, name: str, value: str, *, id: str = "") -> str:
        found = {"name": name, "fieldKey": f"{{{{ custom_values.{name.lower()} }}}}", "value": value}
        return self._put(self.related.custom_values, {**found, "locationId": self.id}, id)

    def add_pipeline(self, name: str, stages: tuple[str, ...] = ("New", "Talking", "Won"), *, id: str = "") -> str:
        rows = [{"id": self.ids.next(), "name": stage, "position": at} for at, stage in enumerate(stages)]
        found = {"name": name, "stages": rows, "showInFunnel": True, "showInPieChart": True, "locationId": self.id}
        return self._put(self.related.pipelines, found, id)

    def add_lost_reason(self, name: str, *, id: str = "") -> str:
        at = self.stamp()
        return self._put(
            self.related.lost_reasons, {"name": name, "locationId": self.id, "createdAt": at, "updatedAt": at}, id
        )

    def add_tag(self, name: str, *, id: str = "") -> str:
        """A tag of the location's catalogue; a known name answers its id."""
        with self.lock:
            low = lowered([name])[0]
            known = next((key for key, tag in self.related.tags.items() if tag["name"] == low), None)
            return known or self._put(self.related.tags, {"name": low, "locationId": self.id}, id)

    def add_business(self, name: str, *, id: str = "", **fields: Any) -> str:
        at = self.stamp()
        found = {"name": name, "locationId": self.id, "createdAt": at, "updatedAt": at, **_given(fields)}
        return self._put(self.related.businesses, found, id)

    def add_calendar(self, name: str = "Bookings", *, id: str = "") -> str:
        found = {"name": name, "locationId": self.id, "isActive": True, "calendarType": "round_robin"}
        return self._put(self.related.calendars, found, id)

    def add_campaign(self, name: str, *, id: str = "") -> str:
        return self._put(self.related.campaigns, {"name": name, "status": "published", "locationId": self.id}, id)

    def add_workflow(self, name: str = "", *, trigger: str = "contact_created", tag: str = "", id: str = "") -> str:
        """An automation that starts on ``contact_created`` or ``tag_added`` (any tag when ``tag`` is empty)."""
        at = self.stamp()
        found: Item = {"name": name or f"On {trigger} {tag}".strip(), "status": "published", "version": 1}
        found |= {"createdAt": at, "updatedAt": at, "locationId": self.id}
        found |= {"_trigger": trigger, "_tag": tag.lower()}
        return self._put(self.related.workflows, found, id)

    def _put(self, shelf: dict[str, Item], fields: Item, id_: str) -> str:
        with self.lock:
            key = id_ or self.ids.next()
            shelf[key] = {"id": key, **fields}
            return key

    def _date(self, value: When) -> str:
        return iso(moment(value)) if value else self.stamp()


MESSAGE_TYPES = {
    "CALL": 1, "SMS": 2, "EMAIL": 3, "WHATSAPP": 19, "ACTIVITY_CONTACT": 25, "ACTIVITY_OPPORTUNITY": 28,
    "ACTIVITY_EMPLOYEE_ACTION_LOG": 31,
}  # fmt: skip


def _given(fields: Item) -> Item:
    """Dates spelt as HighLevel spells them; what is None left out."""
    return {k: iso(v) if isinstance(v, datetime) else v for k, v in fields.items() if v is not None}
