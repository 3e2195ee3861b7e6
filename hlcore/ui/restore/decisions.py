"""What the user decides about a restore: options for everybody, and decisions about single contacts and stages.

The plan is made again after each decision, and Streamlit forgets a widget that is not drawn meanwhile. So the decisions
about contacts and stages are kept in the session under keys of their own, and their widgets start from them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from hlcore.model.custom_fields import is_empty
from hlcore.model.restore.exclusions import FIELDS, KINDS, is_left_out
from hlcore.restore.plan import FieldLine, PlacementQuestion, Plan, PlanChoices, PlanItem
from hlcore.ui import session
from hlcore.ui.components import contact_fields
from hlcore.ui.components.contact_fields import Names, load_names
from hlcore.ui.components.formatting import capitalized, displayable, escaped
from hlcore.ui.components.tables import table

LEAVE_OUT_OF, ON_CONFLICT_OF = "leave_out_of", "on_conflict_of"
PLACES, EXPANDED = "stage_places", "opened_lines"
"""Session keys: contact id → what is left out, → what is done about a conflict; stage → its replacement; contact id →
True while its fields are shown."""
TAGS: dict[str, Any] = {"Last": "last", "At once": "first", "Not at all": "none"}
CONFLICTS: dict[str, Any] = {
    "Leave them out": "skip",
    "Fill only the blanks of the living one": "fill",
    "Create beside the living one (where the account allows duplicates)": "create",
}
CONFLICT_LABELS: Mapping[str, Any] = {"skip": "Leave out", "fill": "Fill the blanks", "create": "Create beside"}
NO_STAGE = ""
_ALL_OF = ("note", "task", "opportunity", "appointment", "message", "followers")
_TEXT = st.column_config.TextColumn
_COLUMNS: Mapping[str, Any] = {
    "Field": _TEXT(width=170),
    "Last copy": _TEXT(width=180),
    "Living": _TEXT(width=180),
    "Will be written": _TEXT(width=180),
    "Why not": _TEXT(width="large"),
}


def choose_options(location_ids: Sequence[str] = ()) -> PlanChoices:
    """Draw the options of the restore, folded because the defaults are the careful ones, and return all choices: these
    and the decisions about single contacts and stages. `location_ids`: whose custom fields can be left out."""
    st.session_state.setdefault("tags_when", "Last")
    with st.expander("Options", icon=":material/tune:"):
        tags = st.segmented_control(
            "Tags",
            list(TAGS),
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
        leave_out = _choose_left_out(location_ids)
    return PlanChoices(
        tags=TAGS[str(tags)],
        marker=marker.strip(),
        on_conflict=CONFLICTS[str(conflict)],
        past_appointments=past,
        leave_out=leave_out,
        leave_out_of=_decisions(LEAVE_OUT_OF),
        on_conflict_of=_decisions(ON_CONFLICT_OF),
        places=_decisions(PLACES),
    )


def are_options_drawn() -> bool:
    """Whether the options were drawn in the run before. Streamlit forgets them once another page was on show."""
    return "marker" in st.session_state


def fill_options(choices: PlanChoices) -> None:
    """Let the options and the decisions start from these choices, as a stored draft holds them."""
    state = {
        "tags_when": next(label for label, tags in TAGS.items() if tags == choices.tags),
        "marker": choices.marker,
        "on_conflict": next(label for label, choice in CONFLICTS.items() if choice == choices.on_conflict),
        "past_appointments": choices.past_appointments,
        "leave_out": list(choices.leave_out),
        LEAVE_OUT_OF: dict(choices.leave_out_of),
        ON_CONFLICT_OF: dict(choices.on_conflict_of),
        PLACES: dict(choices.places),
    }
    for key, value in state.items():
        st.session_state[key] = value


def _choose_left_out(location_ids: Sequence[str]) -> tuple[str, ...]:
    with session.app_context().vault.read() as tx:
        labels: dict[str, str] = leave_out_labels(load_names(tx, location_ids))
    labels = {name: name for name in st.session_state.get("leave_out", ())} | labels
    return tuple(
        st.multiselect(
            "Leave out for everybody",
            list(labels),
            key="leave_out",
            format_func=lambda name: displayable(labels.get(name) or name),
            placeholder="Nothing: all of it comes back",
            help="What is left out is not written, and does not count as lost.",
        )
    )


def leave_out_labels(names: Names) -> dict[str, str]:
    """Return name → label of everything that can be left out for everybody."""
    labels = {name: contact_fields.field_label(name, names) for name in FIELDS}
    labels |= {f"customFields.{field_id}": label or field_id for field_id, label in names.fields.items()}
    return labels | {name: f"All {label}" if name in _ALL_OF else capitalized(label) for name, label in KINDS.items()}


def ask_stages(plans: Sequence[Plan]) -> None:
    """Draw a question for each stage that no longer exists: where do its opportunities go?"""
    questions = [(plan, question) for plan in plans for question in plan.questions]
    if not questions:
        return
    with st.container(border=True, gap="small", key="stage_questions"):
        st.markdown("##### :material/help: Where do these opportunities go?", anchors=False)
        st.caption("Their stage no longer exists. Until you choose, they are left behind and count as lost.")
        for plan, question in questions:
            _ask_stage(question, {NO_STAGE: "Leave them out", **{place.key: place.label for place in plan.places}})


def _ask_stage(question: PlacementQuestion, stages: Mapping[str, str]) -> None:
    key = displayable(f"place_{question.key}")
    st.session_state.setdefault(key, question.answer)
    st.selectbox(
        escaped(question.text),
        list(stages),
        index=None,
        key=key,
        format_func=lambda stage: displayable(stages.get(stage, stage)),
        placeholder="Choose a stage, or leave them out",
        on_change=_remember,
        args=(PLACES, question.key, key),
    )


def choose_on_conflict(item: PlanItem, choices: PlanChoices) -> None:
    """Draw what can be done where a living contact holds the same e-mail or phone."""
    if item.conflict is None or not item.compared:
        return
    key = f"conflict_{item.contact_id}"
    st.session_state.setdefault(key, choices.on_conflict_for(item.contact_id))
    st.segmented_control(
        "What to do",
        list(CONFLICT_LABELS),
        key=key,
        format_func=lambda choice: str(CONFLICT_LABELS[choice]),
        required=True,
        help="No value of the living contact is ever overwritten. Beside: only where the account allows duplicates.",
        on_change=_remember,
        args=(ON_CONFLICT_OF, item.contact_id, key),
    )


def choose_fields(item: PlanItem, choices: PlanChoices, names: Names, tz: str) -> None:
    """Draw, on request, every field and record of the contact, and the choice of those that do not come back."""
    if not item.lines:
        return
    key = f"lines_{item.contact_id}"
    st.session_state.setdefault(key, bool(_decisions(EXPANDED).get(item.contact_id)))
    if not st.toggle("Field by field", key=key, on_change=_remember, args=(EXPANDED, item.contact_id, key)):
        return
    rows = [_field_row(line, names, tz) for line in item.lines]
    columns = {name: _COLUMNS[name] for name in _COLUMNS if name != "Living" or any(row["Living"] for row in rows)}
    table(rows, key=f"lines_table_{item.contact_id}", alt="Last copy, living contact and plan", columns=columns)
    _choose_left_out_of(item, choices, names)


def _choose_left_out_of(item: PlanItem, choices: PlanChoices, names: Names) -> None:
    decided = [name for name in _decisions(LEAVE_OUT_OF).get(item.contact_id, ()) if isinstance(name, str)]
    labels = {line.leave: _line_label(line, names) for line in item.lines if line.leave}
    labels = {name: label for name, label in labels.items() if not is_left_out(name, choices.leave_out)}
    labels |= {name: name for name in decided if name not in labels}
    key = f"leave_{item.contact_id}"
    st.session_state.setdefault(key, decided)
    if labels:
        st.multiselect(
            "Leave out for this person",
            list(labels),
            key=key,
            format_func=lambda name: displayable(labels.get(name) or name),
            placeholder="Nothing: all of it comes back",
            on_change=_remember,
            args=(LEAVE_OUT_OF, item.contact_id, key),
        )


def _field_row(line: FieldLine, names: Names, tz: str) -> dict[str, str]:
    name = "" if line.field.startswith("dnd") else line.field

    def text(value: Any) -> str:
        return "" if is_empty(value) else contact_fields.value_text(name, value, names, tz)

    return {
        "Field": _line_label(line, names),
        "Last copy": text(line.copy),
        "Living": text(line.living),
        "Will be written": text(line.written),
        "Why not": line.why,
    }


def _line_label(line: FieldLine, names: Names) -> str:
    if line.leave in KINDS and line.leave != line.field:
        return capitalized(KINDS[line.leave])
    known = line.field in (*FIELDS, "dnd") or line.field.startswith("customFields.")
    return contact_fields.field_label(line.field, names) if known else capitalized(line.label)


def forget_decisions() -> None:
    """Drop the decisions about single contacts and stages."""
    for key in (LEAVE_OUT_OF, ON_CONFLICT_OF, PLACES, EXPANDED):
        st.session_state.pop(key, None)


def _decisions(key: str) -> dict[str, Any]:
    return dict(st.session_state.get(key, {}))


def _remember(key: str, subject: str, widget_key: str) -> None:
    """Keep the widget's value as the decision about `subject`; an empty value takes the decision back."""
    value = st.session_state.get(widget_key)
    decisions = {other: decision for other, decision in _decisions(key).items() if other != subject}
    if value is not None and value != [] and value is not False:
        decisions[subject] = tuple(value) if isinstance(value, list) else value
    st.session_state[key] = decisions
