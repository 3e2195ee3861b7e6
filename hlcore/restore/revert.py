"""Putting earlier values of living contacts back: chosen fields of one, or what a period changed in many.

What is put back is read from the vault alone, so that looking costs no request. Right before a contact is written it
is read from HighLevel: where a chosen field is not as the plan says, somebody has changed it since, and the contact
is left alone. Afterwards it is read again: the chosen fields must be as they were, and everything else as it was
before, byte for byte. What stood there before is kept as a version, so that putting back can itself be put back.

Putting the planned fields of one living contact back, safe to be killed at any line and to be called again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from hlcore.errors import Cancelled, Duplicate, HighLevelError, NotFound, Rejected
from hlcore.governance.audit import recorded
from hlcore.governance.roles import Action, User
from hlcore.model.contact_fields import label_of
from hlcore.model.contact_snapshot import latest_snapshot
from hlcore.model.custom_fields import FieldDefinition
from hlcore.model.lifecycle import LIVE
from hlcore.model.records import decode
from hlcore.model.reference_data import FieldCatalogue
from hlcore.model.restore.comparison import Difference, compare
from hlcore.model.revert import FieldHistory, RevertUpdate, field_histories, freshened, meanwhile, rest, revert_update
from hlcore.restore import live_state
from hlcore.restore.job_context import UNSURE, ItemResult, JobContext, RetryAt, body_of
from hlcore.restore.job_control import Now
from hlcore.restore.plan import PlanItem
from hlcore.store import Tx, Vault, records
from hlcore.store.contacts import reads as contact_reads
from hlcore.store.contacts import search as contact_search
from hlcore.store.contacts import writes as contact_writes
from hlcore.store.contacts.reads import StoredContact, Version
from hlcore.store.restores import jobs as restore_jobs
from hlcore.store.restores import journal
from hlcore.store.restores.jobs import JobItem
from hlcore.store.restores.journal import JournalEntry

KIND = "put_back"
MOST = 10_000
"""So many contacts of one period are looked at."""
REQUESTS = 3
"""Reading, writing, reading again."""
CHANGED_AGAIN = "It was changed again since; the newer value stays."


@dataclass(frozen=True, slots=True)
class ContactAt:
    """A living contact with an earlier state of it: the fields in which both differ. For a period only those that the
    period changed."""

    contact_id: str
    name: str
    aspects: tuple[FieldHistory, ...]
    then: Mapping[str, Any]
    now: Mapping[str, Any]
    whole: bool

    def chosen(self, fields: Collection[str]) -> list[FieldHistory]:
        """Those of its differences that are wanted and can be put back."""
        return [one for one in self.aspects if one.field in fields and not one.obstacle]


@dataclass(frozen=True, slots=True)
class ChangedContacts:
    """What a period changed. `gone`: so many contacts of it are not in HighLevel any more; `cut`: there were more than
    `MOST`."""

    pasts: tuple[ContactAt, ...]
    catalogue: FieldCatalogue
    gone: int = 0
    cut: bool = False


def at_moment(vault: Vault, location_id: str, contact_id: str, at: datetime) -> ContactAt | None:
    """The contact as it was at this moment beside today's copy; None where the vault did not hold it yet, or where it
    is not in HighLevel now."""
    with vault.read() as tx:
        held = contact_reads.get(tx, location_id, contact_id)
        if held is None or held.status not in LIVE:
            return None
        desk = RevertContext.of(tx, location_id)
        return desk.past(held, contact_reads.versions(tx, location_id, contact_id), at)


def changed(vault: Vault, location_id: str, start: datetime, end: datetime, *, most: int = MOST) -> ChangedContacts:
    """Every living contact of which something was changed from `start` until before `end`, with what can be put back.
    Changes count when Contact Vault noticed them. Raises ValueError when the period is empty."""
    if start >= end:
        raise ValueError("a period ends after it starts")
    with vault.read() as tx:
        ids = contact_reads.changed_between(tx, location_id, start, end, limit=most + 1)
        desk, found, gone = RevertContext.of(tx, location_id), list[ContactAt](), 0
        for first in range(0, min(len(ids), most), 1000):
            part = ids[first : min(first + 1000, most)]
            versions = contact_reads.versions_of(tx, location_id, part)
            for held in contact_reads.get_many(tx, location_id, part):
                gone += held.status not in LIVE
                past = desk.of_period(held, versions.get(held.contact_id, []), start, end)
                if past is not None:
                    found.append(past)
    return ChangedContacts(tuple(found), desk.catalogue, gone, len(ids) > most)


def kept_catalogue(tx: Tx, location_id: str) -> FieldCatalogue:
    """The location's custom fields and users as last copied."""
    fields, users = {}, set()
    for record in records.catalogue(tx, location_id, "custom_field", with_vanished=True):
        entry = decode(record.raw)
        known = FieldDefinition(str(entry.get("name") or ""), str(entry.get("dataType") or ""))
        fields[record.record_id] = replace(known, exists=record.vanished_at is None)
    for record in records.catalogue(tx, location_id, "user"):
        if decode(record.raw).get("deleted") is not True:
            users.add(record.record_id)
    return FieldCatalogue(fields or None, frozenset(users) if users else None)


def create_put_back(
    vault: Vault,
    location_id: str,
    pasts: Iterable[ContactAt],
    fields: Collection[str],
    user: User,
    now: Now,
    *,
    said: str = "",
) -> int:
    """Putting these fields back is a confirmed job; its number. Contacts in which none of them can be put back are left
    out. `said`: what it is about, in words without personal data. Raises NotAllowed, ValueError for nothing to do."""
    with recorded(
        vault, user, Action.RESTORE, now=now, location_id=location_id, subject="putting fields back"
    ) as entry:
        with vault.read() as tx:
            catalogue = kept_catalogue(tx, location_id)
        items = [_item(past, fields, catalogue) for past in pasts if past.chosen(fields)]
        if not items:
            raise ValueError("there is nothing to put back")
        options = {"kind": KIND, "fields": sorted(fields), "said": said}
        with vault.write() as tx:
            job_id = restore_jobs.create_job(
                tx,
                location_id,
                by=user.email,
                at=now(),
                items=[(one.contact_id, KIND, one.dump()) for one in items],
                options=options,
            )
            restore_jobs.set_state(tx, job_id, "confirmed", at=now())
        entry.subject = f"job {job_id}"
        entry.note(kind=KIND, contacts=len(items), fields=len(set(fields)))
    return job_id


def _item(past: ContactAt, fields: Collection[str], catalogue: FieldCatalogue) -> PlanItem:
    wanted = [one.field for one in past.chosen(fields)]
    made: RevertUpdate = revert_update(past.then, past.now, wanted, catalogue, whole=past.whole)
    return PlanItem(
        contact_id=past.contact_id,
        name=past.name,
        action="put_back",
        reason="",
        will_return=tuple(wanted),
        will_be_lost=tuple(made.left.values()),
        requests=REQUESTS,
        body={"put": made.body, "expected": made.expected},
    )


@dataclass(frozen=True, slots=True)
class RevertContext:
    """What looking back needs beside the contact."""

    catalogue: FieldCatalogue
    rows_tell: bool

    @classmethod
    def of(cls, tx: Tx, location_id: str) -> RevertContext:
        return cls(kept_catalogue(tx, location_id), contact_search.any_dnd_settings(tx, location_id))

    def past(self, held: StoredContact, versions: Sequence[Version], at: datetime) -> ContactAt | None:
        then, now = self._state(held, versions, at), self._state(held, versions, None)
        if then is None or now is None:
            return None
        found = field_histories(then[0], now[0], self.catalogue, whole=then[1])
        return ContactAt(held.contact_id, _name(held), found, then[0], now[0], then[1])

    def of_period(
        self, held: StoredContact, versions: Sequence[Version], start: datetime, end: datetime
    ) -> ContactAt | None:
        """What the period changed, as it is beside today's; None when nothing is left of it."""
        after = self._state(held, versions, end)
        past = self.past(held, versions, start) if held.status in LIVE else None
        if past is None or after is None:
            return None
        by_then = {one.field: one.now for one in field_histories(past.then, after[0], self.catalogue, whole=past.whole)}
        found = tuple(
            one if by_then[one.field] == one.now else replace(one, obstacle=one.obstacle or CHANGED_AGAIN)
            for one in past.aspects
            if one.field in by_then
        )
        return replace(past, aspects=found) if found else None

    def _state(
        self, held: StoredContact, versions: Sequence[Version], at: datetime | None
    ) -> tuple[Mapping[str, Any], bool] | None:
        """The contact at this moment (None: now), and whether the copy tells all fields."""
        row = _copy_at([*_part(versions, "row"), (held.changed_at, held.raw)], at)
        details = _part(versions, "detail")
        if held.detail is not None and held.detail_at is not None:
            details.append((held.detail_at, held.detail))
        detail = _copy_at(details, at)
        if row is None:
            return (decode(detail), True) if detail is not None else None
        try:
            return latest_snapshot(row, detail, rows_tell_settings=self.rows_tell).fields, detail is not None
        except ValueError:
            return None


def _part(versions: Sequence[Version], part: str) -> list[tuple[datetime, bytes]]:
    return [(one.captured_at, one.raw) for one in versions if one.part == part]


def _copy_at(copies: Sequence[tuple[datetime, bytes]], at: datetime | None) -> bytes | None:
    """The newest of these copies (in the order in which they came) that was there before this moment."""
    known = [(captured, number, raw) for number, (captured, raw) in enumerate(copies) if at is None or captured < at]
    return max(known)[2] if known else None


def _name(held: StoredContact) -> str:
    return held.name or held.email or held.phone or held.contact_id


STEP = "put_back"
PUT_BACK = "put_back"
NOT_ASKED = "This was not asked for."


def apply_revert(work: JobContext, item: JobItem) -> ItemResult | RetryAt:
    """The contact's chosen fields are as they were, or it is said why not. Nothing newer is overwritten.

    Raises HighLevelError when HighLevel cannot be asked, and Cancelled; the next call goes on from there."""
    plan = PlanItem.load(item.plan)
    given = plan.body or {}
    expected: dict[str, Any] = given["expected"]
    raw = live_state.alive(work.client, item.contact_id)
    if raw is None:
        return ItemResult("skipped", error="It is not in HighLevel any more.")
    found = decode(raw)
    sent = _sent(work, item.contact_id)
    if sent is not None and not compare(body_of(sent), found):
        work.log_response(sent, note="written, found by looking")
        return _read_back(work, item.contact_id, body_of(sent), expected, _before(work, item.contact_id, found), raw)
    newer = meanwhile(expected, found)
    if newer:
        names = ", ".join(dict.fromkeys(label_of(one.partition(".")[0]) for one in newer))
        return ItemResult("skipped", error=f"Changed in HighLevel since the last copy: {names}. The newer value stays.")
    _keep(work, item.contact_id, raw)
    return _write(work, plan, freshened(given["put"], found, expected), expected, found)


def _write(
    work: JobContext, plan: PlanItem, body: dict[str, Any], expected: Mapping[str, Any], before: Mapping[str, Any]
) -> ItemResult:
    entry = work.log_request(plan, STEP, body, of=plan.contact_id)
    try:
        work.client.update_contact(plan.contact_id, body)
    except Duplicate as exc:
        work.log_response(entry, status=exc.status, note="refused: duplicate")
        return ItemResult("skipped", error="Another contact holds this e-mail or phone now. Nothing was changed.")
    except Rejected as exc:
        work.log_response(entry, status=exc.status, note="refused")
        told = ", ".join(exc.fields)
        return ItemResult(
            "failed", error=f"HighLevel refused the update{f': {told}' if told else ''}. Nothing was changed."
        )
    except (HighLevelError, Cancelled) as exc:
        work.log_response(entry, status=getattr(exc, "status", 0), note=f"{UNSURE}: {type(exc).__name__}")
        raise
    work.log_response(entry, status=200, note="written")
    return _read_back(work, plan.contact_id, body, expected, before, work.client.contact(plan.contact_id))


def _read_back(
    work: JobContext,
    contact_id: str,
    body: Mapping[str, Any],
    chosen: Collection[str],
    before: Mapping[str, Any],
    raw: bytes,
) -> ItemResult:
    """The chosen fields must be as planned, and everything else as it was."""
    after = decode(raw)
    differences = (*compare(body, after), *_others(before, after, chosen))
    _keep(work, contact_id, raw)
    return ItemResult(PUT_BACK, verified=not differences, differences=differences)


def _others(before: Mapping[str, Any], after: Mapping[str, Any], chosen: Collection[str]) -> list[Difference]:
    was, now = rest(before, chosen), rest(after, chosen)
    names = [*was, *(name for name in now if name not in was)]
    return [Difference(one, was.get(one), now.get(one), NOT_ASKED) for one in names if was.get(one) != now.get(one)]


def _sent(work: JobContext, contact_id: str) -> JournalEntry | None:
    """What this job has sent for the contact before, unless HighLevel refused it."""
    with work.vault.read() as tx:
        found = journal.entries(tx, work.job_id, contact_id=contact_id)
    mine = [one for one in found if one.step == STEP and not one.note.startswith("refused")]
    return mine[-1] if mine else None


def _before(work: JobContext, contact_id: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
    """The contact as it was before the earlier call; that was kept before anything was sent."""
    with work.vault.read() as tx:
        held = contact_reads.get(tx, work.location_id, contact_id)
    return decode(held.detail) if held is not None and held.detail is not None else found


def _keep(work: JobContext, contact_id: str, raw: bytes) -> None:
    """What HighLevel shows is the contact's copy; the copy before it is a version."""
    try:
        with work.vault.write() as tx:
            contact_writes.store_detail(tx, work.location_id, contact_id, raw, work.now())
    except NotFound:
        return
