"""What a person decides on the preview itself: fields of one person, one conflict, and stages that no longer exist.

The plan is made anew after each decision, and Streamlit forgets a widget that is not drawn meanwhile; so decisions are
kept in the session under keys of their own, and the widgets start from them.

What the person decides about a whole restore: tags, a marker, conflicts, appointments that are over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from hlcore.model.custom_fields import is_empty
from hlcore.model.restore.exclusions import FIELDS, KINDS, is_left
from hlcore.restore.plan import FieldLine, PlacementQuestion, Plan, PlanChoices, PlanItem
from hlcore.ui import session
from hlcore.ui.components import contact_fields
from hlcore.ui.components.contact_fields import Names, names_of
from hlcore.ui.components.formatting import plain
from hlcore.ui.components.tables import table

LEAVE, CONFLICT, PLACE, OPEN = "leave_out_of", "on_conflict_of", "stage_places", "opened_lines"
OFFERS: Mapping[str, Any] = {"skip": "Leave out", "fill": "Fill its blanks", "create": "Create beside it"}
LEAVE_THEM = ""
_TEXT = st.column_config.TextColumn
_COLUMNS: Mapping[str, Any] = {
    "Field": _TEXT(width=170),
    "Last copy": _TEXT(width=180),
    "Living": _TEXT(width=180),
    "Will be written": _TEXT(width=180),
    "Why not": _TEXT(width="large"),
}


def decided() -> dict[str, Any]:
    """What was decided in this session, as members of `Choices`."""
    return {"leave_out_of": _kept(LEAVE), "on_conflict_of": _kept(CONFLICT), "places": _kept(PLACE)}


def forget() -> None:
    """Nothing is decided any more."""
    for name in (LEAVE, CONFLICT, PLACE, OPEN):
        st.session_state.pop(name, None)


def names_to_leave(names: Names) -> dict[str, str]:
    """Name → label of everything that can be left out for everybody."""
    offered = {name: contact_fields.label(name, names) for name in FIELDS}
    offered |= {f"customFields.{key}": label or key for key, label in names.fields.items()}
    return offered | {name: f"All {label}" if name in _PLURAL else _capital(label) for name, label in KINDS.items()}


_PLURAL = ("note", "task", "opportunity", "appointment", "message", "followers")


def ask(plans: Sequence[Plan]) -> None:
    """Where opportunities go whose stage no longer exists: one question for each stage."""
    asked = [(one, question) for one in plans for question in one.questions]
    if not asked:
        return
    with st.container(border=True, gap="small", key="stage_questions"):
        st.markdown("##### :material/help: Where do these opportunities go?")
        st.caption("Their stage no longer exists. Until you choose, they are left behind and count as lost.")
        for plan, question in asked:
            _ask(question, {LEAVE_THEM: "Leave them out", **{place.key: place.label for place in plan.places}})


def _ask(question: PlacementQuestion, places: Mapping[str, str]) -> None:
    key = f"place_{question.key}"
    st.session_state.setdefault(key, question.answer)
    st.selectbox(
        plain(question.words),
        list(places),
        index=None,
        key=key,
        format_func=lambda place: places.get(place, place),
        placeholder="Choose a stage, or leave them out",
        on_change=_keep,
        args=(PLACE, question.key, key),
    )


def conflict(item: PlanItem, choices: PlanChoices) -> None:
    """The three offers where a living contact holds the same e-mail or phone."""
    if item.conflict is None or not item.compared:
        return
    key = f"conflict_{item.contact_id}"
    st.session_state.setdefault(key, choices.conflict_of(item.contact_id))
    st.segmented_control(
        "What to do",
        list(OFFERS),
        key=key,
        format_func=lambda offer: str(OFFERS[offer]),
        required=True,
        help="No value of the living contact is ever overwritten. Beside it: only where the account allows duplicates.",
        on_change=_keep,
        args=(CONFLICT, item.contact_id, key),
    )


def field_by_field(item: PlanItem, choices: PlanChoices, names: Names, tz: str) -> None:
    """On request: every field and record, and which of them this person does not get back."""
    if not item.lines:
        return
    key = f"lines_{item.contact_id}"
    st.session_state.setdefault(key, bool(_kept(OPEN).get(item.contact_id)))
    if not st.toggle("Field by field", key=key, on_change=_keep, args=(OPEN, item.contact_id, key)):
        return
    rows = [_row(line, names, tz) for line in item.lines]
    shown = {name: _COLUMNS[name] for name in _COLUMNS if name != "Living" or any(row["Living"] for row in rows)}
    table(rows, key=f"lines_table_{item.contact_id}", alt="Last copy, living contact and plan", columns=shown)
    _leave(item, choices, names)


def _leave(item: PlanItem, choices: PlanChoices, names: Names) -> None:
    held = [name for name in _kept(LEAVE).get(item.contact_id, ()) if isinstance(name, str)]
    labels = {one.leave: _label(one, names) for one in item.lines if one.leave}
    labels = {name: label for name, label in labels.items() if not is_left(name, choices.leave_out)}
    labels |= {name: name for name in held if name not in labels}
    key = f"leave_{item.contact_id}"
    st.session_state.setdefault(key, held)
    if labels:
        st.multiselect(
            "Leave out for this person",
            list(labels),
            key=key,
            format_func=lambda name: labels.get(name, name),
            placeholder="Nothing: all of it comes back",
            on_change=_keep,
            args=(LEAVE, item.contact_id, key),
        )


def _row(line: FieldLine, names: Names, tz: str) -> dict[str, str]:
    name = "" if line.field.startswith("dnd") else line.field

    def said(value: Any) -> str:
        return "" if is_empty(value) else contact_fields.text(name, value, names, tz)

    return {
        "Field": _label(line, names),
        "Last copy": said(line.copy),
        "Living": said(line.living),
        "Will be written": said(line.written),
        "Why not": line.why,
    }


def _label(line: FieldLine, names: Names) -> str:
    if line.leave in KINDS and line.leave != line.field:
        return _capital(KINDS[line.leave])
    known = line.field in (*FIELDS, "dnd") or line.field.startswith("customFields.")
    return contact_fields.label(line.field, names) if known else _capital(line.label)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _kept(name: str) -> dict[str, Any]:
    return dict(st.session_state.get(name, {}))


def _keep(name: str, subject: str, key: str) -> None:
    """The widget's value is the decision; none takes it back."""
    value = st.session_state.get(key)
    now = {one: other for one, other in _kept(name).items() if one != subject}
    if value is not None and value != [] and value is not False:
        now[subject] = tuple(value) if isinstance(value, list) else value
    st.session_state[name] = now


TAGS: dict[str, Any] = {"Last": "last", "At once": "first", "Not at all": "none"}
CONFLICTS: dict[str, Any] = {
    "Leave them out": "skip",
    "Fill only the blanks of the living one": "fill",
    "Create beside it (where the account allows duplicates)": "create",
}


def choose(location_ids: Sequence[str] = ()) -> PlanChoices:
    """The choices on the page, with what was decided for single people; folded away, because the defaults are the
    careful ones. `location_ids`: whose custom fields can be left out."""
    with st.expander("Options", icon=":material/tune:"):
        tags = st.segmented_control(
            "Tags",
            list(TAGS),
            default="Last",
            key="tags_when",
            required=True,
            help="Adding a tag may start workflows. Last: when everything else is there and every channel is closed.",
        )
        marker = st.text_input(
            "Marker tag",
            key="marker",
            placeholder="none",
            max_chars=60,
            help="A tag that people have from their first moment on, so that your workflows can leave them out.",
        )
        conflict = st.selectbox(
            "If a living contact has the same e-mail or phone",
            list(CONFLICTS),
            key="on_conflict",
            help="No value of a living contact is ever overwritten.",
        )
        past = st.checkbox("Bring back appointments that are over, too", key="past_appointments")
        left = _leave_out(location_ids)
    return PlanChoices(
        tags=TAGS[str(tags)],
        marker=marker.strip(),
        on_conflict=CONFLICTS[str(conflict)],
        past_appointments=past,
        leave_out=left,
        **decided(),
    )


def _leave_out(location_ids: Sequence[str]) -> tuple[str, ...]:
    with session.app_context().vault.read() as tx:
        offered = names_to_leave(names_of(tx, location_ids))
    offered = {name: name for name in st.session_state.get("leave_out", ())} | offered
    return tuple(
        st.multiselect(
            "Leave out for everybody",
            list(offered),
            key="leave_out",
            format_func=lambda name: offered.get(name, name),
            placeholder="Nothing: all of it comes back",
            help="What is left out is not written, and does not count as lost.",
        )
    )
