"""How much of what belongs to the contacts is copied: the block on the Overview, the line on a contact's record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import streamlit as st

from hlcore.metrics.coverage import KIND_NAMES, Coverage, KindCoverage, coverage, kind_names
from hlcore.ui import session
from hlcore.ui.components import formatting

CACHE_SECONDS = 20


def show_coverage(location_ids: Sequence[str]) -> None:
    """Draw how much beside the contacts themselves is safe, kind by kind; nothing before the first copy and where all
    of it is safe."""
    coverages = _load(tuple(location_ids))
    kinds = _kinds(coverages)
    if not max((kind.total for kind in kinds), default=0) or all(location.complete for location in coverages):
        return
    with st.container(border=True, key="safety"):
        st.markdown("#### What belongs to your contacts", anchors=False)
        with st.grid(4, min_column_width=150, gap="small"):
            for key, name in KIND_NAMES.items():
                share = _share([kind for kind in kinds if kind.kind == key])
                st.progress(share, text=f"{name.capitalize()} {formatting.percent(_rounded_down(share))}")


def answer_text(location_ids: Sequence[str]) -> str:
    """Return what is known of what belongs to the contacts: their notes, tasks, opportunities and messages."""
    coverages = _load(tuple(location_ids))
    if not max((kind.total for kind in _kinds(coverages)), default=0):
        return "Nothing is known yet: notes, tasks, opportunities and messages are copied after the first listing."
    return coverage_text(coverages, session.shared_timezone(session.selected_locations()))


def known_text(location_ids: Sequence[str], kind: str) -> str:
    """Return of how many of the contacts in HighLevel the records of this kind are known: 'known for 9 of 12'."""
    of_kind = [each for each in _kinds(_load(tuple(location_ids))) if each.kind == kind]
    safe, total = sum(min(each.safe, each.total) for each in of_kind), sum(each.total for each in of_kind)
    return f"known for {formatting.count(safe)} of {formatting.count(total)} contacts in HighLevel"


def coverage_text(coverages: Sequence[Coverage], tz: str) -> str:
    """Return 'The notes of 61 % of contacts are safe; all by …' for the kind that is furthest behind."""
    kinds = _kinds(coverages)
    if all(location.complete for location in coverages):
        return "Full details, notes, tasks, opportunities, appointments and messages of every contact are safe."
    unreadable = sorted({kind.name for kind in kinds if kind.closed})
    shares = {key: _share([kind for kind in kinds if kind.kind == key and not kind.closed]) for key in KIND_NAMES}
    behind = min(shares, key=lambda key: shares[key])
    text = f"The {KIND_NAMES[behind]} of {formatting.percent(_rounded_down(shares[behind]))} of contacts are safe"
    done_by = _done_by(kinds)
    until = f"; all by {formatting.moment(done_by, tz)} at this pace." if done_by else "."
    return text + until + (f" The token may not read {', '.join(unreadable)}." if unreadable else "")


def unsafe_text(kinds: Sequence[str]) -> str:
    """Return what is not yet safe of one contact; '' when everything is."""
    return f"Not yet safe: {', '.join(KIND_NAMES[kind] for kind in kinds)}." if kinds else ""


def never_captured_text(kinds: Sequence[str]) -> str:
    """Return what is not known of a person who is gone."""
    return f"Never captured before this person was gone: {kind_names(kinds)}. Nobody knows what there was."


@st.cache_data(ttl=CACHE_SECONDS, show_spinner=False)
def _load(location_ids: tuple[str, ...]) -> list[Coverage]:
    context = session.app_context()
    now = context.clock.now()
    return [coverage(context.vault, location_id, now, context.settings) for location_id in location_ids]


def _kinds(coverages: Sequence[Coverage]) -> list[KindCoverage]:
    return [kind for location in coverages for kind in location.kinds]


def _share(kinds: Sequence[KindCoverage]) -> float:
    total = sum(kind.total for kind in kinds)
    return sum(min(kind.safe, kind.total) for kind in kinds) / total if total else 1.0


def _rounded_down(share: float) -> float:
    """Keep one decimal of the percentage, so that 99.96 % is not shown as 100 %."""
    return int(share * 1000) / 1000


def _done_by(kinds: Sequence[KindCoverage]) -> datetime | None:
    """Return when the last readable kind will be safe; None when that is not known for one of them."""
    moments = [kind.done_by for kind in kinds if not kind.closed]
    known = [moment for moment in moments if moment is not None]
    return max(known) if known and len(known) == len(moments) else None
