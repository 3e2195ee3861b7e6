"""Records of contacts and reference data of a location, added as its users would, not through HTTP."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hlcore.sandbox.ids import iso, parse_moment
from hlcore.sandbox.state.location_base import Item, LocationBase
from hlcore.sandbox.state.record import normalize_tags

When = datetime | str | None
MESSAGE_TYPES = {
    "CALL": 1, "SMS": 2, "EMAIL": 3, "WHATSAPP": 19, "ACTIVITY_CONTACT": 25, "ACTIVITY_OPPORTUNITY": 28,
    "ACTIVITY_EMPLOYEE_ACTION_LOG": 31,
}  # fmt: skip


class Related(LocationBase):
    """Each ``add_*`` returns the new id. Extra keywords are fields under HighLevel's names."""

    def add_note(self, contact_id: str, body: str, *, date_added: When = None, **fields: Any) -> str:
        with self.lock:
            note = {"id": self.ids.next(), "body": body, "contactId": contact_id, "dateAdded": self._date(date_added)}
            note |= _clean({"pinned": False, **fields})
            self.related.notes.setdefault(contact_id, {})[str(note["id"])] = note
            self.emit("NoteCreate", note)
            return str(note["id"])

    def add_task(self, contact_id: str, title: str, *, due: When = None, completed: bool = False, **fields: Any) -> str:
        with self.lock:
            due_date = iso(parse_moment(due)) if due else iso(self.now() + timedelta(days=1))
            task = {"id": self.ids.next(), "title": title, "dueDate": due_date, "completed": completed}
            task |= {"contactId": contact_id, "dateAdded": self.now_iso(), **_clean(fields)}
            self.related.tasks.setdefault(contact_id, {})[str(task["id"])] = task
            self.emit("TaskCreate", task)
            return str(task["id"])

    def add_opportunity(self, contact_id: str, name: str, *, pipeline_id: str = "", **fields: Any) -> str:
        """Add to this pipeline, or else to the location's first one, which is created when there is none."""
        with self.lock:
            pipeline_id = pipeline_id or next(iter(self.related.pipelines), "") or self.add_pipeline("Sales")
            stages = self.related.pipelines[pipeline_id]["stages"]
            at = self.now_iso()
            opportunity: Item = {"id": self.ids.next(), "name": name, "monetaryValue": 0, "status": "open"}
            opportunity |= {"pipelineId": pipeline_id, "pipelineStageId": stages[0]["id"], "contactId": contact_id}
            opportunity |= {"locationId": self.id, "createdAt": at, "updatedAt": at, "lastStatusChangeAt": at}
            opportunity |= {"lastStageChangeAt": at, "customFields": [], "followers": [], **_clean(fields)}
            self.related.opportunities[opportunity["id"]] = opportunity
            self.emit("OpportunityCreate", opportunity)
            return str(opportunity["id"])

    def add_appointment(self, contact_id: str, start: When, *, minutes: int = 30, **fields: Any) -> str:
        with self.lock:
            begins = parse_moment(start or self.now())
            calendar_id = fields.pop("calendarId", "") or next(iter(self.related.calendars), "") or self.add_calendar()
            at = self.now_iso()
            event: Item = {"id": self.ids.next(), "calendarId": calendar_id, "contactId": contact_id}
            event |= {"locationId": self.id, "title": "Appointment", "appointmentStatus": "confirmed"}
            event |= {"startTime": iso(begins), "endTime": iso(begins + timedelta(minutes=minutes))}
            event |= {"dateAdded": at, "dateUpdated": at, **_clean(fields)}
            self.related.appointments[event["id"]] = event
            self.emit("AppointmentCreate", event)
            return str(event["id"])

    def open_conversation(self, contact_id: str) -> str:
        """Return the id of the contact's conversation, which is created when there is none."""
        with self.lock:
            if not self._conversation_ids:
                stored = self.related.conversations.items()
                self._conversation_ids = {conversation["contactId"]: id_ for id_, conversation in stored}
            known = self.related.conversations.get(self._conversation_ids.get(contact_id, ""))
            if known and known["contactId"] == contact_id:
                return str(known["id"])
            conversation: Item = {"id": self.ids.next(), "contactId": contact_id, "locationId": self.id}
            conversation |= {"deleted": False, "inbox": True, "type": 1, "unreadCount": 0, "starred": False}
            conversation["dateAdded"] = self.now_iso()
            self.related.conversations[conversation["id"]] = conversation
            self._conversation_ids[contact_id] = conversation["id"]
            return str(conversation["id"])

    def add_message(self, contact_id: str, body: str, *, kind: str = "SMS", at: When = None, **fields: Any) -> str:
        """Add a message without sending one. ``kind``: what follows ``TYPE_``, as "SMS", "EMAIL" or "CALL"."""
        with self.lock:
            when = self._date(at)
            message: Item = {"id": self.ids.next(), "type": MESSAGE_TYPES.get(kind, 1), "messageType": f"TYPE_{kind}"}
            message |= {"locationId": self.id, "contactId": contact_id, "body": body, "dateAdded": when}
            message |= {"conversationId": self.open_conversation(contact_id), "direction": "inbound"}
            message |= {"status": "delivered", "contentType": "text/plain", "attachments": [], "source": "app"}
            message |= {"dateUpdated": when, **_clean(fields)}
            self.related.messages[message["id"]] = message
            conversation = self.related.conversations[message["conversationId"]]
            conversation |= {"lastMessageBody": body, "lastMessageType": message["messageType"]}
            conversation["lastMessageDate"] = when
            self.emit("InboundMessage" if message["direction"] == "inbound" else "OutboundMessage", message)
            return str(message["id"])

    def add_user(self, name: str, email: str = "", *, id: str = "", **fields: Any) -> str:
        first, _, last = name.partition(" ")
        user: Item = {"name": name, "firstName": first, "lastName": last, "email": email, "deleted": False}
        user |= {"roles": {"type": "account", "role": "user", "locationIds": [self.id]}, **_clean(fields)}
        return self._add(self.related.users, user, id)

    def remove_user(self, id: str) -> None:
        """Remove the user from the lists; contacts keep the id, as in HighLevel."""
        with self.lock:
            self.related.users[id]["deleted"] = True

    def add_custom_field(self, name: str, *, data_type: str = "TEXT", id: str = "", **fields: Any) -> str:
        key = "_".join(name.lower().split())
        field: Item = {"name": name, "dataType": data_type, "model": "contact", "position": 50}
        field |= {"fieldKey": f"{fields.get('model', 'contact')}.{key}", "locationId": self.id, **_clean(fields)}
        return self._add(self.related.custom_fields, field, id)

    def remove_custom_field(self, id: str) -> None:
        """Remove the field from the location; contacts keep the values they have."""
        with self.lock:
            del self.related.custom_fields[id]

    def add_custom_value(self, name: str, value: str, *, id: str = "") -> str:
        key = f"{{{{ custom_values.{name.lower()} }}}}"
        fields = {"name": name, "fieldKey": key, "value": value, "locationId": self.id}
        return self._add(self.related.custom_values, fields, id)

    def add_pipeline(self, name: str, stages: tuple[str, ...] = ("New", "Talking", "Won"), *, id: str = "") -> str:
        rows = [{"id": self.ids.next(), "name": stage, "position": index} for index, stage in enumerate(stages)]
        fields = {"name": name, "stages": rows, "showInFunnel": True, "showInPieChart": True, "locationId": self.id}
        return self._add(self.related.pipelines, fields, id)

    def add_lost_reason(self, name: str, *, id: str = "") -> str:
        at = self.now_iso()
        fields = {"name": name, "locationId": self.id, "createdAt": at, "updatedAt": at}
        return self._add(self.related.lost_reasons, fields, id)

    def add_tag(self, name: str, *, id: str = "") -> str:
        """Add a tag to the location's list unless it has one of this name."""
        with self.lock:
            tag_name = normalize_tags([name])[0]
            known = next((key for key, tag in self.related.tags.items() if tag["name"] == tag_name), None)
            return known or self._add(self.related.tags, {"name": tag_name, "locationId": self.id}, id)

    def add_business(self, name: str, *, id: str = "", **fields: Any) -> str:
        at = self.now_iso()
        business = {"name": name, "locationId": self.id, "createdAt": at, "updatedAt": at, **_clean(fields)}
        return self._add(self.related.businesses, business, id)

    def add_calendar(self, name: str = "Bookings", *, id: str = "") -> str:
        fields = {"name": name, "locationId": self.id, "isActive": True, "calendarType": "round_robin"}
        return self._add(self.related.calendars, fields, id)

    def add_campaign(self, name: str, *, id: str = "") -> str:
        return self._add(self.related.campaigns, {"name": name, "status": "published", "locationId": self.id}, id)

    def add_workflow(self, name: str = "", *, trigger: str = "contact_created", tag: str = "", id: str = "") -> str:
        """Add an automation that starts on ``contact_created`` or ``tag_added`` (any tag when ``tag`` is empty)."""
        at = self.now_iso()
        fields: Item = {"name": name or f"On {trigger} {tag}".strip(), "status": "published", "version": 1}
        fields |= {"createdAt": at, "updatedAt": at, "locationId": self.id, "_trigger": trigger, "_tag": tag.lower()}
        return self._add(self.related.workflows, fields, id)

    def _add(self, items: dict[str, Item], fields: Item, id_: str) -> str:
        with self.lock:
            key = id_ or self.ids.next()
            items[key] = {"id": key, **fields}
            return key

    def _date(self, value: When) -> str:
        return iso(parse_moment(value)) if value else self.now_iso()


def _clean(fields: Item) -> Item:
    """Return the fields with dates as HighLevel writes them and without those that are None."""
    given = {key: value for key, value in fields.items() if value is not None}
    return {key: iso(value) if isinstance(value, datetime) else value for key, value in given.items()}
